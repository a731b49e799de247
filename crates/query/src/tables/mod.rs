//! What queries read, as the engine sees it.

mod log_events;

pub use log_events::LogSource;
pub(crate) use log_events::{LogEventsTable, ScanState};
