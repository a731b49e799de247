//! One log group: its tail, chunks and parts, and what was deleted of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base::Timestamp;
use parking_lot::Mutex;

use super::api::{LogGroupKey, StreamStats};
use super::chunk::{Chunk, Tail, TailBatch};
use super::part::Part;
use super::record;
use super::stats::{EVENT_OVERHEAD_BYTES, SourceStats, Tombstones, merge_stats};
use crate::wal::WalPosition;

/// A tail is sealed when it has so many rows or bytes.
pub(crate) const CHUNK_ROWS: usize = 16_384;
pub(crate) const CHUNK_BYTES: usize = 8 << 20;

pub(crate) struct Group {
    pub(crate) key: LogGroupKey,
    pub(crate) partition: String,
    state: Mutex<State>,
    /// Held while the tail is sealed or streams are deleted.
    pub(crate) sealing: tokio::sync::Mutex<()>,
    /// Held while parts are made. Taken before `sealing`.
    pub(crate) merging: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    tail: Vec<Arc<TailBatch>>,
    tail_rows: usize,
    tail_bytes: usize,
    tail_stats: SourceStats,
    /// The tail as the last snapshot saw it, while it is unchanged.
    tail_view: Option<Arc<Tail>>,
    chunks: Vec<ChunkPlace>,
    parts: Vec<Arc<Part>>,
    tombstones: Arc<Tombstones>,
    cut: Option<Timestamp>,
    /// The record that deleted the group.
    deleted: Option<WalPosition>,
    last_sequence: u64,
    /// When the oldest row in memory was accepted.
    since: Option<Timestamp>,
    /// When a row was accepted last.
    latest: Option<Timestamp>,
}

/// A chunk and the records it was made of. A chunk without rows still stands for its records.
#[derive(Clone)]
pub(crate) struct ChunkPlace {
    pub(crate) chunk: Option<Arc<Chunk>>,
    pub(crate) first: WalPosition,
    pub(crate) last: WalPosition,
}

/// A group as it was at one moment.
#[derive(Clone)]
pub(crate) struct GroupView {
    pub(crate) parts: Vec<Arc<Part>>,
    pub(crate) chunks: Vec<Arc<Chunk>>,
    pub(crate) tail: Option<Arc<Tail>>,
    pub(crate) tombstones: Arc<Tombstones>,
    /// Rows before this are expired.
    pub(crate) cut: Timestamp,
    /// Of the row accepted last, even if it is gone.
    pub(crate) last_sequence: u64,
    /// First and last sequence of stretches that this snapshot does not show, in order.
    pub(crate) hidden: Arc<[(u64, u64)]>,
}

impl GroupView {
    pub(crate) fn empty() -> Self {
        let (parts, chunks, tombstones) = (Vec::new(), Vec::new(), Arc::default());
        let (cut, last_sequence, hidden) = (Timestamp::MIN, 0, Arc::default());
        Self { parts, chunks, tail: None, tombstones, cut, last_sequence, hidden }
    }
}

/// What flushing takes from a group.
pub(crate) struct FlushInput {
    pub(crate) chunks: Vec<ChunkPlace>,
    pub(crate) tombstones: Arc<Tombstones>,
    pub(crate) cut: Timestamp,
}

impl Group {
    pub(crate) fn new(key: LogGroupKey) -> Self {
        let partition = record::partition(&key);
        let (sealing, merging) = Default::default();
        Self { key, partition, state: Mutex::default(), sealing, merging }
    }

    /// Makes a durable record visible. Returns by how much memory grew.
    pub(crate) fn push(&self, batch: Arc<TailBatch>) -> usize {
        let mut state = self.state.lock();
        let last = batch.base_sequence + batch.events.len() as u64 - 1;
        state.last_sequence = state.last_sequence.max(last);
        if state.deleted.is_some() {
            return 0;
        }
        let bytes = batch.memory_bytes();
        state.since = state.since.or(Some(batch.ingestion_time));
        state.latest = state.latest.max(Some(batch.ingestion_time));
        // At replay the stream may have been deleted since. The record is kept in the tail all the same: the
        // tombstone must live until the log no longer holds the record.
        if state.tombstones.get(&batch.stream).is_none_or(|deleted| last > *deleted) {
            batch.add_to(&mut state.tail_stats);
        }
        state.tail_rows += batch.events.len();
        state.tail_bytes += bytes;
        state.tail.push(batch);
        state.tail_view = None;
        bytes
    }

    pub(crate) fn view(&self) -> GroupView {
        let mut state = self.state.lock();
        if state.tail_view.is_none() && !state.tail.is_empty() {
            state.tail_view = Some(Arc::new(Tail::new(state.tail.clone())));
        }
        GroupView {
            parts: state.parts.clone(),
            chunks: state.chunks.iter().filter_map(|c| c.chunk.clone()).collect(),
            tail: state.tail_view.clone(),
            tombstones: state.tombstones.clone(),
            cut: state.cut.unwrap_or(Timestamp::MIN),
            last_sequence: state.last_sequence,
            hidden: Arc::default(),
        }
    }

    pub(crate) fn seal_due(&self) -> bool {
        let state = self.state.lock();
        state.tail_rows >= CHUNK_ROWS || state.tail_bytes >= CHUNK_BYTES
    }

    /// The tail is so far behind that appenders should wait for it.
    pub(crate) fn seal_overdue(&self) -> bool {
        let state = self.state.lock();
        state.tail_rows >= CHUNK_ROWS * 4 || state.tail_bytes >= CHUNK_BYTES * 4
    }

    /// The whole tail, for sealing. To be called with `sealing` held.
    pub(crate) fn tail_to_seal(&self) -> Option<(Arc<Tail>, Arc<Tombstones>)> {
        let mut state = self.state.lock();
        if state.tail.is_empty() {
            return None;
        }
        if state.tail_view.is_none() {
            state.tail_view = Some(Arc::new(Tail::new(state.tail.clone())));
        }
        Some((state.tail_view.clone()?, state.tombstones.clone()))
    }

    /// Replaces the front of the tail by the chunk made of it. Returns (bytes freed, bytes added).
    pub(crate) fn install_chunk(&self, tail: &Tail, chunk: Option<Arc<Chunk>>) -> (usize, usize) {
        let mut state = self.state.lock();
        if state.deleted.is_some() {
            return (0, 0);
        }
        let taken = tail.batches.len();
        let (Some(first), Some(last)) = (tail.batches.first(), tail.batches.last()) else { return (0, 0) };
        state.tail.drain(..taken);
        state.tail_view = None;
        let freed: usize = tail.batches.iter().map(|b| b.memory_bytes()).sum();
        state.tail_bytes = state.tail.iter().map(|b| b.memory_bytes()).sum();
        state.tail_rows = state.tail.iter().map(|b| b.events.len()).sum();
        state.tail_stats = state.live_tail_stats();
        let added = chunk.as_ref().map_or(0, |c| c.memory_bytes);
        state.chunks.push(ChunkPlace { chunk, first: first.position, last: last.position });
        (freed, added)
    }

    pub(crate) fn flush_input(&self) -> FlushInput {
        let state = self.state.lock();
        FlushInput {
            chunks: state.chunks.clone(),
            tombstones: state.tombstones.clone(),
            cut: state.cut.unwrap_or(Timestamp::MIN),
        }
    }

    /// Replaces the first `flushed` chunks by a part. Returns the bytes freed.
    pub(crate) fn install_flushed(&self, flushed: usize, part: Option<Arc<Part>>) -> usize {
        let mut state = self.state.lock();
        if state.deleted.is_some() {
            return 0;
        }
        let freed = state.chunks.drain(..flushed).filter_map(|c| c.chunk).map(|c| c.memory_bytes).sum();
        state.parts.extend(part);
        state.since = state.tail.first().map(|b| b.ingestion_time);
        freed
    }

    /// Replaces parts by others.
    pub(crate) fn install_merged(&self, removed: &[u64], added: Option<Arc<Part>>) {
        let mut state = self.state.lock();
        for id in removed {
            if let Some(at) = state.parts.iter().position(|p| p.id == *id) {
                state.parts.remove(at).retire();
            }
        }
        state.parts.extend(added);
    }

    /// (rows, bytes) in memory, and the oldest record held.
    pub(crate) fn in_memory(&self) -> (usize, usize, Option<WalPosition>) {
        let state = self.state.lock();
        let chunks = state.chunks.iter().filter_map(|c| c.chunk.as_ref());
        let rows = chunks.clone().map(|c| c.block.rows()).sum::<usize>() + state.tail_rows;
        let bytes = chunks.map(|c| c.memory_bytes).sum::<usize>() + state.tail_bytes;
        let oldest = state.chunks.first().map(|c| c.first);
        let oldest = oldest.or(state.tail.first().map(|b| b.position)).or(state.deleted);
        (rows, bytes, oldest)
    }

    /// When the oldest row in memory was accepted, and when any row was accepted last.
    pub(crate) fn accepted(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let state = self.state.lock();
        (state.since, state.latest)
    }

    pub(crate) fn last_sequence(&self) -> u64 {
        self.state.lock().last_sequence
    }

    pub(crate) fn set_tombstone(&self, stream: &Arc<str>, sequence: u64) {
        let mut state = self.state.lock();
        let mut tombstones = Tombstones::clone(&state.tombstones);
        tombstones.insert(stream.clone(), sequence);
        state.tombstones = Arc::new(tombstones);
        state.tail_view = None;
        state.tail_stats = state.live_tail_stats();
    }

    /// Forgets tombstones that hide nothing any more; the streams they were of.
    pub(crate) fn idle_tombstones(&self) -> Vec<Arc<str>> {
        let state = self.state.lock();
        if !state.tail.is_empty() || !state.chunks.is_empty() {
            return Vec::new();
        }
        let used = |stream: &Arc<str>| {
            let deleted = state.tombstones.get(stream).copied().unwrap_or_default();
            let entries = state.parts.iter().filter_map(|p| p.stats.streams.get(stream));
            entries.into_iter().any(|e| e.max_sequence <= deleted)
        };
        state.tombstones.keys().filter(|s| !used(s)).cloned().collect()
    }

    pub(crate) fn drop_tombstones(&self, streams: &[Arc<str>]) {
        let mut state = self.state.lock();
        let mut tombstones = Tombstones::clone(&state.tombstones);
        tombstones.retain(|stream, _| !streams.contains(stream));
        state.tombstones = Arc::new(tombstones);
    }

    pub(crate) fn cut(&self) -> Timestamp {
        self.state.lock().cut.unwrap_or(Timestamp::MIN)
    }

    pub(crate) fn set_cut(&self, cut: Timestamp) {
        let mut state = self.state.lock();
        state.cut = state.cut.max(Some(cut));
    }

    /// Marks the group deleted; nothing of it is seen any more. Returns the bytes freed.
    pub(crate) fn set_deleted(&self, at: WalPosition) -> usize {
        let mut state = self.state.lock();
        let chunks = state.chunks.iter().filter_map(|c| c.chunk.as_ref());
        let freed = chunks.map(|c| c.memory_bytes).sum::<usize>() + state.tail_bytes;
        let parts = std::mem::take(&mut state.parts);
        *state = State { deleted: Some(at), parts, ..State::default() };
        freed
    }

    pub(crate) fn deleted(&self) -> Option<WalPosition> {
        self.state.lock().deleted
    }

    pub(crate) fn parts(&self) -> Vec<Arc<Part>> {
        self.state.lock().parts.clone()
    }

    /// A part the manifest knew at open.
    pub(crate) fn add_part(&self, part: Arc<Part>) {
        let mut state = self.state.lock();
        state.last_sequence = state.last_sequence.max(part.max_sequence);
        state.parts.push(part);
    }

    pub(crate) fn stream_stats(&self, stream: &str) -> Option<StreamStats> {
        let state = self.state.lock();
        let mut found: Option<StreamStats> = None;
        state.each_source(&mut |stats| {
            if let Some(entry) = stats.live(stream, &state.tombstones) {
                found = Some(found.map_or(entry.stats, |f| merge_stats(f, entry.stats)));
            }
        });
        found
    }

    /// Figures of every stream that has events.
    pub(crate) fn all_stream_stats(&self) -> BTreeMap<Arc<str>, StreamStats> {
        let state = self.state.lock();
        let mut found = SourceStats::default();
        state.each_source(&mut |stats| {
            stats.live_streams(&state.tombstones).for_each(|(stream, entry)| found.add(stream, *entry));
        });
        found.streams.into_iter().map(|(stream, entry)| (stream, entry.stats)).collect()
    }

    pub(crate) fn stored_bytes(&self) -> u64 {
        let state = self.state.lock();
        let mut total = 0;
        state.each_source(&mut |stats| {
            total += stats
                .live_streams(&state.tombstones)
                .map(|(_, e)| e.stats.message_bytes + e.stats.events * EVENT_OVERHEAD_BYTES)
                .sum::<u64>();
        });
        total
    }
}

impl State {
    fn live_tail_stats(&self) -> SourceStats {
        let mut stats = SourceStats::default();
        let dead = |b: &Arc<TailBatch>| {
            let end = b.base_sequence + b.events.len() as u64;
            self.tombstones.get(&b.stream).is_some_and(|deleted| end <= deleted + 1)
        };
        self.tail.iter().filter(|b| !dead(b)).for_each(|b| b.add_to(&mut stats));
        stats
    }

    /// Calls `look` with the figures of every source, without expired rows.
    fn each_source(&self, look: &mut dyn FnMut(&SourceStats)) {
        if self.deleted.is_some() {
            return;
        }
        let cut = self.cut.unwrap_or(Timestamp::MIN);
        for chunk in self.chunks.iter().filter_map(|c| c.chunk.as_ref()) {
            look(chunk.stats_after(cut).as_deref().unwrap_or(&chunk.stats));
        }
        self.parts.iter().for_each(|part| look(&part.stats_after(cut)));
        look(&self.tail_after(cut));
    }

    fn tail_after(&self, cut: Timestamp) -> Cow<'_, SourceStats> {
        if self.tail_stats.span().is_none_or(|(first, _)| first >= cut) {
            return Cow::Borrowed(&self.tail_stats);
        }
        let mut stats = SourceStats::default();
        for batch in &self.tail {
            let last = batch.base_sequence + batch.events.len() as u64;
            if self.tombstones.get(&batch.stream).is_some_and(|deleted| last <= deleted + 1) {
                continue;
            }
            for (nth, event) in batch.events.iter().enumerate().filter(|(_, e)| e.timestamp >= cut) {
                let sequence = batch.base_sequence + nth as u64;
                let bytes = event.message.len() as u64;
                stats.add_row(&batch.stream, event.timestamp, batch.ingestion_time, sequence, bytes);
            }
        }
        Cow::Owned(stats)
    }
}
