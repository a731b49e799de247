//! What queries read, as the engine sees it.

mod groups;
mod log_events;
mod scan;

pub(crate) use groups::GroupByKeys;
pub use log_events::LogSource;
pub(crate) use log_events::{LogEventsTable, ScanState};
