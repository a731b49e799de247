//! The log table: events of log groups, found again by time, stream, text and discovered field.
//!
//! What is appended goes to the log and to the group's *tail*; a tail that is long enough is *sealed* into a
//! chunk of typed columns; chunks are *flushed* into a part, an immutable Parquet object; parts are merged
//! by compaction. All of them are read as [`block::Block`]s.

mod accepted;
pub mod api;
mod block;
mod chunk;
mod cursor;
mod feed;
mod fields;
mod group;
mod index;
mod iso;
mod json;
mod layout;
mod merge;
mod part;
mod policy;
mod project;
mod read;
mod record;
mod scan;
mod search;
mod shred;
mod snapshot;
mod stats;
mod table;
mod upkeep;
mod values;

pub use api::*;
pub use feed::{AppendedBatch, LogFeed};
pub use snapshot::LogSnapshot;
pub use table::{JOINT_EVENTS_MAX, LogTable, LogTableConfig};

#[cfg(test)]
mod tests;
