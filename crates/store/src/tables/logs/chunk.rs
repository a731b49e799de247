//! The rows of the memtable: the tail as it was received, and sealed chunks of it.

use std::sync::{Arc, OnceLock};

use base::{TimeRange, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;
use signals::LogEvent;

use super::block::Block;
use super::shred::{Row, shred};
use super::stats::{SourceStats, Tombstones};
use crate::wal::WalPosition;

/// The events of one record of the log.
#[derive(Debug)]
pub(crate) struct TailBatch {
    pub(crate) stream: Arc<str>,
    pub(crate) ingestion_time: Timestamp,
    pub(crate) base_sequence: u64,
    pub(crate) position: WalPosition,
    pub(crate) events: Vec<LogEvent>,
}

impl TailBatch {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.events.iter().map(|e| e.message.len() + std::mem::size_of::<LogEvent>()).sum()
    }

    pub(crate) fn add_to(&self, stats: &mut SourceStats) {
        for (nth, event) in self.events.iter().enumerate() {
            let sequence = self.base_sequence + nth as u64;
            let bytes = event.message.len() as u64;
            stats.add_row(&self.stream, event.timestamp, self.ingestion_time, sequence, bytes);
        }
    }
}

/// A tail as a snapshot sees it; put into columns when somebody reads it.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) batches: Vec<Arc<TailBatch>>,
    chunk: OnceLock<Option<Arc<Chunk>>>,
}

impl Tail {
    pub(crate) fn new(batches: Vec<Arc<TailBatch>>) -> Self {
        Self { batches, chunk: OnceLock::new() }
    }

    /// `None` if no row is left.
    pub(crate) fn chunk(&self, tombstones: &Tombstones) -> Option<Arc<Chunk>> {
        self.chunk.get_or_init(|| Chunk::build(&self.batches, tombstones).map(Arc::new)).clone()
    }
}

/// Sealed rows of the memtable.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) block: Block,
    /// Message bytes of each row.
    pub(crate) lengths: Vec<u32>,
    pub(crate) stats: SourceStats,
    pub(crate) memory_bytes: usize,
    /// Figures without the rows before a time, for the latest such time.
    trimmed: Mutex<Option<(Timestamp, Arc<SourceStats>)>>,
}

impl Chunk {
    /// Rows of streams that were deleted since are left out.
    pub(crate) fn build(batches: &[Arc<TailBatch>], tombstones: &Tombstones) -> Option<Self> {
        let mut streams: Vec<Arc<str>> = Vec::new();
        let mut numbers: HashMap<Arc<str>, u32> = HashMap::new();
        let mut rows = Vec::with_capacity(batches.iter().map(|b| b.events.len()).sum());
        let mut stats = SourceStats::default();
        for batch in batches {
            let last = batch.base_sequence + batch.events.len() as u64;
            if tombstones.get(&batch.stream).is_some_and(|deleted| last <= deleted + 1) {
                continue;
            }
            let stream = *numbers.entry(batch.stream.clone()).or_insert_with(|| {
                streams.push(batch.stream.clone());
                streams.len() as u32 - 1
            });
            batch.add_to(&mut stats);
            rows.extend(batch.events.iter().enumerate().map(|(nth, event)| Row {
                timestamp: event.timestamp.as_millis(),
                sequence: batch.base_sequence + nth as u64,
                ingestion_time: batch.ingestion_time.as_millis(),
                stream,
                message: event.message.clone(),
            }));
        }
        if rows.is_empty() {
            return None;
        }
        rows.sort_unstable_by_key(|r| (r.timestamp, r.sequence));
        let lengths: Vec<u32> = rows.iter().map(|r| r.message.len() as u32).collect();
        let block = shred(rows, &streams);
        let memory_bytes = block.memory_bytes() + lengths.len() * 4;
        Some(Self { block, lengths, stats, memory_bytes, trimmed: Mutex::default() })
    }

    /// Figures of the rows at or after `cut`.
    pub(crate) fn stats_after(&self, cut: Timestamp) -> Option<Arc<SourceStats>> {
        if self.stats.span().is_none_or(|(first, _)| first >= cut) {
            return None;
        }
        let mut trimmed = self.trimmed.lock();
        if let Some((at, stats)) = trimmed.as_ref()
            && *at == cut
        {
            return Some(stats.clone());
        }
        let mut stats = SourceStats::default();
        for row in self.block.rows_in(TimeRange::new(cut, Timestamp::MAX)) {
            let ingested = self.block.ingestion_times.as_ref().map_or(0, |a| a.value(row));
            stats.add_row(
                &self.block.stream(row).into(),
                self.block.timestamp(row),
                Timestamp::from_millis(ingested),
                self.block.sequence(row),
                u64::from(self.lengths[row]),
            );
        }
        let stats = Arc::new(stats);
        *trimmed = Some((cut, stats.clone()));
        Some(stats)
    }
}
