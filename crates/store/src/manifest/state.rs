//! What the manifest says, in memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::manifest::{ManifestEdit, PartEntry};
use crate::wal::{TableId, WalPosition};

/// Everything durable but the signals themselves. Cloned for each commit, so entries are shared.
#[derive(Debug, Clone, Default)]
pub(crate) struct ManifestState {
    pub(crate) parts: BTreeMap<u64, std::sync::Arc<PartEntry>>,
    pub(crate) flushed: BTreeMap<(TableId, String), WalPosition>,
    pub(crate) facts: BTreeMap<(TableId, String), std::sync::Arc<[u8]>>,
    /// Highest position ever named, so that new positions never fall behind it.
    pub(crate) highest: WalPosition,
    /// Number of this run of the server, from 1.
    pub(crate) epoch: u64,
}

/// The state as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    format: u32,
    highest: WalPosition,
    epoch: u64,
    everything: ManifestEdit,
}

const FORMAT: u32 = 1;

impl ManifestState {
    pub(super) fn apply(&mut self, edit: &ManifestEdit) -> Result<(), StoreError> {
        for id in &edit.remove {
            if self.parts.remove(id).is_none() {
                return Err(StoreError::damaged(
                    "the manifest",
                    format!("an edit removes the unknown part {id:x}"),
                ));
            }
        }
        for part in &edit.add {
            if self.parts.insert(part.id, part.clone().into()).is_some() {
                return Err(StoreError::damaged(
                    "the manifest",
                    format!("an edit adds part {:x} twice", part.id),
                ));
            }
        }
        for (table, partition, position) in &edit.flushed {
            let entry = self.flushed.entry((*table, partition.clone())).or_default();
            *entry = (*entry).max(*position);
            self.highest = self.highest.max(*position);
        }
        for (table, key, value) in &edit.facts {
            let key = (*table, key.clone());
            match value {
                Some(value) => self.facts.insert(key, value.as_slice().into()),
                None => self.facts.remove(&key),
            };
        }
        if let Some(start) = edit.log_start {
            self.flushed.retain(|_, position| *position >= start);
            self.highest = self.highest.max(WalPosition(start.0.saturating_sub(1)));
        }
        self.epoch = self.epoch.max(edit.epoch.unwrap_or(0));
        Ok(())
    }

    pub(super) fn to_snapshot(&self) -> Snapshot {
        let everything = ManifestEdit {
            add: self.parts.values().map(|p| PartEntry::clone(p)).collect(),
            flushed: self.flushed.iter().map(|((t, k), p)| (*t, k.clone(), *p)).collect(),
            facts: self.facts.iter().map(|((t, k), v)| (*t, k.clone(), Some(v.to_vec()))).collect(),
            ..ManifestEdit::default()
        };
        Snapshot { format: FORMAT, highest: self.highest, epoch: self.epoch, everything }
    }

    pub(super) fn from_snapshot(snapshot: &Snapshot) -> Result<Self, StoreError> {
        if snapshot.format != FORMAT {
            return Err(StoreError::damaged(
                "the manifest",
                format!("format {} is unknown", snapshot.format),
            ));
        }
        let mut state = Self::default();
        state.apply(&snapshot.everything)?;
        state.highest = state.highest.max(snapshot.highest);
        state.epoch = snapshot.epoch;
        Ok(state)
    }
}
