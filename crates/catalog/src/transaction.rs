//! Several changes, all or none, each bound to the version it was decided on.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::collection::{AnyTable, Collection};
use crate::committer::Request;
use crate::error::{CatalogError, CommitError};
use crate::key::{Prefix, RecordKey};
use crate::record::Record;

/// Changes to be committed together. Steps see one another's effects in the order given.
#[must_use = "a transaction does nothing until it is committed"]
pub struct Transaction {
    steps: Vec<Step>,
    /// The first record that could not be written as JSON.
    failed: Option<CatalogError>,
    requests: mpsc::Sender<Request>,
}

pub(crate) struct Step {
    pub(crate) collection: &'static str,
    pub(crate) table: Arc<dyn AnyTable>,
    pub(crate) action: Action,
}

pub(crate) enum Action {
    Insert { key: RecordKey, record: Content },
    Update { key: RecordKey, version: u64, record: Content },
    Delete { key: RecordKey, version: u64 },
    DeleteAll { prefix: Prefix },
    Require { key: RecordKey, version: u64 },
}

/// A record in both its forms.
pub(crate) struct Content {
    pub(crate) schema_version: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) typed: Arc<dyn Any + Send + Sync>,
}

impl Transaction {
    pub(crate) fn new(requests: mpsc::Sender<Request>) -> Self {
        Self { steps: Vec::new(), failed: None, requests }
    }

    /// Adds a record; the commit fails with [`CommitError::Exists`] if there is one.
    pub fn insert<R: Record>(self, collection: &Collection<R>, key: RecordKey, record: R) -> Self {
        self.insert_shared(collection, key, Arc::new(record))
    }

    pub(crate) fn insert_shared<R: Record>(
        mut self,
        collection: &Collection<R>,
        key: RecordKey,
        record: Arc<R>,
    ) -> Self {
        if let Some(record) = self.content(record) {
            self.push(collection, Action::Insert { key, record });
        }
        self
    }

    /// Replaces the record, which must still have `version`.
    pub fn update<R: Record>(
        self,
        collection: &Collection<R>,
        key: RecordKey,
        version: u64,
        record: R,
    ) -> Self {
        self.update_shared(collection, key, version, Arc::new(record))
    }

    pub(crate) fn update_shared<R: Record>(
        mut self,
        collection: &Collection<R>,
        key: RecordKey,
        version: u64,
        record: Arc<R>,
    ) -> Self {
        if let Some(record) = self.content(record) {
            self.push(collection, Action::Update { key, version, record });
        }
        self
    }

    /// Removes the record, which must still have `version`.
    pub fn delete<R: Record>(mut self, collection: &Collection<R>, key: RecordKey, version: u64) -> Self {
        self.push(collection, Action::Delete { key, version });
        self
    }

    /// Removes every record of `prefix`, whatever its version; none is fine.
    pub fn delete_all<R: Record>(mut self, collection: &Collection<R>, prefix: Prefix) -> Self {
        self.push(collection, Action::DeleteAll { prefix });
        self
    }

    /// Changes nothing, but the commit fails unless the record still has `version`.
    pub fn require<R: Record>(mut self, collection: &Collection<R>, key: RecordKey, version: u64) -> Self {
        self.push(collection, Action::Require { key, version });
        self
    }

    /// Durable and visible when it returns; the version is that of every record written.
    pub async fn commit(self) -> Result<u64, CommitError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        let (answer, answered) = oneshot::channel();
        let request = Request::Commit { steps: self.steps, answer };
        self.requests.send(request).await.map_err(|_| CatalogError::Closed)?;
        answered.await.unwrap_or(Err(CommitError::Failed(CatalogError::Closed)))
    }

    fn push<R: Record>(&mut self, collection: &Collection<R>, action: Action) {
        self.steps.push(Step { collection: R::COLLECTION, table: collection.table(), action });
    }

    fn content<R: Record>(&mut self, record: Arc<R>) -> Option<Content> {
        match serde_json::to_vec(&*record) {
            Ok(payload) => Some(Content { schema_version: R::VERSION, payload, typed: record }),
            Err(error) => {
                let what = format!("writing a record of {} as JSON", R::COLLECTION);
                self.failed.get_or_insert(CatalogError::backend(what, error));
                None
            }
        }
    }
}
