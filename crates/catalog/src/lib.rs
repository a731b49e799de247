//! Small durable state: typed, versioned records with transactions, watches and leases.
//!
//! Thousands of small things (log groups, streams, alarms, trails) that change by single edits and are read all
//! the time. Every record is kept in memory, so a read is a lock and a lookup; a write is made durable by the
//! [`Backend`] first and shows in memory only then. Concurrent transactions share one durable commit.
//!
//! Keys begin with account and Region by construction ([`RecordKey::new`]).
//! Invariant: what memory shows is durable, and changes show in the order in which they were committed.

mod backend;
mod collection;
mod committer;
mod counter;
mod error;
mod key;
mod lease;
mod memory;
mod record;
mod sql;
mod transaction;
mod watch;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base::Clock;
use parking_lot::Mutex;
use tokio::sync::mpsc;

pub use backend::{Backend, NewRecord, Outcome, RawRecord, Write, WriteAction};
pub use collection::{Collection, Entry, Versioned};
pub use error::{CatalogError, CommitError, UpdateError};
pub use key::{Prefix, RecordKey};
pub use lease::Lease;
pub use memory::MemoryBackend;
pub use record::Record;
pub use sql::SqliteBackend;
pub use transaction::Transaction;
pub use watch::{Change, Lagged, Watch};

use collection::Table;
use committer::Request;
use counter::Counters;

/// The catalog of one server. Cheap to share behind an `Arc`.
pub struct Catalog {
    clock: Arc<dyn Clock>,
    requests: mpsc::Sender<Request>,
    registry: Mutex<Registry>,
    counters: Counters,
}

/// Records as they were loaded, until their type is known; then the typed tables.
struct Registry {
    loaded: HashMap<String, Vec<RawRecord>>,
    tables: HashMap<&'static str, (TypeId, Arc<dyn Any + Send + Sync>)>,
}

impl Catalog {
    /// Opens the embedded catalog in the file at `path`, creating it if need be. The file belongs to this
    /// process until the catalog is closed or dropped; a second opener fails with [`CatalogError::InUse`].
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, CatalogError> {
        Self::with_backend(Arc::new(SqliteBackend::open(path).await?), clock).await
    }

    /// Must be called inside a tokio runtime: commits run on a task of their own, so that a caller that goes
    /// away cannot leave memory and disk apart.
    pub async fn with_backend(
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, CatalogError> {
        let mut loaded: HashMap<String, Vec<RawRecord>> = HashMap::new();
        let mut revision = 0;
        for record in backend.load().await? {
            revision = revision.max(record.version);
            match loaded.get_mut(&record.collection) {
                Some(records) => records.push(record),
                None => {
                    loaded.insert(record.collection.clone(), vec![record]);
                }
            }
        }
        let requests = committer::spawn(backend, revision);
        let catalog = Self {
            clock,
            requests,
            registry: Mutex::new(Registry { loaded, tables: HashMap::new() }),
            counters: Counters::default(),
        };
        Ok(Arc::new(catalog))
    }

    /// The records of type `R`. The first call decodes what was loaded, migrating older versions in memory; a
    /// record that cannot be decoded is an error here and is never served.
    pub fn collection<R: Record>(&self) -> Result<Collection<R>, CatalogError> {
        let mut registry = self.registry.lock();
        if let Some((type_id, table)) = registry.tables.get(R::COLLECTION) {
            assert_eq!(*type_id, TypeId::of::<R>(), "two record types claim collection {}", R::COLLECTION);
            let table = table.clone().downcast::<Table<R>>().expect("the type id was compared");
            return Ok(Collection::new(table, self.requests.clone()));
        }
        let raw = registry.loaded.get(R::COLLECTION).map_or(&[][..], Vec::as_slice);
        let table = Arc::new(Table::<R>::decode(raw)?);
        registry.loaded.remove(R::COLLECTION);
        registry.tables.insert(R::COLLECTION, (TypeId::of::<R>(), table.clone()));
        Ok(Collection::new(table, self.requests.clone()))
    }

    /// An empty transaction. Nothing happens before [`Transaction::commit`].
    pub fn transaction(&self) -> Transaction {
        Transaction::new(self.requests.clone())
    }

    /// A number never given before under this `name`, also before a crash; increasing, with gaps.
    pub async fn next_id(&self, name: &str) -> Result<u64, CatalogError> {
        self.counters.next(self, name).await
    }

    /// Finishes the commits under way and closes the backend. Later commits fail with
    /// [`CatalogError::Closed`]; reads go on.
    pub async fn close(&self) -> Result<(), CatalogError> {
        committer::close(&self.requests).await
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalog")
    }
}
