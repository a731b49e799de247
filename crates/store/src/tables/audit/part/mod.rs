//! A part: one Parquet file of events sorted by (account, Region, time, event id). The attributes a lookup
//! filters by stand apart from the records, so a filter never reads them. The manifest keeps checksums of
//! all its bytes. Format: `docs/formats/audit.md`.

mod merge;
mod object;
mod read;
mod rows;
mod write;

use std::sync::{Arc, Weak};

use base::{AccountId, Region, Scope, Timestamp};
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::core::Core;
use crate::error::StoreError;
use crate::manifest::PartEntry;

pub(super) use merge::merge;
pub(super) use write::{PartWriter, WrittenPart};

/// Where the events of one account and Region lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScopeSlice {
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) rows: u64,
    pub(super) first_time: Timestamp,
    pub(super) last_time: Timestamp,
}

/// What the manifest keeps of a part beyond what it keeps of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartMeta {
    version: u32,
    /// In the order of the rows.
    pub(super) slices: Vec<ScopeSlice>,
    /// Of the blocks of the object.
    checksums: Arc<[u32]>,
}

const META_VERSION: u32 = 1;

impl PartMeta {
    fn new(slices: Vec<ScopeSlice>, object: &[u8]) -> Self {
        Self { version: META_VERSION, slices, checksums: object::checksums(object).into() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and texts have a JSON form")
    }

    fn decode(entry: &PartEntry) -> Result<Self, StoreError> {
        let meta: Option<Self> = serde_json::from_slice(&entry.meta).ok();
        meta.filter(|meta| {
            meta.version == META_VERSION && meta.slices.iter().map(|s| s.rows).sum::<u64>() == entry.rows
        })
        .ok_or_else(|| StoreError::damaged(entry.path.clone(), "its manifest entry cannot be read"))
    }

    pub(super) fn rows(&self) -> u64 {
        self.slices.iter().map(|s| s.rows).sum()
    }

    /// Times of the first and last event; `None` without events.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let first = self.slices.iter().map(|s| s.first_time).min()?;
        Some((first, self.slices.iter().map(|s| s.last_time).max()?))
    }

    /// The slice of `scope` and the row it starts at.
    pub(super) fn slice(&self, scope: &Scope) -> Option<(u64, &ScopeSlice)> {
        let key = |slice: &ScopeSlice| (slice.account.clone(), slice.region.clone());
        let at =
            self.slices.binary_search_by_key(&(scope.account.clone(), scope.region.clone()), key).ok()?;
        Some((self.slices[..at].iter().map(|s| s.rows).sum(), &self.slices[at]))
    }
}

/// An open part. Its object is deleted when it was removed and the last reader lets go of it.
pub(super) struct Part {
    pub(super) entry: Arc<PartEntry>,
    pub(super) meta: PartMeta,
    core: Weak<Core>,
    metadata: OnceCell<ArrowReaderMetadata>,
    removed: std::sync::atomic::AtomicBool,
}

impl Part {
    pub(super) fn new(core: &Arc<Core>, entry: Arc<PartEntry>) -> Result<Arc<Self>, StoreError> {
        let meta = PartMeta::decode(&entry)?;
        let (core, metadata) = (Arc::downgrade(core), OnceCell::new());
        Ok(Arc::new(Self { entry, meta, core, metadata, removed: false.into() }))
    }

    /// To be called once the manifest no longer lists the part.
    pub(super) fn mark_removed(&self) {
        self.removed.store(true, std::sync::atomic::Ordering::Release);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.removed.load(std::sync::atomic::Ordering::Acquire)
            && let Some(core) = self.core.upgrade()
        {
            core.discard(self.entry.path.clone());
        }
    }
}
