//! Log events: memtable chunks and parts per log group, shredded columns, newest-first reads.

pub mod api;

pub use api::*;
