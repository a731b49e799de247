//! A part's object as Parquet's asynchronous reader wants it, every byte of it checked: objects are read
//! in whole blocks whose checksums the manifest keeps, so that nothing damaged reaches a decoder.

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

pub(super) struct ObjectReader {
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) path: Path,
    pub(super) size_bytes: u64,
    pub(super) checksums: Arc<[u32]>,
}

/// CRC32C of each block of an object.
pub(super) fn checksums(bytes: &[u8]) -> Arc<[u32]> {
    bytes.chunks(BLOCK_BYTES as usize).map(crc32c::crc32c).collect()
}

impl ObjectReader {
    /// The whole blocks that `range` touches.
    fn blocks(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
        range.start / BLOCK_BYTES * BLOCK_BYTES..end.min(self.size_bytes)
    }

    /// Checks what was read of `blocks` and cuts `range` out of it.
    fn verified(&self, range: &Range<u64>, blocks: &Range<u64>, bytes: &Bytes) -> Result<Bytes> {
        let first = (blocks.start / BLOCK_BYTES) as usize;
        let sound = bytes.len() as u64 == blocks.end - blocks.start
            && bytes
                .chunks(BLOCK_BYTES as usize)
                .zip(self.checksums.iter().skip(first))
                .all(|(block, checksum)| crc32c::crc32c(block) == *checksum);
        if !sound || range.end > blocks.end {
            return Err(ParquetError::General(format!(
                "a checksum in bytes {}..{} is wrong",
                blocks.start, blocks.end
            )));
        }
        let from = (range.start - blocks.start) as usize;
        Ok(bytes.slice(from..from + (range.end - range.start) as usize))
    }
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let blocks = self.blocks(&range);
            let bytes = self.objects.get_range(&self.path, blocks.clone()).await.map_err(external)?;
            self.verified(&range, &blocks, &bytes)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let blocks: Vec<_> = ranges.iter().map(|range| self.blocks(range)).collect();
            let read = self.objects.get_ranges(&self.path, &blocks).await.map_err(external)?;
            let parts = ranges.iter().zip(&blocks).zip(&read);
            parts.map(|((range, blocks), bytes)| self.verified(range, blocks, bytes)).collect()
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size_bytes;
            let reader = ParquetMetaDataReader::new()
                .with_column_index_policy(PageIndexPolicy::Skip)
                .with_offset_index_policy(PageIndexPolicy::Optional)
                .with_prefetch_hint(Some(FOOTER_BYTES));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Enough for the footer of most parts.
const FOOTER_BYTES: usize = 64 * 1024;
/// Bytes that are read and checked together.
const BLOCK_BYTES: u64 = 128 * 1024;
