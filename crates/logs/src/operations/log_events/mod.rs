//! Log events: put, get, filter, look up.

mod filter_log_events;
mod get_log_events;
mod get_log_record;
mod put_log_events;

pub(super) use filter_log_events::filter_log_events;
pub(super) use get_log_events::get_log_events;
pub(super) use get_log_record::get_log_record;
pub(super) use put_log_events::put_log_events;

use std::sync::Arc;

use base::{TimeRange, Timestamp};
use bytes::Bytes;

use crate::Logs;
use crate::data_protection::Masker;
use crate::group::FoundGroup;

/// Times from `start` (included) to `end` (excluded) that are not expired.
fn visible_range(start: Option<i64>, end: Option<i64>, visible_from: Timestamp) -> TimeRange {
    let start = start.map_or(Timestamp::MIN, Timestamp::from_millis);
    TimeRange::new(start.max(visible_from), end.map_or(Timestamp::MAX, Timestamp::from_millis))
}

/// `limit` of a page: within 1 to 10,000 by the model.
fn page_limit(limit: Option<i32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(crate::event::PAGE_EVENTS_MAX)
}

/// Messages of one group as a caller sees them.
struct Shown(Option<Arc<Masker>>);

impl Shown {
    /// AWS: to see originals, a caller needs logs:Unmask. This server has no such permissions; who may read may ask.
    fn to(logs: &Logs, group: &FoundGroup, unmask: Option<bool>) -> Self {
        Self(if unmask == Some(true) { None } else { logs.masker(group) })
    }

    fn text(&self, message: Bytes, ingestion_time: Timestamp) -> String {
        let text = text(message);
        match &self.0 {
            Some(masker) => masker.mask(ingestion_time, &text).into_owned(),
            None => text,
        }
    }
}

/// The store keeps only what was text when it came in.
fn text(message: Bytes) -> String {
    String::from_utf8(Vec::from(message))
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
