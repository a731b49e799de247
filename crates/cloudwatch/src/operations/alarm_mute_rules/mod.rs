//! Alarm mute rules: what the operations on them share.

pub(crate) mod delete_alarm_mute_rule;
pub(crate) mod get_alarm_mute_rule;
pub(crate) mod list_alarm_mute_rules;
pub(crate) mod put_alarm_mute_rule;

use shapes::cloudwatch::AlarmMuteRuleStatus;

use crate::alarm::mute::{MuteRule, MuteStatus};

fn status(status: MuteStatus) -> AlarmMuteRuleStatus {
    match status {
        MuteStatus::Scheduled => AlarmMuteRuleStatus::Scheduled,
        MuteStatus::Active => AlarmMuteRuleStatus::Active,
        MuteStatus::Expired => AlarmMuteRuleStatus::Expired,
    }
}

fn mute_type(rule: &MuteRule) -> String {
    if rule.is_one_time() { "ONE_TIME" } else { "RECURRING" }.to_owned()
}
