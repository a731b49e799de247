//! The table: appends, lookups, and how it flushes, merges and forgets.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use base::{Scope, TimeRange, Timestamp};
use parking_lot::Mutex;
use signals::AuditEvent;
use tokio_util::sync::CancellationToken;

use super::api::{AuditLookup, AuditPosition, RETENTION_MILLIS};
use super::compaction;
use super::memtable::Memtable;
use super::part::{Part, PartWriter, WrittenPart, merge};
use super::record;
use crate::core::{Core, Pressure, WalTable};
use crate::error::StoreError;
use crate::manifest::{ManifestEdit, PartEntry};
use crate::store::Table;
use crate::wal::{TableId, WalPosition};

/// Parts hold events of every account and Region, so the table is one partition.
const PARTITION: &str = "all";

/// Sizes of the table's memory.
#[derive(Debug, Clone)]
pub struct AuditTableConfig {
    /// The memtable is flushed when it is larger than this.
    pub flush_bytes: usize,
    /// The memtable is flushed when its first event is older than this.
    pub flush_age_millis: i64,
    /// Appends wait for a flush, and fail if that does not help, while more than this is in memory.
    pub memory_bytes_max: usize,
    /// Parts are merged up to this size.
    pub part_bytes_max: u64,
}

impl Default for AuditTableConfig {
    fn default() -> Self {
        Self {
            flush_bytes: 16 << 20,
            flush_age_millis: 15 * 60_000,
            memory_bytes_max: 64 << 20,
            part_bytes_max: 64 << 20,
        }
    }
}

/// Audit events of every account and Region.
pub struct AuditTable {
    core: Arc<Core>,
    config: AuditTableConfig,
    state: Mutex<State>,
    /// One flush or merge at a time.
    changing: tokio::sync::Mutex<()>,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    active: Memtable,
    /// A memtable on its way to a part.
    frozen: Option<Arc<Memtable>>,
    parts: Vec<Arc<Part>>,
}

impl AuditTable {
    /// Opens the table with the parts the manifest lists.
    pub(crate) fn new(core: Arc<Core>, config: AuditTableConfig) -> Result<Arc<Self>, StoreError> {
        let entries = core.parts(TableId::Audit).into_iter();
        let parts = entries.map(|entry| Part::new(&core, entry)).collect::<Result<Vec<_>, _>>()?;
        let state = State { parts, ..State::default() };
        Ok(Arc::new_cyclic(|this| Self {
            core,
            config,
            state: Mutex::new(state),
            changing: tokio::sync::Mutex::default(),
            this: this.clone(),
        }))
    }

    /// Keeps an event; durable and visible when it returns.
    pub async fn append(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.append_all(vec![event]).await
    }

    /// Keeps events, all or none; durable and visible when it returns.
    pub async fn append_all(&self, events: Vec<AuditEvent>) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.make_room().await?;
        let payload = record::encode(&events);
        let table = self.this.clone();
        let apply = move |position: WalPosition| {
            if let Some(table) = table.upgrade() {
                table.insert(position, events);
            }
        };
        self.core.append(TableId::Audit, payload, apply).await?;
        Ok(())
    }

    fn insert(&self, position: WalPosition, events: Vec<AuditEvent>) {
        let now = self.core.clock.now();
        self.state.lock().active.insert(position, now, events);
    }

    /// Waits for a flush when too much is in memory.
    async fn make_room(&self) -> Result<(), StoreError> {
        if self.memory_bytes() < self.config.memory_bytes_max {
            return Ok(());
        }
        self.flush(Pressure::FlushAll).await?;
        if self.memory_bytes() >= self.config.memory_bytes_max {
            return Err(StoreError::NoRoom("too many audit events wait to be flushed".to_owned()));
        }
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let state = self.state.lock();
        state.active.bytes() + state.frozen.as_ref().map_or(0, |frozen| frozen.bytes())
    }

    /// The newest events of `scope` that `lookup` admits, newest first, events of the same time by
    /// descending id. Nothing older than the retention is found.
    pub async fn lookup(&self, scope: &Scope, lookup: &AuditLookup) -> Result<Vec<AuditEvent>, StoreError> {
        let oldest = self.core.clock.now().saturating_sub_millis(RETENTION_MILLIS);
        let range = TimeRange::new(lookup.range.start.max(oldest), lookup.range.end);
        let lookup = AuditLookup { range, ..lookup.clone() };
        if range.is_empty() || lookup.limit == 0 {
            return Ok(Vec::new());
        }
        let (in_memory, mut parts) = {
            let state = self.state.lock();
            let tables = state.frozen.iter().map(AsRef::as_ref).chain([&state.active]);
            let in_memory: Vec<_> = tables.flat_map(|table| table.lookup(scope, &lookup)).collect();
            (in_memory, state.parts.clone())
        };
        let mut newest = Newest { limit: lookup.limit, events: BTreeMap::new() };
        in_memory.into_iter().for_each(|event| newest.take(event.as_ref().clone()));
        // Newest parts first: once enough events are known, older parts have none to offer.
        let last_time = |part: &Arc<Part>| part.meta.slice(scope).map(|(_, slice)| slice.last_time);
        parts.retain(|part| last_time(part).is_some());
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(last_time(part)));
        for part in parts {
            if newest.least_time().is_some_and(|least| last_time(&part) < Some(least)) {
                break;
            }
            part.lookup(&self.core, scope, &lookup).await?.into_iter().for_each(|event| newest.take(event));
        }
        Ok(newest.events.into_values().rev().collect())
    }

    /// Writes the memtable to a part if it is full or old, or if `pressure` demands it.
    async fn flush(&self, pressure: Pressure) -> Result<u64, StoreError> {
        let _turn = self.changing.lock().await;
        let mut changes = 0;
        // What an earlier flush left behind goes first: records must be flushed in their order.
        let left_behind = self.state.lock().frozen.clone();
        for frozen in left_behind.into_iter().chain(self.freeze(pressure)) {
            self.write_part(frozen).await?;
            changes += 1;
        }
        Ok(changes)
    }

    /// Sets the memtable aside if it is due and none is set aside already.
    fn freeze(&self, pressure: Pressure) -> Option<Arc<Memtable>> {
        let now = self.core.clock.now();
        let mut state = self.state.lock();
        let active = &state.active;
        let old = active.since().is_some_and(|at| now.millis_since(at) >= self.config.flush_age_millis);
        let demanded = active.positions().is_some_and(|(first, _)| pressure.demands(first));
        let full = active.bytes() >= self.config.flush_bytes;
        if state.frozen.is_some() || active.is_empty() || !(old || demanded || full) {
            return None;
        }
        let frozen = Arc::new(std::mem::take(&mut state.active));
        state.frozen = Some(frozen.clone());
        Some(frozen)
    }

    async fn write_part(&self, frozen: Arc<Memtable>) -> Result<(), StoreError> {
        let Some((_, last)) = frozen.positions() else { return Ok(()) };
        let table = frozen.clone();
        let encode = move || PartWriter::of_sorted(table.sorted());
        let written = tokio::task::spawn_blocking(encode).await.map_err(|_| StoreError::Cancelled)??;
        let part = self.put_part(written).await?;
        let flushed = vec![(TableId::Audit, PARTITION.to_owned(), last)];
        let add = part.iter().map(|part| part.entry.as_ref().clone()).collect();
        self.core.commit(ManifestEdit { add, flushed, ..ManifestEdit::default() }).await?;
        let mut state = self.state.lock();
        state.frozen = None;
        state.parts.extend(part);
        Ok(())
    }

    /// Stores a part's object; the manifest does not know it yet. `None` if there are no rows.
    async fn put_part(&self, written: WrittenPart) -> Result<Option<Arc<Part>>, StoreError> {
        let Some((min_time, max_time)) = written.meta.span() else { return Ok(None) };
        let id = self.core.next_part_id();
        let entry = PartEntry {
            id,
            table: TableId::Audit,
            partition: PARTITION.to_owned(),
            path: Core::part_path(TableId::Audit, id),
            rows: written.meta.rows(),
            size_bytes: written.bytes.len() as u64,
            min_time,
            max_time,
            meta: written.meta.encode(),
        };
        self.core.put_part(&entry.path, written.bytes).await?;
        Part::new(&self.core, Arc::new(entry)).map(Some)
    }

    /// Removes parts whose every event is past the retention.
    async fn expire(&self, now: Timestamp) -> Result<u64, StoreError> {
        let oldest = now.saturating_sub_millis(RETENTION_MILLIS);
        let parts = self.state.lock().parts.clone();
        let expired: Vec<_> = parts.into_iter().filter(|part| part.entry.max_time < oldest).collect();
        if !expired.is_empty() {
            self.replace_parts(&expired, None).await?;
        }
        Ok(expired.len() as u64)
    }

    /// Merges parts while there are many of a size.
    async fn compact(&self, now: Timestamp, stop: &CancellationToken) -> Result<u64, StoreError> {
        let oldest = now.saturating_sub_millis(RETENTION_MILLIS);
        let mut changes = 0;
        while !stop.is_cancelled() {
            let parts = self.state.lock().parts.clone();
            let sizes: Vec<u64> = parts.iter().map(|part| part.entry.size_bytes).collect();
            let Some(chosen) = compaction::plan(&sizes, self.config.part_bytes_max) else { break };
            let merged: Vec<_> = chosen.into_iter().map(|index| parts[index].clone()).collect();
            let written = merge(&self.core, &merged, oldest).await?;
            let part = self.put_part(written).await?;
            self.replace_parts(&merged, part).await?;
            changes += 1;
        }
        Ok(changes)
    }

    /// Replaces `removed` by `added`, durably, then for readers.
    async fn replace_parts(&self, removed: &[Arc<Part>], added: Option<Arc<Part>>) -> Result<(), StoreError> {
        let edit = ManifestEdit {
            add: added.iter().map(|part| part.entry.as_ref().clone()).collect(),
            remove: removed.iter().map(|part| part.entry.id).collect(),
            ..ManifestEdit::default()
        };
        self.core.commit(edit).await?;
        let mut state = self.state.lock();
        state.parts.retain(|part| !removed.iter().any(|r| r.entry.id == part.entry.id));
        state.parts.extend(added);
        for part in removed {
            part.mark_removed();
        }
        Ok(())
    }
}

impl WalTable for AuditTable {
    fn replay(&self, position: WalPosition, payload: &[u8]) -> Result<(), StoreError> {
        let flushed = self.core.flushed(TableId::Audit, PARTITION);
        if flushed.is_none_or(|flushed| flushed < position) {
            self.insert(position, record::decode(position, payload)?);
        }
        Ok(())
    }

    fn oldest_unflushed(&self) -> Option<WalPosition> {
        let state = self.state.lock();
        let oldest = state.frozen.as_ref().and_then(|frozen| frozen.positions()).or(state.active.positions());
        oldest.map(|(first, _)| first)
    }
}

#[async_trait::async_trait]
impl Table for AuditTable {
    fn id(&self) -> TableId {
        TableId::Audit
    }

    async fn maintain(
        &self,
        now: Timestamp,
        pressure: Pressure,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError> {
        let mut changes = self.flush(pressure).await?;
        let _turn = self.changing.lock().await;
        changes += self.expire(now).await?;
        changes += self.compact(now, stop).await?;
        Ok(changes)
    }
}

/// The newest events that were offered.
struct Newest {
    limit: usize,
    events: BTreeMap<AuditPosition, AuditEvent>,
}

impl Newest {
    fn take(&mut self, event: AuditEvent) {
        self.events.insert(AuditPosition::of(&event), event);
        if self.events.len() > self.limit {
            self.events.pop_first();
        }
    }

    /// The time an event must reach, once the limit is.
    fn least_time(&self) -> Option<Timestamp> {
        let full = self.events.len() == self.limit;
        self.events.first_key_value().filter(|_| full).map(|(position, _)| position.time)
    }
}

#[cfg(test)]
pub(super) mod tests;
