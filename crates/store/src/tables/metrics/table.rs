//! The table: append, read, list, and the background work.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use base::{Scope, TimeRange, Timestamp};
use parking_lot::{Mutex, RwLock};
use signals::{MetricDatum, MetricIdentity};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use super::api::{MetricFilter, MetricTableConfig, StoredDatapoint};
use super::batch::MetricBatch;
use super::compaction::{self, Job, PartView};
use super::flush::{PartSink, build_parts};
use super::head::{Bucket, merge_lists};
use super::key;
use super::listing::FilterFields;
use super::part::{BlockCache, Part};
use super::registry::{Registry, SeriesKey};
use super::state::State;
use super::tier::{Horizons, Tier};
use crate::core::{Core, Pressure, WalTable};
use crate::error::StoreError;
use crate::manifest::ManifestEdit;
use crate::store::Table;
use crate::wal::{TableId, WalPosition};

/// The one flush partition: the head is flushed as a whole.
const PARTITION: &str = "";
/// Decoded index blocks kept over all parts.
const CACHED_BLOCKS_MAX: usize = 512;
/// Series looked at under one lock while listing.
const LIST_CHUNK: usize = 4096;
/// Series idle longer than this are neither listed nor kept in memory.
const IDLE_SECS: i64 = 15 * 86_400;
/// How often idle series are looked for.
const FORGET_EVERY_SECS: i64 = 3600;
/// Merges of one round of maintenance, so that flushes are not kept waiting.
const JOBS_PER_ROUND: usize = 8;

/// All metrics of all accounts.
pub struct MetricTable {
    core: Arc<Core>,
    config: MetricTableConfig,
    /// Of the registry's hashes, which are computed outside its lock.
    pub(super) seed: u64,
    pub(super) state: Arc<RwLock<State>>,
    pub(super) blocks: BlockCache,
    /// Parts that a merge found damaged: left as they are, so that other merges go on.
    damaged: Mutex<BTreeSet<u64>>,
    /// Set when the series of recent parts are in the registry.
    series_loaded: OnceCell<()>,
}

impl MetricTable {
    pub(crate) fn new(core: Arc<Core>, config: MetricTableConfig) -> Result<Arc<Self>, StoreError> {
        let seed = core.entropy.next_u64();
        let mut parts = Vec::new();
        for entry in core.parts(TableId::Metrics) {
            parts.push(Arc::new(Part::new(core.clone(), entry)?));
        }
        let state = State {
            registry: Registry::new(seed),
            oldest: None,
            last_applied: WalPosition::default(),
            frozen: None,
            parts: Arc::new(parts),
            forgotten_at: core.clock.now(),
        };
        Ok(Arc::new(Self {
            core,
            config,
            seed,
            state: Arc::new(RwLock::new(state)),
            blocks: BlockCache::new(CACHED_BLOCKS_MAX),
            damaged: Mutex::default(),
            series_loaded: OnceCell::new(),
        }))
    }

    /// Appends data, all or none; durable and visible when it returns.
    pub async fn append(&self, scope: &Scope, data: Vec<MetricDatum>) -> Result<(), StoreError> {
        self.append_batch(MetricBatch::of(scope, data)?).await
    }

    /// Appends a batch, all or none; durable and visible when it returns.
    pub async fn append_batch(&self, batch: MetricBatch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let (record, apply) = self.prepare(batch)?;
        self.core.append(TableId::Metrics, record, apply).await?;
        Ok(())
    }

    /// A batch's record for the log, and what makes it visible once that is durable. For callers that append
    /// other tables' data in the same record.
    pub(crate) fn prepare(
        &self,
        batch: MetricBatch,
    ) -> Result<(Vec<u8>, impl FnOnce(WalPosition) + Send + use<>), StoreError> {
        let record = batch.encode();
        let series = self.resolve(&batch)?;
        let (state, clock) = (self.state.clone(), self.core.clock.clone());
        let apply = move |position| state.write().apply(position, clock.now(), &series, batch);
        Ok((record, apply))
    }

    /// Numbers and hashes of the series of a batch, creating those that are new.
    fn resolve(&self, batch: &MetricBatch) -> Result<Vec<(u32, u64)>, StoreError> {
        const NEW: u32 = u32::MAX;
        let mut series: Vec<(u32, u64)> =
            batch.entries().map(|(key, _)| (NEW, Registry::hash(self.seed, key))).collect();
        let mut missing = false;
        {
            let state = self.state.read();
            state.check_room(&self.config)?;
            for ((id, hash), (key, _)) in series.iter_mut().zip(batch.entries()) {
                match state.registry.find(*hash, key) {
                    Some(found) => *id = found,
                    None => missing = true,
                }
            }
            if missing && state.registry.len() + batch.len() > self.config.series_max {
                return Err(StoreError::NoRoom("too many metrics".to_owned()));
            }
        }
        if missing {
            let mut state = self.state.write();
            for ((id, hash), (key, _)) in series.iter_mut().zip(batch.entries()) {
                if *id == NEW {
                    *id = state.registry.intern(*hash, key);
                }
            }
        }
        Ok(series)
    }

    /// What is kept of a metric in `range`, by time, unit and period; each datapoint at the tier its age at
    /// `now` allows.
    pub async fn read(
        &self,
        scope: &Scope,
        metric: &MetricIdentity,
        range: TimeRange,
        now: Timestamp,
    ) -> Result<Vec<StoredDatapoint>, StoreError> {
        let mut lists = self.read_many(scope, std::slice::from_ref(metric), range, now).await?;
        Ok(lists.pop().unwrap_or_default())
    }

    /// [`MetricTable::read`] for several metrics, in their order.
    pub async fn read_many(
        &self,
        scope: &Scope,
        metrics: &[MetricIdentity],
        range: TimeRange,
        now: Timestamp,
    ) -> Result<Vec<Vec<StoredDatapoint>>, StoreError> {
        let keys: Vec<Vec<u8>> = metrics.iter().map(|m| key::encode(scope, m)).collect();
        let unique: Vec<&[u8]> =
            keys.iter().map(Vec::as_slice).collect::<BTreeSet<_>>().into_iter().collect();
        let seconds = stored_seconds(range);
        if unique.is_empty() || seconds.is_empty() {
            return Ok(vec![Vec::new(); metrics.len()]);
        }
        let (mut lists, parts) = self.snapshot(&unique, &seconds);
        for part in parts {
            self.read_part(&part, &unique, &seconds, &mut lists).await?;
        }
        let horizons = Horizons::at(now);
        let mut series: Vec<Vec<StoredDatapoint>> = lists
            .into_iter()
            .map(|lists| {
                let settled = horizons.settle(merge_lists(lists));
                settled
                    .into_iter()
                    .map(Bucket::into_datapoint)
                    .filter(|d| range.contains(d.timestamp))
                    .collect()
            })
            .collect();
        let of = |key: &Vec<u8>| {
            unique.binary_search(&key.as_slice()).expect("every key is among the unique ones")
        };
        // A metric that was asked for twice is copied, any other is handed over.
        let mut uses = vec![0; unique.len()];
        keys.iter().for_each(|key| uses[of(key)] += 1);
        let take = |key| {
            let at = of(key);
            uses[at] -= 1;
            if uses[at] == 0 { std::mem::take(&mut series[at]) } else { series[at].clone() }
        };
        Ok(keys.iter().map(take).collect())
    }

    /// The heads' buckets of each key, and the parts that may have more: one moment's view.
    fn snapshot(&self, keys: &[&[u8]], seconds: &Range<u32>) -> (Vec<Vec<Vec<Bucket>>>, Vec<Arc<Part>>) {
        let state = self.state.read();
        let lists = keys
            .iter()
            .map(|key| {
                let series = state.registry.find(Registry::hash(self.seed, key), key);
                let head = series.and_then(|id| state.registry.series(id)).map(|s| s.buckets.as_slice());
                let frozen = state.frozen.as_ref().and_then(|f| f.find(key));
                [frozen, head]
                    .into_iter()
                    .flatten()
                    .map(|buckets| within(buckets, seconds).to_vec())
                    .collect()
            })
            .collect();
        let overlaps = |part: &&Arc<Part>| {
            let (first, last) = part.seconds();
            first < seconds.end && seconds.start <= last
        };
        (lists, state.parts.iter().filter(overlaps).cloned().collect())
    }

    async fn read_part(
        &self,
        part: &Part,
        keys: &[&[u8]],
        seconds: &Range<u32>,
        lists: &mut [Vec<Vec<Bucket>>],
    ) -> Result<(), StoreError> {
        let (mut wanted, mut owners) = (Vec::new(), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            if let Some(rows) = part.find(&self.blocks, key).await?
                && rows.first_second < seconds.end
                && seconds.start <= rows.last_second
            {
                wanted.push(rows);
                owners.push(at);
            }
        }
        for (at, buckets) in owners.into_iter().zip(part.read(&wanted).await?) {
            let skipped = buckets.partition_point(|b| b.second < seconds.start);
            let kept = within(&buckets, seconds).len();
            lists[at].push(buckets.into_iter().skip(skipped).take(kept).collect());
        }
        Ok(())
    }

    /// Metrics that pass `filter`, in order of namespace, name and dimensions, beginning after `after`; at
    /// most `limit`.
    pub async fn list(
        &self,
        scope: &Scope,
        filter: &MetricFilter,
        after: Option<&MetricIdentity>,
        limit: usize,
    ) -> Result<Vec<MetricIdentity>, StoreError> {
        self.series_loaded.get_or_try_init(|| self.load_series()).await?;
        let fields = FilterFields::new(filter);
        let mut prefix = key::scope_prefix(scope);
        if let Some(namespace) = &fields.namespace {
            prefix.extend_from_slice(namespace);
            if let Some(name) = &fields.name {
                prefix.extend_from_slice(name);
            }
        }
        // A series without data has no latest second.
        let since = u32::try_from(filter.active_since.as_secs()).unwrap_or(0).max(1);
        let mut from: Option<SeriesKey> = after.map(|m| key::encode(scope, m).into());
        let mut listed = Vec::new();
        while listed.len() < limit {
            let mut seen = 0;
            let mut last = None;
            {
                let state = self.state.read();
                for (found, last_second) in state.registry.scan(&prefix, from.as_deref()).take(LIST_CHUNK) {
                    seen += 1;
                    last = Some(found.clone());
                    if last_second >= since && fields.matches(found) {
                        listed.push(found.clone());
                        if listed.len() == limit {
                            break;
                        }
                    }
                }
            }
            if seen < LIST_CHUNK {
                break;
            }
            from = last;
            tokio::task::yield_now().await;
        }
        Ok(listed.iter().filter_map(|key| key::decode(key)).map(|(_, metric)| metric).collect())
    }

    /// Puts the series of recent parts into the registry, so that they are listed after a restart.
    async fn load_series(&self) -> Result<(), StoreError> {
        let cut = u32::try_from(self.core.clock.now().as_secs() - IDLE_SECS).unwrap_or(0);
        let parts = self.state.read().parts.clone();
        for part in parts.iter().filter(|p| p.seconds().1 >= cut) {
            match self.load_part_series(part, cut).await {
                // Listing what can be read serves better than listing nothing.
                Err(error @ StoreError::Damaged { .. }) => {
                    tracing::error!(%error, "metrics of a part are not listed")
                }
                other => other?,
            }
        }
        Ok(())
    }

    async fn load_part_series(&self, part: &Part, cut: u32) -> Result<(), StoreError> {
        for number in 0..part.block_count().await? {
            let block = part.load_block(number).await?;
            let mut state = self.state.write();
            for (key, rows) in block.iter().filter(|(_, rows)| rows.last_second >= cut) {
                state.registry.touch(key, rows.last_second);
            }
        }
        Ok(())
    }

    /// Series in memory.
    pub fn series_count(&self) -> usize {
        self.state.read().registry.len()
    }

    /// Bytes of data in memory.
    pub fn head_bytes(&self) -> usize {
        self.state.read().bytes()
    }

    /// Moves the head into parts. A flush that failed is taken up again.
    pub(super) async fn flush(&self, now: Timestamp) -> Result<u64, StoreError> {
        let Some(frozen) = self.state.write().freeze() else { return Ok(0) };
        let build = {
            let (frozen, core, config) = (frozen.clone(), self.core.clone(), self.config.clone());
            tokio::task::spawn_blocking(move || build_parts(&frozen, &core, &config, &Horizons::at(now)))
        };
        let built = build.await.map_err(|_| StoreError::Cancelled)??;
        let flushed = vec![(TableId::Metrics, PARTITION.to_owned(), frozen.upto)];
        let mut sink = PartSink::new(self.core.clone(), ManifestEdit { flushed, ..ManifestEdit::default() });
        let mut stored = Ok(());
        for part in built {
            stored = sink.store(part).await;
            if stored.is_err() {
                break;
            }
        }
        self.commit(stored, sink, &[], true).await
    }

    /// Commits new parts and lets readers see them instead of what they replace. If anything failed nothing
    /// has changed.
    async fn commit(
        &self,
        stored: Result<(), StoreError>,
        PartSink { edit, put, .. }: PartSink,
        replaced: &[Arc<Part>],
        thaw: bool,
    ) -> Result<u64, StoreError> {
        let added: Result<Vec<Arc<Part>>, StoreError> = stored.and_then(|()| {
            edit.add
                .iter()
                .map(|e| Ok(Arc::new(Part::new(self.core.clone(), Arc::new(e.clone()))?)))
                .collect()
        });
        let added = match added {
            Ok(added) => added,
            Err(error) => {
                put.into_iter().for_each(|path| self.core.discard(path));
                return Err(error);
            }
        };
        // A commit that fails may yet have reached the disk, so its objects must stay; if it didn't, the next
        // start finds them orphaned.
        self.core.commit(edit).await?;
        let changes = (added.len() + replaced.len()) as u64;
        let mut state = self.state.write();
        let gone: BTreeSet<u64> = replaced.iter().map(|p| p.entry.id).collect();
        let kept = state.parts.iter().filter(|p| !gone.contains(&p.entry.id)).cloned();
        state.parts = Arc::new(kept.chain(added).collect());
        if thaw {
            state.frozen = None;
        }
        drop(state);
        for part in replaced {
            part.remove();
        }
        Ok(changes)
    }

    /// Does the most useful merge or expiry; 0 if there is none.
    async fn compact(&self, now: Timestamp, stop: &CancellationToken) -> Result<u64, StoreError> {
        let parts = self.state.read().parts.clone();
        let views: Vec<PartView> = {
            let damaged = self.damaged.lock();
            parts.iter().filter(|p| !damaged.contains(&p.entry.id)).map(|p| PartView::of(p)).collect()
        };
        let horizons = Horizons::at(now);
        let Some(job) = compaction::plan(&views, &horizons) else { return Ok(0) };
        let (Job::Expire(ids) | Job::Merge { parts: ids, .. }) = &job;
        let inputs: Vec<Arc<Part>> = parts.iter().filter(|p| ids.contains(&p.entry.id)).cloned().collect();
        let ids = ids.clone();
        let edit = ManifestEdit { remove: ids.clone(), ..ManifestEdit::default() };
        let mut sink = PartSink::new(self.core.clone(), edit);
        let stored = match job {
            Job::Expire(_) => Ok(()),
            Job::Merge { window, .. } => {
                let target = (window, self.core.next_part_id());
                compaction::merge(&inputs, target, &horizons, &self.config, stop, &mut sink).await
            }
        };
        if let Err(error @ StoreError::Damaged { .. }) = &stored {
            tracing::error!(%error, parts = ?ids, "metric parts are left unmerged");
            self.damaged.lock().extend(ids);
        }
        self.commit(stored, sink, &inputs, false).await
    }

    fn flush_is_due(&self, now: Timestamp, pressure: Pressure) -> bool {
        let state = self.state.read();
        let Some(oldest) = state.oldest_unflushed() else { return false };
        let waited = |since: Timestamp| now.millis_since(since) >= self.config.flush_after_secs * 1000;
        state.frozen.is_some()
            || pressure.demands(oldest)
            || state.bytes() > self.config.head_bytes_flush
            || state.oldest.is_some_and(|(_, since)| waited(since))
    }

    fn forget_idle_series(&self, now: Timestamp) -> u64 {
        let mut state = self.state.write();
        if now.millis_since(state.forgotten_at) < FORGET_EVERY_SECS * 1000 {
            return 0;
        }
        state.forgotten_at = now;
        let cut = u32::try_from(now.as_secs() - IDLE_SECS).unwrap_or(0);
        state.registry.forget_before(cut) as u64
    }
}

impl WalTable for MetricTable {
    fn replay(&self, position: WalPosition, payload: &[u8]) -> Result<(), StoreError> {
        if self.core.flushed(TableId::Metrics, PARTITION).is_some_and(|flushed| position <= flushed) {
            return Ok(());
        }
        let mut data = Vec::new();
        MetricBatch::decode(payload, |key, bucket| data.push((key.to_vec(), bucket)))?;
        let mut state = self.state.write();
        for (key, bucket) in data {
            state.insert(Registry::hash(self.seed, &key), &key, bucket);
        }
        state.applied(position, self.core.clock.now());
        Ok(())
    }

    fn oldest_unflushed(&self) -> Option<WalPosition> {
        self.state.read().oldest_unflushed()
    }
}

#[async_trait::async_trait]
impl Table for MetricTable {
    fn id(&self) -> TableId {
        TableId::Metrics
    }

    async fn maintain(
        &self,
        now: Timestamp,
        pressure: Pressure,
        stop: &CancellationToken,
    ) -> Result<u64, StoreError> {
        let mut changes = 0;
        if self.flush_is_due(now, pressure) {
            let retried = self.state.read().frozen.is_some();
            changes += self.flush(now).await?;
            if retried && self.flush_is_due(now, pressure) {
                changes += self.flush(now).await?;
            }
        }
        // The first listing after a start need not wait for this then; it tries again where this fails.
        if let Err(error) = self.series_loaded.get_or_try_init(|| self.load_series()).await {
            tracing::warn!(%error, "the series of earlier metric data could not be loaded");
        }
        for _ in 0..JOBS_PER_ROUND {
            if stop.is_cancelled() {
                break;
            }
            match self.compact(now, stop).await {
                Ok(0) | Err(StoreError::Cancelled) => break,
                Ok(done) => changes += done,
                Err(error) => return Err(error),
            }
        }
        Ok(changes + self.forget_idle_series(now))
    }
}

/// The seconds of stored buckets that can end up in `range` once they are settled: a bucket moves to the
/// start of its hour at most.
pub(super) fn stored_seconds(range: TimeRange) -> Range<u32> {
    let second = |s: i64| u32::try_from(s.max(0)).unwrap_or(u32::MAX);
    let hour = i64::from(Tier::Hour.secs());
    let end = range.end.as_secs().saturating_add(1);
    second(range.start.as_secs())..second(end.saturating_add(hour - 1).div_euclid(hour).saturating_mul(hour))
}

/// The buckets in these seconds.
pub(super) fn within<'a>(buckets: &'a [Bucket], seconds: &Range<u32>) -> &'a [Bucket] {
    let from = buckets.partition_point(|b| b.second < seconds.start);
    let to = buckets.partition_point(|b| b.second < seconds.end);
    &buckets[from..to]
}
