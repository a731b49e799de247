//! Default values: what a metric filter publishes for a minute that had events and no match.
//!
//! Whether a minute stays without a match is known when it is over, so ingestion only notes it; the task
//! `logs_metric_defaults` publishes where the metric still has no datapoint. That check makes it idempotent: after a
//! restart the recent minutes are looked at again.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use parking_lot::Mutex;
use signals::{MetricIdentity, Unit};

/// Notes kept; beyond, the newest are not taken.
const NOTES_MAX: usize = 100_000;
/// A minute counts as over this long after its end, so that late events of it can still match.
pub(crate) const GRACE_MILLIS: i64 = 15_000;
const MINUTE_MILLIS: i64 = 60_000;

/// Metrics that had events and no match, by the minute.
#[derive(Default)]
pub(crate) struct Unmatched(Mutex<Notes>);

type Notes = BTreeMap<Note, (Unit, f64)>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Note {
    /// When it may be dealt with.
    pub(crate) due: Timestamp,
    pub(crate) minute: Timestamp,
    pub(crate) scope: Scope,
    pub(crate) metric: MetricIdentity,
}

impl Unmatched {
    /// Notes a minute of a metric whose events were ingested at `now`.
    pub(crate) fn note(
        &self,
        scope: &Scope,
        (metric, unit, value): (&MetricIdentity, Unit, f64),
        minute: Timestamp,
        now: Timestamp,
    ) {
        let end = minute.saturating_add_millis(MINUTE_MILLIS);
        // Notes of an old minute that still grows wait for the minute in which it grows.
        let growing = now.floor_to(MINUTE_MILLIS).saturating_add_millis(MINUTE_MILLIS);
        let due = end.max(growing).saturating_add_millis(GRACE_MILLIS);
        let mut notes = self.0.lock();
        if notes.len() < NOTES_MAX {
            notes.insert(Note { due, minute, scope: scope.clone(), metric: metric.clone() }, (unit, value));
        }
    }

    /// Takes what is due, up to `limit`.
    pub(crate) fn take_due(&self, now: Timestamp, limit: usize) -> Vec<(Note, (Unit, f64))> {
        let mut notes = self.0.lock();
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(first) = notes.first_entry()
            && first.key().due <= now
        {
            due.push(first.remove_entry());
        }
        due
    }

    /// Puts back what could not be dealt with.
    pub(crate) fn put_back(&self, notes: impl IntoIterator<Item = (Note, (Unit, f64))>) {
        self.0.lock().extend(notes);
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    #[test]
    fn a_minute_is_due_once_when_it_is_over() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
        let metric = MetricIdentity::new("n", "m", Vec::new());
        let at = Timestamp::from_millis;
        let unmatched = Unmatched::default();
        for now in [at(61_000), at(62_000)] {
            unmatched.note(&scope, (&metric, Unit::NONE, 0.0), at(60_000), now);
        }
        // An old minute, noted later.
        unmatched.note(&scope, (&metric, Unit::NONE, 0.0), at(0), at(70_000));
        assert!(unmatched.take_due(at(120_000 + GRACE_MILLIS - 1), 9).is_empty());
        let due = unmatched.take_due(at(120_000 + GRACE_MILLIS), 9);
        assert_eq!(due.iter().map(|(note, _)| note.minute.as_millis()).collect::<Vec<_>>(), [0, 60_000]);
        unmatched.put_back(due);
        assert_eq!(unmatched.take_due(at(500_000), 1).len(), 1);
        assert_eq!(unmatched.take_due(at(500_000), 9).len(), 1);
    }
}
