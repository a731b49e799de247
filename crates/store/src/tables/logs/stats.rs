//! What is known of the rows of a chunk or part without reading them: exact figures per log stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{TimeRange, Timestamp};

use super::api::StreamStats;
use super::layout::{put_bytes, put_count, put_i64, put_u64, take_count, take_i64, take_text, take_u64};

/// CloudWatch counts this much for each event beside its message.
pub(crate) const EVENT_OVERHEAD_BYTES: u64 = 26;

/// Deleted streams: rows of a stream at or before the sequence are gone.
pub(crate) type Tombstones = BTreeMap<Arc<str>, u64>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamEntry {
    pub(crate) stats: StreamStats,
    pub(crate) max_sequence: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceStats {
    pub(crate) streams: BTreeMap<Arc<str>, StreamEntry>,
}

impl SourceStats {
    pub(crate) fn add(&mut self, stream: &Arc<str>, entry: StreamEntry) {
        match self.streams.get_mut(stream) {
            Some(known) => *known = merge_entries(*known, entry),
            None => {
                self.streams.insert(stream.clone(), entry);
            }
        }
    }

    pub(crate) fn add_row(
        &mut self,
        stream: &Arc<str>,
        at: Timestamp,
        ingested: Timestamp,
        sequence: u64,
        bytes: u64,
    ) {
        let stats = StreamStats {
            first_event: at,
            last_event: at,
            last_ingestion: ingested,
            events: 1,
            message_bytes: bytes,
        };
        self.add(stream, StreamEntry { stats, max_sequence: sequence });
    }

    pub(crate) fn message_bytes(&self) -> u64 {
        self.streams.values().map(|e| e.stats.message_bytes).sum()
    }

    /// Of the row accepted last.
    pub(crate) fn max_sequence(&self) -> u64 {
        self.streams.values().map(|e| e.max_sequence).max().unwrap_or_default()
    }

    /// First and last event.
    pub(crate) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.streams.values().map(|e| e.stats.first_event).min()?;
        Some((first, self.streams.values().map(|e| e.stats.last_event).max()?))
    }

    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.span().is_some_and(|(first, last)| {
            range.start <= last && (first < range.end || range.end == Timestamp::MAX)
        })
    }

    /// The entry of a stream, unless the stream was deleted since.
    pub(crate) fn live(&self, stream: &str, tombstones: &Tombstones) -> Option<&StreamEntry> {
        let entry = self.streams.get(stream)?;
        (!is_dead(entry, stream, tombstones)).then_some(entry)
    }

    pub(crate) fn live_streams<'a>(
        &'a self,
        tombstones: &'a Tombstones,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a StreamEntry)> + 'a {
        self.streams.iter().filter(|(stream, entry)| !is_dead(entry, stream, tombstones))
    }

    /// Whether some row may be hidden by a tombstone.
    pub(crate) fn touches(&self, tombstones: &Tombstones) -> bool {
        tombstones.keys().any(|stream| self.streams.contains_key(stream))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.streams.len());
        for (stream, StreamEntry { stats, max_sequence }) in &self.streams {
            put_bytes(out, stream.as_bytes());
            put_i64(out, stats.first_event.as_millis());
            put_i64(out, stats.last_event.as_millis());
            put_i64(out, stats.last_ingestion.as_millis());
            put_u64(out, stats.events);
            put_u64(out, stats.message_bytes);
            put_u64(out, *max_sequence);
        }
    }

    pub(crate) fn decode(input: &mut &[u8], names: &mut BTreeSet<Arc<str>>) -> Option<Self> {
        let mut found = SourceStats::default();
        for _ in 0..take_count(input)? {
            let text = take_text(input)?;
            let stream = names.get(text).cloned().unwrap_or_else(|| text.into());
            names.insert(stream.clone());
            let stats = StreamStats {
                first_event: Timestamp::from_millis(take_i64(input)?),
                last_event: Timestamp::from_millis(take_i64(input)?),
                last_ingestion: Timestamp::from_millis(take_i64(input)?),
                events: take_u64(input)?,
                message_bytes: take_u64(input)?,
            };
            found.streams.insert(stream, StreamEntry { stats, max_sequence: take_u64(input)? });
        }
        Some(found)
    }
}

/// Whether a row of a stream was deleted with the stream.
pub(crate) fn is_dead_row(stream: &str, sequence: u64, tombstones: &Tombstones) -> bool {
    tombstones.get(stream).is_some_and(|deleted| sequence <= *deleted)
}

fn is_dead(entry: &StreamEntry, stream: &str, tombstones: &Tombstones) -> bool {
    tombstones.get(stream).is_some_and(|deleted| entry.max_sequence <= *deleted)
}

fn merge_entries(a: StreamEntry, b: StreamEntry) -> StreamEntry {
    StreamEntry { stats: merge_stats(a.stats, b.stats), max_sequence: a.max_sequence.max(b.max_sequence) }
}

pub(crate) fn merge_stats(a: StreamStats, b: StreamStats) -> StreamStats {
    StreamStats {
        first_event: a.first_event.min(b.first_event),
        last_event: a.last_event.max(b.last_event),
        last_ingestion: a.last_ingestion.max(b.last_ingestion),
        events: a.events + b.events,
        message_bytes: a.message_bytes + b.message_bytes,
    }
}
