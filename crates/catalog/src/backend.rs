//! The seam to durable storage.

use async_trait::async_trait;

use crate::error::CatalogError;
use crate::key::RecordKey;

/// A record as it is stored: its type is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    pub collection: String,
    pub key: RecordKey,
    /// Number of the commit that wrote it.
    pub version: u64,
    /// `Record::VERSION` of the program that wrote it.
    pub schema_version: u32,
    /// JSON.
    pub payload: Vec<u8>,
}

/// One condition of a commit and what to do if all conditions hold. `expected` is the version the stored record
/// must have; `None`: there must be none.
#[derive(Debug, Clone)]
pub struct Write {
    pub collection: &'static str,
    pub key: RecordKey,
    pub expected: Option<u64>,
    pub action: WriteAction,
}

#[derive(Debug, Clone)]
pub enum WriteAction {
    Put(NewRecord),
    Delete,
    /// Only the condition counts.
    Require,
}

#[derive(Debug, Clone)]
pub struct NewRecord {
    pub version: u64,
    pub schema_version: u32,
    pub payload: Vec<u8>,
}

/// What a commit met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is durable.
    Done,
    /// An `expected` did not hold, so none of it was done. Only a store that others write to can say this.
    Stale,
}

/// Durable storage of records. Implementations must be atomic and durable per [`Backend::commit`], and must check
/// `expected` in storage, so that several servers may share one (PostgreSQL); the embedded ones have one writer.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Everything there is, verified. Called once, first.
    async fn load(&self) -> Result<Vec<RawRecord>, CatalogError>;

    /// All writes or none, durable on return. A key occurs once.
    async fn commit(&self, writes: &[Write]) -> Result<Outcome, CatalogError>;

    /// Releases the storage. Idempotent; later commits fail.
    async fn close(&self) -> Result<(), CatalogError>;
}
