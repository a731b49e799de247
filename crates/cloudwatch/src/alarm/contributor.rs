//! Alarms on several series at once: each series is a contributor with a state of its own.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-data-queries.html>.

use std::collections::BTreeMap;

use base::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::evaluate::{Change, Slot, evaluate};
use super::metric_rule::MetricRule;
use super::record::StateValue;

/// Series an alarm looks at; further ones make its evaluation partial.
pub(crate) const CONTRIBUTORS_MAX: usize = 500;

/// A contributor in ALARM.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contributor {
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) reason: String,
    pub(crate) reason_data: Option<String>,
    pub(crate) transitioned: Timestamp,
}

/// One series of the alarm's query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Of `GROUP BY`.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) slots: Vec<Slot>,
}

/// A contributor that went into ALARM or came out of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContributorChange {
    pub(crate) id: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) from: StateValue,
    pub(crate) change: Change,
}

/// What an evaluation of all series says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) changes: Vec<ContributorChange>,
    /// Those in ALARM from now on.
    pub(crate) contributors: BTreeMap<String, Contributor>,
    /// The alarm's own change of state.
    pub(crate) alarm: Option<Change>,
}

/// At most 16 characters that are the same for the same attributes.
pub(crate) fn contributor_id(attributes: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, value) in attributes {
        for text in [name, value] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    hex::encode(&hash.finalize()[..8])
}

/// Evaluates each of `series` and then the alarm, which is in `current`, whose contributors in ALARM were `before`.
pub(crate) fn evaluate_all(
    rule: &MetricRule,
    series: Vec<Series>,
    before: &BTreeMap<String, Contributor>,
    current: StateValue,
    now: Timestamp,
) -> Outcome {
    let total = series.len().min(CONTRIBUTORS_MAX);
    let mut changes = Vec::new();
    let mut after = BTreeMap::new();
    let mut present = Vec::with_capacity(total);
    for Series { attributes, slots } in series.into_iter().take(CONTRIBUTORS_MAX) {
        let id = contributor_id(&attributes);
        present.push(id.clone());
        let known = before.get(&id);
        // AWS: a contributor is in ALARM or OK, never in INSUFFICIENT_DATA (Acting_Alarm_Changes).
        let from = if known.is_some() { StateValue::Alarm } else { StateValue::Ok };
        let change = evaluate(rule, &slots, from, now).filter(|c| c.value != StateValue::InsufficientData);
        match (&change, known) {
            (None, Some(known)) => _ = after.insert(id.clone(), known.clone()),
            (Some(change), _) if change.value == StateValue::Alarm => {
                let contributor = Contributor {
                    attributes: attributes.clone(),
                    reason: change.reason.clone(),
                    reason_data: change.reason_data.clone(),
                    transitioned: now,
                };
                after.insert(id.clone(), contributor);
            }
            _ => {}
        }
        changes.extend(change.map(|change| ContributorChange { id, attributes, from, change }));
    }
    for (id, contributor) in before.iter().filter(|(id, _)| !present.contains(id)) {
        let reason = "No data was returned for this contributor".to_owned();
        let change = Change { value: StateValue::Ok, reason, reason_data: None };
        let (id, attributes) = (id.clone(), contributor.attributes.clone());
        changes.push(ContributorChange { id, attributes, from: StateValue::Alarm, change });
    }
    let alarm = own_state(total, after.len());
    let alarm = Some(alarm).filter(|alarm| alarm.value != current);
    Outcome { changes, contributors: after, alarm }
}

/// AWS: no series is INSUFFICIENT_DATA however missing data are treated (alarm-data-queries). The texts are ours.
fn own_state(total: usize, in_alarm: usize) -> Change {
    let (value, reason) = match (total, in_alarm) {
        (0, _) => {
            (StateValue::InsufficientData, "Insufficient Data: no time series were returned.".to_owned())
        }
        (_, 0) => (StateValue::Ok, format!("Threshold Crossed: none of {total} time series is in ALARM.")),
        _ => (StateValue::Alarm, format!("Threshold Crossed: {in_alarm} of {total} time series in ALARM.")),
    };
    Change { value, reason, reason_data: None }
}

#[cfg(test)]
mod tests {
    use super::super::metric_rule::TreatMissing;
    use super::super::testing::{rule, slots_of};
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(6000);

    fn series(rule: &MetricRule, values: &[(&str, &str)]) -> Vec<Series> {
        let one = |(host, values): &(&str, &str)| Series {
            attributes: BTreeMap::from([("i".to_owned(), (*host).to_owned())]),
            slots: slots_of(rule, values, NOW),
        };
        values.iter().map(one).collect()
    }

    #[test]
    fn contributors_come_and_go() {
        // Vectors T22 to T24.
        let mut rule = rule("> 3", 1, None, 60);
        rule.missing = Some(TreatMissing::Breaching);
        let first = evaluate_all(
            &rule,
            series(&rule, &[("a", "5"), ("b", "1")]),
            &BTreeMap::new(),
            StateValue::InsufficientData,
            NOW,
        );
        let host = |change: &ContributorChange| (change.attributes["i"].clone(), change.change.value);
        assert_eq!(first.changes.iter().map(host).collect::<Vec<_>>(), [("a".to_owned(), StateValue::Alarm)]);
        assert_eq!(first.alarm.as_ref().unwrap().value, StateValue::Alarm);
        assert_eq!(first.contributors.len(), 1);
        assert_eq!(first.contributors.keys().next().unwrap().len(), 16);

        let same = evaluate_all(
            &rule,
            series(&rule, &[("a", "6"), ("b", "1")]),
            &first.contributors,
            StateValue::Alarm,
            NOW,
        );
        assert_eq!((same.changes, same.alarm, &same.contributors), (Vec::new(), None, &first.contributors));

        let gone =
            evaluate_all(&rule, series(&rule, &[("b", "1")]), &first.contributors, StateValue::Alarm, NOW);
        assert_eq!(gone.changes[0].change.reason, "No data was returned for this contributor");
        assert_eq!((gone.changes[0].from, gone.changes[0].change.value), (StateValue::Alarm, StateValue::Ok));
        assert_eq!(gone.alarm.unwrap().value, StateValue::Ok);
        assert!(gone.contributors.is_empty());

        let none = evaluate_all(&rule, Vec::new(), &BTreeMap::new(), StateValue::Ok, NOW);
        assert_eq!(none.alarm.unwrap().value, StateValue::InsufficientData);
    }

    #[test]
    fn series_beyond_the_limit_are_not_looked_at() {
        let rule = rule("> 3", 1, None, 60);
        let hosts: Vec<String> = (0..CONTRIBUTORS_MAX + 5).map(|i| i.to_string()).collect();
        let values: Vec<(&str, &str)> = hosts.iter().map(|h| (h.as_str(), "5")).collect();
        let all = evaluate_all(&rule, series(&rule, &values), &BTreeMap::new(), StateValue::Ok, NOW);
        assert_eq!(all.contributors.len(), CONTRIBUTORS_MAX);
    }
}
