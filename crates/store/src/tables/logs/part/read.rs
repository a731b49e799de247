//! Reads blocks out of a part.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType, UInt64Type};
use arrow::record_batch::RecordBatch;
use base::{TimeRange, Timestamp};
use bytes::Bytes;
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use tokio::sync::OnceCell;

use super::super::api::LogPosition;
use super::super::block::Block;
use super::super::index::{BITMAP_BYTES, GRANULE_ROWS};
use super::super::layout::{Layout, take_count, take_i64, take_u64};
use super::Part;
use super::object::{PartReader, store_error};
use super::write::FIXED_COLUMNS;
use crate::error::StoreError;

/// Rows of a block that is read: a row group, so that each value of its dictionaries is looked at once.
const BATCH_ROWS: usize = 131_072;
/// Blocks are shorter when messages are long.
const BATCH_TEXT_BYTES: usize = 32 << 20;
/// An index section may not claim to be larger than this.
const SECTION_BYTES_MAX: u64 = 1 << 30;

/// Bounds of [`GRANULE_ROWS`] rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Granule {
    pub(crate) first: LogPosition,
    pub(crate) last: LogPosition,
    /// Least and greatest; anything in parts of version 1.
    pub(crate) sequences: RangeInclusive<u64>,
    pub(crate) message_bytes: u64,
    pub(crate) message_bytes_max: u64,
}

/// Which columns to load; timestamps always are.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Need {
    pub(crate) sequences: bool,
    pub(crate) ingestion_times: bool,
    pub(crate) streams: bool,
    pub(crate) templates: bool,
    pub(crate) texts: bool,
    pub(crate) fields: Vec<usize>,
}

impl Need {
    pub(crate) fn all(layout: &Layout) -> Self {
        Self {
            sequences: true,
            ingestion_times: true,
            streams: true,
            templates: true,
            texts: true,
            fields: (0..layout.columns.len()).collect(),
        }
    }

    /// Also what messages are put together from.
    pub(crate) fn with_messages(mut self, layout: &Layout) -> Self {
        self.templates = true;
        self.texts = true;
        self.fields = (0..layout.columns.len()).collect();
        self
    }

    pub(crate) fn with_field(mut self, column: usize) -> Self {
        if let Err(at) = self.fields.binary_search(&column) {
            self.fields.insert(at, column);
        }
        self
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Need::default()
    }
}

/// A part whose metadata are loaded.
pub(crate) struct OpenPart {
    pub(crate) layout: Arc<Layout>,
    pub(crate) granules: Vec<Granule>,
    arrow: ArrowReaderMetadata,
    trigrams: OnceCell<Bytes>,
    blooms: OnceCell<Vec<(u32, Bytes)>>,
}

impl Part {
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Arc<OpenPart>, StoreError> {
        if let Some(open) = self.open.load_full() {
            return Ok(open);
        }
        let ranges = vec![self.meta.layout.clone(), self.meta.footer..self.size_bytes];
        let mut fetched = self.fetch_all(ranges).await?;
        let (Some(footer), Some(layout)) = (fetched.pop(), fetched.pop()) else {
            return Err(self.damaged("it has no footer"));
        };
        let layout = decompress(&layout).ok_or_else(|| self.damaged("its layout cannot be decoded"))?;
        let input = &mut &layout[..];
        let layout = Layout::decode(input)?;
        let granules = take_granules(input, self.meta.version)
            .ok_or_else(|| self.damaged("its granules cannot be decoded"))?;
        if granules.len() != (self.rows as usize).div_ceil(GRANULE_ROWS) {
            return Err(self.damaged("it has another number of granules"));
        }
        let mut reader = ParquetMetaDataReader::new().with_offset_index_policy(PageIndexPolicy::Required);
        let parsed = reader.try_parse_sized(&footer, self.size_bytes).and_then(|()| reader.finish());
        let parquet = parsed.map_err(|e| store_error(&self.path, e))?;
        let memory = parquet.memory_size() + layout.columns.len() * 96 + granules.len() * 48 + 4096;
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Required);
        let arrow = ArrowReaderMetadata::try_new(Arc::new(parquet), options)
            .map_err(|e| store_error(&self.path, e))?;
        if arrow.schema().fields().len() != FIXED_COLUMNS.len() + layout.columns.len() {
            return Err(self.damaged("it has other columns than its layout"));
        }
        let open = Arc::new(OpenPart {
            layout: Arc::new(layout),
            granules,
            arrow,
            trigrams: OnceCell::new(),
            blooms: OnceCell::new(),
        });
        self.open.store(Some(open.clone()));
        self.cache.add(self, memory);
        Ok(open)
    }

    /// Rows `ranges` (in order, of the whole part, all within one row group) as blocks in order.
    pub(crate) async fn load(
        self: &Arc<Self>,
        open: &OpenPart,
        ranges: &[Range<usize>],
        need: &Need,
    ) -> Result<Vec<Block>, StoreError> {
        let Some(first) = ranges.first() else { return Ok(Vec::new()) };
        let group = first.start / self.meta.row_group_rows;
        let base = group * self.meta.row_group_rows;
        let group_rows = self.meta.row_group_rows.min(self.rows as usize - base);
        let inside = ranges.iter().map(|r| r.start - base..r.end - base);
        let selection = RowSelection::from_consecutive_ranges(inside, group_rows);
        let mut columns = vec![0];
        let fixed = [need.sequences, need.ingestion_times, need.streams, need.templates, need.texts];
        columns.extend(fixed.iter().enumerate().filter(|(_, wanted)| **wanted).map(|(i, _)| i + 1));
        columns.extend(need.fields.iter().map(|i| i + FIXED_COLUMNS.len()));
        let metadata = open.arrow.metadata().clone();
        let mask = ProjectionMask::roots(open.arrow.parquet_schema(), columns.iter().copied());
        let reader = PartReader { part: self.clone(), metadata };
        let stream = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, open.arrow.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_row_selection(selection)
            .with_batch_size(open.batch_rows(need))
            .build()
            .map_err(|e| store_error(&self.path, e))?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| store_error(&self.path, e))?;
        let block =
            |batch| open.block(&columns, batch).ok_or_else(|| self.damaged("a column has another type"));
        batches.into_iter().map(block).collect()
    }

    /// The trigram bitmap of every granule.
    pub(crate) async fn trigrams(self: &Arc<Self>, open: &OpenPart) -> Result<Bytes, StoreError> {
        let load = || async {
            let packed = self.fetch(self.meta.trigrams.clone()).await?;
            let bitmaps = decompress(&packed).filter(|b| b.len() == open.granules.len() * BITMAP_BYTES);
            let bitmaps = bitmaps.ok_or_else(|| self.damaged("its text index cannot be decoded"))?;
            self.cache.add(self, bitmaps.len());
            Ok(Bytes::from(bitmaps))
        };
        open.trigrams.get_or_try_init(load).await.cloned()
    }

    /// The Bloom filters of a column, granule by granule; `None` if it has none.
    pub(crate) async fn bloom(
        self: &Arc<Self>,
        open: &OpenPart,
        column: usize,
    ) -> Result<Option<Bytes>, StoreError> {
        let load = || async {
            let ranges = self.meta.blooms.iter().map(|(_, range)| range.clone()).collect();
            let filters = self.fetch_all(ranges).await?;
            // Kept apart from the fetched bytes, which are larger.
            let copies = filters.iter().map(|f| Bytes::copy_from_slice(f));
            let filters: Vec<(u32, Bytes)> = self.meta.blooms.iter().map(|(c, _)| *c).zip(copies).collect();
            self.cache.add(self, filters.iter().map(|(_, f)| f.len()).sum());
            Ok::<_, StoreError>(filters)
        };
        let all = open.blooms.get_or_try_init(load).await?;
        Ok(all.iter().find(|(c, _)| *c as usize == column).map(|(_, filter)| filter.clone()))
    }

    pub(crate) fn row_group_rows(&self) -> usize {
        self.meta.row_group_rows
    }
}

impl OpenPart {
    /// Granules that have rows in the time range.
    pub(crate) fn granules_in(&self, range: TimeRange) -> Range<usize> {
        let start = self.granules.partition_point(|g| g.last.timestamp < range.start);
        let end = match range.end {
            Timestamp::MAX => self.granules.len(),
            end => self.granules.partition_point(|g| g.first.timestamp < end),
        };
        start..end.max(start)
    }

    fn batch_rows(&self, need: &Need) -> usize {
        if !need.texts {
            return BATCH_ROWS;
        }
        let bytes: u64 = self.granules.iter().map(|g| g.message_bytes).max().unwrap_or_default();
        let average = (bytes as usize / GRANULE_ROWS).max(1);
        (BATCH_TEXT_BYTES / average).clamp(64, BATCH_ROWS)
    }

    fn block(&self, columns: &[usize], batch: RecordBatch) -> Option<Block> {
        let mut block = Block {
            layout: self.layout.clone(),
            timestamps: arrow::array::Int64Array::new_null(0),
            sequences: None,
            ingestion_times: None,
            streams: None,
            templates: None,
            texts: None,
            fields: vec![None; self.layout.columns.len()],
        };
        let millis = |a: &ArrayRef| {
            Some(a.as_primitive_opt::<TimestampMillisecondType>()?.reinterpret_cast::<Int64Type>())
        };
        for (column, array) in columns.iter().zip(batch.columns()) {
            match column {
                0 => block.timestamps = millis(array)?,
                1 => block.sequences = Some(array.as_primitive_opt::<UInt64Type>()?.clone()),
                2 => block.ingestion_times = Some(millis(array)?),
                3 => {
                    array.as_dictionary_opt::<Int32Type>()?.values().as_string_opt::<i32>()?;
                    block.streams = Some(array.clone());
                }
                4 => block.templates = Some(array.as_primitive_opt::<Int32Type>()?.clone()),
                5 => block.texts = Some(array.as_string_opt::<i32>()?.clone()),
                field => {
                    let index = field - FIXED_COLUMNS.len();
                    if *array.data_type() != self.layout.columns[index].encoding.data_type() {
                        return None;
                    }
                    block.fields[index] = Some(array.clone());
                }
            }
        }
        Some(block)
    }
}

fn take_granules(input: &mut &[u8], version: u8) -> Option<Vec<Granule>> {
    let position = |input: &mut &[u8]| {
        let timestamp = Timestamp::from_millis(take_i64(input)?);
        Some(LogPosition { timestamp, sequence: take_u64(input)? })
    };
    let count = take_count(input)?;
    let granule = |_| {
        Some(Granule {
            first: position(input)?,
            last: position(input)?,
            message_bytes: take_u64(input)?,
            message_bytes_max: take_u64(input)?,
            sequences: match version {
                1 => 0..=u64::MAX,
                _ => take_u64(input)?..=take_u64(input)?,
            },
        })
    };
    (0..count).map(granule).collect()
}

fn decompress(section: &[u8]) -> Option<Vec<u8>> {
    let (length, packed) = section.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    (length <= SECTION_BYTES_MAX).then(|| zstd::bulk::decompress(packed, length as usize).ok())?
}
