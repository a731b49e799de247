//! GetAlarmMuteRule: a mute rule and whether it is active.

use shapes::cloudwatch::{GetAlarmMuteRuleInput, GetAlarmMuteRuleOutput, MuteTargets, Rule, Schedule};
use smithy::Cx;

use super::{mute_type, status};
use crate::alarm::error::AlarmError;
use crate::alarm::mute::{mute_rule_arn, mute_rule_key};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn get_alarm_mute_rule(
    cx: Cx<CloudWatch>,
    input: GetAlarmMuteRuleInput,
) -> Result<GetAlarmMuteRuleOutput, AlarmError> {
    let name = input.alarm_mute_rule_name;
    let Some(rule) = cx.service.alarms().mutes.get(&mute_rule_key(cx.scope(), &name)) else {
        return Err(CloudWatchError::not_found(format!("Alarm mute rule {name} does not exist")).into());
    };
    let schedule = Schedule {
        duration: rule.duration.clone(),
        expression: rule.expression.clone(),
        timezone: rule.timezone.clone(),
    };
    Ok(GetAlarmMuteRuleOutput {
        alarm_mute_rule_arn: Some(mute_rule_arn(cx.scope(), &name)),
        description: rule.description.clone(),
        expire_date: rule.expire,
        last_updated_timestamp: Some(rule.updated),
        mute_targets: Some(MuteTargets { alarm_names: rule.targets.clone() })
            .filter(|targets| !targets.alarm_names.is_empty()),
        mute_type: Some(mute_type(&rule)),
        name: Some(name),
        rule: Some(Rule { schedule }),
        start_date: rule.start,
        status: Some(status(rule.status(cx.now))),
    })
}
