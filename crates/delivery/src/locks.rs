//! One change of a topic's set of subscriptions at a time, and one message of a FIFO topic.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

use crate::arn::TopicArn;

/// Topics share this many locks.
const SHARDS: usize = 64;

pub(crate) struct TopicLocks([Mutex<()>; SHARDS]);

impl Default for TopicLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl TopicLocks {
    pub(crate) async fn lock(&self, topic: &TopicArn) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        topic.hash(&mut hasher);
        self.0[(hasher.finish() % SHARDS as u64) as usize].lock().await
    }
}
