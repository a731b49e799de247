//! DescribeAlarms: alarms by name, prefix, state, action, or by their place in composite alarms.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use base::page_token;
use catalog::{Prefix, Versioned};
use shapes::cloudwatch::{
    AlarmType as AlarmTypeShape, CompositeAlarm, DescribeAlarmsInput, DescribeAlarmsOutput, MetricAlarm,
};
use smithy::Cx;

use super::NAMES_MAX;
use super::shape::{composite_alarm, metric_alarm};
use crate::alarm::error::AlarmError;
use crate::alarm::record::{Alarm, AlarmType, Kind, alarm_arn, alarm_key};
use crate::{CloudWatch, CloudWatchError};

/// Alarms of a page, unless told (unverified).
const PAGE: usize = 50;

pub(crate) async fn describe_alarms(
    cx: Cx<CloudWatch>,
    mut input: DescribeAlarmsInput,
) -> Result<DescribeAlarmsOutput, AlarmError> {
    // A list without elements says nothing, as in the Query protocol, which cannot spell it.
    input.alarm_names = input.alarm_names.filter(|names| !names.is_empty());
    input.alarm_types = input.alarm_types.filter(|types| !types.is_empty());
    check(&input)?;
    let limit = input.max_records.map_or(PAGE, |max| usize::try_from(max).unwrap_or(PAGE));
    let purpose = {
        let shown = DescribeAlarmsInput { max_records: None, next_token: None, ..input.clone() };
        format!("DescribeAlarms|{}|{shown:?}", cx.scope())
    };
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => Some(
            page_token::decode(&purpose, token)
                .ok()
                .and_then(|mut parts| parts.pop())
                .ok_or_else(|| CloudWatchError::InvalidNextToken("The NextToken is invalid.".to_owned()))?,
        ),
    };
    let selection = Selection::new(&cx, &input)?;
    let mut found: Vec<(String, Versioned<Alarm>)> = Vec::new();
    cx.service.alarms().alarms.scan(
        &Prefix::new(cx.scope(), &[]).starting_with(input.alarm_name_prefix.as_deref().unwrap_or_default()),
        after.as_ref().map(|name| alarm_key(cx.scope(), name)).as_ref(),
        |key, alarm| {
            let name = key.parts().pop().unwrap_or_default();
            if selection.selects(&name, alarm) {
                found.push((name, alarm.clone()));
            }
            if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next_token =
        found.last().filter(|_| has_more).map(|(name, _)| page_token::encode(&purpose, &[name.as_str()]));
    let mut output = DescribeAlarmsOutput {
        composite_alarms: Some(Vec::new()),
        log_alarms: Some(Vec::new()),
        metric_alarms: Some(Vec::new()),
        next_token,
    };
    for (name, alarm) in found {
        push(&cx, &input, &mut output, &name, &alarm);
    }
    Ok(output)
}

fn check(input: &DescribeAlarmsInput) -> Result<(), AlarmError> {
    let invalid = |message: String| Err(AlarmError::invalid(message));
    if input.alarm_names.as_ref().is_some_and(|names| names.len() > NAMES_MAX) {
        return invalid(format!("AlarmNames must have at most {NAMES_MAX} names"));
    }
    if input.alarm_names.is_some() && input.alarm_name_prefix.is_some() {
        return invalid("AlarmNames and AlarmNamePrefix must not both be specified".to_owned());
    }
    let has_filter = input.alarm_names.is_some()
        || input.alarm_name_prefix.is_some()
        || input.alarm_types.is_some()
        || input.state_value.is_some()
        || input.action_prefix.is_some();
    let relatives = [
        ("ChildrenOfAlarmName", input.children_of_alarm_name.is_some()),
        ("ParentsOfAlarmName", input.parents_of_alarm_name.is_some()),
    ];
    let given: Vec<&str> =
        relatives.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
    match given[..] {
        [] => Ok(()),
        // AWS: no other parameter than MaxRecords and NextToken (API_DescribeAlarms).
        [name] if has_filter => invalid(format!("{name} must not be specified together with other filters")),
        [_] => Ok(()),
        _ => invalid("ChildrenOfAlarmName and ParentsOfAlarmName must not both be specified".to_owned()),
    }
}

/// Which alarms are shown.
struct Selection<'a> {
    input: &'a DescribeAlarmsInput,
    names: Option<BTreeSet<&'a str>>,
    types: Option<Vec<AlarmType>>,
    /// Names of the children of an alarm.
    children: Option<BTreeSet<String>>,
}

impl<'a> Selection<'a> {
    fn new(cx: &Cx<CloudWatch>, input: &'a DescribeAlarmsInput) -> Result<Self, AlarmError> {
        let by_place = input.children_of_alarm_name.is_some() || input.parents_of_alarm_name.is_some();
        let types = match &input.alarm_types {
            _ if by_place => None,
            // AWS: metric alarms only, unless told (API_DescribeAlarms).
            None => Some(vec![AlarmType::Metric]),
            Some(types) => Some(types.iter().filter_map(alarm_type).collect()),
        };
        let children = input.children_of_alarm_name.as_ref().map(|name| {
            let parent = cx.service.alarms().alarms.get(&alarm_key(cx.scope(), name));
            let rule = parent.as_ref().and_then(|parent| parent.composite());
            rule.map(|rule| rule.children.iter().cloned().collect()).unwrap_or_default()
        });
        let names = input.alarm_names.as_ref().map(|names| names.iter().map(String::as_str).collect());
        Ok(Self { input, names, types, children })
    }

    fn selects(&self, name: &str, alarm: &Alarm) -> bool {
        let starts =
            |actions: &[String], prefix: &str| actions.iter().any(|action| action.starts_with(prefix));
        let has_action = |prefix: &String| {
            starts(&alarm.ok_actions, prefix)
                || starts(&alarm.alarm_actions, prefix)
                || starts(&alarm.insufficient_data_actions, prefix)
        };
        let is_parent = |child: &String| alarm.composite().is_some_and(|rule| rule.children.contains(child));
        self.types.as_ref().is_none_or(|types| types.contains(&alarm.alarm_type()))
            && self.names.as_ref().is_none_or(|names| names.contains(name))
            && self.children.as_ref().is_none_or(|children| children.contains(name))
            && self.input.parents_of_alarm_name.as_ref().is_none_or(is_parent)
            && self
                .input
                .state_value
                .as_ref()
                .is_none_or(|value| value.as_str() == alarm.state.value.as_str())
            && self.input.action_prefix.as_ref().is_none_or(has_action)
    }
}

/// The type of ours a name stands for; there are no log alarms.
pub(super) fn alarm_type(shape: &AlarmTypeShape) -> Option<AlarmType> {
    match shape {
        AlarmTypeShape::MetricAlarm => Some(AlarmType::Metric),
        AlarmTypeShape::CompositeAlarm => Some(AlarmType::Composite),
        AlarmTypeShape::LogAlarm | AlarmTypeShape::Unknown(_) => None,
    }
}

fn push(
    cx: &Cx<CloudWatch>,
    input: &DescribeAlarmsInput,
    output: &mut DescribeAlarmsOutput,
    name: &str,
    alarm: &Alarm,
) {
    let is_child = input.children_of_alarm_name.is_some();
    let is_relative = is_child || input.parents_of_alarm_name.is_some();
    let arn = || Some(alarm_arn(cx.scope(), name));
    // AWS: of relatives only name and ARN are shown, of children their state too (API_DescribeAlarms).
    let state = is_child.then(|| alarm.state.value.as_str().into());
    let updated = is_child.then_some(alarm.state.updated);
    match &alarm.kind {
        Kind::Metric(rule) => output.metric_alarms.get_or_insert_default().push(if is_relative {
            MetricAlarm {
                alarm_name: Some(name.to_owned()),
                alarm_arn: arn(),
                state_value: state,
                state_updated_timestamp: updated,
                ..MetricAlarm::default()
            }
        } else {
            metric_alarm(cx.scope(), name, alarm, rule)
        }),
        Kind::Composite(rule) => output.composite_alarms.get_or_insert_default().push(if is_relative {
            CompositeAlarm {
                alarm_name: Some(name.to_owned()),
                alarm_arn: arn(),
                state_value: state,
                state_updated_timestamp: updated,
                ..CompositeAlarm::default()
            }
        } else {
            composite_alarm(cx.scope(), name, alarm, rule)
        }),
    }
}
