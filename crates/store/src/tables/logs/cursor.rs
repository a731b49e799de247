//! Walks the rows of sources in the order of positions, loading no more than is looked at.

use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use base::TimeRange;

use super::api::{FieldTest, LogPosition};
use super::block::Block;
use super::group::GroupView;
use super::index::{BITMAP_BYTES, GRANULE_ROWS, may_contain};
use super::part::{Need, OpenPart, Part};
use super::scan::select;
use super::search::{Needle, columns_needed, contains, rows_passing};
use super::snapshot::Source;
use crate::error::StoreError;

/// Which rows are looked at, and in which direction.
pub(crate) struct Walk<'a> {
    pub(crate) view: &'a GroupView,
    /// What is visible of the range.
    pub(crate) range: TimeRange,
    pub(crate) from: Option<LogPosition>,
    pub(crate) descending: bool,
    pub(crate) streams: Option<HashSet<&'a str>>,
    pub(crate) stream_prefix: Option<&'a str>,
    pub(crate) needles: Vec<Needle>,
    pub(crate) tests: &'a [FieldTest<'a>],
    /// Columns of the rows handed out; `None` is all.
    pub(crate) need: Option<&'a (dyn Fn(&OpenPart) -> Need + Sync)>,
}

/// Positions as one number, larger for what comes first in the walk.
fn order_key(position: LogPosition, descending: bool) -> u128 {
    let time = (position.timestamp.as_millis() as u64) ^ 1 << 63;
    let key = u128::from(time) << 64 | u128::from(position.sequence);
    if descending { key } else { !key }
}

impl Walk<'_> {
    fn key(&self, position: LogPosition) -> u128 {
        order_key(position, self.descending)
    }

    fn wants_stream(&self, name: &str) -> bool {
        self.streams.as_ref().is_none_or(|s| s.contains(name))
            && self.stream_prefix.is_none_or(|p| name.starts_with(p))
    }

    fn all_streams(&self) -> bool {
        self.streams.is_none() && self.stream_prefix.is_none()
    }

    /// Rows of the block that lie in the range and behind `from`.
    fn rows_ahead(&self, block: &Block) -> Range<usize> {
        let mut rows = block.rows_in(self.range);
        if let Some(from) = self.from {
            let (mut low, mut high) = (rows.start, rows.end);
            // Partition point by position: rows before it come before, or are, `from` (ascending).
            while low < high {
                let middle = (low + high) / 2;
                let before = match self.descending {
                    false => block.position(middle) <= from,
                    true => block.position(middle) < from,
                };
                if before { low = middle + 1 } else { high = middle }
            }
            if self.descending { rows.end = low } else { rows.start = low }
        }
        rows
    }

    /// Rows among `rows` that pass everything but the matcher, in the order of the walk.
    fn candidates(&self, block: &Block, rows: Range<usize>) -> Result<VecDeque<u32>, StoreError> {
        let dead = self.view.dead(block);
        let streams: Option<Vec<bool>> = (!self.all_streams()).then(|| {
            let names = block.stream_keys().map(|(_, names)| names);
            names.into_iter().flatten().map(|n| n.is_some_and(|n| self.wants_stream(n))).collect()
        });
        if streams.as_ref().is_some_and(|s| !s.contains(&true)) {
            return Ok(VecDeque::new());
        }
        let mut hits = self.needles.iter().map(|n| contains(block, n)).collect::<Result<Vec<_>, _>>()?;
        hits.extend(self.tests.iter().map(|test| rows_passing(block, test)));
        let keys = block.stream_keys().map(|(keys, _)| keys.values().clone());
        let passes = |row: &usize| {
            let of_stream = || match (&streams, &keys) {
                (Some(wanted), Some(keys)) => wanted[keys[*row] as usize],
                _ => true,
            };
            of_stream()
                && !dead.as_ref().is_some_and(|d| d.value(*row))
                && hits.iter().all(|h: &BooleanBuffer| h.value(*row))
        };
        let found = rows.filter(passes).map(|row| row as u32);
        Ok(if self.descending { found.rev().collect() } else { found.collect() })
    }
}

/// One source on the walk.
struct Cursor {
    source: Source,
    /// Granules ahead, in the order of the walk.
    granules: VecDeque<usize>,
    open: Option<Arc<OpenPart>>,
    opened: bool,
    block: Option<Arc<Block>>,
    candidates: VecDeque<u32>,
    /// Where the loaded rows end.
    bound: Option<LogPosition>,
    /// Whether there is nothing beyond what is loaded.
    last: bool,
}

/// What a step of the walk came to.
pub(crate) enum Step {
    Row(Arc<Block>, usize),
    /// Stopped before loading more; everything up to the position was looked at.
    Paused(LogPosition),
    End,
}

/// Sources merged by position.
pub(crate) struct Walker<'a> {
    walk: &'a Walk<'a>,
    cursors: Vec<Cursor>,
    heap: BinaryHeap<(u128, usize)>,
    pub(crate) examined: usize,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(walk: &'a Walk<'a>, sources: Vec<Source>) -> Self {
        let mut walker = Self { walk, cursors: Vec::new(), heap: BinaryHeap::new(), examined: 0 };
        for source in sources {
            let Some((first, last)) = source.stats().span() else { continue };
            let bound = match walk.descending {
                false => LogPosition { timestamp: first.max(walk.range.start), sequence: 0 },
                true => LogPosition { timestamp: last, sequence: u64::MAX },
            };
            let wanted = |name: &Arc<str>| walk.wants_stream(name);
            if !walk.all_streams() && !source.stats().streams.keys().any(wanted) {
                continue;
            }
            // Nothing of a source that ends before `from` is ahead.
            let behind = walk.from.is_some_and(|from| match walk.descending {
                false => last < from.timestamp,
                true => first > from.timestamp,
            });
            if behind {
                continue;
            }
            walker.heap.push((walk.key(bound), walker.cursors.len()));
            walker.cursors.push(Cursor::new(source));
        }
        walker
    }

    /// The next row. Loads no second stretch of a source once `examine_max` rows were looked at.
    pub(crate) async fn next(&mut self, examine_max: usize) -> Result<Step, StoreError> {
        while let Some((_, at)) = self.heap.pop() {
            let cursor = &mut self.cursors[at];
            if let (Some(block), Some(row)) = (&cursor.block, cursor.candidates.pop_front()) {
                let block = block.clone();
                self.push_back(at);
                return Ok(Step::Row(block, row as usize));
            }
            if let Some(bound) = cursor.bound
                && self.examined >= examine_max
            {
                return Ok(Step::Paused(bound));
            }
            self.examined += cursor.fill(self.walk).await?;
            self.push_back(at);
        }
        Ok(Step::End)
    }

    fn push_back(&mut self, at: usize) {
        let cursor = &self.cursors[at];
        let next = match (&cursor.block, cursor.candidates.front(), cursor.bound) {
            (Some(block), Some(row), _) => block.position(*row as usize),
            (_, _, Some(bound)) if !cursor.last => bound,
            _ => return,
        };
        self.heap.push((self.walk.key(next), at));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

impl Cursor {
    fn new(source: Source) -> Self {
        Self {
            source,
            granules: VecDeque::new(),
            open: None,
            opened: false,
            block: None,
            candidates: VecDeque::new(),
            bound: None,
            last: false,
        }
    }

    /// Loads the next stretch; how many rows of it were looked at.
    async fn fill(&mut self, walk: &Walk<'_>) -> Result<usize, StoreError> {
        match self.source.clone() {
            Source::Memory(chunk) => {
                let rows = walk.rows_ahead(&chunk.block);
                let examined = rows.len();
                self.candidates = walk.candidates(&chunk.block, rows)?;
                self.block = Some(Arc::new(chunk.block.clone()));
                self.last = true;
                Ok(examined)
            }
            Source::Part(part) => self.fill_from_part(&part, walk).await,
        }
    }

    async fn fill_from_part(&mut self, part: &Arc<Part>, walk: &Walk<'_>) -> Result<usize, StoreError> {
        let open = match &self.open {
            Some(open) => open.clone(),
            None => self.open.insert(part.open().await?).clone(),
        };
        if !std::mem::replace(&mut self.opened, true) {
            self.granules = granules_ahead(part, &open, walk).await?;
        }
        self.block = None;
        let Some(granule) = self.granules.pop_front() else {
            self.last = true;
            return Ok(0);
        };
        self.last = self.granules.is_empty();
        let bounds = &open.granules[granule];
        self.bound = Some(if walk.descending { bounds.first } else { bounds.last });
        let start = granule * GRANULE_ROWS;
        let rows = start..(start + GRANULE_ROWS).min(part.rows as usize);
        let examined = rows.len();
        let wanted = possible_rows(part, &open, rows, walk).await?;
        if wanted.is_empty() {
            return Ok(examined);
        }
        let mut need = walk.need.map_or_else(|| Need::all(&open.layout), |need| need(&open));
        need.sequences = true;
        need.streams |= !walk.all_streams() || part.stats.touches(&walk.view.tombstones);
        if !walk.needles.is_empty() || !walk.tests.is_empty() {
            need = need.with_messages(&open.layout);
        }
        let mut blocks = part.load(&open, &wanted, &need).await?;
        let block = match blocks.len() {
            1 => blocks.remove(0),
            _ => Block::concat(&blocks)?,
        };
        let ahead = walk.rows_ahead(&block);
        self.candidates = walk.candidates(&block, ahead)?;
        self.block = Some(Arc::new(block));
        Ok(examined)
    }
}

/// Rows that may pass needles and tests, found in the columns that can tell before everything else is loaded.
async fn possible_rows(
    part: &Arc<Part>,
    open: &OpenPart,
    rows: Range<usize>,
    walk: &Walk<'_>,
) -> Result<Vec<Range<usize>>, StoreError> {
    let mut wanted = vec![rows];
    if !walk.tests.is_empty() {
        let columns = walk.tests.iter().flat_map(|test| open.layout.columns_of(test.path));
        let templates = Need { templates: true, ..Need::default() };
        let need = columns.fold(templates, |need, (index, _)| need.with_field(index));
        let keep = |block: &Block| {
            let passing = walk.tests.iter().map(|test| rows_passing(block, test));
            Ok(passing.reduce(|a, b| &a & &b))
        };
        wanted = select(part, open, wanted, &need, walk.range, keep).await?;
    }
    for needle in &walk.needles {
        let Some(fields) = columns_needed(&open.layout, needle) else { continue };
        let need = Need { templates: true, texts: true, fields, ..Need::default() };
        wanted =
            select(part, open, wanted, &need, walk.range, |block| contains(block, needle).map(Some)).await?;
    }
    Ok(wanted)
}

/// Granules that may hold rows of the walk, in its order.
async fn granules_ahead(
    part: &Arc<Part>,
    open: &OpenPart,
    walk: &Walk<'_>,
) -> Result<VecDeque<usize>, StoreError> {
    let ahead = |granule: &usize| {
        let bounds = &open.granules[*granule];
        walk.from.is_none_or(|from| match walk.descending {
            false => bounds.last > from,
            true => bounds.first < from,
        })
    };
    let mut found: VecDeque<usize> = open.granules_in(walk.range).filter(ahead).collect();
    let long: Vec<&[u8]> = walk.needles.iter().map(Needle::bytes).filter(|n| n.len() >= 3).collect();
    if !long.is_empty() && !found.is_empty() {
        let bitmaps = part.trigrams(open).await?;
        found.retain(|granule| {
            let bitmap = &bitmaps[granule * BITMAP_BYTES..][..BITMAP_BYTES];
            long.iter().all(|needle| may_contain(bitmap, needle))
        });
    }
    if walk.descending {
        found = found.into_iter().rev().collect();
    }
    Ok(found)
}
