//! DescribeAlarmHistory: what happened to alarms, also to those that are gone.

use std::ops::ControlFlow;

use base::{Timestamp, page_token};
use catalog::{Prefix, RecordKey, Versioned};
use shapes::cloudwatch::{AlarmHistoryItem, DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput, ScanBy};
use smithy::Cx;

use super::describe_alarms::alarm_type;
use crate::alarm::error::AlarmError;
use crate::alarm::history::{HistoryItem, history_place};
use crate::alarm::record::AlarmType;
use crate::{CloudWatch, CloudWatchError};

/// Items of a page, unless told.
const PAGE: usize = 100;

/// What items are ordered by.
type Place = (Timestamp, u64);

pub(crate) async fn describe_alarm_history(
    cx: Cx<CloudWatch>,
    input: DescribeAlarmHistoryInput,
) -> Result<DescribeAlarmHistoryOutput, AlarmError> {
    if let (Some(start), Some(end)) = (input.start_date, input.end_date)
        && start > end
    {
        return Err(AlarmError::invalid("StartDate must not be later than EndDate"));
    }
    let limit = input.max_records.map_or(PAGE, |max| usize::try_from(max).unwrap_or(PAGE));
    let purpose = {
        let shown = DescribeAlarmHistoryInput { max_records: None, next_token: None, ..input.clone() };
        format!("DescribeAlarmHistory|{}|{shown:?}", cx.scope())
    };
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => Some(
            place(&purpose, token)
                .ok_or_else(|| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?,
        ),
    };
    let is_ascending = matches!(input.scan_by, Some(ScanBy::TimestampAscending));
    let mut found = select(&cx, &input, |place| match after {
        None => true,
        Some(after) if is_ascending => place > after,
        Some(after) => place < after,
    });
    found.sort_unstable_by_key(|(place, ..)| *place);
    if !is_ascending {
        found.reverse();
    }
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| has_more).map(|((at, sequence), ..)| {
        page_token::encode(&purpose, &[&at.as_millis().to_string(), &sequence.to_string()])
    });
    let items = found.into_iter().map(|((at, _), name, item)| shape(at, name, &item)).collect();
    Ok(DescribeAlarmHistoryOutput { alarm_history_items: Some(items), next_token })
}

fn place(purpose: &str, token: &str) -> Option<Place> {
    let parts = page_token::decode(purpose, token).ok()?;
    let [millis, sequence] = parts.as_slice() else { return None };
    Some((Timestamp::from_millis(millis.parse().ok()?), sequence.parse().ok()?))
}

fn select(
    cx: &Cx<CloudWatch>,
    input: &DescribeAlarmHistoryInput,
    is_on_page: impl Fn(Place) -> bool,
) -> Vec<(Place, String, Versioned<HistoryItem>)> {
    // AWS: the history of metric alarms, unless told (API_DescribeAlarmHistory).
    let types: Vec<AlarmType> = match &input.alarm_types {
        None => vec![AlarmType::Metric],
        Some(types) => types.iter().filter_map(alarm_type).collect(),
    };
    let prefix = match &input.alarm_name {
        Some(name) => Prefix::new(cx.scope(), &[name]),
        None => Prefix::new(cx.scope(), &[]),
    };
    let mut found = Vec::new();
    let mut visit = |key: &RecordKey, item: &Versioned<HistoryItem>| {
        let Some((name, at, sequence)) = history_place(key) else { return };
        let is_selected = types.contains(&item.alarm_type)
            && input.start_date.is_none_or(|start| at >= start)
            && input.end_date.is_none_or(|end| at <= end)
            && input
                .history_item_type
                .as_ref()
                .is_none_or(|wanted| wanted.as_str() == item.item_type.as_str())
            && input
                .alarm_contributor_id
                .as_ref()
                .is_none_or(|id| item.contributor.as_ref().is_some_and(|c| c.id == *id));
        if is_selected && is_on_page((at, sequence)) {
            found.push(((at, sequence), name, item.clone()));
        }
    };
    cx.service.alarms().history.scan(&prefix, None, |key, item| {
        visit(key, item);
        ControlFlow::Continue(())
    });
    found
}

fn shape(at: Timestamp, name: String, item: &HistoryItem) -> AlarmHistoryItem {
    let alarm_type = match item.alarm_type {
        AlarmType::Metric => "MetricAlarm",
        AlarmType::Composite => "CompositeAlarm",
    };
    AlarmHistoryItem {
        alarm_contributor_attributes: item.contributor.as_ref().map(|c| c.attributes.clone()),
        alarm_contributor_id: item.contributor.as_ref().map(|c| c.id.clone()),
        alarm_name: Some(name),
        alarm_type: Some(alarm_type.into()),
        history_data: Some(item.data.clone()),
        history_item_type: Some(item.item_type.as_str().into()),
        history_summary: Some(item.summary.clone()),
        timestamp: Some(at),
    }
}
