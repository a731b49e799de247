//! Reads byte ranges of a part's object, each checked against the checksums of the manifest: bytes that are
//! not what was written are never handed out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::Part;
use super::meta::CHECK_BYTES;
use crate::error::StoreError;

/// Checksums of an object, block by block.
pub(crate) fn checks_of(object: &[u8]) -> Vec<u32> {
    object.chunks(CHECK_BYTES as usize).map(crc32c::crc32c).collect()
}

impl Part {
    pub(crate) async fn fetch(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let mut found = self.fetch_all(vec![range]).await?;
        Ok(found.pop().unwrap_or_default())
    }

    /// The bytes of each range.
    pub(crate) async fn fetch_all(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>, StoreError> {
        let outer = self.whole_blocks(&ranges)?;
        let fetched = self.objects().get_ranges(&Path::from(self.path.as_str()), &outer).await;
        let fetched = fetched.map_err(|e| StoreError::object(&self.path, e))?;
        for (range, bytes) in outer.iter().zip(&fetched) {
            if bytes.len() as u64 != range.end - range.start {
                return Err(self.damaged("it is cut off"));
            }
            let first = (range.start / CHECK_BYTES) as usize;
            for (nth, block) in bytes.chunks(CHECK_BYTES as usize).enumerate() {
                if self.meta.checks.get(first + nth) != Some(&crc32c::crc32c(block)) {
                    return Err(self.damaged(&format!("checksum of block {} is wrong", first + nth)));
                }
            }
        }
        let slice = |range: &Range<u64>| {
            let at = outer.partition_point(|o| o.end <= range.start).min(outer.len().checked_sub(1)?);
            let (from, to) =
                (range.start.checked_sub(outer[at].start)?, range.end.checked_sub(outer[at].start)?);
            (to <= fetched[at].len() as u64).then(|| fetched[at].slice(from as usize..to as usize))
        };
        let found = ranges.iter().map(|r| if r.is_empty() { Some(Bytes::new()) } else { slice(r) });
        found.collect::<Option<Vec<_>>>().ok_or_else(|| self.damaged("a range lies outside"))
    }

    /// The ranges widened to whole check blocks and joined where they meet, in order.
    fn whole_blocks(&self, ranges: &[Range<u64>]) -> Result<Vec<Range<u64>>, StoreError> {
        let mut wide: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges.iter().filter(|r| !r.is_empty()) {
            if range.end > self.size_bytes {
                return Err(self.damaged("a range lies outside"));
            }
            let end = range.end.div_ceil(CHECK_BYTES) * CHECK_BYTES;
            wide.push(range.start / CHECK_BYTES * CHECK_BYTES..end.min(self.size_bytes));
        }
        wide.sort_by_key(|r| r.start);
        let mut joined: Vec<Range<u64>> = Vec::with_capacity(wide.len());
        for range in wide {
            match joined.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => joined.push(range),
            }
        }
        Ok(joined)
    }

    fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.core.objects
    }

    pub(crate) fn damaged(&self, detail: &str) -> StoreError {
        StoreError::damaged(&self.path, detail)
    }
}

/// Parquet's view of the object.
pub(crate) struct PartReader {
    pub(crate) part: Arc<Part>,
    pub(crate) metadata: Arc<ParquetMetaData>,
}

impl AsyncFileReader for PartReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { self.part.fetch(range).await.map_err(|e| ParquetError::External(Box::new(e))) }.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.part.fetch_all(ranges).await.map_err(|e| ParquetError::External(Box::new(e))) }
            .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let metadata = self.metadata.clone();
        async move { Ok(metadata) }.boxed()
    }
}

/// The store's own error out of Parquet's, if that is the cause.
pub(crate) fn store_error(what: &str, error: ParquetError) -> StoreError {
    match error {
        ParquetError::External(source) => match source.downcast::<StoreError>() {
            Ok(own) => *own,
            Err(other) => StoreError::format(what, other),
        },
        other => StoreError::format(what, other),
    }
}
