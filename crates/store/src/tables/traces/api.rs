//! What callers of the trace table name: stored traces, scans over time, positions.

use std::collections::BTreeMap;

use base::{TimeRange, Timestamp};
use bytes::Bytes;
use signals::{TraceId, TraceSegment};

/// A trace is kept for so long after its first segment came.
pub const RETENTION_MILLIS: i64 = 30 * 86_400_000;
/// A trace may be modified for so long after its first segment came.
pub const MODIFIABLE_MILLIS: i64 = 7 * 86_400_000;

/// A kept segment, or a subsegment that was sent alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSegment {
    pub id: u64,
    pub parent_id: Option<u64>,
    pub is_lone_subsegment: bool,
    pub in_progress: bool,
    pub start_time: Timestamp,
    pub end_time: Option<Timestamp>,
    /// Earliest start and latest end of anything in the document.
    pub first_time: Timestamp,
    pub last_time: Timestamp,
    pub is_unfinished: bool,
    pub received: Timestamp,
    /// Order of acceptance; unique in the store.
    pub sequence: u64,
    /// How many accepted documents this one stands for: itself and those of the same id it replaced.
    pub versions: u32,
    /// Compact JSON.
    pub document: Bytes,
}

impl StoredSegment {
    pub(crate) fn new(segment: TraceSegment, sequence: u64) -> (TraceId, Self) {
        let stored = Self {
            id: segment.id,
            parent_id: segment.parent_id,
            is_lone_subsegment: segment.is_lone_subsegment,
            in_progress: segment.in_progress,
            start_time: segment.start_time,
            end_time: segment.end_time,
            first_time: segment.first_time,
            last_time: segment.last_time,
            is_unfinished: segment.is_unfinished,
            received: segment.received,
            sequence,
            versions: 1,
            document: segment.document,
        };
        (segment.trace_id, stored)
    }

    /// AWS documents only that a complete segment overwrites an in-progress one. Of two alike the later
    /// received wins, and an in-progress one never replaces a complete one.
    fn replaces(&self, other: &Self) -> bool {
        (!self.in_progress, self.sequence) > (!other.in_progress, other.sequence)
    }

    /// What a caller of the row's memory is charged for.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.document.len() + std::mem::size_of::<Self>()
    }
}

/// A trace's segments, one per id, in order of acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTrace {
    pub id: TraceId,
    pub segments: Vec<StoredSegment>,
    /// When its first segment came.
    pub first_received: Timestamp,
}

impl StoredTrace {
    /// Decides which versions count. `rows` may come from anywhere in any order, and may hold the same
    /// row twice. `None` if there are none.
    pub(crate) fn assemble(id: TraceId, mut rows: Vec<StoredSegment>) -> Option<Self> {
        rows.sort_unstable_by_key(|row| row.sequence);
        rows.dedup_by_key(|row| row.sequence);
        let first_received = rows.iter().map(|row| row.received).min()?;
        let mut by_id: BTreeMap<u64, StoredSegment> = BTreeMap::new();
        for row in rows {
            match by_id.entry(row.id) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(row);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    let versions = entry.get().versions.saturating_add(row.versions);
                    if row.replaces(entry.get()) {
                        entry.insert(row);
                    }
                    entry.get_mut().versions = versions;
                }
            }
        }
        let mut segments: Vec<_> = by_id.into_values().collect();
        segments.sort_unstable_by_key(|segment| segment.sequence);
        Some(Self { id, segments, first_received })
    }

    /// How many documents were accepted for this trace.
    pub fn versions(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.versions)).sum()
    }

    /// The time the trace is filed under: that of its earliest segment; see [`trace_time`].
    pub fn trace_time(&self) -> Timestamp {
        let earliest = |lone: bool| {
            let segments = self.segments.iter().filter(|s| lone || !s.is_lone_subsegment);
            segments.min_by_key(|s| (s.start_time, s.sequence))
        };
        let segment = earliest(false).or_else(|| earliest(true));
        segment.map_or(Timestamp::EPOCH, |s| trace_time(self.id, s.start_time, s.received))
    }
}

/// A trace's time: the epoch seconds inside its id where they are plausible (not older than 30 days nor
/// more than 5 minutes ahead of receipt, and within a day of `start`), else the whole second of `start`.
pub fn trace_time(id: TraceId, start: Timestamp, received: Timestamp) -> Timestamp {
    let embedded = Timestamp::from_secs(i64::from(id.embedded_secs()));
    let age_millis = received.millis_since(embedded);
    let plausible = (-300_000..=RETENTION_MILLIS).contains(&age_millis)
        && start.millis_since(embedded).abs() <= 86_400_000;
    if plausible { embedded } else { start.floor_to(1000) }
}

/// What of a trace must lie in a time range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceTimeKind {
    /// Its trace time.
    TraceId,
    /// The activity of some segment or subsegment; what is unfinished lasts until now.
    Event,
    /// The end of some segment.
    Service,
}

/// A scan for traces by time, newest first.
#[derive(Debug, Clone, Copy)]
pub struct TraceScan {
    pub range: TimeRange,
    pub kind: TraceTimeKind,
    /// Only what comes after this position.
    pub after: Option<TracePosition>,
    pub now: Timestamp,
}

/// A trace's place in a scan. Scans go from the greatest to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TracePosition {
    pub time: Timestamp,
    pub id: TraceId,
}

/// The few columns a scan looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexRow {
    pub(crate) trace_time: Timestamp,
    pub(crate) end_time: Option<Timestamp>,
    pub(crate) first_time: Timestamp,
    pub(crate) last_time: Timestamp,
    pub(crate) is_unfinished: bool,
    pub(crate) is_lone_subsegment: bool,
}

impl IndexRow {
    pub(crate) fn of(id: TraceId, segment: &StoredSegment) -> Self {
        Self {
            trace_time: trace_time(id, segment.start_time, segment.received),
            end_time: segment.end_time,
            first_time: segment.first_time,
            last_time: segment.last_time,
            is_unfinished: segment.is_unfinished,
            is_lone_subsegment: segment.is_lone_subsegment,
        }
    }
}

impl TraceScan {
    /// Whether a row puts its trace into the range, as far as the row alone can tell.
    pub(crate) fn admits(&self, row: &IndexRow) -> bool {
        match self.kind {
            TraceTimeKind::TraceId => self.range.contains(row.trace_time),
            TraceTimeKind::Service => {
                !row.is_lone_subsegment && row.end_time.is_some_and(|end| self.range.contains(end))
            }
            TraceTimeKind::Event => {
                let last = if row.is_unfinished { row.last_time.max(self.now) } else { row.last_time };
                self.range.overlaps(row.first_time, last)
            }
        }
    }

    /// The position of `trace` in this scan; `None` if it is not in range. Of the candidates a scan names
    /// for a trace (rows of the trace may each suggest one), exactly the one at this position counts.
    pub fn position(&self, trace: &StoredTrace) -> Option<TracePosition> {
        let time = match self.kind {
            TraceTimeKind::TraceId => Some(trace.trace_time()).filter(|time| self.range.contains(*time)),
            TraceTimeKind::Event | TraceTimeKind::Service => {
                let rows = trace.segments.iter().map(|segment| IndexRow::of(trace.id, segment));
                rows.filter(|row| self.admits(row)).map(|row| row.trace_time).max()
            }
        };
        time.map(|time| TracePosition { time, id: trace.id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TraceId {
        text.parse().unwrap()
    }

    #[test]
    fn trace_time_is_the_embedded_one_where_it_is_plausible() {
        let at = Timestamp::from_secs;
        let now = at(0x6787_c000);
        let embedded = id("1-6787c000-000000000000000000000001");
        assert_eq!(trace_time(embedded, Timestamp::from_millis(now.as_millis() + 1500), now), now);
        let day_off = at(0x6787_c000 - 86_401);
        assert_eq!(trace_time(embedded, day_off, now), day_off);
        let random = id("1-00000001-000000000000000000000001");
        let start = Timestamp::from_millis(now.as_millis() + 999);
        assert_eq!(trace_time(random, start, now), now);
        let ahead = id("1-6787c12d-000000000000000000000001");
        assert_eq!(trace_time(ahead, now, now), now, "301 seconds ahead is not plausible");
    }
}
