//! Scans for the query engine: rows of a time range in columns, less what pruning can leave out.
//!
//! Work is cut into units (a chunk of the memtable, a row group of a part) that the partitions take from a
//! common queue, so that a slow one does not hold up the others.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::BooleanArray;
use arrow::buffer::BooleanBuffer;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use base::{TimeRange, Timestamp};
use bytes::Bytes;
use futures::StreamExt;
use parking_lot::Mutex;

use super::api::{LogColumn, LogPartition, LogScan, LogScanPlan, Prune, ScanProgress};
use super::block::Block;
use super::chunk::Chunk;
use super::cursor::{Step, Walk, Walker};
use super::group::GroupView;
use super::index::{BITMAP_BYTES, GRANULE_ROWS, bloom_admits, bloom_bytes, may_contain};
use super::json::Class;
use super::part::{Need, OpenPart, Part};
use super::project::{need_field, need_of, project, restrict, schema};
use super::search::{Needle, Wanted, columns_needed, contains, hex_bytes};
use super::snapshot::{LogSnapshot, Source, ends_before};
use super::values::Encoding;
use crate::error::StoreError;

/// Rows of a batch that is handed out.
const BATCH_ROWS: usize = 8192;

/// So many rows of a row group are read at once.
const FEW_ROWS: u64 = 2 * GRANULE_ROWS as u64;

/// After so many rows a text that most messages contain is not looked for any more.
const YIELD_ROWS: u64 = 65_536;

/// What all units of a scan share.
struct Shared {
    snapshot: LogSnapshot,
    columns: Vec<LogColumn>,
    schema: SchemaRef,
    range: TimeRange,
    needles: Vec<Needle>,
    /// Rows of parts that each needle was looked for in, and those it was found in.
    yields: Vec<(AtomicU64, AtomicU64)>,
    equal: Vec<(String, Wanted)>,
    streams: Option<HashSet<Arc<str>>>,
    progress: Arc<ScanProgress>,
    units: Mutex<VecDeque<Unit>>,
}

#[derive(Clone)]
enum Unit {
    Chunk { group: usize, chunk: Arc<Chunk> },
    RowGroup { group: usize, part: Arc<Part>, number: usize },
}

impl LogSnapshot {
    /// Prepares a scan. Nothing is read before a partition is polled.
    pub fn scan(&self, scan: LogScan) -> Result<LogScanPlan, StoreError> {
        let schema = schema(&scan.columns);
        let progress = Arc::new(ScanProgress::default());
        let mut units = VecDeque::new();
        for (group, view) in self.groups.iter().enumerate() {
            for source in view.sources(scan.range) {
                match source {
                    Source::Memory(chunk) => units.push_back(Unit::Chunk { group, chunk }),
                    Source::Part(part) => {
                        let count = (part.rows as usize).div_ceil(part.row_group_rows());
                        let unit = |number| Unit::RowGroup { group, part: part.clone(), number };
                        units.extend((0..count).map(unit));
                    }
                }
            }
        }
        let mut shared = Shared {
            snapshot: self.clone(),
            columns: scan.columns,
            schema: schema.clone(),
            range: scan.range,
            needles: Vec::new(),
            yields: Vec::new(),
            equal: Vec::new(),
            streams: None,
            progress: progress.clone(),
            units: Mutex::default(),
        };
        shared.set_prune(scan.prune);
        if let Some(newest) = scan.newest {
            let shared = Arc::new(shared);
            let partition: LogPartition = Box::new(move || {
                futures::stream::once(async move { shared.newest(newest).await })
                    .flat_map(|batches| match batches {
                        Ok(batches) => futures::stream::iter(batches.into_iter().map(Ok)).left_stream(),
                        Err(error) => futures::stream::iter([Err(error)]).right_stream(),
                    })
                    .boxed()
            });
            return Ok(LogScanPlan { schema, partitions: vec![partition], progress });
        }
        let count = scan.partitions.clamp(1, units.len().max(1));
        shared.units = Mutex::new(units);
        let shared = Arc::new(shared);
        let partition = |_| -> LogPartition {
            let shared = shared.clone();
            Box::new(move || {
                let state = (shared, VecDeque::<RecordBatch>::new());
                futures::stream::try_unfold(state, |(shared, mut ready)| async move {
                    loop {
                        if let Some(batch) = ready.pop_front() {
                            return Ok(Some((batch, (shared, ready))));
                        }
                        let unit = shared.units.lock().pop_front();
                        match unit {
                            Some(unit) => ready.extend(shared.run(unit).await?),
                            None => return Ok(None),
                        }
                    }
                })
                .boxed()
            })
        };
        Ok(LogScanPlan { schema, partitions: (0..count).map(partition).collect(), progress })
    }
}

impl Shared {
    fn set_prune(&mut self, prune: Vec<Prune>) {
        for condition in prune {
            match condition {
                Prune::MessageContains(text) if text.is_empty() => {}
                Prune::MessageContains(text) => {
                    self.needles.push(Needle::new(&text));
                    self.yields.push(Default::default());
                }
                Prune::FieldEquals { path, value } => {
                    let wanted = Wanted::new(&value);
                    self.equal.push((path, wanted));
                }
                Prune::StreamIn(streams) => {
                    let streams: HashSet<Arc<str>> = streams.into_iter().collect();
                    self.streams = Some(match self.streams.take() {
                        None => streams,
                        Some(known) => known.intersection(&streams).cloned().collect(),
                    });
                }
            }
        }
    }

    fn view(&self, group: usize) -> &GroupView {
        &self.snapshot.groups[group]
    }

    async fn run(&self, unit: Unit) -> Result<Vec<RecordBatch>, StoreError> {
        match unit {
            Unit::Chunk { group, chunk } => self.scan_chunk(group, &chunk),
            Unit::RowGroup { group, part, number } => self.scan_row_group(group, &part, number).await,
        }
    }

    fn scanned(&self, rows: u64, bytes: u64) {
        self.progress.rows_total.fetch_add(rows, Ordering::Relaxed);
        self.progress.rows_scanned.fetch_add(rows, Ordering::Relaxed);
        self.progress.bytes_scanned.fetch_add(bytes, Ordering::Relaxed);
    }

    fn skipped(&self, rows: u64, bytes: u64) {
        self.progress.rows_total.fetch_add(rows, Ordering::Relaxed);
        self.progress.rows_skipped.fetch_add(rows, Ordering::Relaxed);
        self.progress.bytes_skipped.fetch_add(bytes, Ordering::Relaxed);
    }

    fn scan_chunk(&self, group: usize, chunk: &Chunk) -> Result<Vec<RecordBatch>, StoreError> {
        let view = self.view(group);
        let rows = chunk.block.rows_in(view.visible(self.range));
        let bytes = chunk.lengths[rows.clone()].iter().map(|l| u64::from(*l)).sum();
        self.scanned(rows.len() as u64, bytes);
        let mut block = chunk.block.slice(rows.start, rows.len());
        if let Some(keep) = self.keep_by_columns(view, &block) {
            block = block.filter(&BooleanArray::new(keep, None))?;
        }
        for needle in &self.needles {
            let hits = contains(&block, needle)?;
            if hits.count_set_bits() < block.rows() {
                block = block.filter(&BooleanArray::new(hits, None))?;
            }
        }
        let block = restrict(&block, &need_of(&self.columns, &block.layout));
        self.batches(&block, group)
    }

    fn batches(&self, block: &Block, group: usize) -> Result<Vec<RecordBatch>, StoreError> {
        let starts = (0..block.rows()).step_by(BATCH_ROWS);
        let rows = |start: usize| BATCH_ROWS.min(block.rows() - start);
        if self.columns.contains(&LogColumn::Message) {
            // Whoever keeps a batch would keep all messages of a larger one.
            let batch =
                |start| project(&block.slice(start, rows(start)), &self.columns, group as u32, &self.schema);
            return starts.map(batch).collect();
        }
        let whole = project(block, &self.columns, group as u32, &self.schema)?;
        Ok(starts.map(|start| whole.slice(start, rows(start))).collect())
    }

    /// Rows that may stay by stream and field values; `None` is all.
    fn keep_by_columns(&self, view: &GroupView, block: &Block) -> Option<BooleanBuffer> {
        let mut keep = view.dead(block).map(|dead| !&dead);
        let mut and = |mask: BooleanBuffer| {
            keep = Some(match keep.take() {
                Some(before) => &before & &mask,
                None => mask,
            });
        };
        if let (Some(streams), Some((keys, names))) = (&self.streams, block.stream_keys()) {
            let wanted: Vec<bool> = names.iter().map(|n| n.is_some_and(|n| streams.contains(n))).collect();
            and(BooleanBuffer::from_iter(keys.values().iter().map(|k| wanted[*k as usize])));
        }
        for (path, wanted) in &self.equal {
            and(wanted.rows(block, path));
        }
        keep.filter(|k| k.count_set_bits() < block.rows())
    }

    async fn scan_row_group(
        &self,
        group: usize,
        part: &Arc<Part>,
        number: usize,
    ) -> Result<Vec<RecordBatch>, StoreError> {
        let view = self.view(group);
        let open = part.open().await?;
        let range = view.visible(self.range);
        let mut ranges = self.granules(part, &open, number, range).await?;
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let need = need_of(&self.columns, &open.layout);
        let mut blocks = Vec::new();
        if !self.needles.is_empty() && count_rows(&ranges) <= FEW_ROWS {
            blocks = self.narrow_at_once(view, part, &open, &ranges, &need).await?;
        } else {
            ranges = self.narrow(view, part, &open, ranges).await?;
            blocks.extend(part.load(&open, &ranges, &need).await?);
        }
        let mut batches = Vec::new();
        for block in blocks {
            let rows = block.rows_in(range);
            if !rows.is_empty() {
                batches.extend(self.batches(&block.slice(rows.start, rows.len()), group)?);
            }
        }
        Ok(batches)
    }

    /// Reads everything that few rows need at once, rather than one column after another: most of the cost are
    /// dictionaries, which would be read twice.
    async fn narrow_at_once(
        &self,
        view: &GroupView,
        part: &Arc<Part>,
        open: &OpenPart,
        ranges: &[Range<usize>],
        need: &Need,
    ) -> Result<Vec<Block>, StoreError> {
        let mut found = Vec::new();
        for mut block in part.load(open, ranges, &Need::all(&open.layout)).await? {
            if let Some(keep) = self.keep_by_columns(view, &block) {
                block = block.filter(&BooleanArray::new(keep, None))?;
            }
            for needle in &self.needles {
                let hits = contains(&block, needle)?;
                if hits.count_set_bits() < block.rows() {
                    block = block.filter(&BooleanArray::new(hits, None))?;
                }
            }
            found.push(restrict(&block, need));
        }
        Ok(found)
    }

    /// Narrows the ranges of a row group column by column.
    async fn narrow(
        &self,
        view: &GroupView,
        part: &Arc<Part>,
        open: &OpenPart,
        mut ranges: Vec<Range<usize>>,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let range = view.visible(self.range);
        let mut first = Need { streams: self.streams.is_some(), ..Need::default() };
        for (path, _) in &self.equal {
            first = need_field(first, path, &open.layout);
        }
        if part.stats.touches(&view.tombstones) {
            first.streams = true;
            first.sequences = true;
        }
        first.sequences |= !view.hidden.is_empty();
        if !first.is_nothing() {
            let keep = |block: &Block| Ok(self.keep_by_columns(view, block));
            ranges = select(part, open, ranges, &first, range, keep).await?;
        }
        for (needle, (looked_in, found_in)) in self.needles.iter().zip(&self.yields) {
            let looked = looked_in.load(Ordering::Relaxed);
            if looked >= YIELD_ROWS && found_in.load(Ordering::Relaxed) * 2 > looked {
                // Whoever filters finds them himself; looking twice would not pay.
                continue;
            }
            looked_in.fetch_add(count_rows(&ranges), Ordering::Relaxed);
            let columns = columns_needed(&open.layout, needle);
            let fields = columns.unwrap_or_else(|| (0..open.layout.columns.len()).collect());
            let first = Need { templates: true, texts: true, fields, ..Need::default() };
            let keep = |block: &Block| {
                Ok(Some(contains(block, needle)?).filter(|hits| hits.count_set_bits() < block.rows()))
            };
            ranges = select(part, open, ranges, &first, range, keep).await?;
            found_in.fetch_add(count_rows(&ranges), Ordering::Relaxed);
        }
        Ok(ranges)
    }

    /// Rows of the row group's granules that may hold something wanted.
    async fn granules(
        &self,
        part: &Arc<Part>,
        open: &OpenPart,
        number: usize,
        range: TimeRange,
    ) -> Result<Vec<Range<usize>>, StoreError> {
        let per_group = part.row_group_rows() / GRANULE_ROWS;
        let own = number * per_group..(number + 1) * per_group;
        let in_time = open.granules_in(range);
        let in_time = in_time.start.max(own.start)..in_time.end.min(own.end);
        let indexes = Indexes::load(self, part, open, in_time.is_empty()).await?;
        let mut found: Vec<Range<usize>> = Vec::new();
        for granule in in_time {
            let bounds = &open.granules[granule];
            let start = granule * GRANULE_ROWS;
            let rows = start..(start + GRANULE_ROWS).min(part.rows as usize);
            // Of a granule at the edge of the range it is known only when it is read how much is inside.
            let (count, bytes) = match () {
                () if range.start <= bounds.first.timestamp && !ends_before(range, bounds.last.timestamp) => {
                    (rows.len() as u64, bounds.message_bytes)
                }
                () => share(
                    range,
                    bounds.first.timestamp,
                    bounds.last.timestamp,
                    rows.len(),
                    bounds.message_bytes,
                ),
            };
            if !indexes.admit(self, part, granule) {
                self.skipped(count, bytes);
                continue;
            }
            self.scanned(count, bytes);
            match found.last_mut() {
                Some(last) if last.end == rows.start => last.end = rows.end,
                _ => found.push(rows),
            }
        }
        Ok(found)
    }

    /// The newest rows, newest first.
    async fn newest(&self, count: usize) -> Result<Vec<RecordBatch>, StoreError> {
        let mut rows: Vec<(i64, u64, usize, Arc<Block>, usize)> = Vec::new();
        for (group, view) in self.snapshot.groups.iter().enumerate() {
            let need = |open: &OpenPart| need_of(&self.columns, &open.layout);
            let walk = Walk {
                view,
                range: view.visible(self.range),
                from: None,
                descending: true,
                streams: self.streams.as_ref().map(|s| s.iter().map(AsRef::as_ref).collect()),
                stream_prefix: None,
                needles: Vec::new(),
                tests: &[],
                need: Some(&need),
            };
            let mut walker = Walker::new(&walk, view.sources(self.range));
            for _ in 0..count {
                match walker.next(usize::MAX).await? {
                    Step::Row(block, row) => {
                        let position = block.position(row);
                        rows.push((position.timestamp.as_millis(), position.sequence, group, block, row));
                    }
                    Step::Paused(_) | Step::End => break,
                }
            }
            self.scanned(walker.examined as u64, 0);
        }
        rows.sort_by_key(|r| std::cmp::Reverse((r.0, r.1)));
        rows.truncate(count);
        self.in_that_order(&rows)
    }

    fn in_that_order(
        &self,
        rows: &[(i64, u64, usize, Arc<Block>, usize)],
    ) -> Result<Vec<RecordBatch>, StoreError> {
        let mut blocks: Vec<(*const Block, usize, Arc<Block>, Vec<u32>)> = Vec::new();
        let mut places = Vec::with_capacity(rows.len());
        for (_, _, group, block, row) in rows {
            let address = Arc::as_ptr(block);
            let at = blocks.iter().position(|b| b.0 == address).unwrap_or_else(|| {
                blocks.push((address, *group, block.clone(), Vec::new()));
                blocks.len() - 1
            });
            places.push((at, blocks[at].3.len()));
            blocks[at].3.push(*row as u32);
        }
        let mut batches = Vec::with_capacity(blocks.len());
        for (_, group, block, picked) in &blocks {
            let block = restrict(block, &need_of(&self.columns, &block.layout));
            let picked = block.take(&arrow::array::UInt32Array::from(picked.clone()))?;
            batches.push(project(&picked, &self.columns, *group as u32, &self.schema)?);
        }
        if self.columns.is_empty() || batches.len() <= 1 {
            return Ok(batches);
        }
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let pieces = places.chunks(BATCH_ROWS).map(|places| interleave_record_batch(&batches, places));
        pieces.map(|p| p.map_err(|e| StoreError::format("log rows", e))).collect()
    }
}

fn count_rows(ranges: &[Range<usize>]) -> u64 {
    ranges.iter().map(|rows| rows.len() as u64).sum()
}

/// The share of a granule in a range that cuts through it, as if its rows were spread evenly.
fn share(range: TimeRange, first: Timestamp, last: Timestamp, rows: usize, bytes: u64) -> (u64, u64) {
    let whole = last.millis_since(first).max(0) as f64 + 1.0;
    let end = if ends_before(range, last) { range.end } else { last.saturating_add_millis(1) };
    let inside = end.millis_since(range.start.max(first)).max(0) as f64;
    let part = (inside / whole).clamp(0.0, 1.0);
    ((rows as f64 * part).round() as u64, (bytes as f64 * part).round() as u64)
}

/// Narrows ranges of a row group to the rows that `keep` keeps, reading only what that needs.
pub(crate) async fn select(
    part: &Arc<Part>,
    open: &OpenPart,
    ranges: Vec<Range<usize>>,
    need: &Need,
    time: TimeRange,
    keep: impl Fn(&Block) -> Result<Option<BooleanBuffer>, StoreError>,
) -> Result<Vec<Range<usize>>, StoreError> {
    let mut rows = ranges.iter().cloned();
    let mut current = rows.next().unwrap_or_default();
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut add = |rows: Range<usize>| match found.last_mut() {
        Some(last) if last.end == rows.start => last.end = rows.end,
        _ => found.push(rows),
    };
    for block in part.load(open, &ranges, need).await? {
        let inside = block.rows_in(time);
        let mask = keep(&block)?;
        let mut row = 0;
        // A block may span several ranges.
        while row < block.rows() {
            if current.is_empty() {
                current = rows.next().unwrap_or_default();
                if current.is_empty() {
                    return Err(part.damaged("it has more rows than its metadata tell"));
                }
            }
            let length = current.len().min(block.rows() - row);
            let wanted = row.max(inside.start)..(row + length).min(inside.end);
            let base = current.start;
            match &mask {
                _ if wanted.is_empty() => {}
                None => add(base + wanted.start - row..base + wanted.end - row),
                Some(mask) => {
                    let slice = mask.slice(wanted.start, wanted.len());
                    for (from, to) in slice.set_slices() {
                        add(base + wanted.start - row + from..base + wanted.start - row + to);
                    }
                }
            }
            current.start += length;
            row += length;
        }
    }
    Ok(found)
}

/// The indexes of a part that bear on a scan.
#[derive(Default)]
struct Indexes {
    impossible: bool,
    trigrams: Option<Bytes>,
    /// For each equality: the filters of the field's columns with the value each would hold; `None` if some
    /// column has none.
    blooms: Vec<Vec<(Bytes, Vec<u8>)>>,
}

impl Indexes {
    async fn load(
        shared: &Shared,
        part: &Arc<Part>,
        open: &OpenPart,
        nothing: bool,
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        if nothing {
            return Ok(found);
        }
        if let Some(streams) = &shared.streams {
            found.impossible |= !part.stats.streams.keys().any(|s| streams.contains(s));
        }
        if shared.needles.iter().any(|n| n.bytes().len() >= 3) {
            found.trigrams = Some(part.trigrams(open).await?);
        }
        for (path, wanted) in &shared.equal {
            let unshredded = &open.layout.unshredded;
            if unshredded.more || unshredded.kinds.contains_key(path.as_str()) {
                continue;
            }
            let mut filters = Vec::new();
            let mut complete = true;
            for (index, column) in open.layout.columns_of(path) {
                let value = match column.encoding {
                    _ if !wanted.is_plain_text() => None,
                    Encoding::Hex(width) => {
                        match hex_bytes(&wanted.text).filter(|b| b.len() == usize::from(width)) {
                            // The column cannot hold such a text.
                            None => continue,
                            found => found,
                        }
                    }
                    Encoding::Text if column.class == Class::String && !column.escapes => {
                        Some(wanted.text.clone().into_bytes())
                    }
                    // Numbers never equal what is not one.
                    _ if column.class == Class::Number => continue,
                    _ => None,
                };
                match (value, part.bloom(open, index).await?) {
                    (Some(value), Some(filter)) => filters.push((filter, value)),
                    _ => complete = false,
                }
            }
            if complete {
                found.impossible |= filters.is_empty();
                found.blooms.push(filters);
            }
        }
        Ok(found)
    }

    fn admit(&self, shared: &Shared, part: &Part, granule: usize) -> bool {
        if self.impossible {
            return false;
        }
        if let Some(bitmaps) = &self.trigrams {
            let bitmap = &bitmaps[granule * BITMAP_BYTES..][..BITMAP_BYTES];
            if !shared.needles.iter().all(|needle| may_contain(bitmap, needle.bytes())) {
                return false;
            }
        }
        let rows = GRANULE_ROWS.min(part.rows as usize - granule * GRANULE_ROWS);
        let start = granule * bloom_bytes(GRANULE_ROWS);
        self.blooms.iter().all(|filters| {
            filters.iter().any(|(filter, value)| {
                let own = filter.get(start..start + bloom_bytes(rows));
                own.is_none_or(|own| bloom_admits(own, value))
            })
        })
    }
}
