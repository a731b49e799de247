//! Writing a part, row groups ending only between traces.

use base::Timestamp;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use signals::TraceId;

use super::object::checksums;
use super::rows::{SCHEMA, to_batch};
use super::{PartMeta, PartSpan};
use crate::error::StoreError;
use crate::tables::traces::api::{StoredSegment, trace_time};

/// Rows of a row group, except that a trace is never split.
const ROW_GROUP_ROWS: usize = 16_384;
/// Rows handed to the writer at a time.
const BATCH_ROWS: usize = 1024;
/// Bytes of a page of documents: what reading one trace costs.
const PAGE_BYTES: usize = 64 * 1024;

/// A part that is not yet stored.
pub(in crate::tables::traces) struct EncodedPart {
    pub(in crate::tables::traces) bytes: Bytes,
    pub(in crate::tables::traces) rows: u64,
    pub(in crate::tables::traces) meta: PartMeta,
}

/// Takes rows in order and makes the part's bytes.
pub(in crate::tables::traces) struct PartWriter {
    writer: ArrowWriter<Vec<u8>>,
    pending: Vec<(TraceId, StoredSegment)>,
    group_rows: usize,
    rows: u64,
    span: PartSpan,
    last_id: Option<TraceId>,
}

impl PartWriter {
    pub(in crate::tables::traces) fn new() -> Result<Self, StoreError> {
        let document = ColumnPath::from("document");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(format)?))
            .set_max_row_group_row_count(None)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_write_batch_size(64)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_column_statistics_enabled(document.clone(), EnabledStatistics::None)
            .set_column_bloom_filter_enabled(ColumnPath::from("trace_id"), true)
            .set_column_bloom_filter_max_ndv(ColumnPath::from("trace_id"), ROW_GROUP_ROWS as u64)
            .set_column_encoding(document, Encoding::DELTA_LENGTH_BYTE_ARRAY)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), SCHEMA.clone(), Some(properties)).map_err(format)?;
        let (pending, span) = (Vec::with_capacity(BATCH_ROWS), PartSpan::EMPTY);
        Ok(Self { writer, pending, group_rows: 0, rows: 0, span, last_id: None })
    }

    /// Rows must come sorted by (trace id, segment id, sequence).
    pub(in crate::tables::traces) fn push(
        &mut self,
        id: TraceId,
        row: StoredSegment,
    ) -> Result<(), StoreError> {
        if self.last_id != Some(id) {
            if self.group_rows >= ROW_GROUP_ROWS {
                self.write_pending()?;
                self.writer.flush().map_err(format)?;
                self.group_rows = 0;
            }
            self.last_id = Some(id);
        }
        widen(&mut self.span, id, &row);
        self.pending.push((id, row));
        self.group_rows += 1;
        self.rows += 1;
        if self.pending.len() >= BATCH_ROWS { self.write_pending() } else { Ok(()) }
    }

    /// The part, ready to be stored.
    pub(in crate::tables::traces) fn finish(mut self) -> Result<EncodedPart, StoreError> {
        self.write_pending()?;
        let bytes = Bytes::from(self.writer.into_inner().map_err(format)?);
        let checksums = checksums(&bytes);
        Ok(EncodedPart { bytes, rows: self.rows, meta: PartMeta { span: self.span, checksums } })
    }

    fn write_pending(&mut self) -> Result<(), StoreError> {
        if !self.pending.is_empty() {
            self.writer.write(&to_batch(&self.pending)?).map_err(format)?;
            self.pending.clear();
        }
        Ok(())
    }
}

fn widen(span: &mut PartSpan, id: TraceId, row: &StoredSegment) {
    let extend = |bounds: &mut (Timestamp, Timestamp), low: Timestamp, high: Timestamp| {
        *bounds = (bounds.0.min(low), bounds.1.max(high));
    };
    let time = trace_time(id, row.start_time, row.received);
    extend(&mut span.trace_time, time, time);
    if let Some(end) = row.end_time {
        extend(&mut span.end_time, end, end);
    }
    let last = if row.is_unfinished { Timestamp::MAX } else { row.last_time };
    extend(&mut span.activity, row.first_time, last);
    extend(&mut span.received, row.received, row.received);
    span.ids = (span.ids.0.min(id), span.ids.1.max(id));
}

fn format(error: ParquetError) -> StoreError {
    StoreError::format("a trace part", error)
}
