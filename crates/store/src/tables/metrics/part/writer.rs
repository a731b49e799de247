//! Writes parts: series in key order, their buckets in slot order.

use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

use super::super::head::Bucket;
use super::super::tier::{DAY_SECS, Tier};
use super::columns::{Columns, SCHEMA, writer_properties};
use super::index::{
    BLOCK_SERIES, Block, Directory, Extent, KeyBlock, PartMeta, RowGroup, SeriesRows, timestamp,
};
use crate::core::Core;
use crate::error::StoreError;
use crate::manifest::PartEntry;
use crate::wal::TableId;

/// The days a part covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in super::super) struct Window {
    pub(in super::super) start_day: u32,
    pub(in super::super) days: u32,
}

impl Window {
    /// The window of `tier` that `day` is in.
    pub(in super::super) fn of(day: u32, tier: Tier) -> Self {
        let days = tier.window_days();
        Self { start_day: day - day % days, days }
    }

    pub(in super::super) fn end_second(self) -> u32 {
        (self.start_day + self.days).saturating_mul(DAY_SECS)
    }
}

/// A part, ready to be put and committed.
pub(in super::super) struct BuiltPart {
    pub(in super::super) bytes: Bytes,
    rows: u64,
    first_second: u32,
    last_second: u32,
    meta: PartMeta,
}

impl BuiltPart {
    /// The manifest's entry under this id.
    pub(in super::super) fn entry(&self, id: u64) -> PartEntry {
        PartEntry {
            id,
            table: TableId::Metrics,
            partition: String::new(),
            path: Core::part_path(TableId::Metrics, id),
            rows: self.rows,
            size_bytes: self.bytes.len() as u64,
            min_time: timestamp(self.first_second),
            max_time: timestamp(self.last_second),
            meta: self.meta.encode(),
        }
    }
}

/// Collects one part.
pub(in super::super) struct PartWriter {
    window: Window,
    run: u64,
    row_group_rows: usize,
    writer: ArrowWriter<Vec<u8>>,
    columns: Columns,
    block: KeyBlock,
    blocks: Vec<KeyBlock>,
    series: u32,
    rows: u64,
    seconds: Option<(u32, u32)>,
    finest: Tier,
}

impl PartWriter {
    pub(in super::super) fn new(window: Window, run: u64, row_group_rows: usize) -> Result<Self, StoreError> {
        let options = ArrowWriterOptions::new()
            .with_properties(writer_properties(row_group_rows))
            .with_skip_arrow_metadata(true);
        let writer =
            ArrowWriter::try_new_with_options(Vec::new(), SCHEMA.clone(), options).map_err(format_error)?;
        Ok(Self {
            window,
            run,
            row_group_rows,
            writer,
            columns: Columns::default(),
            block: KeyBlock::default(),
            blocks: Vec::new(),
            series: 0,
            rows: 0,
            seconds: None,
            finest: Tier::Hour,
        })
    }

    /// Bytes the part has so far, without rows that still wait for their row group.
    pub(in super::super) fn size_bytes(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Appends all rows of a series. Keys must come in order; `buckets` must be sorted and not empty.
    pub(in super::super) fn push(&mut self, key: &[u8], mut buckets: &[Bucket]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else { return Ok(()) };
        let (first_second, last_second) = (first.second, last.second);
        let rows = SeriesRows { first_row: self.rows, rows: buckets.len() as u64, first_second, last_second };
        self.seconds = Some(match self.seconds {
            None => (first_second, last_second),
            Some((min, max)) => (min.min(first_second), max.max(last_second)),
        });
        self.finest = buckets.iter().map(|b| b.tier).fold(self.finest, Tier::min);
        self.block.push(key, rows);
        if self.block.len() == BLOCK_SERIES {
            self.blocks.push(std::mem::take(&mut self.block));
        }
        while !buckets.is_empty() {
            let room = self.row_group_rows - self.columns.rows();
            let (now, later) = buckets.split_at(room.min(buckets.len()));
            self.columns.push(self.series, now);
            buckets = later;
            if self.columns.rows() >= self.row_group_rows {
                self.flush_row_group()?;
            }
        }
        self.rows += rows.rows;
        self.series += 1;
        Ok(())
    }

    fn flush_row_group(&mut self) -> Result<(), StoreError> {
        if self.columns.rows() > 0 {
            let batch = self.columns.take()?;
            self.writer.write(&batch).map_err(format_error)?;
            self.writer.flush().map_err(format_error)?;
        }
        Ok(())
    }

    /// The part; `None` if it has no rows.
    pub(in super::super) fn finish(mut self) -> Result<Option<BuiltPart>, StoreError> {
        let Some((first_second, last_second)) = self.seconds else { return Ok(None) };
        self.flush_row_group()?;
        if self.block.len() > 0 {
            self.blocks.push(std::mem::take(&mut self.block));
        }
        let sync = |writer: &mut ArrowWriter<Vec<u8>>| writer.sync().map_err(format_error);
        sync(&mut self.writer)?;
        let mut directory = Directory { row_groups: self.row_groups(), blocks: Vec::new() };
        for block in std::mem::take(&mut self.blocks) {
            let Some((first_key, rows)) = block.get(0) else { continue };
            let extent = self.embed(&block.encode()?)?;
            directory.blocks.push(Block { first_key: first_key.to_vec(), first_row: rows.first_row, extent });
        }
        let directory = self.embed(&directory.encode()?)?;
        let file = self.writer.into_inner().map_err(format_error)?;
        let footer = footer_extent(&file)
            .ok_or_else(|| StoreError::format("a metric part", "the footer is not where it should be"))?;
        let meta = PartMeta {
            start_day: self.window.start_day,
            days: self.window.days,
            finest: self.finest,
            run: self.run,
            directory,
            footer,
        };
        Ok(Some(BuiltPart { bytes: file.into(), rows: self.rows, first_second, last_second, meta }))
    }

    fn row_groups(&self) -> Vec<RowGroup> {
        let file = self.writer.inner();
        let mut first_row = 0;
        let mut groups = Vec::new();
        for group in self.writer.flushed_row_groups() {
            let ranges = || group.columns().iter().map(|c| c.byte_range());
            let start = ranges().map(|(offset, _)| offset).min().unwrap_or(0) as usize;
            let end = ranges().map(|(offset, len)| offset + len).max().unwrap_or(0) as usize;
            let rows = group.num_rows() as u64;
            groups.push(RowGroup { first_row, rows, extent: Extent::of(file, start, end - start) });
            first_row += rows;
        }
        groups
    }

    /// Puts bytes between the row groups and the footer, where Parquet readers pass over them.
    fn embed(&mut self, bytes: &[u8]) -> Result<Extent, StoreError> {
        let offset = self.writer.bytes_written();
        self.writer.write_all(bytes).map_err(format_error)?;
        Ok(Extent { offset: offset as u64, len: bytes.len() as u64, crc: crc32c::crc32c(bytes) })
    }
}

/// The Thrift metadata before the closing length and magic.
fn footer_extent(file: &[u8]) -> Option<Extent> {
    let (body, tail) = file.split_at_checked(file.len().checked_sub(8)?)?;
    let len = u32::from_le_bytes(tail[..4].try_into().ok()?) as usize;
    Some(Extent::of(file, body.len().checked_sub(len)?, len))
}

fn format_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::format("a metric part", error)
}
