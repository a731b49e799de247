//! Being told of changes, in the order in which they were committed.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::collection::Versioned;
use crate::key::RecordKey;
use crate::record::Record;

/// Changes a slow watcher may fall behind before it misses some.
pub(crate) const WATCH_CAPACITY: usize = 1024;

/// One committed change of a record.
#[derive(Debug)]
pub struct Change<R> {
    pub key: RecordKey,
    /// The record now; `None` if it was deleted.
    pub record: Option<Versioned<R>>,
}

impl<R> Clone for Change<R> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), record: self.record.clone() }
    }
}

/// This many changes were missed; read the collection again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} changes were missed")]
pub struct Lagged(pub u64);

/// Receives the changes of one collection from the moment it was made.
pub struct Watch<R>(pub(crate) broadcast::Receiver<Arc<Change<R>>>);

impl<R: Record> Watch<R> {
    /// The next change; `None` when the catalog is gone.
    pub async fn next(&mut self) -> Option<Result<Arc<Change<R>>, Lagged>> {
        match self.0.recv().await {
            Ok(change) => Some(Ok(change)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next change if there is one already.
    pub fn try_next(&mut self) -> Option<Result<Arc<Change<R>>, Lagged>> {
        match self.0.try_recv() {
            Ok(change) => Some(Ok(change)),
            Err(broadcast::error::TryRecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(_) => None,
        }
    }
}
