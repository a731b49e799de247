//! ListAlarmMuteRules: mute rules by name, those of an alarm or of a status.

use std::ops::ControlFlow;

use base::page_token;
use catalog::Prefix;
use shapes::cloudwatch::{AlarmMuteRuleSummary, ListAlarmMuteRulesInput, ListAlarmMuteRulesOutput};
use smithy::Cx;

use super::{mute_type, status};
use crate::alarm::error::AlarmError;
use crate::alarm::mute::{mute_rule_arn, mute_rule_key};
use crate::{CloudWatch, CloudWatchError};

/// Rules of a page, unless told.
const PAGE: usize = 50;

pub(crate) async fn list_alarm_mute_rules(
    cx: Cx<CloudWatch>,
    input: ListAlarmMuteRulesInput,
) -> Result<ListAlarmMuteRulesOutput, AlarmError> {
    let limit = input.max_records.map_or(PAGE, |max| usize::try_from(max).unwrap_or(PAGE));
    let purpose = format!("ListAlarmMuteRules|{}|{:?}|{:?}", cx.scope(), input.alarm_name, input.statuses);
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => Some(
            page_token::decode(&purpose, token)
                .ok()
                .and_then(|mut parts| parts.pop())
                .ok_or_else(|| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?,
        ),
    };
    let mut found: Vec<(String, AlarmMuteRuleSummary)> = Vec::new();
    let after = after.map(|name| mute_rule_key(cx.scope(), &name));
    cx.service.alarms().mutes.scan(&Prefix::new(cx.scope(), &[]), after.as_ref(), |key, rule| {
        let name = key.parts().pop().unwrap_or_default();
        let status = status(rule.status(cx.now));
        let is_selected = input.alarm_name.as_ref().is_none_or(|alarm| rule.targets.contains(alarm))
            && input.statuses.as_ref().is_none_or(|wanted| wanted.is_empty() || wanted.contains(&status));
        if is_selected {
            let summary = AlarmMuteRuleSummary {
                alarm_mute_rule_arn: Some(mute_rule_arn(cx.scope(), &name)),
                expire_date: rule.expire,
                last_updated_timestamp: Some(rule.updated),
                mute_type: Some(mute_type(rule)),
                status: Some(status),
            };
            found.push((name, summary));
        }
        if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_token =
        found.last().filter(|_| has_more).map(|(name, _)| page_token::encode(&purpose, &[name.as_str()]));
    let summaries = found.into_iter().map(|(_, summary)| summary).collect();
    Ok(ListAlarmMuteRulesOutput { alarm_mute_rule_summaries: Some(summaries), next_token })
}
