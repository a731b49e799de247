//! DeleteAlarmMuteRule: deletes a mute rule, which unmutes its alarms at once. There need not be one.

use catalog::CommitError;
use shapes::cloudwatch::DeleteAlarmMuteRuleInput;
use smithy::Cx;

use crate::CloudWatch;
use crate::alarm::error::AlarmError;
use crate::alarm::mute::mute_rule_key;
use crate::tags::Taggable;

pub(crate) async fn delete_alarm_mute_rule(
    cx: Cx<CloudWatch>,
    input: DeleteAlarmMuteRuleInput,
) -> Result<(), AlarmError> {
    let (cw, scope, name) = (&cx.service, cx.scope(), input.alarm_mute_rule_name);
    let mutes = &cw.alarms().mutes;
    let key = mute_rule_key(scope, &name);
    while let Some(rule) = mutes.get(&key) {
        let transaction = cw.catalog().transaction().delete(mutes, key.clone(), rule.version);
        match cw.tags().remove(transaction, scope, Taggable::AlarmMuteRule, &name).commit().await {
            Ok(_) => break,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    cw.alarms().evaluate_soon();
    Ok(())
}
