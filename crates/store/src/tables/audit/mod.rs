//! Audit events: every recorded API call, kept for as long as LookupEvents reaches back.
//!
//! Events are few next to other signals and asked for newest first, by account and Region. So one memtable
//! and one sequence of parts hold all of them, sorted by account, Region, time and event id; the manifest
//! knows where in a part each account and Region lies. Formats: `docs/formats/audit.md`.

mod api;
mod compaction;
mod memtable;
mod part;
mod record;
mod table;

pub use api::{AuditFilter, AuditLookup, AuditPosition, RETENTION_MILLIS};
pub use table::{AuditTable, AuditTableConfig};
