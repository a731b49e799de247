//! What is kept of an alarm: its configuration and its state, in one record, so that a decision and what it was
//! decided on change together.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};

use super::contributor::Contributor;
use super::metric_rule::MetricRule;
use super::suppression::Suppression;

/// An alarm of any kind; its name is in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    /// Tells an alarm from earlier ones of the same name.
    pub(crate) incarnation: u64,
    pub(crate) description: Option<String>,
    pub(crate) actions_enabled: bool,
    pub(crate) ok_actions: Vec<String>,
    pub(crate) alarm_actions: Vec<String>,
    pub(crate) insufficient_data_actions: Vec<String>,
    pub(crate) tags_propagation: Option<TagsPropagation>,
    pub(crate) created: Timestamp,
    /// `AlarmConfigurationUpdatedTimestamp`.
    pub(crate) configured: Timestamp,
    pub(crate) kind: Kind,
    pub(crate) state: State,
    /// Actions of the current state that a mute rule withheld.
    pub(crate) withheld: bool,
}

impl Record for Alarm {
    const COLLECTION: &'static str = "alarm";
    const VERSION: u32 = 1;
}

/// The key of the alarm of this name.
pub(crate) fn alarm_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

/// `arn:…:alarm:<name>`.
pub(crate) fn alarm_arn(scope: &Scope, name: &str) -> String {
    scope.arn("cloudwatch", &format!("alarm:{name}"))
}

/// Which kind of alarm, with what that kind is configured by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Metric(MetricRule),
    Composite(CompositeRule),
}

impl Alarm {
    pub(crate) fn metric(&self) -> Option<&MetricRule> {
        match &self.kind {
            Kind::Metric(rule) => Some(rule),
            Kind::Composite(_) => None,
        }
    }

    pub(crate) fn composite(&self) -> Option<&CompositeRule> {
        match &self.kind {
            Kind::Metric(_) => None,
            Kind::Composite(rule) => Some(rule),
        }
    }

    /// `MetricAlarm` or `CompositeAlarm`.
    pub(crate) fn alarm_type(&self) -> AlarmType {
        match &self.kind {
            Kind::Metric(_) => AlarmType::Metric,
            Kind::Composite(_) => AlarmType::Composite,
        }
    }

    /// The actions of a state.
    pub(crate) fn actions_of(&self, value: StateValue) -> &[String] {
        match value {
            StateValue::Ok => &self.ok_actions,
            StateValue::Alarm => &self.alarm_actions,
            StateValue::InsufficientData => &self.insufficient_data_actions,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AlarmType {
    Metric,
    Composite,
}

/// What a composite alarm is configured by, and how far its actions are suppressed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CompositeRule {
    pub(crate) rule: String,
    /// Names of the alarms the rule refers to, sorted.
    pub(crate) children: Vec<String>,
    pub(crate) suppressor: Option<Suppressor>,
    pub(crate) suppression: Suppression,
    /// States of the children the rule was last evaluated on; `None` before the first evaluation and after each
    /// change of the rule.
    pub(crate) seen: Option<BTreeMap<String, StateValue>>,
}

/// The alarm that suppresses a composite alarm's actions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suppressor {
    /// Name or ARN, as it was given.
    pub(crate) given: String,
    pub(crate) name: String,
    pub(crate) wait_secs: i32,
    pub(crate) extension_secs: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TagsPropagation {
    pub(crate) enabled: bool,
    pub(crate) included: Option<Vec<String>>,
    pub(crate) excluded: Option<Vec<String>>,
}

impl TagsPropagation {
    /// The tags that go with notifications.
    pub(crate) fn select(&self, tags: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let is_selected = |key: &String| {
            self.enabled
                && self.included.as_ref().is_none_or(|keys| keys.contains(key))
                && self.excluded.as_ref().is_none_or(|keys| !keys.contains(key))
        };
        tags.into_iter().filter(|(key, _)| is_selected(key)).collect()
    }
}

/// The state of an alarm and why it has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) value: StateValue,
    pub(crate) reason: String,
    pub(crate) reason_data: Option<String>,
    pub(crate) updated: Timestamp,
    pub(crate) transitioned: Timestamp,
    /// The state before the last transition, which late notifications name.
    pub(crate) previous: StateValue,
    /// When SetAlarmState put the alarm into this state: until its next evaluation is due, it stays there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) set_at: Option<Timestamp>,
    pub(crate) evaluation: Option<EvaluationState>,
    /// Contributors in ALARM, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) contributors: BTreeMap<String, Contributor>,
}

impl State {
    /// AWS: a new alarm is in INSUFFICIENT_DATA until it is evaluated (alarm-evaluation, observed text).
    pub(crate) fn initial(now: Timestamp) -> Self {
        Self {
            value: StateValue::InsufficientData,
            reason: "Unchecked: Initial alarm creation".to_owned(),
            reason_data: None,
            updated: now,
            transitioned: now,
            previous: StateValue::InsufficientData,
            set_at: None,
            evaluation: None,
            contributors: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum StateValue {
    Ok,
    Alarm,
    InsufficientData,
}

impl StateValue {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData].into_iter().find(|v| v.as_str() == text)
    }
}

/// Why an evaluation was not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EvaluationState {
    /// More series or metrics than an alarm looks at.
    PartialData,
    /// The configuration cannot be evaluated; it must be changed.
    Error,
    /// It did not work this time.
    Failure,
}

impl EvaluationState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PartialData => "PARTIAL_DATA",
            Self::Error => "EVALUATION_ERROR",
            Self::Failure => "EVALUATION_FAILURE",
        }
    }
}
