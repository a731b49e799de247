//! What was ingested, counted for the service's own metrics: `IncomingLogEvents`, `IncomingBytes`,
//! `EMFParsingErrors`, `EMFValidationErrors` in `AWS/Logs`
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html>).
//!
//! Counted in memory and handed on once a minute: a crash loses the counts of the last minute, never an event.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{Scope, Timestamp};
use parking_lot::Mutex;
use signals::{Dimension, MetricDatum, MetricIdentity, MetricValue, Resolution};

const NAMESPACE: &str = "AWS/Logs";
/// Groups and minutes counted at once; what is beyond counts in the totals of nobody.
const ENTRIES_MAX: usize = 100_000;

/// Counts of one group in one minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) parsing_errors: u64,
    pub(crate) validation_errors: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.parsing_errors += other.parsing_errors;
        self.validation_errors += other.validation_errors;
    }
}

#[derive(Default)]
pub(crate) struct Usage(Mutex<HashMap<Entry, Counts>>);

type Entry = (Scope, Arc<str>, Timestamp);

impl Usage {
    pub(crate) fn note(&self, scope: &Scope, group: &Arc<str>, now: Timestamp, counts: Counts) {
        let entry = (scope.clone(), group.clone(), now.floor_to(60_000));
        let mut entries = self.0.lock();
        if entries.len() < ENTRIES_MAX || entries.contains_key(&entry) {
            entries.entry(entry).or_default().add(counts);
        }
    }

    /// Takes the counts of the minutes before this one, as metric data by account and Region.
    pub(crate) fn take_before(&self, now: Timestamp) -> BTreeMap<Scope, Vec<MetricDatum>> {
        let minute = now.floor_to(60_000);
        let mut ended: Vec<(Entry, Counts)> = Vec::new();
        self.0.lock().retain(|entry, counts| {
            let over = entry.2 < minute;
            if over {
                ended.push((entry.clone(), *counts));
            }
            !over
        });
        let mut totals: BTreeMap<(Scope, Timestamp), Counts> = BTreeMap::new();
        let mut data: BTreeMap<Scope, Vec<MetricDatum>> = BTreeMap::new();
        for ((scope, group, minute), counts) in ended {
            totals.entry((scope.clone(), minute)).or_default().add(counts);
            data.entry(scope).or_default().extend(shown(Some(&group), minute, counts));
        }
        for ((scope, minute), counts) in totals {
            data.entry(scope).or_default().extend(shown(None, minute, counts));
        }
        data
    }
}

/// The data of one group, or of all of an account and Region together.
fn shown(group: Option<&Arc<str>>, minute: Timestamp, counts: Counts) -> Vec<MetricDatum> {
    let dimension = |group: &Arc<str>| Dimension { name: "LogGroupName".into(), value: group.clone() };
    let datum = |(name, unit, value): (&str, &str, u64)| MetricDatum {
        metric: MetricIdentity::new(NAMESPACE, name, group.map(dimension).into_iter().collect()),
        timestamp: minute,
        unit: unit.into(),
        resolution: Resolution::Standard,
        value: MetricValue::Single(value as f64),
    };
    let all = [
        ("IncomingLogEvents", "None", counts.events),
        ("IncomingBytes", "Bytes", counts.bytes),
        ("EMFParsingErrors", "None", counts.parsing_errors),
        ("EMFValidationErrors", "None", counts.validation_errors),
    ];
    // AWS: errors are told by group.
    let is_shown =
        |(name, _, value): &(&str, &str, u64)| !name.starts_with("EMF") || (*value > 0 && group.is_some());
    all.into_iter().filter(is_shown).map(datum).collect()
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    #[test]
    fn ended_minutes_are_handed_on_once() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let usage = Usage::default();
        let at = Timestamp::from_millis;
        let counts =
            |events, validation_errors| Counts { events, bytes: 10, validation_errors, ..Counts::default() };
        usage.note(&scope, &a, at(1), counts(2, 1));
        usage.note(&scope, &a, at(2), counts(3, 0));
        usage.note(&scope, &b, at(3), counts(4, 0));
        usage.note(&scope, &b, at(60_000), counts(5, 0));
        assert!(usage.take_before(at(59_999)).is_empty());
        let data = usage.take_before(at(60_000)).remove(&scope).unwrap();
        let value = |name: &str, group: Option<&str>| {
            let datum = data.iter().find(|datum| {
                let found = datum.metric.dimensions.first().map(|d| &*d.value);
                &*datum.metric.name == name && found == group
            });
            datum.map(|datum| datum.value.clone())
        };
        assert_eq!(value("IncomingLogEvents", Some("a")), Some(MetricValue::Single(5.0)));
        assert_eq!(value("IncomingLogEvents", None), Some(MetricValue::Single(9.0)));
        assert_eq!(value("IncomingBytes", None), Some(MetricValue::Single(30.0)));
        assert_eq!(value("EMFValidationErrors", Some("a")), Some(MetricValue::Single(1.0)));
        assert_eq!(value("EMFValidationErrors", Some("b")), None);
        assert_eq!(usage.take_before(at(120_000)).remove(&scope).unwrap().len(), 4);
    }
}
