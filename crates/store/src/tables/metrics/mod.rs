//! Metric datapoints: an in-memory head by series for recent data, Parquet parts for history.
//!
//! A datum is written to the log, then merged into its series' bucket (second, unit, tier) in the head. A
//! flush freezes the head, writes one part per UTC day touched and commits it together with the log position
//! it covers. Compaction merges the parts of a window and rolls their rows up as they age. Reads merge head,
//! frozen head and parts, and show every datapoint at the tier its age allows, so that an answer doesn't depend
//! on what has been flushed, merged or rolled up.
//!
//! Keys begin with account and Region and sort as (account, Region, namespace, name, dimensions).
//! Formats: `docs/formats/metric-wal.md`, `docs/formats/metric-part.md`.

mod api;
mod batch;
mod binary;
mod compaction;
mod flush;
mod fold;
mod head;
mod key;
mod listing;
mod part;
mod registry;
mod state;
mod table;
mod tier;

pub use api::{DimensionFilter, MetricFilter, MetricTableConfig, StoredDatapoint};
pub use batch::MetricBatch;
pub use fold::{Cell, Folded, Observed, Periods, Summary};
pub use table::MetricTable;

#[cfg(test)]
mod tests;
