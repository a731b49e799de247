//! PutAlarmMuteRule: creates a mute rule or replaces its configuration.

use catalog::{CommitError, Prefix};
use shapes::cloudwatch::PutAlarmMuteRuleInput;
use smithy::Cx;

use crate::alarm::error::AlarmError;
use crate::alarm::mute::{MUTE_RULES_MAX, MuteRule, Schedule, duration_millis, mute_rule_key};
use crate::alarm::zone::Zone;
use crate::tags::{self, Taggable};
use crate::{CloudWatch, CloudWatchError};

/// Alarms a rule covers.
const TARGETS_MAX: usize = 100;

pub(crate) async fn put_alarm_mute_rule(
    cx: Cx<CloudWatch>,
    input: PutAlarmMuteRuleInput,
) -> Result<(), AlarmError> {
    let tags = tags::of_request(input.tags.as_deref()).map_err(CloudWatchError::into_validation)?;
    let name = input.name.clone();
    let rule = check(&cx, input)?;
    let (cw, scope) = (&cx.service, cx.scope());
    let mutes = &cw.alarms().mutes;
    let key = mute_rule_key(scope, &name);
    loop {
        let transaction = cw.catalog().transaction();
        let transaction = match mutes.get(&key) {
            Some(before) => transaction.update(mutes, key.clone(), before.version, rule.clone()),
            None if mutes.count(&Prefix::new(scope, &[])) >= MUTE_RULES_MAX => {
                let message = format!("There are {MUTE_RULES_MAX} alarm mute rules already");
                return Err(AlarmError::LimitExceeded(message));
            }
            None => {
                let transaction = transaction.insert(mutes, key.clone(), rule.clone());
                cw.tags().put(transaction, scope, Taggable::AlarmMuteRule, &name, tags.clone())
            }
        };
        match transaction.commit().await {
            Ok(_) => break,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // Another request was faster; its outcome is looked at anew.
            Err(_) => {}
        }
    }
    // An alarm may not be covered any more.
    cw.alarms().evaluate_soon();
    Ok(())
}

fn check(cx: &Cx<CloudWatch>, input: PutAlarmMuteRuleInput) -> Result<MuteRule, AlarmError> {
    let PutAlarmMuteRuleInput { description, expire_date, mute_targets, rule, start_date, .. } = input;
    let schedule = rule.schedule;
    let wrong = |value: &str, member: &str| {
        Err(AlarmError::invalid(format!(
            "The value {value} for parameter Rule.Schedule.{member} is invalid."
        )))
    };
    if schedule.expression.len() > 256 || Schedule::parse(&schedule.expression).is_none() {
        return wrong(&schedule.expression, "Expression");
    }
    if duration_millis(&schedule.duration).is_none() {
        return wrong(&schedule.duration, "Duration");
    }
    if let Some(timezone) = schedule.timezone.as_deref().filter(|text| Zone::parse(text).is_none()) {
        return wrong(timezone, "Timezone");
    }
    if let (Some(start), Some(expire)) = (start_date, expire_date)
        && start >= expire
    {
        return Err(AlarmError::invalid("StartDate must be earlier than ExpireDate"));
    }
    if expire_date.is_some_and(|expire| expire <= cx.now) {
        return Err(AlarmError::invalid("ExpireDate must be in the future"));
    }
    let mut targets = mute_targets.map(|targets| targets.alarm_names).unwrap_or_default();
    targets.sort_unstable();
    targets.dedup();
    if targets.len() > TARGETS_MAX {
        return Err(AlarmError::invalid(format!("MuteTargets must have at most {TARGETS_MAX} alarm names")));
    }
    Ok(MuteRule {
        description,
        expression: schedule.expression,
        duration: schedule.duration,
        timezone: schedule.timezone,
        targets,
        start: start_date,
        expire: expire_date,
        updated: cx.now,
    })
}
