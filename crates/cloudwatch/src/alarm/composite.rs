//! What a composite alarm does when alarms around it have changed: a function of their states.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-combining.html>.

use std::collections::BTreeMap;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use super::evaluate::Change;
use super::message::Child;
use super::reason::{clip, long_time, time};
use super::record::{CompositeRule, State, StateValue};
use super::rule;
use super::suppression::{Observation, Suppression, step};

/// What a composite alarm sees of another alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) arn: String,
    pub(crate) value: StateValue,
    pub(crate) transitioned: Timestamp,
}

/// What it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// What the rule was evaluated on, to be kept.
    pub(crate) seen: BTreeMap<String, StateValue>,
    pub(crate) change: Option<Change>,
    /// The child that caused the change.
    pub(crate) children: Vec<Child>,
    pub(crate) suppression: Suppression,
    /// Actions of the state (the new one, if it changes) run now.
    pub(crate) acts: bool,
}

/// Why the rule is evaluated for the first time in its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    Created,
    Updated,
}

/// The step of the alarm `own_arn` at `now`. `around` has the children and the suppressor that exist, by name.
pub(crate) fn decide(
    composite: &CompositeRule,
    state: &State,
    own_arn: &str,
    occasion: Occasion,
    around: &BTreeMap<String, Seen>,
    now: Timestamp,
) -> Step {
    let seen: BTreeMap<String, StateValue> =
        composite.children.iter().filter_map(|name| Some((name.clone(), around.get(name)?.value))).collect();
    let (change, children) = if composite.seen.as_ref() == Some(&seen) {
        (None, Vec::new())
    } else {
        change(composite, state, own_arn, occasion, around, &seen, now)
    };
    let (suppression, acts) = match &composite.suppressor {
        None => (Suppression::None, change.is_some()),
        Some(suppressor) => {
            let observation = Observation {
                now,
                suppressor_in_alarm: around
                    .get(&suppressor.name)
                    .is_some_and(|seen| seen.value == StateValue::Alarm),
                changed: change.is_some(),
                wait_millis: i64::from(suppressor.wait_secs) * 1000,
                extension_millis: i64::from(suppressor.extension_secs) * 1000,
            };
            step(composite.suppression, observation)
        }
    };
    Step { seen, change, children, suppression, acts }
}

fn change(
    composite: &CompositeRule,
    state: &State,
    own_arn: &str,
    occasion: Occasion,
    around: &BTreeMap<String, Seen>,
    seen: &BTreeMap<String, StateValue>,
    now: Timestamp,
) -> (Option<Change>, Vec<Child>) {
    // What was put was checked, so a rule that cannot be read is met by nothing.
    let is_met = rule::parse(&composite.rule).is_ok_and(|mut parsed| {
        parsed.rename(&mut |reference| name_of(reference).to_owned());
        parsed.is_met(seen)
    });
    let value = if is_met { StateValue::Alarm } else { StateValue::Ok };
    if value == state.value {
        return (None, Vec::new());
    }
    let before = composite.seen.as_ref();
    let moved = seen
        .iter()
        .filter(|(name, value)| before.and_then(|before| before.get(*name)) != Some(*value))
        .filter_map(|(name, _)| around.get(name))
        .max_by_key(|child| child.transitioned)
        .filter(|_| before.is_some());
    let (reason, children) = match moved {
        Some(child) => {
            let when = long_time(child.transitioned);
            let reason = format!("{} transitioned to {} at {when}", child.arn, child.value.as_str());
            let Seen { arn, value, transitioned } = child.clone();
            (reason, vec![Child { arn, value, transitioned }])
        }
        None => {
            let what = match occasion {
                Occasion::Created => "created",
                Occasion::Updated => "updated",
            };
            let reason = format!("{own_arn} was {what} and its alarm rule evaluates to {}", value.as_str());
            (reason, vec![Child { arn: own_arn.to_owned(), value, transitioned: now }])
        }
    };
    let reason_data = Some(reason_data(&children));
    (Some(Change { value, reason: clip(reason), reason_data }), children)
}

/// The name in a reference, which may be an ARN.
pub(crate) fn name_of(reference: &str) -> &str {
    match reference.strip_prefix("arn:").and_then(|rest| rest.split_once(":alarm:")) {
        Some((_, name)) => name,
        None => reference,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasonData {
    triggering_alarms: Vec<TriggeringAlarm>,
}

#[derive(Serialize, Deserialize)]
struct TriggeringAlarm {
    arn: String,
    state: TriggeringState,
}

#[derive(Serialize, Deserialize)]
struct TriggeringState {
    value: StateValue,
    timestamp: String,
}

fn reason_data(children: &[Child]) -> String {
    let triggering = |child: &Child| TriggeringAlarm {
        arn: child.arn.clone(),
        state: TriggeringState { value: child.value, timestamp: time(child.transitioned) },
    };
    let data = ReasonData { triggering_alarms: children.iter().map(triggering).collect() };
    serde_json::to_string(&data).expect("texts can be written")
}

/// The children a reason was about, for notifications that come later.
pub(crate) fn children_of(reason_data: Option<&str>) -> Vec<Child> {
    let data: Option<ReasonData> = reason_data.and_then(|text| serde_json::from_str(text).ok());
    let child = |TriggeringAlarm { arn, state }: TriggeringAlarm| {
        let at = chrono::DateTime::parse_from_str(&state.timestamp, "%Y-%m-%dT%H:%M:%S%.3f%z").ok()?;
        let transitioned = Timestamp::from_millis(at.timestamp_millis());
        Some(Child { arn, value: state.value, transitioned })
    };
    data.map_or_else(Vec::new, |data| data.triggering_alarms.into_iter().filter_map(child).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A composite alarm among children that change.
    struct Bench {
        composite: CompositeRule,
        state: State,
        around: BTreeMap<String, Seen>,
        now: i64,
    }

    impl Bench {
        fn new(rule: &str) -> Self {
            let parsed = rule::parse(rule).unwrap();
            let children: Vec<String> = parsed.references().into_iter().map(str::to_owned).collect();
            let around = children.iter().map(|name| (name.clone(), Self::seen(name, StateValue::Ok, 0)));
            Self {
                around: around.collect(),
                composite: CompositeRule {
                    rule: rule.to_owned(),
                    children,
                    suppressor: None,
                    suppression: Suppression::None,
                    seen: None,
                },
                state: State::initial(Timestamp::EPOCH),
                now: 0,
            }
        }

        fn seen(name: &str, value: StateValue, secs: i64) -> Seen {
            Seen { arn: format!("arn:{name}"), value, transitioned: Timestamp::from_secs(secs) }
        }

        /// The state after `child` has changed, and whether the composite alarm changed with it.
        fn set(&mut self, child: &str, value: StateValue) -> (StateValue, bool) {
            self.now += 1;
            self.around.insert(child.to_owned(), Self::seen(child, value, self.now));
            self.step()
        }

        fn step(&mut self) -> (StateValue, bool) {
            let now = Timestamp::from_secs(self.now);
            let step = decide(&self.composite, &self.state, "arn:own", Occasion::Created, &self.around, now);
            self.composite.seen = Some(step.seen);
            let changed = step.change.is_some();
            assert_eq!(step.acts, changed);
            if let Some(change) = step.change {
                self.state.value = change.value;
                self.state.reason = change.reason;
                self.state.reason_data = change.reason_data;
            }
            (self.state.value, changed)
        }
    }

    use StateValue::{Alarm, InsufficientData, Ok};

    #[test]
    fn a_change_names_the_child_that_made_it() {
        // Vectors C1 and C2.
        let mut bench = Bench::new("ALARM(a) OR ALARM(b)");
        assert_eq!(bench.step(), (Ok, true));
        assert_eq!(bench.state.reason, "arn:own was created and its alarm rule evaluates to OK");
        for (child, to, expected) in [("a", Alarm, Alarm), ("a", Ok, Ok), ("b", Alarm, Alarm), ("b", Ok, Ok)]
        {
            assert_eq!(bench.set(child, to), (expected, true));
            let data = bench.state.reason_data.clone().unwrap();
            assert!(data.contains(&format!("\"arn\":\"arn:{child}\"")), "{data}");
        }
        bench.set("a", Alarm);
        assert_eq!(
            bench.state.reason,
            "arn:a transitioned to ALARM at Thursday 01 January, 1970 00:00:05 UTC"
        );
        assert_eq!(
            bench.state.reason_data.as_deref(),
            Some(
                r#"{"triggeringAlarms":[{"arn":"arn:a","state":{"value":"ALARM","timestamp":"1970-01-01T00:00:05.000+0000"}}]}"#
            )
        );
        let before = bench.state.clone();
        assert_eq!(bench.set("b", Alarm), (Alarm, false));
        assert_eq!(bench.state, before);
        let child = Child { arn: "arn:a".to_owned(), value: Alarm, transitioned: Timestamp::from_secs(5) };
        assert_eq!(children_of(before.reason_data.as_deref()), [child]);
    }

    #[test]
    fn constants_and_missing_children() {
        // Vectors C6 and C7.
        let mut constant = Bench::new("FALSE");
        assert_eq!(constant.step(), (Ok, true));
        let mut not_both = Bench::new("NOT (OK(a) AND OK(b))");
        not_both.step();
        assert_eq!(not_both.set("b", InsufficientData), (Alarm, true));
        not_both.around.remove("b");
        assert_eq!(not_both.step(), (Alarm, false));
    }

    #[test]
    fn a_state_that_was_set_stays_until_a_child_changes() {
        let mut bench = Bench::new("ALARM(a)");
        bench.step();
        bench.state.value = Alarm;
        assert_eq!(bench.step(), (Alarm, false));
        assert_eq!(bench.set("a", InsufficientData), (Ok, true));
    }

    #[test]
    fn references_are_names_or_arns() {
        assert_eq!(name_of("arn:aws:cloudwatch:us-east-1:123456789012:alarm:a:b"), "a:b");
        assert_eq!(name_of("a:alarm:b"), "a:alarm:b");
    }
}
