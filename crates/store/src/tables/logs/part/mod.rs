//! Parts: immutable Parquet objects of one log group, in the order of positions. Format:
//! `docs/formats/log-part.md`.

mod meta;
mod object;
mod read;
mod write;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use base::Timestamp;
use parking_lot::Mutex;

use super::api::FieldKind;
use super::layout::{Unshredded, union};
use super::stats::SourceStats;
use crate::core::Core;
use crate::error::StoreError;
use crate::manifest::PartEntry;

pub(crate) use meta::PartMeta;
pub(crate) use read::{Need, OpenPart};
pub(crate) use write::{EncodedPart, encode_part};

/// A part that exists in the manifest.
pub(crate) struct Part {
    core: Arc<Core>,
    cache: Arc<PartCache>,
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) rows: u64,
    pub(crate) size_bytes: u64,
    pub(crate) stats: SourceStats,
    /// Of the row accepted last.
    pub(crate) max_sequence: u64,
    meta: PartMeta,
    open: ArcSwapOption<OpenPart>,
    /// Figures without the rows before a time, once somebody counted them.
    trimmed: Mutex<Option<(Timestamp, Arc<SourceStats>)>>,
    retired: AtomicBool,
}

impl Part {
    pub(crate) fn new(core: Arc<Core>, cache: Arc<PartCache>, entry: &PartEntry) -> Result<Self, StoreError> {
        let (meta, stats) = PartMeta::decode(&entry.meta)
            .ok_or_else(|| StoreError::damaged(&entry.path, "its description cannot be decoded"))?;
        Ok(Self {
            core,
            cache,
            id: entry.id,
            path: entry.path.clone(),
            rows: entry.rows,
            size_bytes: entry.size_bytes,
            max_sequence: stats.max_sequence(),
            stats,
            meta,
            open: ArcSwapOption::empty(),
            trimmed: Mutex::default(),
            retired: AtomicBool::new(false),
        })
    }

    /// The part left the manifest: its object goes when the last reader does.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(crate) fn kind_of(&self, path: &str) -> Option<FieldKind> {
        let unshredded: &Unshredded = &self.meta.unshredded;
        let shredded = self.meta.kinds.get(path).copied();
        let text = unshredded.kinds.get(path).copied().or(unshredded.more.then_some(FieldKind::Text));
        shredded.into_iter().chain(text).reduce(union)
    }

    pub(crate) fn kinds(&self) -> &BTreeMap<Arc<str>, FieldKind> {
        &self.meta.kinds
    }

    pub(crate) fn unshredded(&self) -> &Unshredded {
        &self.meta.unshredded
    }

    /// Figures of the rows at or after `cut`; those of all rows while nobody counted.
    pub(crate) fn stats_after(&self, cut: Timestamp) -> std::borrow::Cow<'_, SourceStats> {
        use std::borrow::Cow;
        match self.stats.span() {
            Some((_, last)) if last < cut => Cow::Owned(SourceStats::default()),
            Some((first, _)) if first < cut => match self.trimmed.lock().as_ref() {
                Some((_, stats)) => Cow::Owned(SourceStats::clone(stats)),
                None => Cow::Borrowed(&self.stats),
            },
            _ => Cow::Borrowed(&self.stats),
        }
    }

    /// Whether `stats_after(cut)` would not be exact.
    pub(crate) fn needs_trimming(&self, cut: Timestamp) -> bool {
        let straddles = self.stats.span().is_some_and(|(first, last)| first < cut && cut <= last);
        straddles && self.trimmed.lock().as_ref().is_none_or(|(at, _)| *at != cut)
    }

    pub(crate) fn set_trimmed(&self, cut: Timestamp, stats: SourceStats) {
        *self.trimmed.lock() = Some((cut, Arc::new(stats)));
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if *self.retired.get_mut() {
            self.core.discard(std::mem::take(&mut self.path));
        }
    }
}

/// Keeps the most recently opened parts' metadata and indexes within a number of bytes.
pub(crate) struct PartCache {
    bytes_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Oldest first, with the bytes of each.
    parts: VecDeque<(Weak<Part>, usize)>,
    bytes: usize,
}

impl PartCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, held: Mutex::default() }
    }

    fn add(&self, part: &Arc<Part>, bytes: usize) {
        let mut held = self.held.lock();
        held.parts.push_back((Arc::downgrade(part), bytes));
        held.bytes += bytes;
        while held.bytes > self.bytes_max && held.parts.len() > 1 {
            let Some((old, bytes)) = held.parts.pop_front() else { break };
            held.bytes -= bytes;
            if let Some(old) = old.upgrade()
                && old.id != part.id
            {
                old.open.store(None);
            }
        }
    }
}
