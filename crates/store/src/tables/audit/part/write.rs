//! Writing a part.

use arrow::array::{Array, AsArray, RecordBatch};
use base::{AccountId, Region};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use signals::AuditEvent;

use super::rows::{ACCOUNT, REGION, SCHEMA, TIME, time_at, to_batch};
use super::{PartMeta, ScopeSlice};
use crate::error::StoreError;

/// Rows of a row group: some 16 MB of records before compression.
const ROW_GROUP_ROWS: usize = 8192;
/// Bytes of a page of records: what reading one event costs.
const PAGE_BYTES: usize = 128 * 1024;

/// The bytes of a part, and where in it everything lies.
pub(in crate::tables::audit) struct WrittenPart {
    pub(in crate::tables::audit) bytes: Bytes,
    pub(in crate::tables::audit) meta: PartMeta,
}

/// Takes rows in order and makes the part's bytes.
pub(in crate::tables::audit) struct PartWriter {
    writer: ArrowWriter<Vec<u8>>,
    slices: Vec<ScopeSlice>,
}

impl PartWriter {
    pub(in crate::tables::audit) fn new() -> Result<Self, StoreError> {
        let record = ColumnPath::from("record");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(format)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_data_page_row_count_limit(1024)
            .set_write_batch_size(64)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_dictionary_enabled(record, false)
            .set_column_dictionary_enabled(ColumnPath::from("event_id"), false)
            .set_column_dictionary_enabled(ColumnPath::from("time"), false)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SCHEMA.clone(), Some(properties)).map_err(format)?;
        Ok(Self { writer, slices: Vec::new() })
    }

    /// Writes events that are already in order.
    pub(in crate::tables::audit) fn of_sorted<'e>(
        events: impl Iterator<Item = &'e AuditEvent>,
    ) -> Result<WrittenPart, StoreError> {
        let mut writer = Self::new()?;
        let mut pending = Vec::with_capacity(1024);
        for event in events {
            pending.push(event);
            if pending.len() == pending.capacity() {
                writer.push(&to_batch(&pending)?)?;
                pending.clear();
            }
        }
        if !pending.is_empty() {
            writer.push(&to_batch(&pending)?)?;
        }
        writer.finish()
    }

    /// Rows must come sorted by (account, Region, time, event id).
    pub(in crate::tables::audit) fn push(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        let (accounts, regions) =
            (batch.column(ACCOUNT).as_string::<i32>(), batch.column(REGION).as_string::<i32>());
        for row in 0..accounts.len() {
            let (account, region, time) =
                (accounts.value(row), regions.value(row), time_at(batch, TIME, row));
            match self.slices.last_mut() {
                Some(last) if last.account.as_str() == account && last.region.as_str() == region => {
                    last.rows += 1;
                    last.first_time = last.first_time.min(time);
                    last.last_time = last.last_time.max(time);
                }
                _ => self.slices.push(ScopeSlice {
                    account: AccountId::new(account).map_err(|e| StoreError::format("an audit part", e))?,
                    region: Region::new(region).map_err(|e| StoreError::format("an audit part", e))?,
                    rows: 1,
                    first_time: time,
                    last_time: time,
                }),
            }
        }
        self.writer.write(batch).map_err(format)
    }

    pub(in crate::tables::audit) fn finish(self) -> Result<WrittenPart, StoreError> {
        let bytes: Bytes = self.writer.into_inner().map_err(format)?.into();
        let meta = PartMeta::new(self.slices, &bytes);
        Ok(WrittenPart { bytes, meta })
    }
}

fn format(error: ParquetError) -> StoreError {
    StoreError::format("an audit part", error)
}
