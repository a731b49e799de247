//! Columnar, durable storage of signals: write-ahead log, memtables, Parquet parts, manifest,
//! compaction, retention, crash recovery.
//!
//! An append returns when it is durable. A part is immutable. What a snapshot shows is fixed when it is
//! taken. This crate knows signals but no service, no protocol and no query language.

pub mod error;
pub mod tables;

pub use error::StoreError;
