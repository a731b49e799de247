//! Trace segments: a memtable per account and Region, parts sorted by (trace id, segment id), look-ups by
//! trace id and scans by time.
//!
//! One row per segment version. Which version of a segment counts is decided when rows meet, always by
//! the same rule ([`api::StoredTrace::assemble`]), so it does not matter in what order they are flushed,
//! merged or replayed. Formats: `docs/formats/trace-wal.md`, `docs/formats/trace-part.md`.

pub mod api;
mod compact;
mod memtable;
mod part;
mod record;
mod table;

pub use api::*;
pub use table::{TraceTable, TraceTableConfig};
