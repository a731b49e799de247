//! Columnar, durable storage of signals: write-ahead log, memtables, Parquet parts, manifest,
//! compaction, retention, crash recovery.
//!
//! An append returns when it is durable. A part is immutable. What a snapshot shows is fixed when it is
//! taken. This crate knows signals but no service, no protocol and no query language.

mod core;
mod local;
mod manifest;
mod store;
mod wal;

pub mod error;
pub mod tables;

pub use core::StoreCapabilities;
pub use error::StoreError;
pub use local::durable_local;
pub use store::{Recovery, Store, StoreConfig};
