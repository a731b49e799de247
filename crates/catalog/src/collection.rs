//! All records of one type, in memory and in key order.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow, Deref};
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::{broadcast, mpsc};

use crate::backend::RawRecord;
use crate::committer::Request;
use crate::error::{CatalogError, CommitError, UpdateError};
use crate::key::{Prefix, RecordKey};
use crate::record::Record;
use crate::transaction::Transaction;
use crate::watch::{Change, WATCH_CAPACITY, Watch};

/// Tries of [`Collection::update`] before it gives up; each lost try means that another update won.
const UPDATE_TRIES_MAX: usize = 100;

/// A record with the version an update of it must name.
#[derive(Debug)]
pub struct Versioned<R> {
    pub version: u64,
    pub record: Arc<R>,
}

impl<R> Clone for Versioned<R> {
    fn clone(&self) -> Self {
        Self { version: self.version, record: self.record.clone() }
    }
}

impl<R> Deref for Versioned<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.record
    }
}

/// A record with its key.
#[derive(Debug)]
pub struct Entry<R> {
    pub key: RecordKey,
    pub value: Versioned<R>,
}

impl<R> Clone for Entry<R> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), value: self.value.clone() }
    }
}

impl<R> Deref for Entry<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.value.record
    }
}

/// Handle on the records of type `R`. Reads never touch the disk.
pub struct Collection<R: Record> {
    table: Arc<Table<R>>,
    requests: mpsc::Sender<Request>,
}

impl<R: Record> Clone for Collection<R> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), requests: self.requests.clone() }
    }
}

impl<R: Record> Collection<R> {
    pub(crate) fn new(table: Arc<Table<R>>, requests: mpsc::Sender<Request>) -> Self {
        Self { table, requests }
    }

    pub(crate) fn table(&self) -> Arc<Table<R>> {
        self.table.clone()
    }

    pub fn get(&self, key: &RecordKey) -> Option<Versioned<R>> {
        self.table.records.read().get(key).cloned()
    }

    pub fn contains(&self, key: &RecordKey) -> bool {
        self.table.records.read().contains_key(key)
    }

    /// Up to `limit` records of `prefix` in key order, those strictly after `after`.
    pub fn list(&self, prefix: &Prefix, after: Option<&RecordKey>, limit: usize) -> Vec<Entry<R>> {
        let mut found = Vec::new();
        if limit == 0 {
            return found;
        }
        self.scan(prefix, after, |key, value| {
            found.push(Entry { key: key.clone(), value: value.clone() });
            if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    /// Shows the records of `prefix` after `after` in key order until told to stop. The collection is locked
    /// against writing meanwhile, so `visit` must be quick and must not use the catalog.
    pub fn scan(
        &self,
        prefix: &Prefix,
        after: Option<&RecordKey>,
        mut visit: impl FnMut(&RecordKey, &Versioned<R>) -> ControlFlow<()>,
    ) {
        let records = self.table.records.read();
        for (key, value) in range(&records, prefix, after) {
            if visit(key, value).is_break() {
                return;
            }
        }
    }

    /// As [`Collection::scan`], but in descending key order, beginning with the record before `before`.
    pub fn scan_back(
        &self,
        prefix: &Prefix,
        before: Option<&RecordKey>,
        mut visit: impl FnMut(&RecordKey, &Versioned<R>) -> ControlFlow<()>,
    ) {
        let records = self.table.records.read();
        let end = match (prefix.end(), before) {
            (Some(end), Some(key)) => Bound::Excluded(end.min(key.clone())),
            (Some(end), None) => Bound::Excluded(end),
            (None, Some(key)) => Bound::Excluded(key.clone()),
            (None, None) => Bound::Unbounded,
        };
        if matches!(&end, Bound::Excluded(end) if *end <= prefix.first()) {
            return;
        }
        for (key, value) in records.range((Bound::Included(prefix.first()), end)).rev() {
            if visit(key, value).is_break() {
                return;
            }
        }
    }

    /// How many records `prefix` holds.
    pub fn count(&self, prefix: &Prefix) -> usize {
        range(&self.table.records.read(), prefix, None).count()
    }

    /// How many records there are of all accounts and Regions; takes no time.
    pub fn total(&self) -> usize {
        self.table.records.read().len()
    }

    /// Changes from now on.
    pub fn watch(&self) -> Watch<R> {
        Watch(self.table.changes.subscribe())
    }

    /// Inserts one record in a transaction of its own.
    pub async fn insert(&self, key: RecordKey, record: R) -> Result<Versioned<R>, CommitError> {
        let record = Arc::new(record);
        let version =
            Transaction::new(self.requests.clone()).insert_shared(self, key, record.clone()).commit().await?;
        Ok(Versioned { version, record })
    }

    /// Deletes one record in a transaction of its own.
    pub async fn delete(&self, key: RecordKey, version: u64) -> Result<(), CommitError> {
        Transaction::new(self.requests.clone()).delete(self, key, version).commit().await.map(|_| ())
    }

    /// Reads, changes and writes one record, again from the start when another transaction was faster.
    pub async fn update<E>(
        &self,
        key: &RecordKey,
        mut change: impl FnMut(&mut R) -> Result<(), E>,
    ) -> Result<Versioned<R>, UpdateError<E>> {
        for _ in 0..UPDATE_TRIES_MAX {
            let Some(current) = self.get(key) else { return Err(UpdateError::Missing) };
            let mut record = R::clone(&current.record);
            change(&mut record).map_err(UpdateError::Refused)?;
            let record = Arc::new(record);
            let transaction = Transaction::new(self.requests.clone()).update_shared(
                self,
                key.clone(),
                current.version,
                record.clone(),
            );
            match transaction.commit().await {
                Ok(version) => return Ok(Versioned { version, record }),
                Err(CommitError::Missing { .. }) => return Err(UpdateError::Missing),
                Err(CommitError::Conflict { .. } | CommitError::Exists { .. }) => {}
                Err(CommitError::Failed(error)) => return Err(UpdateError::Failed(error)),
            }
        }
        Err(UpdateError::Failed(CatalogError::Unwritable(format!("{key} changes too fast"))))
    }
}

/// The records of one type. Only the committer writes to it.
pub(crate) struct Table<R: Record> {
    records: RwLock<BTreeMap<RecordKey, Versioned<R>>>,
    changes: broadcast::Sender<Arc<Change<R>>>,
}

impl<R: Record> Table<R> {
    /// Decodes what was loaded.
    pub(crate) fn decode(raw: &[RawRecord]) -> Result<Self, CatalogError> {
        let mut records = Vec::with_capacity(raw.len());
        for row in raw {
            let record = decode::<R>(row).map_err(|detail| {
                CatalogError::damaged(format!("record {} of {}", row.key, R::COLLECTION), detail)
            })?;
            records.push((row.key.clone(), Versioned { version: row.version, record: Arc::new(record) }));
        }
        let records = RwLock::new(records.into_iter().collect());
        Ok(Self { records, changes: broadcast::Sender::new(WATCH_CAPACITY) })
    }
}

/// A table without its type, as the committer sees it.
pub(crate) trait AnyTable: Send + Sync {
    fn version(&self, key: &RecordKey) -> Option<u64>;
    fn keys(&self, prefix: &Prefix) -> Vec<(RecordKey, u64)>;
    /// Shows a durable change. `record` is an `R` of this table's type; `None` deletes.
    fn apply(&self, key: RecordKey, version: u64, record: Option<Arc<dyn Any + Send + Sync>>);
}

impl<R: Record> AnyTable for Table<R> {
    fn version(&self, key: &RecordKey) -> Option<u64> {
        self.records.read().get(key).map(|v| v.version)
    }

    fn keys(&self, prefix: &Prefix) -> Vec<(RecordKey, u64)> {
        range(&self.records.read(), prefix, None).map(|(key, value)| (key.clone(), value.version)).collect()
    }

    fn apply(&self, key: RecordKey, version: u64, record: Option<Arc<dyn Any + Send + Sync>>) {
        let record = record.map(|any| {
            let record = any.downcast::<R>().expect("a write carries the record type of its table");
            Versioned { version, record }
        });
        let mut records = self.records.write();
        match &record {
            Some(value) => records.insert(key.clone(), value.clone()),
            None => records.remove(&key),
        };
        // Sent under the lock, so that watchers see changes in the order readers do.
        let _ = self.changes.send(Arc::new(Change { key, record }));
    }
}

fn range<'a, R>(
    records: &'a BTreeMap<RecordKey, Versioned<R>>,
    prefix: &'a Prefix,
    after: Option<&'a RecordKey>,
) -> impl Iterator<Item = (&'a RecordKey, &'a Versioned<R>)> {
    let first = prefix.first();
    let start = match after {
        Some(key) if *key >= first => Bound::Excluded(key.clone()),
        _ => Bound::Included(first),
    };
    records.range((start, Bound::Unbounded)).take_while(move |(key, _)| prefix.matches(key))
}

fn decode<R: Record>(row: &RawRecord) -> Result<R, String> {
    if row.schema_version == R::VERSION {
        return serde_json::from_slice(&row.payload).map_err(|e| e.to_string());
    }
    if row.schema_version > R::VERSION {
        return Err(format!(
            "it has version {}; this program knows up to {}",
            row.schema_version,
            R::VERSION
        ));
    }
    let value = serde_json::from_slice(&row.payload).map_err(|e| e.to_string())?;
    R::migrate(row.schema_version, value)
}
