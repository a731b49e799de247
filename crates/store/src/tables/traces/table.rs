//! The table: appends, look-ups, scans, and how it flushes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use base::{AccountId, Region, Scope, Timestamp};
use foldhash::HashMap;
use parking_lot::Mutex;
use signals::{TraceId, TraceSegment};
use tokio_util::sync::CancellationToken;

use super::api::{IndexRow, RETENTION_MILLIS, StoredSegment, StoredTrace, TracePosition, TraceScan};
use super::memtable::Memtable;
use super::part::{EncodedPart, Part, PartMeta, PartWriter};
use super::record;
use crate::core::{Core, Pressure, WalTable};
use crate::error::StoreError;
use crate::manifest::{ManifestEdit, PartEntry};
use crate::store::Table;
use crate::wal::{TableId, WalPosition};

/// Sizes of the table's memory.
#[derive(Debug, Clone)]
pub struct TraceTableConfig {
    /// A memtable is flushed when it is larger than this.
    pub flush_bytes: usize,
    /// A memtable is flushed when its first record is older than this.
    pub flush_age_millis: i64,
    /// Appends wait for a flush, and fail if that does not help, while memtables hold more than this.
    pub memory_bytes_max: usize,
    /// Parts smaller than this are merged when there are several.
    pub compact_bytes_max: u64,
}

impl Default for TraceTableConfig {
    fn default() -> Self {
        Self {
            flush_bytes: 32 << 20,
            flush_age_millis: 5 * 60_000,
            memory_bytes_max: 160 << 20,
            compact_bytes_max: 64 << 20,
        }
    }
}

/// Trace segments of every account and Region.
pub struct TraceTable {
    pub(super) core: Arc<Core>,
    pub(super) config: TraceTableConfig,
    state: Mutex<State>,
    /// One flush or compaction at a time.
    changing: tokio::sync::Mutex<()>,
    flush_scheduled: AtomicBool,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    partitions: BTreeMap<Scope, Partition>,
    /// Of all memtables.
    memory_bytes: usize,
}

#[derive(Default)]
struct Partition {
    active: Memtable,
    /// When the first record came into `active`.
    active_since: Option<Timestamp>,
    /// Full memtables on their way to a part, oldest first.
    frozen: Vec<Arc<Memtable>>,
    parts: Vec<Arc<Part>>,
}

impl TraceTable {
    /// Opens the table with the parts the manifest lists.
    pub(crate) fn new(core: Arc<Core>, config: TraceTableConfig) -> Result<Arc<Self>, StoreError> {
        let mut state = State::default();
        for entry in core.parts(TableId::Traces) {
            let scope = scope_of(&entry.partition);
            let meta = PartMeta::decode(&entry.meta);
            let (Some(scope), Some(meta)) = (scope, meta) else {
                return Err(StoreError::damaged(entry.path.clone(), "its manifest entry cannot be read"));
            };
            state.partitions.entry(scope).or_default().parts.push(Part::new(&core, entry, meta));
        }
        Ok(Arc::new_cyclic(|this| Self {
            core,
            config,
            state: Mutex::new(state),
            changing: tokio::sync::Mutex::default(),
            flush_scheduled: AtomicBool::new(false),
            this: this.clone(),
        }))
    }

    /// Keeps segments; durable and visible when it returns.
    pub async fn append(&self, scope: &Scope, segments: Vec<TraceSegment>) -> Result<(), StoreError> {
        self.make_room().await?;
        let mut rows = segments.into_iter().map(|segment| StoredSegment::new(segment, 0)).peekable();
        while rows.peek().is_some() {
            let mut bytes = 0;
            let mut chunk = Vec::with_capacity(rows.size_hint().0.min(record::ROWS_MAX));
            while chunk.len() < record::ROWS_MAX
                && let Some(row) = rows.next_if(|_| bytes < RECORD_BYTES)
            {
                bytes += row.1.memory_bytes();
                chunk.push(row);
            }
            self.append_record(scope, chunk).await?;
        }
        Ok(())
    }

    async fn append_record(
        &self,
        scope: &Scope,
        mut rows: Vec<(TraceId, StoredSegment)>,
    ) -> Result<(), StoreError> {
        let payload = record::encode(scope, &rows);
        let (table, scope) = (self.this.clone(), scope.clone());
        let apply = move |position: WalPosition| {
            for (number, (_, row)) in rows.iter_mut().enumerate() {
                row.sequence = record::sequence(position, number);
            }
            if let Some(table) = table.upgrade() {
                table.insert(scope, position, rows);
            }
        };
        self.core.append(TableId::Traces, payload, apply).await?;
        Ok(())
    }

    fn insert(&self, scope: Scope, position: WalPosition, rows: Vec<(TraceId, StoredSegment)>) {
        let now = self.core.clock.now();
        let mut state = self.state.lock();
        let partition = state.partitions.entry(scope).or_default();
        let before = partition.active.bytes();
        partition.active_since.get_or_insert(now);
        partition.active.insert(position, rows);
        state.memory_bytes += partition.active.bytes() - before;
    }

    /// Starts a flush when a memtable is full, and waits for it when all of them together are too large.
    async fn make_room(&self) -> Result<(), StoreError> {
        let (full, too_much) = {
            let state = self.state.lock();
            let full = state.partitions.values().any(|p| p.active.bytes() >= self.config.flush_bytes)
                || state.memory_bytes >= self.config.memory_bytes_max / 2;
            (full, state.memory_bytes >= self.config.memory_bytes_max)
        };
        if too_much {
            self.flush(Pressure::FlushAll).await?;
            if self.state.lock().memory_bytes >= self.config.memory_bytes_max {
                return Err(StoreError::NoRoom("too many trace segments wait to be flushed".to_owned()));
            }
        } else if full
            && !self.flush_scheduled.swap(true, Ordering::AcqRel)
            && let Some(table) = self.this.upgrade()
        {
            // Not awaited: the appender's segments need not wait for those before them.
            tokio::spawn(async move {
                let half = table.config.memory_bytes_max / 2;
                let crowded = table.state.lock().memory_bytes >= half;
                let pressure = if crowded { Pressure::FlushAll } else { Pressure::Normal };
                if let Err(error) = table.flush(pressure).await {
                    tracing::warn!(%error, "flushing trace segments failed; maintenance will try again");
                }
                table.flush_scheduled.store(false, Ordering::Release);
            });
        }
        Ok(())
    }

    /// The traces with these ids, in that order; `None` for one that is not there or is past retention.
    pub async fn get(&self, scope: &Scope, ids: &[TraceId]) -> Result<Vec<Option<StoredTrace>>, StoreError> {
        let oldest = self.core.clock.now().saturating_sub_millis(RETENTION_MILLIS);
        let rows = self.rows_of(scope, ids).await?;
        let traces = rows.into_iter().filter_map(|(id, rows)| Some((id, StoredTrace::assemble(id, rows)?)));
        let traces: HashMap<TraceId, StoredTrace> =
            traces.filter(|(_, trace)| trace.first_received >= oldest).collect();
        Ok(ids.iter().map(|id| traces.get(id).cloned()).collect())
    }

    /// When the first segment of each of these traces came, of those that are known at all.
    pub async fn first_received(
        &self,
        scope: &Scope,
        ids: &[TraceId],
    ) -> Result<HashMap<TraceId, Timestamp>, StoreError> {
        let rows = self.rows_of(scope, ids).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(id, rows)| Some((id, rows.iter().map(|r| r.received).min()?)))
            .collect())
    }

    async fn rows_of(
        &self,
        scope: &Scope,
        ids: &[TraceId],
    ) -> Result<HashMap<TraceId, Vec<StoredSegment>>, StoreError> {
        let distinct: BTreeSet<TraceId> = ids.iter().copied().collect();
        let ids: Vec<TraceId> = distinct.into_iter().collect();
        let mut rows: HashMap<TraceId, Vec<StoredSegment>> = HashMap::default();
        let parts = {
            let state = self.state.lock();
            let Some(partition) = state.partitions.get(scope) else { return Ok(rows) };
            for id in &ids {
                let tables = partition.frozen.iter().map(Arc::as_ref).chain([&partition.active]);
                let found: Vec<_> = tables.flat_map(|table| table.get(*id)).cloned().collect();
                if !found.is_empty() {
                    rows.insert(*id, found);
                }
            }
            partition.parts.clone()
        };
        for part in parts {
            for (id, row) in part.rows_of(&self.core, &ids).await? {
                rows.entry(id).or_default().push(row);
            }
        }
        Ok(rows)
    }

    /// Up to `limit` positions of traces that `scan` may find, the newest first. A position counts only if
    /// [`TraceScan::position`] of the trace itself confirms it.
    pub async fn candidates(
        &self,
        scope: &Scope,
        scan: &TraceScan,
        limit: usize,
    ) -> Result<Vec<TracePosition>, StoreError> {
        let mut newest = Newest { scan: *scan, limit, positions: BTreeSet::new() };
        let (frozen, parts) = {
            let state = self.state.lock();
            let Some(partition) = state.partitions.get(scope) else { return Ok(Vec::new()) };
            newest.take_memtable(&partition.active);
            (partition.frozen.clone(), partition.parts.clone())
        };
        for table in frozen {
            newest.take_memtable(&table);
        }
        // Newest parts first: once enough positions are known, older parts have none to offer.
        let mut parts: Vec<_> = parts.into_iter().filter(|part| part.may_admit(scan)).collect();
        parts.sort_unstable_by_key(|part| std::cmp::Reverse(part.meta.span.trace_time.1));
        for part in parts {
            if newest.least().is_some_and(|least| part.meta.span.trace_time.1 < least.time) {
                break;
            }
            part.scan(&self.core, scan, &mut |position| newest.take(position)).await?;
        }
        Ok(newest.positions.into_iter().rev().collect())
    }

    /// Flushes memtables that are full or old, or that `pressure` demands.
    pub(super) async fn flush(&self, pressure: Pressure) -> Result<u64, StoreError> {
        let _turn = self.changing.lock().await;
        let mut changes = 0;
        for (scope, table) in self.freeze(pressure) {
            self.write_part(&scope, table).await?;
            changes += 1;
        }
        Ok(changes)
    }

    /// Sets due memtables aside and lists all that were, in the order in which they must be flushed.
    fn freeze(&self, pressure: Pressure) -> Vec<(Scope, Arc<Memtable>)> {
        let now = self.core.clock.now();
        let mut state = self.state.lock();
        let mut all = Vec::new();
        for (scope, partition) in &mut state.partitions {
            let old =
                partition.active_since.is_some_and(|at| now.millis_since(at) >= self.config.flush_age_millis);
            let demanded = partition.active.positions().is_some_and(|(first, _)| pressure.demands(first));
            let full = partition.active.bytes() >= self.config.flush_bytes;
            if !partition.active.is_empty() && (old || demanded || full) {
                partition.active_since = None;
                partition.frozen.push(Arc::new(std::mem::take(&mut partition.active)));
            }
            all.extend(partition.frozen.iter().map(|table| (scope.clone(), table.clone())));
        }
        all
    }

    async fn write_part(&self, scope: &Scope, table: Arc<Memtable>) -> Result<(), StoreError> {
        let Some((_, last)) = table.positions() else { return Ok(()) };
        let sorted = table.clone();
        let encode = move || {
            let mut writer = PartWriter::new()?;
            for (id, row) in sorted.sorted() {
                writer.push(id, row)?;
            }
            writer.finish()
        };
        let encoded = tokio::task::spawn_blocking(encode).await.map_err(|_| StoreError::Cancelled)??;
        let part = self.put_part(scope, encoded).await?;
        let flushed = vec![(TableId::Traces, scope.to_string(), last)];
        let add = vec![part.entry.as_ref().clone()];
        self.core.commit(ManifestEdit { add, flushed, ..ManifestEdit::default() }).await?;
        let mut state = self.state.lock();
        state.memory_bytes -= table.bytes().min(state.memory_bytes);
        if let Some(partition) = state.partitions.get_mut(scope) {
            partition.frozen.retain(|frozen| !Arc::ptr_eq(frozen, &table));
            partition.parts.push(part);
        }
        Ok(())
    }

    /// Stores a part's object; the manifest does not know it yet.
    pub(super) async fn put_part(
        &self,
        scope: &Scope,
        EncodedPart { bytes, rows, meta }: EncodedPart,
    ) -> Result<Arc<Part>, StoreError> {
        let id = self.core.next_part_id();
        let entry = PartEntry {
            id,
            table: TableId::Traces,
            partition: scope.to_string(),
            path: Core::part_path(TableId::Traces, id),
            rows,
            size_bytes: bytes.len() as u64,
            min_time: meta.span.trace_time.0,
            max_time: meta.span.trace_time.1,
            meta: meta.encode(),
        };
        self.core.put_part(&entry.path, bytes).await?;
        Ok(Part::new(&self.core, Arc::new(entry), meta))
    }

    /// All parts by partition, for compaction and retention.
    pub(super) fn parts(&self) -> Vec<(Scope, Vec<Arc<Part>>)> {
        let state = self.state.lock();
        state.partitions.iter().map(|(scope, partition)| (scope.clone(), partition.parts.clone())).collect()
    }

    /// Replaces `removed` by `added`, durably, then for readers.
    pub(super) async fn replace_parts(
        &self,
        scope: &Scope,
        removed: &[Arc<Part>],
        added: Vec<Arc<Part>>,
    ) -> Result<(), StoreError> {
        let edit = ManifestEdit {
            add: added.iter().map(|part| part.entry.as_ref().clone()).collect(),
            remove: removed.iter().map(|part| part.entry.id).collect(),
            ..ManifestEdit::default()
        };
        self.core.commit(edit).await?;
        let mut state = self.state.lock();
        if let Some(partition) = state.partitions.get_mut(scope) {
            partition.parts.retain(|part| !removed.iter().any(|r| r.entry.id == part.entry.id));
            partition.parts.extend(added);
        }
        for part in removed {
            part.mark_removed();
        }
        Ok(())
    }
}

impl WalTable for TraceTable {
    fn replay(&self, position: WalPosition, payload: &[u8]) -> Result<(), StoreError> {
        let (scope, rows) = record::decode(position, payload)?;
        let flushed = self.core.flushed(TableId::Traces, &scope.to_string());
        if flushed.is_none_or(|flushed| flushed < position) {
            self.insert(scope, position, rows);
        }
        Ok(())
    }

    fn oldest_unflushed(&self) -> Option<WalPosition> {
        let state = self.state.lock();
        let tables =
            state.partitions.values().flat_map(|p| p.frozen.iter().map(Arc::as_ref).chain([&p.active]));
        tables.filter_map(|table| table.positions().map(|(first, _)| first)).min()
    }
}

#[async_trait::async_trait]
impl Table for TraceTable {
    fn id(&self) -> TableId {
        TableId::Traces
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
        if !stop.is_cancelled() {
            changes += self.compact(now, stop).await?;
        }
        Ok(changes)
    }
}

/// The greatest positions of a scan that were offered.
struct Newest {
    scan: TraceScan,
    limit: usize,
    positions: BTreeSet<TracePosition>,
}

impl Newest {
    fn take_memtable(&mut self, table: &Memtable) {
        for (id, row) in table.iter() {
            let index = IndexRow::of(id, row);
            if self.scan.admits(&index) {
                self.take(TracePosition { time: index.trace_time, id });
            }
        }
    }

    fn take(&mut self, position: TracePosition) {
        let passed = self.scan.after.is_some_and(|after| position >= after);
        if passed || self.least().is_some_and(|least| position <= least) {
            return;
        }
        self.positions.insert(position);
        if self.positions.len() > self.limit {
            self.positions.pop_first();
        }
    }

    /// What a position must exceed, once the limit is reached.
    fn least(&self) -> Option<TracePosition> {
        if self.positions.len() < self.limit { None } else { self.positions.first().copied() }
    }
}

/// `account/region`, as partitions are named.
fn scope_of(partition: &str) -> Option<Scope> {
    let (account, region) = partition.split_once('/')?;
    Some(Scope::new(AccountId::new(account).ok()?, Region::new(region).ok()?))
}

/// About how much of a batch goes into one record of the log.
const RECORD_BYTES: usize = 8 << 20;

#[cfg(test)]
mod tests;
