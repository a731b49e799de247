//! Followers of log groups: what is appended is handed to them as it becomes durable. For live tail; whoever
//! must not miss anything reads by acceptance instead (`accepted`).
//!
//! Publishing happens on the thread that commits the log, so it never waits: a follower that falls behind
//! loses batches, and is told how many events.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use base::Timestamp;
use parking_lot::{Mutex, RwLock};
use signals::LogEvent;
use tokio::sync::{Notify, watch};

use super::api::{LogGroupKey, LogPosition};
use super::chunk::TailBatch;

/// Message bytes that may wait for a follower.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// Batches that may wait for a follower.
const WAITING_BATCHES_MAX: usize = 4096;

/// Events of one stream that were appended together.
#[derive(Debug, Clone)]
pub struct AppendedBatch {
    group: LogGroupKey,
    batch: Arc<TailBatch>,
}

impl AppendedBatch {
    pub fn group(&self) -> &LogGroupKey {
        &self.group
    }

    pub fn stream(&self) -> &Arc<str> {
        &self.batch.stream
    }

    pub fn ingestion_time(&self) -> Timestamp {
        self.batch.ingestion_time
    }

    pub fn len(&self) -> usize {
        self.batch.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.batch.events.is_empty()
    }

    /// The events with their positions, as they were put.
    pub fn events(&self) -> impl Iterator<Item = (LogPosition, &LogEvent)> {
        self.batch.events.iter().enumerate().map(|(nth, event)| {
            let sequence = self.batch.base_sequence + nth as u64;
            (LogPosition { timestamp: event.timestamp, sequence }, event)
        })
    }
}

/// What is appended to some groups, from the moment it was asked for. Dropping it ends it.
pub struct LogFeed {
    shared: Arc<Follower>,
}

impl LogFeed {
    /// Batches that were appended since the last call, in log order; waits while there are none.
    pub async fn next(&mut self) -> Vec<AppendedBatch> {
        loop {
            let taken = self.take();
            if !taken.is_empty() {
                return taken;
            }
            // A batch that came meanwhile left a permit.
            self.shared.arrived.notified().await;
        }
    }

    /// Batches that are here already.
    pub fn take(&mut self) -> Vec<AppendedBatch> {
        let mut waiting = self.shared.waiting.lock();
        waiting.bytes = 0;
        waiting.batches.drain(..).collect()
    }

    /// Events that were dropped so far because they were not taken in time.
    pub fn missed(&self) -> u64 {
        self.shared.missed.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct Follower {
    groups: HashSet<LogGroupKey>,
    waiting: Mutex<Waiting>,
    arrived: Notify,
    missed: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<AppendedBatch>,
    bytes: usize,
}

impl Follower {
    fn offer(&self, batch: AppendedBatch) {
        let bytes: usize = batch.batch.events.iter().map(|e| e.message.len()).sum();
        let mut waiting = self.waiting.lock();
        let full = waiting.batches.len() >= WAITING_BATCHES_MAX || waiting.bytes + bytes > WAITING_BYTES_MAX;
        if full && !waiting.batches.is_empty() {
            self.missed.fetch_add(batch.len() as u64, Ordering::Relaxed);
            return;
        }
        waiting.bytes += bytes;
        waiting.batches.push_back(batch);
        drop(waiting);
        self.arrived.notify_one();
    }
}

/// All followers of a table.
pub(crate) struct Feeds {
    followers: RwLock<Vec<Weak<Follower>>>,
    /// Whether there may be a follower, so that an append without any costs one look.
    followed: AtomicBool,
    appended: watch::Sender<u64>,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            followers: RwLock::default(),
            followed: AtomicBool::new(false),
            appended: watch::Sender::new(0),
        }
    }
}

impl Feeds {
    pub(crate) fn follow(&self, groups: &[LogGroupKey]) -> LogFeed {
        let shared = Arc::new(Follower { groups: groups.iter().cloned().collect(), ..Follower::default() });
        let mut followers = self.followers.write();
        followers.retain(|f| f.strong_count() > 0);
        followers.push(Arc::downgrade(&shared));
        self.followed.store(true, Ordering::Release);
        LogFeed { shared }
    }

    pub(crate) fn appended(&self) -> watch::Receiver<u64> {
        self.appended.subscribe()
    }

    /// Hands a durable batch to its followers; never waits.
    pub(crate) fn publish(&self, group: &LogGroupKey, batch: Arc<TailBatch>) {
        if self.followed.load(Ordering::Acquire) {
            self.offer(group, &batch);
        }
        self.appended.send_replace(batch.base_sequence);
    }

    fn offer(&self, group: &LogGroupKey, batch: &Arc<TailBatch>) {
        let mut gone = false;
        for follower in self.followers.read().iter() {
            match follower.upgrade() {
                Some(follower) if follower.groups.contains(group) => {
                    follower.offer(AppendedBatch { group: group.clone(), batch: batch.clone() });
                }
                Some(_) => {}
                None => gone = true,
            }
        }
        if gone {
            let mut followers = self.followers.write();
            followers.retain(|f| f.strong_count() > 0);
            self.followed.store(!followers.is_empty(), Ordering::Release);
        }
    }
}
