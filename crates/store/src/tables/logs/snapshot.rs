//! Log groups as they were at one moment: what queries and reads look at.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use base::{TimeRange, Timestamp};

use super::api::{FieldKind, LogPosition, LogRead, StoredLogEvent};
use super::block::Block;
use super::chunk::Chunk;
use super::group::GroupView;
use super::layout::union;
use super::merge::dead_rows;
use super::part::Part;
use super::stats::SourceStats;
use crate::error::StoreError;

/// A fixed view of some log groups, in the order they were asked for.
#[derive(Clone)]
pub struct LogSnapshot {
    pub(crate) groups: Vec<GroupView>,
}

/// Something rows are read from.
#[derive(Clone)]
pub(crate) enum Source {
    Memory(Arc<Chunk>),
    Part(Arc<Part>),
}

impl Source {
    pub(crate) fn stats(&self) -> &SourceStats {
        match self {
            Source::Memory(chunk) => &chunk.stats,
            Source::Part(part) => &part.stats,
        }
    }

    fn kind_of(&self, path: &str) -> Option<FieldKind> {
        match self {
            Source::Memory(chunk) => chunk.block.layout.kind_of(path),
            Source::Part(part) => part.kind_of(path),
        }
    }
}

impl GroupView {
    /// Of the range, what is not expired.
    pub(crate) fn visible(&self, range: TimeRange) -> TimeRange {
        TimeRange::new(range.start.max(self.cut), range.end)
    }

    /// Everything that may have rows in the range.
    pub(crate) fn sources(&self, range: TimeRange) -> Vec<Source> {
        let range = self.visible(range);
        let parts = self.parts.iter().cloned().map(Source::Part);
        let tail = self.tail.as_ref().and_then(|t| t.chunk(&self.tombstones));
        let chunks = self.chunks.iter().cloned().chain(tail).map(Source::Memory);
        parts.chain(chunks).filter(|s| s.stats().overlaps(range)).collect()
    }

    /// Rows of streams that were deleted, and of hidden stretches.
    pub(crate) fn dead(&self, block: &Block) -> Option<BooleanBuffer> {
        let dead = dead_rows(block, &self.tombstones);
        let Some(sequences) = block.sequences.as_ref().filter(|_| !self.hidden.is_empty()) else {
            return dead;
        };
        let is_hidden = |sequence: u64| {
            let after = self.hidden.partition_point(|(first, _)| *first <= sequence);
            after > 0 && sequence <= self.hidden[after - 1].1
        };
        let hidden = BooleanBuffer::from_iter(sequences.values().iter().map(|sequence| is_hidden(*sequence)));
        let dead = match dead {
            Some(dead) => &dead | &hidden,
            None => hidden,
        };
        (dead.count_set_bits() > 0).then_some(dead)
    }
}

impl LogSnapshot {
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Also hides the rows of one group from before that time: retention works from the moment it is set, not
    /// from when expired rows are removed.
    pub fn hide_before(&mut self, group_index: usize, before: Timestamp) {
        if let Some(group) = self.groups.get_mut(group_index) {
            group.cut = group.cut.max(before);
        }
    }

    /// Also hides the rows of one group that were accepted in these stretches: first and last sequence of each, in
    /// order and apart.
    pub fn hide_accepted(&mut self, group_index: usize, stretches: &[(u64, u64)]) {
        if let Some(group) = self.groups.get_mut(group_index) {
            group.hidden = stretches.into();
        }
    }

    /// The kind that serves a field wherever it occurs in the range; `None` if it occurs nowhere. Decided
    /// from what is known of chunks and parts, so it may speak of messages that lie beside the range.
    pub fn field_kind(&self, path: &str, range: TimeRange) -> Option<FieldKind> {
        let sources = self.groups.iter().flat_map(|g| g.sources(range));
        sources.filter_map(|s| s.kind_of(path)).reduce(union)
    }

    /// UTF-8 bytes of the messages in whatever may have rows in the range.
    pub fn message_bytes(&self, range: TimeRange) -> u64 {
        self.groups.iter().flat_map(|g| g.sources(range)).map(|s| s.stats().message_bytes()).sum()
    }

    /// The discovered fields of the range, and the kind of each.
    pub fn fields(&self, range: TimeRange) -> BTreeMap<Arc<str>, FieldKind> {
        let mut found: BTreeMap<Arc<str>, FieldKind> = BTreeMap::new();
        let mut add = |path: &Arc<str>, kind: FieldKind| {
            found.entry(path.clone()).and_modify(|k| *k = union(*k, kind)).or_insert(kind);
        };
        for source in self.groups.iter().flat_map(|g| g.sources(range)) {
            match source {
                Source::Memory(chunk) => {
                    let layout = &chunk.block.layout;
                    layout.columns.iter().for_each(|c| add(&c.path, c.kind()));
                    layout.unshredded.kinds.iter().for_each(|(path, kind)| add(path, *kind));
                }
                Source::Part(part) => {
                    part.kinds().iter().for_each(|(path, kind)| add(path, *kind));
                    part.unshredded().kinds.iter().for_each(|(path, kind)| add(path, *kind));
                }
            }
        }
        found
    }

    /// The event at a position.
    pub async fn get(
        &self,
        group_index: usize,
        position: LogPosition,
    ) -> Result<Option<StoredLogEvent>, StoreError> {
        let at = position.timestamp;
        let read = LogRead {
            streams: None,
            stream_prefix: None,
            range: TimeRange::new(at, at.saturating_add_millis(1)),
            from: position.sequence.checked_sub(1).map(|sequence| LogPosition { timestamp: at, sequence }),
            descending: false,
            limit: 1,
            bytes_max: usize::MAX,
            must_contain: &[],
            field_tests: &[],
            matcher: None,
            examine_max: usize::MAX,
        };
        let page = self.read(group_index, &read).await?;
        Ok(page.events.into_iter().next().filter(|e| e.position == position))
    }

    pub(crate) fn group(&self, index: usize) -> Result<&GroupView, StoreError> {
        let error = || StoreError::format("a log read", format!("the snapshot has no group {index}"));
        self.groups.get(index).ok_or_else(error)
    }
}

/// The time a range excludes at its end, if any: the end of all time excludes nothing.
pub(crate) fn ends_before(range: TimeRange, at: Timestamp) -> bool {
    range.end != Timestamp::MAX && at >= range.end
}
