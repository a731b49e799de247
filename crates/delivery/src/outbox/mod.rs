//! The outbox: what has been accepted and not yet delivered.
//!
//! A parcel is one delivery: a message (or a confirmation) for one subscription, or for one dead-letter queue. It is
//! written in the transaction that accepts the message, before the publisher is answered, and removed in the one
//! that notes its end. A crash between a delivery and that note repeats the delivery: at least once.
//!
//! Memory holds an index of the parcels ([`schedule::Schedule`]); the catalog holds the truth, and the index is made
//! from it at every start.

pub(crate) mod deliver;
mod parcel;
pub(crate) mod policy;
mod publish;
mod schedule;
mod settle;

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use base::Timestamp;
use base::task::TaskSignal;
use catalog::{Catalog, CatalogError, Collection, Prefix, RecordKey, Versioned};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::message::Message;

pub(crate) use parcel::{Accepted, Parcel, ParcelKind, accepted_key, parcel_key};
pub(crate) use publish::Published;
pub(crate) use schedule::Schedule;
pub use settle::RetryLimits;

/// How much may wait. Beyond it, publishing is refused: nothing accepted is ever dropped for want of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    pub parcels_max: usize,
    /// Of the messages kept.
    pub bytes_max: usize,
    /// Parcels that wait for one subscription. A subscription that has more loses what comes next, to its
    /// dead-letter queue if it has one: one that never answers must not stop the others.
    pub parcels_per_subscription_max: usize,
    /// Deliveries under way at a time.
    pub deliveries_max: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            parcels_max: 200_000,
            bytes_max: 256 << 20,
            parcels_per_subscription_max: 20_000,
            deliveries_max: 512,
        }
    }
}

pub(crate) struct Outbox {
    pub(crate) parcels: Collection<Parcel>,
    pub(crate) messages: Collection<Message>,
    /// What was accepted not long ago, so that it isn't accepted again.
    pub(crate) accepted: Collection<Accepted>,
    pub(crate) schedule: Mutex<Schedule>,
    pub(crate) limits: OutboxLimits,
    /// Tells a running activation of the task that there is more.
    pub(crate) more: Notify,
    task: OnceLock<TaskSignal>,
}

impl Outbox {
    pub(crate) fn open(catalog: &Arc<Catalog>, limits: OutboxLimits) -> Result<Self, CatalogError> {
        let parcels: Collection<Parcel> = catalog.collection()?;
        let messages: Collection<Message> = catalog.collection()?;
        let mut schedule = Schedule::new();
        parcels.scan(&Prefix::everything(), None, |key, parcel| {
            let size = key.scope().and_then(|scope| {
                messages.get(&crate::message::message_key(&scope, &parcel.message_id)).map(|m| m.size_bytes())
            });
            schedule.add(key.clone(), parcel, size.unwrap_or(0));
            ControlFlow::Continue(())
        });
        Ok(Self {
            parcels,
            messages,
            accepted: catalog.collection()?,
            schedule: Mutex::new(schedule),
            limits,
            more: Notify::new(),
            task: OnceLock::new(),
        })
    }

    /// Whom to tell that there is something to deliver.
    pub(crate) fn set_task(&self, signal: TaskSignal) {
        let _ = self.task.set(signal);
    }

    pub(crate) fn wake(&self) {
        self.more.notify_one();
        if let Some(task) = self.task.get() {
            task.activate();
        }
    }

    /// Takes the next parcel that is due.
    pub(crate) fn take(&self, now: Timestamp) -> Option<(RecordKey, Versioned<Parcel>)> {
        loop {
            let (key, lane) = self.schedule.lock().take(now)?;
            match self.parcels.get(&key) {
                Some(parcel) => return Some((key, parcel)),
                // Removed meanwhile, with its topic.
                None => self.schedule.lock().finish(&lane, &key, None, true),
            }
        }
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.schedule.lock().next_due()
    }

    /// Parcels waiting or under way, and the size of their messages.
    pub(crate) fn backlog(&self) -> (usize, usize) {
        let schedule = self.schedule.lock();
        (schedule.len(), schedule.bytes())
    }
}
