//! What every table is given: the log, the manifest, the object store, and time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Clock, Entropy, Faults};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;

use crate::error::StoreError;
use crate::manifest::{Manifest, ManifestEdit, PartEntry};
use crate::wal::{Payload, ReplayReport, TableId, Wal, WalConfig, WalPosition};

/// Part ids carry the number of the run that made them above this many bits, so that an object left behind
/// by an earlier run is never mistaken for one that is being written.
const PART_COUNTER_BITS: u32 = 40;

/// How much the write-ahead log presses tables to flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressure {
    /// Flush what is due by size or age.
    Normal,
    /// Also flush everything with a record at or before this position.
    FlushThrough(WalPosition),
    /// Flush everything: shutdown, or an explicit request.
    FlushAll,
}

impl Pressure {
    /// Whether data whose oldest record is at `oldest` must be flushed.
    pub(crate) fn demands(self, oldest: WalPosition) -> bool {
        match self {
            Pressure::Normal => false,
            Pressure::FlushThrough(position) => oldest <= position,
            Pressure::FlushAll => true,
        }
    }
}

/// What each table implements for recovery and for truncation of the log.
pub(crate) trait WalTable: Send + Sync {
    /// Re-applies a record at start; must skip it if its partition is flushed at or beyond `position`.
    fn replay(&self, position: WalPosition, payload: &[u8]) -> Result<(), StoreError>;

    /// Position of the oldest record that only the log holds.
    fn oldest_unflushed(&self) -> Option<WalPosition>;
}

/// The shared machinery under the tables.
pub(crate) struct Core {
    wal: Wal,
    manifest: Arc<Manifest>,
    pub(crate) objects: Arc<dyn ObjectStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) faults: Arc<dyn Faults>,
    epoch: u64,
    part_counter: AtomicU64,
    discarded: Mutex<Vec<String>>,
    /// Paths of the parts that existed when the core was opened.
    known_at_open: Mutex<HashSet<String>>,
}

/// The capabilities a store is opened with.
#[derive(Clone)]
pub struct StoreCapabilities {
    pub objects: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub faults: Arc<dyn Faults>,
}

impl Core {
    /// Opens the manifest and prepares the log. Tables may load their parts and facts now; nothing can be
    /// appended before [`Core::recover`].
    pub(crate) fn open(
        data_dir: &Path,
        capabilities: StoreCapabilities,
        segment_bytes_max: u64,
    ) -> Result<Arc<Self>, StoreError> {
        let StoreCapabilities { objects, clock, entropy, faults } = capabilities;
        let manifest = Arc::new(Manifest::open(&data_dir.join("manifest"), faults.clone())?);
        let wal = Wal::new(WalConfig { dir: data_dir.join("wal"), segment_bytes_max }, faults.clone());
        let epoch = manifest.read(|m| m.epoch);
        let known = manifest.read(|m| m.parts.values().map(|part| part.path.clone()).collect());
        Ok(Arc::new(Self {
            wal,
            manifest,
            objects,
            clock,
            entropy,
            faults,
            epoch,
            part_counter: AtomicU64::new(0),
            discarded: Mutex::default(),
            known_at_open: Mutex::new(known),
        }))
    }

    /// Replays the log into the tables, then opens it for appends.
    pub(crate) fn recover(&self, tables: &[(TableId, &dyn WalTable)]) -> Result<ReplayReport, StoreError> {
        let floor = self.manifest.read(|m| m.highest);
        self.wal.recover(floor, &mut |id, position, payload| match tables
            .iter()
            .find(|(table, _)| *table == id)
        {
            Some((_, table)) => table.replay(position, payload),
            None => Ok(()),
        })
    }

    /// Appends a record to the log; see [`Wal::append`].
    pub(crate) async fn append(
        &self,
        table: TableId,
        payload: Vec<u8>,
        apply: impl FnOnce(WalPosition) + Send + 'static,
    ) -> Result<WalPosition, StoreError> {
        self.wal.append(Payload::One(table, payload), Box::new(apply)).await
    }

    /// Appends one record that is of several tables, each named once: all of it is durable, or none.
    pub(crate) async fn append_joint(
        &self,
        payloads: Vec<(TableId, Vec<u8>)>,
        apply: impl FnOnce(WalPosition) + Send + 'static,
    ) -> Result<WalPosition, StoreError> {
        self.wal.append(Payload::Joint(payloads), Box::new(apply)).await
    }

    pub(crate) fn wal(&self) -> &Wal {
        &self.wal
    }

    /// An id no part ever had.
    pub(crate) fn next_part_id(&self) -> u64 {
        self.epoch << PART_COUNTER_BITS | self.part_counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Where the part's object belongs.
    pub(crate) fn part_path(table: TableId, id: u64) -> String {
        format!("{PARTS}/{}/{id:016x}.parquet", table.name())
    }

    /// Stores the object of a part; durable when it returns. The part exists once it is committed.
    pub(crate) async fn put_part(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.faults.reach("part.before_put").map_err(|e| StoreError::io(path, e))?;
        let location = ObjectPath::from(path);
        self.objects.put(&location, bytes.into()).await.map_err(|e| object_error(path, e))?;
        self.faults.reach("part.put").map_err(|e| StoreError::io(path, e))
    }

    /// Applies an edit of the manifest; durable and atomic.
    pub(crate) async fn commit(&self, edit: ManifestEdit) -> Result<(), StoreError> {
        let manifest = self.manifest.clone();
        let commit = tokio::task::spawn_blocking(move || manifest.commit(&edit));
        commit.await.map_err(|_| StoreError::Cancelled)?
    }

    /// The parts of a table, in order of id. For loading at open: afterwards each table knows its own.
    pub(crate) fn parts(&self, table: TableId) -> Vec<Arc<PartEntry>> {
        self.manifest.read(|m| m.parts.values().filter(|p| p.table == table).cloned().collect())
    }

    /// The facts of a table, by key.
    pub(crate) fn facts(&self, table: TableId) -> Vec<(String, Vec<u8>)> {
        self.manifest.read(|m| {
            let of_table = m.facts.iter().filter(|((t, _), _)| *t == table);
            of_table.map(|((_, key), value)| (key.clone(), value.to_vec())).collect()
        })
    }

    /// How far a partition is flushed.
    pub(crate) fn flushed(&self, table: TableId, partition: &str) -> Option<WalPosition> {
        self.manifest.read(|m| m.flushed.get(&(table, partition.to_owned())).copied())
    }

    /// Deletes the object of a removed part soon. To be called when the last reader lets go of it.
    pub(crate) fn discard(&self, path: String) {
        self.discarded.lock().push(path);
    }

    /// Deletes discarded objects; one that cannot be deleted now is an orphan of the next run.
    pub(crate) async fn collect_garbage(&self) -> Result<u64, StoreError> {
        let paths = std::mem::take(&mut *self.discarded.lock());
        let count = paths.len() as u64;
        for path in paths {
            match self.objects.delete(&ObjectPath::from(path.as_str())).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(object_error(&path, error)),
            }
        }
        Ok(count)
    }

    /// Deletes objects that an earlier run put but never committed. To be called once.
    pub(crate) async fn delete_orphans(&self) -> Result<u64, StoreError> {
        // Parts known when this run began are not orphans, also when they have been removed since: readers
        // may still hold them, and they are discarded when the last of these lets go.
        let known = std::mem::take(&mut *self.known_at_open.lock());
        let listed = self.objects.list(Some(&ObjectPath::from(PARTS)));
        let listed: Vec<_> = listed.try_collect().await.map_err(|e| object_error(PARTS, e))?;
        let mut deleted = 0;
        for object in listed {
            let id = object.location.filename().and_then(|n| u64::from_str_radix(n.get(..16)?, 16).ok());
            let from_earlier_run = id.is_some_and(|id| id >> PART_COUNTER_BITS < self.epoch);
            if from_earlier_run && !known.contains(object.location.as_ref()) {
                let path = object.location.to_string();
                self.objects.delete(&object.location).await.map_err(|e| object_error(&path, e))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Forgets flushed positions that the log no longer reaches back to, and deletes log segments that
    /// nobody needs.
    pub(crate) async fn truncate_log(&self, needed: WalPosition) -> Result<u64, StoreError> {
        let segments = self.wal.release(needed)?;
        if segments > 0 {
            // Not `needed`: the oldest segment that is left may begin before it, and is replayed whole.
            let start = self.wal.oldest_position();
            self.commit(ManifestEdit { log_start: Some(start), ..ManifestEdit::default() }).await?;
        }
        Ok(segments)
    }
}

const PARTS: &str = "parts";

fn object_error(what: &str, error: object_store::Error) -> StoreError {
    let full = |e: &(dyn std::error::Error + 'static)| {
        e.downcast_ref::<std::io::Error>().is_some_and(|io| {
            matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        })
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if full(error) {
            return StoreError::NoRoom(error.to_string());
        }
        cause = error.source();
    }
    StoreError::object(what, error)
}
