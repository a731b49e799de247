//! A part's object as Parquet's asynchronous reader wants it: whatever it reads has been checked against
//! the checksums of the manifest, so no damaged byte reaches a decoder.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

/// Bytes under one checksum: what the smallest read costs.
const BLOCK_BYTES: u64 = 128 * 1024;
/// Enough for the footer of most parts.
const FOOTER_BYTES: usize = 64 * 1024;

/// CRC32C of each block of an object.
pub(super) fn checksums(object: &[u8]) -> Vec<u32> {
    object.chunks(BLOCK_BYTES as usize).map(crc32c::crc32c).collect()
}

pub(super) struct ObjectReader {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) size_bytes: u64,
    pub(super) checksums: Arc<[u32]>,
}

impl ObjectReader {
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size_bytes {
            return Err(ParquetError::General("a range beyond the object".to_owned()));
        }
        let first = range.start / BLOCK_BYTES;
        let blocks = first * BLOCK_BYTES..range.end.next_multiple_of(BLOCK_BYTES).min(self.size_bytes);
        let read = self.objects.get_range(&self.path, blocks.clone()).await;
        let bytes = read.map_err(|error| ParquetError::External(Box::new(error)))?;
        let expected = self.checksums.iter().skip(first as usize);
        let found = bytes.chunks(BLOCK_BYTES as usize).map(crc32c::crc32c);
        let sound = bytes.len() as u64 == blocks.end - blocks.start
            && found.zip(expected.map(Some).chain(std::iter::repeat(None))).all(|(f, e)| Some(&f) == e);
        if !sound {
            return Err(ParquetError::General(format!("wrong checksum within bytes {blocks:?}")));
        }
        let start = (range.start - blocks.start) as usize;
        Ok(bytes.slice(start..start + (range.end - range.start) as usize))
    }
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.read(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let reader = &*self;
        async move { futures::future::try_join_all(ranges.into_iter().map(|range| reader.read(range))).await }
            .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size_bytes;
            // The offset index lets a selection of rows read the pages that hold them, and no others.
            let reader = ParquetMetaDataReader::new()
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER_BYTES));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
