//! Background work of the log table: flush, compaction, retention.

use std::sync::Arc;

use base::{TimeRange, Timestamp};
use tokio_util::sync::CancellationToken;

use super::api::LogGroupKey;
use super::block::Block;
use super::group::{ChunkPlace, Group};
use super::index::GRANULE_ROWS;
use super::merge::{live_rows, merge};
use super::part::{EncodedPart, Need, Part, encode_part};
use super::policy::{Candidate, FLUSH_BYTES, FLUSH_ROWS, InMemory, flush_due, plan_merge};
use super::stats::{SourceStats, Tombstones};
use super::table::LogTable;
use crate::core::{Core, Pressure};
use crate::error::StoreError;
use crate::manifest::{ManifestEdit, PartEntry};
use crate::store::Table;
use crate::wal::TableId;

#[async_trait::async_trait]
impl Table for LogTable {
    fn id(&self) -> TableId {
        TableId::Logs
    }

    async fn maintain(
        &self,
        now: Timestamp,
        pressure: Pressure,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError> {
        let groups: Vec<Arc<Group>> = self.groups.read().values().cloned().collect();
        let mut changes = 0;
        for group in groups {
            if stop.is_cancelled() {
                break;
            }
            if group.deleted().is_some() {
                let _merging = group.merging.lock().await;
                self.finish_deletion(&group).await?;
                changes += 1;
                continue;
            }
            let (rows, bytes, oldest) = group.in_memory();
            let demanded = oldest.is_some_and(|oldest| pressure.demands(oldest));
            let (since, latest) = group.accepted();
            if demanded || flush_due(InMemory { rows, bytes, since, latest }, now) {
                changes += self.flush_group(&group).await?;
            }
            self.count_trimmed(&group).await?;
            while !stop.is_cancelled() && pressure == Pressure::Normal {
                let merged = self.merge_once(&group, stop).await?;
                changes += merged;
                if merged == 0 {
                    break;
                }
            }
            changes += self.forget_tombstones(&group).await?;
        }
        if self.memory_bytes() > self.config.memory_bytes {
            changes += self.flush_largest().await?;
        }
        Ok(changes)
    }
}

impl LogTable {
    /// Waits for a flush while memory is full.
    pub(crate) async fn make_room(&self) -> Result<(), StoreError> {
        while self.memory_bytes() > self.config.memory_bytes_max {
            let _turn = self.flushing.lock().await;
            if self.memory_bytes() > self.config.memory_bytes_max {
                let flushed = self.flush_largest().await;
                match flushed {
                    Ok(0) | Err(_) => {
                        tracing::warn!(error = ?flushed.err(), "memory of the log table is full");
                        return Err(StoreError::NoRoom("memory for log events is full".to_owned()));
                    }
                    Ok(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Starts a flush if the group, or the table, holds too much.
    pub(crate) fn flush_in_background(&self, group: &Arc<Group>) {
        let (rows, bytes, _) = group.in_memory();
        let group_full = rows >= FLUSH_ROWS || bytes >= FLUSH_BYTES;
        if !group_full && self.memory_bytes() <= self.config.memory_bytes {
            return;
        }
        let (Some(table), Ok(runtime)) = (self.this.upgrade(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        if self.flushing.try_lock().is_err() {
            return;
        }
        let group = group.clone();
        runtime.spawn(async move {
            let Ok(_turn) = table.flushing.try_lock() else { return };
            let flushed = match group_full {
                true => table.flush_group(&group).await,
                false => table.flush_largest().await,
            };
            if let Err(error) = flushed {
                tracing::warn!(%error, "flush of log events failed");
            }
        });
    }

    async fn flush_largest(&self) -> Result<u64, StoreError> {
        let groups: Vec<Arc<Group>> = self.groups.read().values().cloned().collect();
        match groups.into_iter().max_by_key(|g| g.in_memory().1) {
            Some(group) => self.flush_group(&group).await,
            None => Ok(0),
        }
    }

    /// Flushes everything that is in memory.
    pub async fn flush(&self) -> Result<u64, StoreError> {
        let groups: Vec<Arc<Group>> = self.groups.read().values().cloned().collect();
        let mut changes = 0;
        for group in groups.into_iter().filter(|g| g.deleted().is_none()) {
            changes += self.flush_group(&group).await?;
        }
        Ok(changes)
    }

    /// Moves what the group has in memory now into parts.
    pub(crate) async fn flush_group(&self, group: &Arc<Group>) -> Result<u64, StoreError> {
        let _merging = group.merging.lock().await;
        {
            let _sealing = group.sealing.lock().await;
            self.seal_locked(group).await;
        }
        let input = group.flush_input();
        let mut changes = 0;
        let mut left = input.chunks.as_slice();
        while !left.is_empty() {
            let count = chunks_of_a_part(left);
            let (now, later) = left.split_at(count);
            let last = now[count - 1].last;
            let blocks = now.iter().filter_map(|c| c.chunk.as_ref()).map(|c| c.block.clone()).collect();
            let encoded = encode_live(blocks, input.tombstones.clone(), input.cut).await?;
            let flushed = vec![(TableId::Logs, group.partition.clone(), last)];
            let part = self.commit_part(group, encoded, Vec::new(), flushed).await?;
            self.release(group.install_flushed(count, part));
            changes += 1;
            left = later;
        }
        Ok(changes)
    }

    /// Stores a part and makes the manifest's edit.
    async fn commit_part(
        &self,
        group: &Arc<Group>,
        encoded: Option<EncodedPart>,
        remove: Vec<u64>,
        flushed: Vec<(TableId, String, crate::wal::WalPosition)>,
    ) -> Result<Option<Arc<Part>>, StoreError> {
        let mut edit = ManifestEdit { remove, flushed, ..ManifestEdit::default() };
        let mut part = None;
        if let Some(encoded) = encoded {
            let id = self.core.next_part_id();
            let entry = PartEntry {
                id,
                table: TableId::Logs,
                partition: group.partition.clone(),
                path: Core::part_path(TableId::Logs, id),
                rows: encoded.rows,
                size_bytes: encoded.object.len() as u64,
                min_time: encoded.min_time,
                max_time: encoded.max_time,
                meta: encoded.meta,
            };
            self.core.put_part(&entry.path, encoded.object).await?;
            part = Some(Arc::new(Part::new(self.core.clone(), self.cache.clone(), &entry)?));
            edit.add.push(entry);
        }
        self.core.commit(edit).await?;
        Ok(part)
    }

    /// Merges small parts of every group where that is worth it.
    pub async fn compact(&self, stop: &CancellationToken) -> Result<u64, StoreError> {
        let groups: Vec<Arc<Group>> = self.groups.read().values().cloned().collect();
        let mut changes = 0;
        for group in groups.into_iter().filter(|g| g.deleted().is_none()) {
            while !stop.is_cancelled() && self.merge_once(&group, stop).await? > 0 {
                changes += 1;
            }
        }
        Ok(changes)
    }

    async fn merge_once(&self, group: &Arc<Group>, stop: &CancellationToken) -> Result<u64, StoreError> {
        let _merging = group.merging.lock().await;
        let input = group.flush_input();
        let parts = group.parts();
        let candidates: Vec<Candidate> =
            parts.iter().filter_map(|p| candidate(p, &input.tombstones, input.cut)).collect();
        let chosen = plan_merge(&candidates);
        if chosen.is_empty() {
            return Ok(0);
        }
        let mut blocks = Vec::new();
        for part in parts.iter().filter(|p| chosen.contains(&p.id)) {
            let open = part.open().await?;
            for group_rows in row_groups(part, 0..part.rows as usize) {
                if stop.is_cancelled() {
                    return Ok(0);
                }
                let need = Need::all(&open.layout);
                blocks.extend(part.load(&open, std::slice::from_ref(&group_rows), &need).await?);
            }
        }
        let encoded = encode_live(blocks, input.tombstones, input.cut).await?;
        let part = self.commit_part(group, encoded, chosen.clone(), Vec::new()).await?;
        group.install_merged(&chosen, part);
        Ok(1)
    }

    async fn forget_tombstones(&self, group: &Arc<Group>) -> Result<u64, StoreError> {
        let _merging = group.merging.lock().await;
        let _sealing = group.sealing.lock().await;
        let idle = group.idle_tombstones();
        if idle.is_empty() {
            return Ok(0);
        }
        let fact = |stream: &Arc<str>| (TableId::Logs, Self::tombstone_key(&group.partition, stream), None);
        let facts = idle.iter().map(fact).collect();
        self.core.commit(ManifestEdit { facts, ..ManifestEdit::default() }).await?;
        group.drop_tombstones(&idle);
        Ok(idle.len() as u64)
    }

    /// Hides events of a group older than `before`, for ever; parts wholly older go at once, others when they
    /// are merged. Durable on return. Returns how many events went out of sight.
    pub async fn expire(&self, group: &LogGroupKey, before: Timestamp) -> Result<u64, StoreError> {
        let Some(group) = self.known(group) else { return Ok(0) };
        let _merging = group.merging.lock().await;
        let events = |group: &Group| group.all_stream_stats().values().map(|s| s.events).sum::<u64>();
        let (cut, had) = (group.cut(), events(&group));
        let oldest = group.all_stream_stats().values().map(|s| s.first_event).min();
        if before <= cut || oldest.is_none_or(|oldest| oldest >= before) {
            return Ok(0);
        }
        let parts = group.parts();
        let gone = parts.iter().filter(|p| p.stats.span().is_none_or(|(_, last)| last < before));
        let remove: Vec<u64> = gone.map(|p| p.id).collect();
        let cut = before.as_millis().to_le_bytes().to_vec();
        let facts = vec![(TableId::Logs, Self::cut_key(&group.partition), Some(cut))];
        self.core.commit(ManifestEdit { remove: remove.clone(), facts, ..ManifestEdit::default() }).await?;
        group.set_cut(before);
        group.install_merged(&remove, None);
        self.count_trimmed(&group).await?;
        Ok(had.saturating_sub(events(&group)))
    }

    /// Counts what is left of parts that are expired in part.
    async fn count_trimmed(&self, group: &Arc<Group>) -> Result<(), StoreError> {
        let cut = group.cut();
        for part in group.parts().iter().filter(|p| p.needs_trimming(cut)) {
            part.set_trimmed(cut, stats_from(part, cut).await?);
        }
        Ok(())
    }
}

/// The first so many chunks make a part of reasonable size.
fn chunks_of_a_part(chunks: &[ChunkPlace]) -> usize {
    let mut rows = 0;
    let fits = |place: &&ChunkPlace| {
        rows += place.chunk.as_ref().map_or(0, |c| c.block.rows());
        rows <= FLUSH_ROWS * 5 / 4
    };
    chunks.iter().take_while(fits).count().max(1)
}

/// Joins and encodes what is neither deleted nor expired; `None` if nothing is left.
async fn encode_live(
    blocks: Vec<Block>,
    tombstones: Arc<Tombstones>,
    cut: Timestamp,
) -> Result<Option<EncodedPart>, StoreError> {
    let work = move || {
        let mut live = Vec::with_capacity(blocks.len());
        for block in &blocks {
            live.extend(live_rows(block, &tombstones, cut)?);
        }
        drop(blocks);
        if live.is_empty() {
            return Ok(None);
        }
        let merged = merge(&live)?;
        drop(live);
        encode_part(&merged).map(Some)
    };
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Cancelled)?
}

/// Rows cut at the edges of row groups.
fn row_groups(
    part: &Part,
    rows: std::ops::Range<usize>,
) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
    let size = part.row_group_rows();
    let groups = rows.start / size..rows.end.div_ceil(size);
    groups.map(move |g| (g * size).max(rows.start)..((g + 1) * size).min(rows.end))
}

fn candidate(part: &Part, tombstones: &Tombstones, cut: Timestamp) -> Option<Candidate> {
    let (first, _) = part.stats.span()?;
    let left = part.stats_after(cut);
    let live: u64 = left.live_streams(tombstones).map(|(_, e)| e.stats.events).sum();
    Some(Candidate {
        id: part.id,
        first,
        rows: part.rows,
        dead_rows: part.rows.saturating_sub(live),
        message_bytes: part.stats.message_bytes(),
    })
}

/// Figures of a part's rows at or after `cut`.
async fn stats_from(part: &Arc<Part>, cut: Timestamp) -> Result<SourceStats, StoreError> {
    let open = part.open().await?;
    let kept = open.granules_in(TimeRange::new(cut, Timestamp::MAX));
    let start = kept.start * GRANULE_ROWS;
    let mut stats = SourceStats::default();
    let need = Need::all(&open.layout);
    for rows in row_groups(part, start..part.rows as usize) {
        for block in part.load(&open, std::slice::from_ref(&rows), &need).await? {
            let messages = block.messages();
            let mut text = Vec::new();
            for row in block.rows_in(TimeRange::new(cut, Timestamp::MAX)) {
                text.clear();
                messages.write(row, &mut text)?;
                let ingested = block.ingestion_times.as_ref().map_or(0, |a| a.value(row));
                let stream = block.stream(row).into();
                let ingested = Timestamp::from_millis(ingested);
                stats.add_row(
                    &stream,
                    block.timestamp(row),
                    ingested,
                    block.sequence(row),
                    text.len() as u64,
                );
            }
        }
    }
    Ok(stats)
}
