//! Reads parts: one series at a time through the index, or all of them in order.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;
use parking_lot::Mutex;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{ChunkReader, Length};
use tokio::sync::OnceCell;

use super::super::head::Bucket;
use super::columns::{self, Row};
use super::index::{Directory, Extent, KeyBlock, PartMeta, SeriesRows};
use crate::core::Core;
use crate::error::StoreError;
use crate::manifest::PartEntry;

/// A committed part. Its object is deleted when it has been removed and the last reader lets go.
pub(in super::super) struct Part {
    core: Arc<Core>,
    pub(in super::super) entry: Arc<PartEntry>,
    pub(in super::super) meta: PartMeta,
    removed: AtomicBool,
    opened: OnceCell<Opened>,
}

struct Opened {
    directory: Directory,
    parquet: ArrowReaderMetadata,
}

impl Part {
    pub(in super::super) fn new(core: Arc<Core>, entry: Arc<PartEntry>) -> Result<Self, StoreError> {
        let meta = PartMeta::decode(&entry.meta)
            .ok_or_else(|| StoreError::damaged(&entry.path, "its manifest entry does not decode"))?;
        Ok(Self { core, entry, meta, removed: AtomicBool::new(false), opened: OnceCell::new() })
    }

    /// To be called when the manifest no longer has the part.
    pub(in super::super) fn remove(&self) {
        self.removed.store(true, Ordering::Relaxed);
    }

    /// First and last second of any row.
    pub(in super::super) fn seconds(&self) -> (u32, u32) {
        let second = |t: base::Timestamp| u32::try_from(t.as_secs()).unwrap_or(0);
        (second(self.entry.min_time), second(self.entry.max_time))
    }

    /// The rows of the series with this key, if the part has any.
    pub(in super::super) async fn find(
        &self,
        cache: &BlockCache,
        key: &[u8],
    ) -> Result<Option<SeriesRows>, StoreError> {
        let directory = &self.opened().await?.directory;
        match directory.block_of(key) {
            Some(number) => Ok(self.block(cache, number).await?.find(key)),
            None => Ok(None),
        }
    }

    /// How many blocks of series there are.
    pub(in super::super) async fn block_count(&self) -> Result<usize, StoreError> {
        Ok(self.opened().await?.directory.blocks.len())
    }

    /// Reads a block without keeping it.
    pub(in super::super) async fn load_block(&self, number: usize) -> Result<KeyBlock, StoreError> {
        let block = &self.opened().await?.directory.blocks[number];
        let bytes = self.fetch(block.extent).await?;
        KeyBlock::decode(&bytes, block.first_row)
            .ok_or_else(|| self.damaged("a block of series does not decode"))
    }

    async fn block(&self, cache: &BlockCache, number: usize) -> Result<Arc<KeyBlock>, StoreError> {
        let key = (self.entry.id, number);
        if let Some(block) = cache.get(key) {
            return Ok(block);
        }
        let block = Arc::new(self.load_block(number).await?);
        cache.put(key, block.clone());
        Ok(block)
    }

    /// Shows every row of each range together with the range's number, with shapes or without. Ranges must be
    /// ascending and must not overlap.
    pub(in super::super) async fn visit(
        &self,
        wanted: &[SeriesRows],
        shapes: bool,
        mut take: impl FnMut(usize, Row),
    ) -> Result<(), StoreError> {
        let opened = self.opened().await?;
        let mut first = 0;
        for (number, group) in opened.directory.row_groups.iter().enumerate() {
            let end = group.first_row + group.rows;
            while wanted.get(first).is_some_and(|rows| rows.first_row + rows.rows <= group.first_row) {
                first += 1;
            }
            let here: Vec<(usize, Range<usize>)> = wanted
                .iter()
                .enumerate()
                .skip(first)
                .take_while(|(_, rows)| rows.first_row < end)
                .map(|(at, rows)| {
                    let from = rows.first_row.max(group.first_row) - group.first_row;
                    let to = (rows.first_row + rows.rows).min(end) - group.first_row;
                    (at, from as usize..to as usize)
                })
                .collect();
            if here.is_empty() {
                continue;
            }
            let ranges = here.iter().map(|(_, range)| range.clone());
            let selection = RowSelection::from_consecutive_ranges(ranges, group.rows as usize);
            let (mut current, mut taken, mut extra) = (0, 0, false);
            self.visit_row_group(opened, number, Some(selection), shapes, |row| {
                while here.get(current).is_some_and(|(_, range)| taken == range.len()) {
                    (current, taken) = (current + 1, 0);
                }
                match here.get(current) {
                    Some((at, _)) => take(*at, row),
                    None => extra = true,
                }
                taken += 1;
            })
            .await?;
            let complete = here.get(current).is_none_or(|(_, range)| taken == range.len());
            if extra || !complete || current + 1 < here.len() {
                return Err(self.damaged("it has fewer rows than its index says"));
            }
        }
        Ok(())
    }

    /// The buckets of each range of rows. Ranges must be ascending and must not overlap.
    pub(in super::super) async fn read(&self, wanted: &[SeriesRows]) -> Result<Vec<Vec<Bucket>>, StoreError> {
        let mut lists: Vec<Vec<Bucket>> = Vec::new();
        lists.resize_with(wanted.len(), Vec::new);
        self.visit(wanted, true, |at, row| lists[at].push(row.into_bucket())).await?;
        for (rows, list) in wanted.iter().zip(&lists) {
            if rows.rows != list.len() as u64 {
                return Err(self.damaged("it has fewer rows than its index says"));
            }
        }
        Ok(lists)
    }

    async fn read_row_group(&self, opened: &Opened, number: usize) -> Result<Vec<Bucket>, StoreError> {
        let mut buckets = Vec::new();
        self.visit_row_group(opened, number, None, true, |row| buckets.push(row.into_bucket())).await?;
        Ok(buckets)
    }

    async fn visit_row_group(
        &self,
        opened: &Opened,
        number: usize,
        selection: Option<RowSelection>,
        shapes: bool,
        mut take: impl FnMut(Row),
    ) -> Result<(), StoreError> {
        let extent = opened.directory.row_groups[number].extent;
        let chunk = FileChunk { offset: extent.offset, bytes: self.fetch(extent).await? };
        let format = |e| StoreError::format(&self.entry.path, e);
        // Which series a row belongs to is known from its place; what is empty throughout needs no reading.
        let group = opened.parquet.metadata().row_group(number);
        let empty = |at: usize| {
            let nulls = group.column(at).statistics().and_then(|statistics| statistics.null_count_opt());
            nulls == u64::try_from(group.num_rows()).ok()
        };
        let is_read = |at: usize, name: &str| match name {
            "series" => false,
            "shape" if !shapes => false,
            name => !(columns::OFTEN_EMPTY.contains(&name) && empty(at)),
        };
        let fields = opened.parquet.schema().fields().iter().enumerate();
        let read = fields.filter(|(at, field)| is_read(*at, field.name())).map(|(at, _)| at);
        let projection = ProjectionMask::roots(opened.parquet.parquet_schema(), read);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(chunk, opened.parquet.clone())
            .with_row_groups(vec![number])
            .with_projection(projection)
            .with_batch_size(8192);
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        for batch in builder.build().map_err(format)? {
            let batch = batch.map_err(|e| StoreError::format(&self.entry.path, e))?;
            columns::visit(&batch, shapes, &mut take).ok_or_else(|| self.damaged("a row does not decode"))?;
        }
        Ok(())
    }

    async fn opened(&self) -> Result<&Opened, StoreError> {
        self.opened
            .get_or_try_init(|| async {
                let directory = self.fetch(self.meta.directory).await?;
                let directory = Directory::decode(&directory)
                    .ok_or_else(|| self.damaged("its directory does not decode"))?;
                let footer = self.fetch(self.meta.footer).await?;
                let format = |e| StoreError::format(&self.entry.path, e);
                let parquet = ParquetMetaDataReader::decode_metadata(&footer).map_err(format)?;
                if parquet.num_row_groups() != directory.row_groups.len() {
                    return Err(self.damaged("directory and footer differ"));
                }
                let parquet = ArrowReaderMetadata::try_new(Arc::new(parquet), ArrowReaderOptions::new())
                    .map_err(format)?;
                Ok(Opened { directory, parquet })
            })
            .await
    }

    /// Reads a stretch of the file and checks it.
    async fn fetch(&self, extent: Extent) -> Result<Bytes, StoreError> {
        let path = ObjectPath::from(self.entry.path.as_str());
        let range = extent.offset..extent.offset.saturating_add(extent.len);
        let bytes = match self.core.objects.get_range(&path, range).await {
            Ok(bytes) => bytes,
            Err(object_store::Error::NotFound { .. }) => return Err(self.damaged("its object is gone")),
            Err(error) => return Err(StoreError::object(&self.entry.path, error)),
        };
        if bytes.len() as u64 != extent.len || crc32c::crc32c(&bytes) != extent.crc {
            return Err(self.damaged("its checksum does not match"));
        }
        Ok(bytes)
    }

    fn damaged(&self, detail: &str) -> StoreError {
        StoreError::damaged(format!("metric part {}", self.entry.path), detail)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if *self.removed.get_mut() {
            self.core.discard(self.entry.path.clone());
        }
    }
}

/// A stretch of a file, at its place in the file.
struct FileChunk {
    offset: u64,
    bytes: Bytes,
}

impl Length for FileChunk {
    fn len(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }
}

impl ChunkReader for FileChunk {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let from = self.local(start)?;
        Ok(self.bytes.slice(from..).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let from = self.local(start)?;
        match from.checked_add(length).filter(|to| *to <= self.bytes.len()) {
            Some(to) => Ok(self.bytes.slice(from..to)),
            None => Err(outside()),
        }
    }
}

impl FileChunk {
    fn local(&self, start: u64) -> parquet::errors::Result<usize> {
        let from = start.checked_sub(self.offset).and_then(|from| usize::try_from(from).ok());
        from.filter(|from| *from <= self.bytes.len()).ok_or_else(outside)
    }
}

fn outside() -> ParquetError {
    ParquetError::General("a read outside the row group".to_owned())
}

/// Blocks of series used lately, over all parts.
pub(in super::super) struct BlockCache {
    inner: Mutex<CacheInner>,
    blocks_max: usize,
}

#[derive(Default)]
struct CacheInner {
    tick: u64,
    blocks: HashMap<(u64, usize), (Arc<KeyBlock>, u64)>,
}

impl BlockCache {
    pub(in super::super) fn new(blocks_max: usize) -> Self {
        Self { inner: Mutex::default(), blocks_max }
    }

    fn get(&self, key: (u64, usize)) -> Option<Arc<KeyBlock>> {
        let mut inner = self.inner.lock();
        inner.tick += 1;
        let tick = inner.tick;
        let (block, used) = inner.blocks.get_mut(&key)?;
        *used = tick;
        Some(block.clone())
    }

    fn put(&self, key: (u64, usize), block: Arc<KeyBlock>) {
        let mut inner = self.inner.lock();
        if inner.blocks.len() >= self.blocks_max {
            // The oldest half goes at once, so that a scan of the whole map is rare.
            let mut ticks: Vec<u64> = inner.blocks.values().map(|(_, used)| *used).collect();
            let middle = ticks.len() / 2;
            let (_, median, _) = ticks.select_nth_unstable(middle);
            let median = *median;
            inner.blocks.retain(|_, (_, used)| *used >= median);
        }
        inner.tick += 1;
        let tick = inner.tick;
        inner.blocks.insert(key, (block, tick));
    }
}

/// Goes through all series of consecutive parts in order.
pub(in super::super) struct PartScan {
    parts: VecDeque<Arc<Part>>,
    current: Option<ScanState>,
}

struct ScanState {
    part: Arc<Part>,
    block: KeyBlock,
    next_in_block: usize,
    next_block: usize,
    next_group: usize,
    rows: VecDeque<Bucket>,
}

impl PartScan {
    /// `parts` must have ascending keys.
    pub(in super::super) fn new(parts: impl IntoIterator<Item = Arc<Part>>) -> Self {
        Self { parts: parts.into_iter().collect(), current: None }
    }

    /// The next series and its buckets.
    pub(in super::super) async fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<Bucket>)>, StoreError> {
        loop {
            if self.current.is_none() {
                let Some(part) = self.parts.pop_front() else { return Ok(None) };
                self.current = Some(ScanState {
                    part,
                    block: KeyBlock::default(),
                    next_in_block: 0,
                    next_block: 0,
                    next_group: 0,
                    rows: VecDeque::new(),
                });
            }
            let Some(state) = &mut self.current else { return Ok(None) };
            match state.next().await? {
                Some(series) => return Ok(Some(series)),
                None => self.current = None,
            }
        }
    }
}

impl ScanState {
    async fn next(&mut self) -> Result<Option<(Vec<u8>, Vec<Bucket>)>, StoreError> {
        while self.next_in_block >= self.block.len() {
            if self.next_block >= self.part.block_count().await? {
                return Ok(None);
            }
            self.block = self.part.load_block(self.next_block).await?;
            (self.next_block, self.next_in_block) = (self.next_block + 1, 0);
        }
        let (key, wanted) = self
            .block
            .get(self.next_in_block)
            .map(|(key, rows)| (key.to_vec(), rows.rows as usize))
            .expect("the block has this many series");
        self.next_in_block += 1;
        let opened = self.part.opened().await?;
        while self.rows.len() < wanted {
            if self.next_group >= opened.directory.row_groups.len() {
                return Err(self.part.damaged("it has fewer rows than its index says"));
            }
            self.rows.extend(self.part.read_row_group(opened, self.next_group).await?);
            self.next_group += 1;
        }
        Ok(Some((key, self.rows.drain(..wanted).collect())))
    }
}
