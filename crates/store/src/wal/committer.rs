//! Group commit: one thread writes and syncs what has queued up, applies it in order, and answers.

use std::sync::Arc;

use base::Faults;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::error::StoreError;
use crate::wal::WalConfig;
use crate::wal::record::{self, Payload, WalPosition};
use crate::wal::segment::{ActiveSegment, SegmentInfo, SegmentList};

/// Bytes written with one sync at the most, so that the first in the queue does not wait for the last.
const COMMIT_BYTES_MAX: usize = 8 << 20;

pub(super) struct Request {
    pub(super) payload: Payload,
    pub(super) apply: Box<dyn FnOnce(WalPosition) + Send>,
    pub(super) done: oneshot::Sender<Result<WalPosition, StoreError>>,
    pub(super) _permit: OwnedSemaphorePermit,
}

/// Starts the committer; it ends when the last sender of `queue` is gone and the queue is empty.
pub(super) fn spawn(
    config: WalConfig,
    next: WalPosition,
    segments: Arc<Mutex<SegmentList>>,
    faults: Arc<dyn Faults>,
    queue: mpsc::UnboundedReceiver<Request>,
) -> Result<(), StoreError> {
    let mut committer = Committer { config, segments, faults, active: None, next, buffer: Vec::new() };
    committer.segments.lock().next = next;
    // Fails now rather than at the first write if the folder cannot be written.
    committer.open_segment()?;
    std::thread::Builder::new()
        .name("wal-committer".to_owned())
        .spawn(move || committer.run(queue))
        .map_err(|e| StoreError::io("the log's thread", e))?;
    Ok(())
}

struct Committer {
    config: WalConfig,
    segments: Arc<Mutex<SegmentList>>,
    faults: Arc<dyn Faults>,
    active: Option<ActiveSegment>,
    next: WalPosition,
    buffer: Vec<u8>,
}

impl Committer {
    fn run(mut self, mut queue: mpsc::UnboundedReceiver<Request>) {
        while let Some(first) = queue.blocking_recv() {
            let mut size = first.payload.size();
            let mut batch = vec![first];
            while size < COMMIT_BYTES_MAX
                && let Ok(request) = queue.try_recv()
            {
                size += request.payload.size();
                batch.push(request);
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Request>) {
        let first = self.next;
        self.buffer.clear();
        for request in &batch {
            record::encode(&mut self.buffer, self.next, &request.payload);
            self.next.0 += 1;
        }
        let result = self.write();
        match result {
            Ok(()) => answer(batch, first),
            Err(error) => {
                tracing::error!(%error, "the write-ahead log could not be written");
                if let Some(active) = self.active.take() {
                    active.abandon();
                }
                for request in batch {
                    // The requester may have gone; nobody else needs the answer.
                    let _ = request.done.send(Err(StoreError::io("the write-ahead log", copy_of(&error))));
                }
            }
        }
        // Only after the records are applied: whoever reads `next` and then asks the tables for their oldest
        // record must not miss one in between.
        self.segments.lock().next = self.next;
        if self.buffer.capacity() > 2 * COMMIT_BYTES_MAX {
            self.buffer = Vec::new();
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        if self.active.as_ref().is_some_and(|a| a.offset() >= self.config.segment_bytes_max) {
            self.active = None;
        }
        if self.active.is_none() {
            self.open_segment_io()?;
        }
        let active = self.active.as_mut().expect("opened above");
        self.faults.reach("wal.before_write")?;
        active.write(&self.buffer)?;
        self.faults.reach("wal.before_sync")?;
        active.sync(self.buffer.len() as u64)?;
        self.faults.reach("wal.synced")?;
        if let Some(info) = self.segments.lock().segments.last_mut() {
            info.bytes = active.offset();
        }
        Ok(())
    }

    fn open_segment(&mut self) -> Result<(), StoreError> {
        self.open_segment_io().map_err(|e| StoreError::io("a log segment", e))
    }

    fn open_segment_io(&mut self) -> std::io::Result<()> {
        // Records of a batch that is being written already have positions: the list's `next` is the
        // first of them.
        let first = self.segments.lock().next;
        let active = ActiveSegment::create(&self.config.dir, first)?;
        let info = SegmentInfo { first, path: active.path.clone(), bytes: 0 };
        let mut list = self.segments.lock();
        list.segments.retain(|s| s.path != info.path);
        list.segments.push(info);
        self.active = Some(active);
        Ok(())
    }
}

fn answer(batch: Vec<Request>, first: WalPosition) {
    for (i, request) in batch.into_iter().enumerate() {
        let position = WalPosition(first.0 + i as u64);
        (request.apply)(position);
        // A requester that has gone away still has its record, as it would after a lost answer.
        let _ = request.done.send(Ok(position));
    }
}

/// `io::Error` cannot be cloned; every waiter gets the same kind and text.
fn copy_of(error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), error.to_string())
}
