//! The manifest: which parts exist, how far each partition is flushed, and small durable facts of the
//! tables. Edited atomically: an edit is one checksummed, synced record. Format: `docs/formats/manifest.md`.
//!
//! The file `manifest-<generation>.log` begins with a snapshot of everything, followed by edits. When the
//! edits outgrow the snapshot a new generation is written beside it and renamed into place.

mod file;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Faults, Timestamp};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::wal::{TableId, WalPosition};

pub(crate) use state::ManifestState;

use file::ManifestFile;

/// Edits are folded into a new snapshot when they outgrow it by this factor, and this size.
const FOLD_FACTOR: u64 = 4;
const FOLD_BYTES_MIN: u64 = 1 << 20;

/// A part, as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartEntry {
    pub(crate) id: u64,
    pub(crate) table: TableId,
    /// What the part belongs to, in the table's own words (a log group, an account and Region).
    pub(crate) partition: String,
    /// Object path.
    pub(crate) path: String,
    pub(crate) rows: u64,
    pub(crate) size_bytes: u64,
    /// Times of the first and last row.
    pub(crate) min_time: Timestamp,
    pub(crate) max_time: Timestamp,
    /// Table-defined, versioned by the table.
    #[serde(with = "hex_bytes")]
    pub(crate) meta: Vec<u8>,
}

/// An atomic change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManifestEdit {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<PartEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) remove: Vec<u64>,
    /// Records of a partition at or before the position are in parts, or were deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) flushed: Vec<(TableId, String, WalPosition)>,
    /// Durable facts of a table; `None` removes one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<(TableId, String, Option<Vec<u8>>)>,
    /// Flushed positions before this one no longer matter: the log holds nothing older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log_start: Option<WalPosition>,
    /// A new run of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<u64>,
}

/// The open manifest.
pub(crate) struct Manifest {
    inner: Mutex<Inner>,
    faults: Arc<dyn Faults>,
}

struct Inner {
    dir: PathBuf,
    state: ManifestState,
    /// `None` after a failed write, until a new generation is written.
    file: Option<ManifestFile>,
    generation: u64,
}

impl Manifest {
    pub(crate) fn open(dir: &Path, faults: Arc<dyn Faults>) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir).map_err(|e| StoreError::io("the manifest folder", e))?;
        let generations = file::generations(dir)?;
        let (state, generation, open) = match generations.last() {
            None => (ManifestState::default(), 0, None),
            Some(generation) => {
                let (state, open) = ManifestFile::load(dir, *generation)?;
                (state, *generation, Some(open))
            }
        };
        for old in generations.iter().rev().skip(1) {
            file::remove(dir, *old)?;
        }
        let manifest =
            Self { inner: Mutex::new(Inner { dir: dir.to_owned(), state, file: open, generation }), faults };
        let epoch = manifest.inner.lock().state.epoch + 1;
        manifest.commit(&ManifestEdit { epoch: Some(epoch), ..ManifestEdit::default() })?;
        Ok(manifest)
    }

    /// Makes `edit` durable, then visible. Blocks on the disk.
    pub(crate) fn commit(&self, edit: &ManifestEdit) -> Result<(), StoreError> {
        let mut inner = self.inner.lock();
        let io = |e| StoreError::io("the manifest", e);
        self.faults.reach("manifest.before_write").map_err(io)?;
        let mut next = inner.state.clone();
        next.apply(edit)?;
        let fold = inner
            .file
            .as_ref()
            .is_none_or(|f| f.edit_bytes > FOLD_BYTES_MIN.max(FOLD_FACTOR * f.snapshot_bytes));
        if fold {
            let generation = inner.generation + 1;
            let file = ManifestFile::create(&inner.dir, generation, &next)?;
            let old = std::mem::replace(&mut inner.generation, generation);
            inner.file = Some(file);
            if old > 0 {
                // A leftover is removed at the next start.
                let _ = file::remove(&inner.dir, old);
            }
        } else if let Some(Err(error)) = inner.file.as_mut().map(|f| f.append(edit)) {
            // What is on disk is unknown now: the next commit writes a new generation.
            inner.file = None;
            return Err(error);
        }
        inner.state = next;
        // The edit has happened: a failure from here on is only told to whoever asked for it.
        self.faults.reach("manifest.written").map_err(io)
    }

    /// Reads the state under the lock.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&ManifestState) -> T) -> T {
        look(&self.inner.lock().state)
    }
}

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        hex::decode(text.as_ref()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
