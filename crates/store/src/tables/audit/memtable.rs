//! Events that only the log holds, in the order of lookups.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Scope, Timestamp};
use signals::AuditEvent;

use super::api::{AuditLookup, AuditPosition};
use crate::wal::WalPosition;

/// What an event costs in memory beyond its texts.
const EVENT_BYTES: usize = 400;

#[derive(Debug, Default)]
pub(super) struct Memtable {
    scopes: BTreeMap<Scope, BTreeMap<AuditPosition, Arc<AuditEvent>>>,
    rows: usize,
    bytes: usize,
    positions: Option<(WalPosition, WalPosition)>,
    /// When the first event came.
    since: Option<Timestamp>,
}

impl Memtable {
    pub(super) fn insert(&mut self, position: WalPosition, now: Timestamp, events: Vec<AuditEvent>) {
        let first = self.positions.map_or(position, |(first, _)| first);
        self.positions = Some((first, position));
        self.since.get_or_insert(now);
        for event in events {
            self.rows += 1;
            self.bytes += EVENT_BYTES + event.record.len();
            let events = self.scopes.entry(event.scope.clone()).or_default();
            events.insert(AuditPosition::of(&event), Arc::new(event));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.positions.is_none()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Positions of the first and last record in it.
    pub(super) fn positions(&self) -> Option<(WalPosition, WalPosition)> {
        self.positions
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The newest events that `lookup` admits, at most its limit.
    pub(super) fn lookup(&self, scope: &Scope, lookup: &AuditLookup) -> Vec<Arc<AuditEvent>> {
        let Some(events) = self.scopes.get(scope) else { return Vec::new() };
        let newest_first = events.iter().rev();
        let reached = newest_first
            .skip_while(|(at, _)| !lookup.reaches(at.time, &at.event_id) && at.time >= lookup.range.start)
            .take_while(|(at, _)| at.time >= lookup.range.start);
        let admitted = reached.filter(|(_, event)| lookup.filter.as_ref().is_none_or(|f| f.admits(event)));
        admitted.take(lookup.limit).map(|(_, event)| event.clone()).collect()
    }

    /// All events in the order of parts.
    pub(super) fn sorted(&self) -> impl Iterator<Item = &AuditEvent> {
        self.scopes.values().flat_map(|events| events.values().map(AsRef::as_ref))
    }
}
