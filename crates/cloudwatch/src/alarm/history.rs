//! What happened to alarms, as DescribeAlarmHistory shows it.
//!
//! Items outlive their alarm. They are kept [`RETENTION_DAYS`] and at most [`ITEMS_PER_ALARM_MAX`] of one alarm;
//! `tasks/history.rs` removes what is older or more.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contributor::ContributorChange;
use super::record::{AlarmType, State, StateValue};

/// AWS: the guide says 30 days (older pages two weeks).
pub(crate) const RETENTION_DAYS: i64 = 30;
pub(crate) const ITEMS_PER_ALARM_MAX: usize = 1000;

/// One item; alarm name, time and a sequence number are in the key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HistoryItem {
    pub(crate) alarm_type: AlarmType,
    pub(crate) item_type: ItemType,
    pub(crate) summary: String,
    /// JSON text.
    pub(crate) data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contributor: Option<ContributorName>,
}

impl Record for HistoryItem {
    const COLLECTION: &'static str = "alarm_history";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ContributorName {
    pub(crate) id: String,
    pub(crate) attributes: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ItemType {
    ConfigurationUpdate,
    StateUpdate,
    Action,
    AlarmContributorStateUpdate,
    AlarmContributorAction,
}

impl ItemType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ConfigurationUpdate => "ConfigurationUpdate",
            Self::StateUpdate => "StateUpdate",
            Self::Action => "Action",
            Self::AlarmContributorStateUpdate => "AlarmContributorStateUpdate",
            Self::AlarmContributorAction => "AlarmContributorAction",
        }
    }
}

/// The key of an item: items of an alarm lie together, by time.
pub(crate) fn history_key(scope: &Scope, alarm: &str, at: Timestamp, sequence: u64) -> RecordKey {
    RecordKey::new(scope, &[alarm, &format!("{:020}", at.as_millis()), &format!("{sequence:020}")])
}

/// Alarm name, time and sequence of a key.
pub(crate) fn history_place(key: &RecordKey) -> Option<(String, Timestamp, u64)> {
    let mut parts = key.parts().into_iter().skip(2);
    let (alarm, millis, sequence) = (parts.next()?, parts.next()?, parts.next()?);
    Some((alarm, Timestamp::from_millis(millis.parse().ok()?), sequence.parse().ok()?))
}

/// An alarm was created, updated or deleted; `verb` is one of these words.
pub(crate) fn configuration_update(
    alarm_type: AlarmType,
    name: &str,
    verb: &str,
    configuration: Value,
) -> HistoryItem {
    let kind = match verb {
        "created" => "Create",
        "deleted" => "Delete",
        _ => "Update",
    };
    let mut data = json!({"version": "1.0", "type": kind});
    data[format!("{verb}Alarm")] = configuration;
    HistoryItem {
        alarm_type,
        item_type: ItemType::ConfigurationUpdate,
        summary: format!("Alarm \"{name}\" {verb}"),
        data: data.to_string(),
        contributor: None,
    }
}

/// The alarm went from one state to another.
pub(crate) fn state_update(alarm_type: AlarmType, from: &State, to: &State) -> HistoryItem {
    let old = state(from.value, &from.reason, from.reason_data.as_deref());
    let new = state(to.value, &to.reason, to.reason_data.as_deref());
    HistoryItem {
        alarm_type,
        item_type: ItemType::StateUpdate,
        summary: format!("Alarm updated from {} to {}", from.value.as_str(), to.value.as_str()),
        data: state_data(old, new),
        contributor: None,
    }
}

/// A contributor went into ALARM or came out of it.
pub(crate) fn contributor_update(change: &ContributorChange) -> HistoryItem {
    let new = &change.change;
    HistoryItem {
        alarm_type: AlarmType::Metric,
        item_type: ItemType::AlarmContributorStateUpdate,
        summary: format!("Alarm contributor updated from {} to {}", change.from.as_str(), new.value.as_str()),
        data: state_data(
            OldOrNew { state_value: change.from, state_reason: None, state_reason_data: None },
            state(new.value, &new.reason, new.reason_data.as_deref()),
        ),
        contributor: Some(ContributorName { id: change.id.clone(), attributes: change.attributes.clone() }),
    }
}

/// An action was executed, or why not.
pub(crate) fn action(
    alarm_type: AlarmType,
    arn: &str,
    state_updated: Timestamp,
    message: &str,
    contributor: Option<ContributorName>,
    error: Option<&str>,
) -> HistoryItem {
    let summary = match error {
        None => format!("Successfully executed action {arn}"),
        Some(error) => format!("Failed to execute action {arn}. Received error: \"{error}\""),
    };
    let data = json!({
        "actionState": if error.is_none() { "Succeeded" } else { "Failed" },
        "stateUpdateTimestamp": state_updated.as_millis(),
        "notificationResource": arn,
        "publishedMessage": message,
        "error": error,
    });
    let item_type = match contributor {
        Some(_) => ItemType::AlarmContributorAction,
        None => ItemType::Action,
    };
    HistoryItem { alarm_type, item_type, summary, data: data.to_string(), contributor }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OldOrNew {
    state_value: StateValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason_data: Option<Box<serde_json::value::RawValue>>,
}

fn state(value: StateValue, reason: &str, data: Option<&str>) -> OldOrNew {
    OldOrNew {
        state_value: value,
        state_reason: Some(reason.to_owned()),
        state_reason_data: data.and_then(|data| serde_json::from_str(data).ok()),
    }
}

fn state_data(old_state: OldOrNew, new_state: OldOrNew) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        version: &'static str,
        old_state: OldOrNew,
        new_state: OldOrNew,
    }
    serde_json::to_string(&Data { version: "1.0", old_state, new_state }).expect("texts can be written")
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::*;

    #[test]
    fn items_have_the_observed_forms() {
        let before = State::initial(Timestamp::EPOCH);
        let mut after = before.clone();
        after.value = StateValue::Alarm;
        after.reason = "because \"x\"".to_owned();
        after.reason_data = Some(r#"{"version":"1.0","threshold":2.0}"#.to_owned());
        let item = state_update(AlarmType::Metric, &before, &after);
        assert_eq!(item.summary, "Alarm updated from INSUFFICIENT_DATA to ALARM");
        assert_eq!(
            item.data,
            r#"{"version":"1.0","oldState":{"stateValue":"INSUFFICIENT_DATA","stateReason":"Unchecked: Initial alarm creation"},"newState":{"stateValue":"ALARM","stateReason":"because \"x\"","stateReasonData":{"version":"1.0","threshold":2.0}}}"#
        );
        let item = configuration_update(AlarmType::Metric, "cpu", "created", json!({"alarmName": "cpu"}));
        assert_eq!(item.summary, "Alarm \"cpu\" created");
        assert_eq!(item.data, r#"{"createdAlarm":{"alarmName":"cpu"},"type":"Create","version":"1.0"}"#);
        let failed = action(AlarmType::Metric, "arn:x", Timestamp::EPOCH, "{}", None, Some("no endpoint"));
        assert_eq!(failed.summary, "Failed to execute action arn:x. Received error: \"no endpoint\"");
        assert!(failed.data.contains(r#""actionState":"Failed""#));
    }

    #[test]
    fn keys_lie_by_alarm_and_time() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap());
        let key = |alarm, secs, sequence| history_key(&scope, alarm, Timestamp::from_secs(secs), sequence);
        assert!(
            key("a", 9, 2) < key("a", 10, 1)
                && key("a", 10, 1) < key("a", 10, 2)
                && key("a", 10, 2) < key("b", 0, 0)
        );
        assert_eq!(history_place(&key("a", 9, 2)), Some(("a".to_owned(), Timestamp::from_secs(9), 2)));
    }
}
