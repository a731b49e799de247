//! What can be asked of audit events.

use base::{TimeRange, Timestamp};
use signals::AuditEvent;

/// How far back events are kept: the window of LookupEvents, 90 days.
pub const RETENTION_MILLIS: i64 = 90 * 86_400_000;

/// Where an event stands among those of its account and Region: by time, then by id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition {
    pub time: Timestamp,
    pub event_id: String,
}

impl AuditPosition {
    pub fn of(event: &AuditEvent) -> Self {
        Self { time: event.event_time, event_id: event.event_id.clone() }
    }
}

/// One lookup attribute; matching is exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFilter {
    EventId(String),
    EventName(String),
    ReadOnly(bool),
    UserName(String),
    ResourceType(String),
    ResourceName(String),
    EventSource(String),
    AccessKeyId(String),
}

impl AuditFilter {
    pub fn admits(&self, event: &AuditEvent) -> bool {
        match self {
            Self::EventId(id) => event.event_id == *id,
            Self::EventName(name) => event.event_name == *name,
            Self::ReadOnly(read_only) => event.read_only == *read_only,
            Self::UserName(name) => event.user_name.as_ref() == Some(name),
            Self::ResourceType(kind) => event.resources.iter().any(|r| r.resource_type == *kind),
            Self::ResourceName(name) => event.resources.iter().any(|r| r.resource_name == *name),
            Self::EventSource(source) => event.event_source == *source,
            Self::AccessKeyId(id) => event.access_key_id.as_ref() == Some(id),
        }
    }
}

/// Which events are wanted, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLookup {
    pub range: TimeRange,
    pub filter: Option<AuditFilter>,
    /// Only events before this one in the order of the answer's end: the last of the previous page.
    pub after: Option<AuditPosition>,
    pub limit: usize,
}

impl AuditLookup {
    /// Whether time range and page admit an event at this position.
    pub(super) fn reaches(&self, time: Timestamp, event_id: &str) -> bool {
        let behind = |after: &AuditPosition| (time, event_id) < (after.time, after.event_id.as_str());
        self.range.contains(time) && self.after.as_ref().is_none_or(behind)
    }

    /// Whether anything between these times may be wanted.
    pub(super) fn overlaps(&self, first: Timestamp, last: Timestamp) -> bool {
        self.range.overlaps(first, last) && self.after.as_ref().is_none_or(|after| first <= after.time)
    }
}
