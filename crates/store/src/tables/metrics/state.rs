//! What the table holds in memory, behind one lock.

use std::sync::Arc;

use base::Timestamp;

use super::api::MetricTableConfig;
use super::batch::MetricBatch;
use super::head::Bucket;
use super::part::Part;
use super::registry::{Registry, SeriesKey};
use crate::error::StoreError;
use crate::wal::WalPosition;

pub(super) struct State {
    pub(super) registry: Registry,
    /// The oldest record in the registry's buckets, and when it came.
    pub(super) oldest: Option<(WalPosition, Timestamp)>,
    pub(super) last_applied: WalPosition,
    /// Buckets being flushed.
    pub(super) frozen: Option<Arc<Frozen>>,
    pub(super) parts: Arc<Vec<Arc<Part>>>,
    /// When idle series were last forgotten.
    pub(super) forgotten_at: Timestamp,
}

/// A head that takes no more data, by key.
pub(super) struct Frozen {
    pub(super) series: Vec<(SeriesKey, Vec<Bucket>)>,
    pub(super) bytes: usize,
    pub(super) oldest: WalPosition,
    pub(super) upto: WalPosition,
}

impl Frozen {
    pub(super) fn find(&self, key: &[u8]) -> Option<&[Bucket]> {
        let at = self.series.binary_search_by(|(found, _)| (**found).cmp(key)).ok()?;
        Some(&self.series[at].1)
    }
}

impl State {
    pub(super) fn bytes(&self) -> usize {
        self.registry.bytes() + self.frozen.as_ref().map_or(0, |f| f.bytes)
    }

    pub(super) fn check_room(&self, config: &MetricTableConfig) -> Result<(), StoreError> {
        if self.bytes() > config.head_bytes_max {
            return Err(StoreError::NoRoom("metric data wait to be flushed".to_owned()));
        }
        Ok(())
    }

    pub(super) fn oldest_unflushed(&self) -> Option<WalPosition> {
        let frozen = self.frozen.as_ref().map(|f| f.oldest);
        frozen.or(self.oldest.map(|(position, _)| position))
    }

    /// Makes a record visible. `series` are the numbers and hashes of the batch's series.
    pub(super) fn apply(
        &mut self,
        position: WalPosition,
        now: Timestamp,
        series: &[(u32, u64)],
        batch: MetricBatch,
    ) {
        let mut lost = Vec::new();
        let keys_of_lost: Vec<Vec<u8>> = {
            // Series are only ever forgotten between resolving and applying when they were idle for weeks.
            let exists = |(id, hash): (u32, u64)| self.registry.series(id).is_some_and(|s| s.hash == hash);
            let entries = series.iter().zip(batch.entries());
            entries.filter(|(s, _)| !exists(**s)).map(|(_, (key, _))| key.to_vec()).collect()
        };
        for ((id, hash), bucket) in series.iter().zip(batch.into_buckets()) {
            lost.extend(self.registry.insert(*id, *hash, bucket).err().map(|bucket| (*hash, bucket)));
        }
        for (key, (hash, bucket)) in keys_of_lost.iter().zip(lost) {
            self.insert(hash, key, bucket);
        }
        self.applied(position, now);
    }

    pub(super) fn insert(&mut self, hash: u64, key: &[u8], bucket: Bucket) {
        let id = self.registry.intern(hash, key);
        let inserted = self.registry.insert(id, hash, bucket);
        debug_assert!(inserted.is_ok(), "the series was just interned");
    }

    pub(super) fn applied(&mut self, position: WalPosition, now: Timestamp) {
        self.last_applied = position;
        self.oldest.get_or_insert((position, now));
    }

    /// Freezes the head, unless one is frozen already; returns what is to be flushed.
    pub(super) fn freeze(&mut self) -> Option<Arc<Frozen>> {
        if self.frozen.is_none() {
            let (oldest, _) = self.oldest.take()?;
            let bytes = self.registry.bytes();
            let series = self.registry.freeze();
            let bytes = bytes.saturating_sub(self.registry.bytes());
            self.frozen = Some(Arc::new(Frozen { series, bytes, oldest, upto: self.last_applied }));
        }
        self.frozen.clone()
    }
}
