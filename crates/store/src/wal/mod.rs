//! The write-ahead log: one for all tables, segmented, checksummed, with group commit.
//!
//! An append returns when its record is on disk. Records queue up while the disk syncs and are then
//! written and synced together, so that ingest does not depend on the disk's latency. Format:
//! `docs/formats/wal.md`.
//!
//! Invariants: positions increase and are never reused; a segment is never appended to after a restart or
//! a failed sync; a failed sync is never retried on the same segment.

mod committer;
mod record;
mod replay;
mod segment;

use std::path::PathBuf;
use std::sync::Arc;

use base::Faults;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::error::StoreError;

pub(crate) use record::{Payload, TableId, WalPosition};
pub(crate) use replay::ReplayReport;

use committer::Request;
use segment::SegmentList;

/// Bytes of records that may wait for the disk; more appenders wait their turn.
const QUEUED_BYTES_MAX: usize = 64 << 20;
/// The largest record; requests are far smaller.
pub(crate) const RECORD_BYTES_MAX: usize = 48 << 20;

/// Takes a record that is read back, or one table's share of it.
pub(crate) type Replay<'a> = dyn FnMut(TableId, WalPosition, &[u8]) -> Result<(), StoreError> + 'a;

/// Sizes of the log.
#[derive(Debug, Clone)]
pub(crate) struct WalConfig {
    pub(crate) dir: PathBuf,
    /// A segment is sealed when it is longer than this.
    pub(crate) segment_bytes_max: u64,
}

/// The log. Nothing can be appended before it has been recovered.
pub(crate) struct Wal {
    config: WalConfig,
    faults: Arc<dyn Faults>,
    requests: mpsc::UnboundedSender<Request>,
    /// Taken by the committer.
    queue: Mutex<Option<mpsc::UnboundedReceiver<Request>>>,
    queued: Arc<Semaphore>,
    segments: Arc<Mutex<SegmentList>>,
}

impl Wal {
    pub(crate) fn new(config: WalConfig, faults: Arc<dyn Faults>) -> Self {
        let (requests, queue) = mpsc::unbounded_channel();
        Self {
            config,
            faults,
            requests,
            queue: Mutex::new(Some(queue)),
            queued: Arc::new(Semaphore::new(QUEUED_BYTES_MAX)),
            segments: Arc::default(),
        }
    }

    /// Replays what the log holds into `replay` and opens a new segment behind it. Positions continue
    /// after both the log and `floor`, the highest position the manifest knows. To be called once.
    pub(crate) fn recover(
        &self,
        floor: WalPosition,
        replay: &mut Replay<'_>,
    ) -> Result<ReplayReport, StoreError> {
        let queue = self.queue.lock().take().expect("a log is recovered once");
        std::fs::create_dir_all(&self.config.dir).map_err(|e| StoreError::io("the log folder", e))?;
        let mut list = SegmentList::load(&self.config.dir)?;
        let report = replay::replay(&mut list, replay)?;
        let next = WalPosition(report.last.0.max(floor.0) + 1);
        *self.segments.lock() = list;
        committer::spawn(self.config.clone(), next, self.segments.clone(), self.faults.clone(), queue)?;
        Ok(report)
    }

    /// Writes a record and returns when it is on disk. `apply` runs before that, in log order, on the
    /// committer's thread: it must be cheap and must not block.
    pub(crate) async fn append(
        &self,
        payload: Payload,
        apply: Box<dyn FnOnce(WalPosition) + Send>,
    ) -> Result<WalPosition, StoreError> {
        let size = payload.size();
        if size > RECORD_BYTES_MAX {
            return Err(StoreError::NoRoom(format!("a record of {size} bytes is too large")));
        }
        let cost = u32::try_from(size.clamp(1, QUEUED_BYTES_MAX)).expect("clamped below 2^32");
        let permit = self.queued.clone().acquire_many_owned(cost).await.map_err(|_| StoreError::Cancelled)?;
        let (done, outcome) = oneshot::channel();
        let request = Request { payload, apply, done, _permit: permit };
        self.requests.send(request).map_err(|_| StoreError::Cancelled)?;
        outcome.await.map_err(|_| StoreError::Cancelled)?
    }

    /// Bytes of all segments.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.segments.lock().size_bytes()
    }

    /// The position through which tables must flush so that at most `keep_bytes` of log remain;
    /// `None` if that is so already.
    pub(crate) fn flush_target(&self, keep_bytes: u64) -> Option<WalPosition> {
        self.segments.lock().flush_target(keep_bytes)
    }

    /// Deletes sealed segments all of whose records come before `needed`.
    pub(crate) fn release(&self, needed: WalPosition) -> Result<u64, StoreError> {
        let removable = self.segments.lock().take_before(needed);
        let count = removable.len() as u64;
        for path in removable {
            std::fs::remove_file(&path).map_err(|e| StoreError::io(path.display().to_string(), e))?;
        }
        Ok(count)
    }

    /// The first position the log may still hold.
    pub(crate) fn oldest_position(&self) -> WalPosition {
        let list = self.segments.lock();
        list.segments.first().map_or(list.next, |s| s.first)
    }

    /// The position the next record will have at the least.
    pub(crate) fn next_position(&self) -> WalPosition {
        self.segments.lock().next
    }
}

#[cfg(test)]
mod tests;
