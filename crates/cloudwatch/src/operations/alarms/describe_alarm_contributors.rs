//! DescribeAlarmContributors: the contributors of an alarm that are in ALARM.

use base::page_token;
use shapes::cloudwatch::{AlarmContributor, DescribeAlarmContributorsInput, DescribeAlarmContributorsOutput};
use smithy::Cx;

use crate::alarm::error::AlarmError;
use crate::alarm::record::alarm_key;
use crate::{CloudWatch, CloudWatchError};

/// Contributors of a page.
const PAGE: usize = 100;

pub(crate) async fn describe_alarm_contributors(
    cx: Cx<CloudWatch>,
    input: DescribeAlarmContributorsInput,
) -> Result<DescribeAlarmContributorsOutput, AlarmError> {
    let Some(alarm) = cx.service.alarms().alarms.get(&alarm_key(cx.scope(), &input.alarm_name)) else {
        return Err(CloudWatchError::not_found(format!("Alarm {} does not exist", input.alarm_name)).into());
    };
    let purpose = format!("DescribeAlarmContributors|{}|{}", cx.scope(), input.alarm_name);
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => Some(
            page_token::decode(&purpose, token)
                .ok()
                .and_then(|mut parts| parts.pop())
                .ok_or_else(|| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?,
        ),
    };
    let rest =
        alarm.state.contributors.iter().filter(|(id, _)| after.as_ref().is_none_or(|after| *id > after));
    let mut page: Vec<AlarmContributor> = rest
        .take(PAGE + 1)
        .map(|(id, contributor)| AlarmContributor {
            contributor_attributes: contributor.attributes.clone(),
            contributor_id: id.clone(),
            state_reason: contributor.reason.clone(),
            state_transitioned_timestamp: Some(contributor.transitioned),
        })
        .collect();
    let has_more = page.len() > PAGE;
    page.truncate(PAGE);
    let next_token =
        page.last().filter(|_| has_more).map(|last| page_token::encode(&purpose, &[&last.contributor_id]));
    Ok(DescribeAlarmContributorsOutput { alarm_contributors: page, next_token })
}
