//! The series known in memory: found by key, listed in order, each with its part of the head.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::head::{self, Bucket};

/// A series key that several holders share.
pub(super) type SeriesKey = Arc<[u8]>;

/// Bytes counted for a series besides its buckets: key, slot, entries in two indexes.
const SERIES_BYTES: usize = 320;

/// A series.
pub(super) struct Series {
    pub(super) key: SeriesKey,
    pub(super) hash: u64,
    /// Second of the latest datapoint ever seen.
    pub(super) last_second: u32,
    /// Sorted by slot.
    pub(super) buckets: Vec<Bucket>,
}

/// All series that have been written to or read from parts lately.
pub(super) struct Registry {
    /// Hashing is seeded, so that clients cannot choose names that collide.
    seed: u64,
    slots: Vec<Option<Series>>,
    free: Vec<u32>,
    by_key: HashTable<u32>,
    sorted: BTreeMap<SeriesKey, u32>,
    /// Bytes of the buckets and series.
    bytes: usize,
}

impl Registry {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            slots: Vec::new(),
            free: Vec::new(),
            by_key: HashTable::new(),
            sorted: BTreeMap::new(),
            bytes: 0,
        }
    }

    pub(super) fn hash(seed: u64, key: &[u8]) -> u64 {
        xxh3_64_with_seed(key, seed)
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let same = |id: &u32| self.series(*id).is_some_and(|s| s.hash == hash && *s.key == *key);
        self.by_key.find(hash, same).copied()
    }

    pub(super) fn series(&self, id: u32) -> Option<&Series> {
        self.slots.get(id as usize)?.as_ref()
    }

    /// The series' number, giving it one if it is new.
    pub(super) fn intern(&mut self, hash: u64, key: &[u8]) -> u32 {
        if let Some(id) = self.find(hash, key) {
            return id;
        }
        let shared: SeriesKey = key.into();
        let series = Series { key: shared.clone(), hash, last_second: 0, buckets: Vec::new() };
        self.bytes += SERIES_BYTES;
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id as usize] = Some(series);
                id
            }
            None => {
                self.slots.push(Some(series));
                u32::try_from(self.slots.len() - 1).expect("series are limited to far fewer than 2^32")
            }
        };
        let slots = &self.slots;
        let rehash = |id: &u32| slots[*id as usize].as_ref().map_or(0, |s| s.hash);
        self.by_key.insert_unique(hash, id, rehash);
        self.sorted.insert(shared, id);
        id
    }

    /// Adds a bucket to the series with this number, if it still has this hash; otherwise gives the bucket
    /// back.
    pub(super) fn insert(&mut self, id: u32, hash: u64, bucket: Bucket) -> Result<(), Bucket> {
        match self.slots.get_mut(id as usize) {
            Some(Some(series)) if series.hash == hash => {
                series.last_second = series.last_second.max(bucket.second);
                self.bytes += head::insert(&mut series.buckets, bucket);
                Ok(())
            }
            _ => Err(bucket),
        }
    }

    /// Notes that a series has had data at `second`.
    pub(super) fn touch(&mut self, key: &[u8], second: u32) {
        let id = self.intern(Self::hash(self.seed, key), key);
        if let Some(Some(series)) = self.slots.get_mut(id as usize) {
            series.last_second = series.last_second.max(second);
        }
    }

    /// Takes all buckets, by key.
    pub(super) fn freeze(&mut self) -> Vec<(SeriesKey, Vec<Bucket>)> {
        let mut frozen = Vec::new();
        for (key, id) in &self.sorted {
            if let Some(series) = &mut self.slots[*id as usize]
                && !series.buckets.is_empty()
            {
                frozen.push((key.clone(), std::mem::take(&mut series.buckets)));
            }
        }
        self.bytes = self.sorted.len() * SERIES_BYTES;
        frozen
    }

    /// Forgets series without buckets whose latest datapoint is older than `second`.
    pub(super) fn forget_before(&mut self, second: u32) -> usize {
        let idle = |s: &Series| s.buckets.is_empty() && s.last_second < second;
        let ids: Vec<u32> = (0u32..)
            .zip(&self.slots)
            .filter(|(_, s)| s.as_ref().is_some_and(idle))
            .map(|(id, _)| id)
            .collect();
        for id in &ids {
            if let Some(series) = self.slots[*id as usize].take() {
                self.sorted.remove(&series.key);
                if let Ok(entry) = self.by_key.find_entry(series.hash, |other| other == id) {
                    entry.remove();
                }
                self.free.push(*id);
                self.bytes -= SERIES_BYTES;
            }
        }
        ids.len()
    }

    /// Keys with latest seconds, in order, that begin with `prefix` and come after `after`.
    pub(super) fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&[u8]>,
    ) -> impl Iterator<Item = (&'a SeriesKey, u32)> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let within = self.sorted.range::<[u8], _>((start, Bound::Unbounded));
        within
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, id)| (key, self.series(*id).map_or(0, |s| s.last_second)))
    }
}
