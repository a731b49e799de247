//! Why the catalog could not do what it was asked.

use std::error::Error;
use std::sync::Arc;

/// A failure of storage. Clonable, because every transaction of a shared commit gets it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The disk is full or cannot be written: nothing was stored, and reads go on. Services answer
    /// ServiceUnavailable.
    #[error("the catalog cannot be written: {0}")]
    Unwritable(String),
    /// Another process has the catalog open.
    #[error("{0} is in use by another process")]
    InUse(String),
    /// Bytes on disk are not what was written. They are never served.
    #[error("{what} is damaged: {detail}")]
    Damaged { what: String, detail: String },
    /// Written by a newer program.
    #[error("{what} has format version {found}; this program knows up to {known}")]
    Newer { what: String, found: i64, known: i64 },
    #[error("{what} failed")]
    Backend {
        what: String,
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    #[error("the catalog is closed")]
    Closed,
}

impl CatalogError {
    pub(crate) fn damaged(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), detail: detail.into() }
    }

    pub(crate) fn backend(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Backend { what: what.into(), source: Arc::new(source) }
    }
}

/// Why a transaction did not happen. Whatever the reason, nothing of it was applied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// An insert met a record.
    #[error("{key} exists in {collection}")]
    Exists { collection: &'static str, key: String },
    /// An update, delete or requirement met no record.
    #[error("{key} is missing in {collection}")]
    Missing { collection: &'static str, key: String },
    /// The record changed since the version was read.
    #[error("{key} in {collection} was changed by another transaction")]
    Conflict { collection: &'static str, key: String },
    #[error(transparent)]
    Failed(#[from] CatalogError),
}

/// Why [`crate::Collection::update`] changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpdateError<E> {
    #[error("the record is missing")]
    Missing,
    /// The closure's own answer.
    #[error("the update was refused")]
    Refused(E),
    #[error(transparent)]
    Failed(CatalogError),
}
