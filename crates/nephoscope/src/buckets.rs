//! The buckets of the configuration: local folders and S3-compatible services, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use signals::{BucketError, Buckets};

use crate::config::{Bucket, BucketPlace};

/// Every bucket a user configured.
pub(crate) struct ConfiguredBuckets {
    buckets: BTreeMap<String, Bucket>,
}

impl ConfiguredBuckets {
    pub(crate) fn new(buckets: BTreeMap<String, Bucket>) -> Arc<Self> {
        Arc::new(Self { buckets })
    }

    fn open(&self, name: &str) -> Result<Arc<dyn ObjectStore>, BucketError> {
        let missing = || BucketError::Missing(name.to_owned());
        match &self.buckets.get(name).ok_or_else(missing)?.place {
            // Only the folder the user made: one that is not mounted now must not be made up.
            BucketPlace::Folder(folder) if !folder.is_dir() => Err(missing()),
            BucketPlace::Folder(folder) => {
                store::durable_local(folder).map_err(|error| problem(name, &error))
            }
            BucketPlace::S3(s3) => {
                let builder = AmazonS3Builder::new()
                    .with_bucket_name(s3.bucket.as_deref().unwrap_or(name))
                    .with_region(&s3.region)
                    .with_endpoint(&s3.endpoint)
                    .with_allow_http(s3.endpoint.starts_with("http://"))
                    .with_virtual_hosted_style_request(!s3.path_style)
                    .with_access_key_id(&s3.access_key_id)
                    .with_secret_access_key(&s3.secret_access_key);
                Ok(Arc::new(builder.build().map_err(|error| problem(name, &error))?))
            }
        }
    }
}

#[async_trait]
impl Buckets for ConfiguredBuckets {
    async fn exists(&self, bucket: &str) -> Result<bool, BucketError> {
        let store = match self.open(bucket) {
            Ok(store) => store,
            Err(BucketError::Missing(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        // A listing tells a missing bucket from a missing object.
        match store.list(Some(&Path::from("aws-logs-write-test"))).next().await {
            None | Some(Ok(_)) => Ok(true),
            Some(Err(object_store::Error::NotFound { .. })) => Ok(false),
            Some(Err(error)) => Err(problem(bucket, &error)),
        }
    }

    async fn put_object(&self, bucket: &str, key: &str, body: bytes::Bytes) -> Result<(), BucketError> {
        // `Path` knows no empty segments; everything else in a key is kept as it is.
        let key: Vec<&str> = key.split('/').filter(|segment| !segment.is_empty()).collect();
        let path = Path::parse(key.join("/")).map_err(|error| BucketError::Refused(error.to_string()))?;
        let store = self.open(bucket)?;
        store.put(&path, body.into()).await.map(|_| ()).map_err(|error| problem(bucket, &error))
    }
}

fn problem(bucket: &str, error: &object_store::Error) -> BucketError {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => BucketError::Missing(bucket.to_owned()),
        Error::PermissionDenied { .. }
        | Error::Unauthenticated { .. }
        | Error::InvalidPath { .. }
        | Error::NotSupported { .. } => BucketError::Refused(chain(error)),
        other => BucketError::Unavailable(chain(other)),
    }
}

/// The error and its causes: the topmost text alone names only the attempt.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_a_bucket_while_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let bucket = Bucket { place: BucketPlace::Folder(folder.path().join("b")) };
        let buckets = ConfiguredBuckets::new([("b".to_owned(), bucket)].into());
        assert_eq!(buckets.exists("b").await, Ok(false));
        assert_eq!(buckets.exists("other").await, Ok(false));
        let missing = buckets.put_object("b", "k", "x".into()).await;
        assert_eq!(missing, Err(BucketError::Missing("b".to_owned())));
        std::fs::create_dir(folder.path().join("b")).unwrap();
        assert_eq!(buckets.exists("b").await, Ok(true));
        buckets.put_object("b", "/p//2024-[$LATEST]é/000000.gz", "x".into()).await.unwrap();
        let written = std::fs::read(folder.path().join("b/p/2024-[$LATEST]é/000000.gz")).unwrap();
        assert_eq!(written, b"x");
        let outside = buckets.put_object("b", "../x", "x".into()).await;
        assert!(matches!(outside, Err(BucketError::Refused(_))), "{outside:?}");
    }
}
