//! Parts on the local file system, durable when a put returns.
//!
//! `object_store`'s local implementation renames into place but does not sync; the log is truncated on
//! the strength of a put, so this wrapper syncs the file and its folder.

use std::fmt;
use std::fs::File;
use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// An object store in the folder `root`, which is created if need be.
pub fn durable_local(root: &FilePath) -> Result<Arc<dyn ObjectStore>> {
    let io = |source: std::io::Error| object_store::Error::Generic { store: STORE, source: source.into() };
    std::fs::create_dir_all(root).map_err(io)?;
    Ok(Arc::new(DurableLocal { inner: LocalFileSystem::new_with_prefix(root)? }))
}

const STORE: &str = "DurableLocal";

#[derive(Debug)]
struct DurableLocal {
    inner: LocalFileSystem,
}

impl DurableLocal {
    async fn sync(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        let sync = move || -> std::io::Result<()> {
            File::open(&path)?.sync_all()?;
            // New folders on the way are new entries of their parents too.
            for folder in path.ancestors().skip(1).take(3) {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        let synced = tokio::task::spawn_blocking(sync).await;
        let flat = synced.map_err(std::io::Error::other).and_then(|result| result);
        flat.map_err(|source| object_store::Error::Generic { store: STORE, source: source.into() })
    }
}

impl fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, options).await?;
        self.sync(location).await?;
        Ok(result)
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        // Its completion could not be synced; parts are put whole.
        Err(object_store::Error::NotImplemented {
            operation: "put_multipart_opts".to_owned(),
            implementer: STORE.to_owned(),
        })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.sync(to).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn what_is_put_can_be_read_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let store = durable_local(&dir.path().join("objects")).unwrap();
        let path = Path::from("parts/logs/1.parquet");
        store.put(&path, "bytes".into()).await.unwrap();
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "bytes");
        store.delete(&path).await.unwrap();
        assert!(store.get(&path).await.is_err());
    }
}
