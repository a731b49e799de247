//! Keeps appending and deleting apart. A producer holds its group's lock for reading from the look at the catalog
//! until its events are stored; a delete holds it for writing. Without it, events could reach a stream between its
//! two deletions (in the catalog and in the store) and show in a new stream of the same name.

use std::hash::{DefaultHasher, Hash, Hasher};

use base::Scope;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Groups share this many locks.
const SHARDS: usize = 64;

pub(crate) struct GroupLocks([RwLock<()>; SHARDS]);

impl Default for GroupLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| RwLock::new(())))
    }
}

impl GroupLocks {
    pub(crate) async fn appending(&self, scope: &Scope, group: &str) -> RwLockReadGuard<'_, ()> {
        self.shard(scope, group).read().await
    }

    pub(crate) async fn deleting(&self, scope: &Scope, group: &str) -> RwLockWriteGuard<'_, ()> {
        self.shard(scope, group).write().await
    }

    fn shard(&self, scope: &Scope, group: &str) -> &RwLock<()> {
        let mut hasher = DefaultHasher::new();
        (scope, group).hash(&mut hasher);
        &self.0[(hasher.finish() % SHARDS as u64) as usize]
    }
}
