//! The table: appends, deletions, figures, snapshots. Background work is in `upkeep`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use base::Timestamp;
use hashbrown::HashMap;
use parking_lot::RwLock;
use signals::LogEvent;

use super::api::{AcceptedPage, LogGroupKey, LogPosition, StreamStats};
use super::chunk::{Chunk, TailBatch};
use super::feed::{Feeds, LogFeed};
use super::group::{Group, GroupView};
use super::part::{Part, PartCache};
use super::record::{self, Record};
use super::snapshot::LogSnapshot;
use crate::core::{Core, WalTable};
use crate::error::StoreError;
use crate::manifest::ManifestEdit;
use crate::tables::metrics::{MetricBatch, MetricTable};
use crate::wal::{TableId, WalPosition};

/// Limits of the log table.
#[derive(Debug, Clone, Copy)]
pub struct LogTableConfig {
    /// Above this, the largest group is flushed.
    pub memory_bytes: usize,
    /// Above this, appends wait for a flush, or are refused if it fails.
    pub memory_bytes_max: usize,
    /// Metadata and indexes of parts kept open.
    pub cache_bytes: usize,
}

impl Default for LogTableConfig {
    fn default() -> Self {
        Self { memory_bytes: 128 << 20, memory_bytes_max: 224 << 20, cache_bytes: 96 << 20 }
    }
}

/// Log events of all log groups.
pub struct LogTable {
    pub(crate) this: Weak<LogTable>,
    pub(crate) core: Arc<Core>,
    /// Takes what is derived from log events as they are appended.
    metrics: Arc<MetricTable>,
    pub(crate) config: LogTableConfig,
    pub(crate) cache: Arc<PartCache>,
    pub(crate) groups: RwLock<HashMap<LogGroupKey, Arc<Group>>>,
    /// Bytes of tails and chunks.
    pub(crate) memory: AtomicUsize,
    /// Flushes started by appends run one at a time.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    pub(crate) feeds: Arc<Feeds>,
}

/// Events that can be stored together with metric data in one append.
pub const JOINT_EVENTS_MAX: usize = record::EVENTS_MAX;

const TOMBSTONE: char = 's';
const CUT: char = 'x';

impl LogTable {
    /// Loads what the manifest knows. The log is replayed into the table afterwards.
    pub(crate) fn new(
        core: Arc<Core>,
        metrics: Arc<MetricTable>,
        config: LogTableConfig,
    ) -> Result<Arc<Self>, StoreError> {
        let table = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            core,
            metrics,
            config,
            cache: Arc::new(PartCache::new(config.cache_bytes)),
            groups: RwLock::default(),
            memory: AtomicUsize::new(0),
            flushing: tokio::sync::Mutex::default(),
            feeds: Arc::default(),
        });
        for entry in table.core.parts(TableId::Logs) {
            let part = Part::new(table.core.clone(), table.cache.clone(), &entry)?;
            table.group_of_partition(&entry.partition)?.add_part(Arc::new(part));
        }
        for (key, value) in table.core.facts(TableId::Logs) {
            table.load_fact(&key, &value)?;
        }
        Ok(table)
    }

    fn group_of_partition(&self, partition: &str) -> Result<Arc<Group>, StoreError> {
        let key = record::group_of_partition(partition)
            .ok_or_else(|| StoreError::damaged("the manifest", format!("no log group: {partition}")))?;
        Ok(self.group(&key))
    }

    fn load_fact(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let damaged = || StoreError::damaged("the manifest", format!("fact {key:?} of the log table"));
        let value: [u8; 8] = value.try_into().map_err(|_| damaged())?;
        let mut rest = key.chars();
        match rest.next() {
            Some(TOMBSTONE) => {
                let (partition, stream) = rest.as_str().split_once('\0').ok_or_else(damaged)?;
                let group = self.group_of_partition(partition)?;
                group.set_tombstone(&stream.into(), u64::from_le_bytes(value));
            }
            Some(CUT) => {
                let cut = Timestamp::from_millis(i64::from_le_bytes(value));
                self.group_of_partition(rest.as_str())?.set_cut(cut);
            }
            _ => return Err(damaged()),
        }
        Ok(())
    }

    pub(crate) fn tombstone_key(partition: &str, stream: &str) -> String {
        format!("{TOMBSTONE}{partition}\0{stream}")
    }

    pub(crate) fn cut_key(partition: &str) -> String {
        format!("{CUT}{partition}")
    }

    pub(crate) fn known(&self, key: &LogGroupKey) -> Option<Arc<Group>> {
        self.groups.read().get(key).cloned()
    }

    pub(crate) fn group(&self, key: &LogGroupKey) -> Arc<Group> {
        if let Some(group) = self.known(key) {
            return group;
        }
        let mut groups = self.groups.write();
        groups.entry(key.clone()).or_insert_with(|| Arc::new(Group::new(key.clone()))).clone()
    }

    /// Stores events of one stream, in the order given; durable and visible when it returns. `NoRoom`, with
    /// nothing stored, when memory is full and cannot be flushed. Returns the position of the first event.
    pub async fn append(
        &self,
        group: &LogGroupKey,
        stream: &Arc<str>,
        ingestion_time: Timestamp,
        mut events: Vec<LogEvent>,
    ) -> Result<LogPosition, StoreError> {
        let first = first_timestamp(&events)?;
        self.make_room().await?;
        let group = self.group(group);
        let mut first_sequence = None;
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(record::EVENTS_MAX));
            let (payload, apply) = self.prepare(&group, stream, ingestion_time, events);
            let position = self.core.append(TableId::Logs, payload, apply).await?;
            first_sequence.get_or_insert(record::base_sequence(position));
            events = rest;
        }
        self.after_append(&group).await;
        Ok(LogPosition { timestamp: first, sequence: first_sequence.unwrap_or_default() })
    }

    /// Stores events together with the metric data derived from them: after a crash there are both or neither,
    /// so each event counts once. At most [`JOINT_EVENTS_MAX`] events; otherwise as [`LogTable::append`], which
    /// it is, at no further cost, when there are no metric data.
    pub async fn append_with_metrics(
        &self,
        group: &LogGroupKey,
        stream: &Arc<str>,
        ingestion_time: Timestamp,
        events: Vec<LogEvent>,
        metrics: MetricBatch,
    ) -> Result<LogPosition, StoreError> {
        if metrics.is_empty() {
            return self.append(group, stream, ingestion_time, events).await;
        }
        if events.len() > JOINT_EVENTS_MAX {
            let error = format!("{} events are too many to be stored with metric data", events.len());
            return Err(StoreError::format("a log append", error));
        }
        let first = first_timestamp(&events)?;
        self.make_room().await?;
        let group = self.group(group);
        let (derived, count) = self.metrics.prepare(metrics)?;
        let (payload, apply) = self.prepare(&group, stream, ingestion_time, events);
        let payloads = vec![(TableId::Logs, payload), (TableId::Metrics, derived)];
        let both = move |position| {
            // Metric data first: whoever is woken by the events finds them counted.
            count(position);
            apply(position);
        };
        let position = self.core.append_joint(payloads, both).await?;
        self.after_append(&group).await;
        Ok(LogPosition { timestamp: first, sequence: record::base_sequence(position) })
    }

    /// The record of an append, and what makes it visible once that is durable.
    fn prepare(
        &self,
        group: &Arc<Group>,
        stream: &Arc<str>,
        ingestion_time: Timestamp,
        events: Vec<LogEvent>,
    ) -> (Vec<u8>, impl FnOnce(WalPosition) + Send + use<>) {
        let payload = record::encode_events(&group.key, stream, ingestion_time, &events);
        let (table, target, stream) = (self.this.clone(), group.clone(), stream.clone());
        let feeds = self.feeds.clone();
        let apply = move |position: WalPosition| {
            let base_sequence = record::base_sequence(position);
            let batch = Arc::new(TailBatch { stream, ingestion_time, base_sequence, position, events });
            let grown = target.push(batch.clone());
            if let Some(table) = table.upgrade() {
                table.memory.fetch_add(grown, Ordering::Relaxed);
            }
            feeds.publish(&target.key, batch);
        };
        (payload, apply)
    }

    /// Puts the tail into columns when it is long enough. The appender that finds it so does the work; others
    /// wait only when it falls behind.
    async fn after_append(&self, group: &Arc<Group>) {
        if group.seal_due() {
            let turn = match group.seal_overdue() {
                true => Some(group.sealing.lock().await),
                false => group.sealing.try_lock().ok(),
            };
            if let Some(turn) = turn
                && group.seal_due()
            {
                self.seal_locked(group).await;
                drop(turn);
                self.flush_in_background(group);
            }
        }
    }

    /// Seals the tail. `sealing` must be held.
    pub(crate) async fn seal_locked(&self, group: &Arc<Group>) {
        let Some((tail, tombstones)) = group.tail_to_seal() else { return };
        let work = {
            let (tail, tombstones) = (tail.clone(), tombstones.clone());
            move || tail.chunk(&tombstones)
        };
        // Should the worker be gone, the chunk is made here.
        let chunk: Option<Arc<Chunk>> = match tokio::task::spawn_blocking(work).await {
            Ok(chunk) => chunk,
            Err(_) => tail.chunk(&tombstones),
        };
        let (freed, added) = group.install_chunk(&tail, chunk);
        self.memory.fetch_add(added, Ordering::Relaxed);
        self.release(freed);
    }

    pub(crate) fn release(&self, bytes: usize) {
        let _ = self
            .memory
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(bytes)));
    }

    pub fn stream_stats(&self, group: &LogGroupKey, stream: &str) -> Option<StreamStats> {
        self.known(group)?.stream_stats(stream)
    }

    /// Figures of all streams of a group that have events.
    pub fn all_stream_stats(&self, group: &LogGroupKey) -> BTreeMap<Arc<str>, StreamStats> {
        self.known(group).map(|g| g.all_stream_stats()).unwrap_or_default()
    }

    /// Σ(message bytes + 26) of kept events.
    pub fn stored_bytes(&self, group: &LogGroupKey) -> u64 {
        self.known(group).map_or(0, |g| g.stored_bytes())
    }

    /// Sequence of the event of the group that was accepted last; 0 if there is none.
    pub fn last_sequence(&self, group: &LogGroupKey) -> u64 {
        self.known(group).map_or(0, |g| g.last_sequence())
    }

    /// Events of a group by acceptance; see [`LogSnapshot::read_accepted`].
    pub async fn read_accepted(
        &self,
        group: &LogGroupKey,
        after: u64,
        limit: usize,
        bytes_max: usize,
    ) -> Result<AcceptedPage, StoreError> {
        self.snapshot(std::slice::from_ref(group)).read_accepted(0, after, limit, bytes_max).await
    }

    /// What is appended to these groups from now on, for live tail.
    pub fn follow(&self, groups: &[LogGroupKey]) -> LogFeed {
        self.feeds.follow(groups)
    }

    /// Changes whenever events were appended to any group: the sequence of the last batch. To be woken by;
    /// what there is to read is told by [`LogTable::read_accepted`].
    pub fn appended(&self) -> tokio::sync::watch::Receiver<u64> {
        self.feeds.appended()
    }

    /// Bytes of memory held by rows that are not in parts.
    pub fn memory_bytes(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// The groups as they are now; a group without events is an empty one.
    pub fn snapshot(&self, groups: &[LogGroupKey]) -> LogSnapshot {
        let view = |key: &LogGroupKey| match self.known(key) {
            Some(group) if group.deleted().is_none() => group.view(),
            _ => GroupView::empty(),
        };
        LogSnapshot { groups: groups.iter().map(view).collect() }
    }

    /// Deletes the events a stream has now; durable on return. Events appended later to a stream of the same
    /// name are kept.
    pub async fn delete_stream(&self, group: &LogGroupKey, stream: &Arc<str>) -> Result<(), StoreError> {
        let Some(group) = self.known(group) else { return Ok(()) };
        let _turn = group.sealing.lock().await;
        let sequence = group.last_sequence();
        let key = Self::tombstone_key(&group.partition, stream);
        let facts = vec![(TableId::Logs, key, Some(sequence.to_le_bytes().to_vec()))];
        self.core.commit(ManifestEdit { facts, ..ManifestEdit::default() }).await?;
        group.set_tombstone(stream, sequence);
        Ok(())
    }

    /// Deletes all events of a group for ever; durable on return.
    pub async fn delete_group(&self, group: &LogGroupKey) -> Result<(), StoreError> {
        let Some(group) = self.known(group) else { return Ok(()) };
        let _merging = group.merging.lock().await;
        let _sealing = group.sealing.lock().await;
        let payload = record::encode_group_deleted(&group.key);
        let (table, target) = (self.this.clone(), group.clone());
        let apply = move |position: WalPosition| {
            let freed = target.set_deleted(position);
            if let Some(table) = table.upgrade() {
                table.release(freed);
            }
        };
        self.core.append(TableId::Logs, payload, apply).await?;
        self.finish_deletion(&group).await
    }

    /// Takes a deleted group out of the manifest. `merging` must be held.
    pub(crate) async fn finish_deletion(&self, group: &Arc<Group>) -> Result<(), StoreError> {
        let Some(position) = group.deleted() else { return Ok(()) };
        let parts = group.parts();
        let mut facts = vec![(TableId::Logs, Self::cut_key(&group.partition), None)];
        let prefix = Self::tombstone_key(&group.partition, "");
        let of_group = self.core.facts(TableId::Logs).into_iter().filter(|(key, _)| key.starts_with(&prefix));
        facts.extend(of_group.map(|(key, _)| (TableId::Logs, key, None)));
        let remove: Vec<u64> = parts.iter().map(|p| p.id).collect();
        let flushed = vec![(TableId::Logs, group.partition.clone(), position)];
        let edit = ManifestEdit { remove: remove.clone(), flushed, facts, ..ManifestEdit::default() };
        self.core.commit(edit).await?;
        group.install_merged(&remove, None);
        self.groups.write().remove(&group.key);
        Ok(())
    }
}

fn first_timestamp(events: &[LogEvent]) -> Result<Timestamp, StoreError> {
    let first = events.first().map(|e| e.timestamp);
    first.ok_or_else(|| StoreError::format("a log append", "it has no events"))
}

impl WalTable for LogTable {
    fn replay(&self, position: WalPosition, payload: &[u8]) -> Result<(), StoreError> {
        let record = record::decode(payload)?;
        let key = match &record {
            Record::Events { group, .. } | Record::GroupDeleted { group } => group,
        };
        let partition = record::partition(key);
        if self.core.flushed(TableId::Logs, &partition).is_some_and(|flushed| position <= flushed) {
            return Ok(());
        }
        let group = self.group(key);
        match record {
            Record::Events { stream, ingestion_time, events, .. } if !events.is_empty() => {
                let base_sequence = record::base_sequence(position);
                let batch = TailBatch { stream, ingestion_time, base_sequence, position, events };
                self.memory.fetch_add(group.push(Arc::new(batch)), Ordering::Relaxed);
            }
            Record::Events { .. } => {}
            Record::GroupDeleted { .. } => self.release(group.set_deleted(position)),
        }
        Ok(())
    }

    fn oldest_unflushed(&self) -> Option<WalPosition> {
        let groups: Vec<Arc<Group>> = self.groups.read().values().cloned().collect();
        groups.iter().filter_map(|g| g.in_memory().2).min()
    }
}
