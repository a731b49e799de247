//! DescribeLogGroups: groups in name order, by prefix, substring, class or identifier.

use std::ops::ControlFlow;
use std::sync::Arc;

use base::page_token;
use shapes::logs::{
    DescribeLogGroupsRequest, DescribeLogGroupsResponse, InheritedProperty, LogGroup as Shape,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup, LogGroup, group_key, groups_of, name_of};
use crate::identifier::{from_identifier, group_arn};
use crate::operations::{describe_limit, page_start};

pub(in crate::operations) async fn describe_log_groups(
    cx: Cx<Logs>,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, LogsError> {
    check(&input)?;
    if let Some(identifiers) = &input.log_group_identifiers {
        return by_identifier(&cx, identifiers);
    }
    let own = |accounts: &Vec<String>| accounts.iter().any(|account| account == cx.scope().account.as_str());
    if input.account_identifiers.as_ref().is_some_and(|accounts| !own(accounts)) {
        return Ok(DescribeLogGroupsResponse { log_groups: Some(Vec::new()), next_token: None });
    }
    let class = input.log_group_class.as_ref().map(|class| Class::of_request(Some(class))).transpose()?;
    let prefix = input.log_group_name_prefix.as_deref().unwrap_or_default();
    let pattern = input.log_group_name_pattern.as_deref();
    let class_text = input.log_group_class.as_ref().map_or("", |class| class.as_str());
    let purpose =
        format!("DescribeLogGroups|{}|{prefix}|{}|{class_text}", cx.scope(), pattern.unwrap_or_default());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| group_key(cx.scope(), name));

    let limit = describe_limit(input.limit);
    let mut page: Vec<FoundGroup> = Vec::new();
    let mut more = false;
    let prefix = groups_of(cx.scope()).starting_with(prefix);
    cx.service.groups.scan(&prefix, after.as_ref(), |key, record| {
        let name = name_of(key);
        let shown = class.is_none_or(|wanted| record.class.is_shown_for(wanted))
            && pattern.is_none_or(|pattern| name.contains(pattern));
        if !shown {
            return ControlFlow::Continue(());
        }
        if page.len() == limit {
            more = true;
            return ControlFlow::Break(());
        }
        page.push(FoundGroup { name: name.into(), scope: cx.scope().clone(), record: record.clone() });
        ControlFlow::Continue(())
    });
    let next_token = page.last().filter(|_| more).map(|last| page_token::encode(&purpose, &[&last.name]));
    let log_groups = page.iter().map(|group| shape(&cx.service, group, pattern.is_some())).collect();
    Ok(DescribeLogGroupsResponse { log_groups: Some(log_groups), next_token })
}

fn check(input: &DescribeLogGroupsRequest) -> Result<(), LogsError> {
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(LogsError::invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    // AWS: only includeLinkedAccounts may accompany identifiers (API_DescribeLogGroups.html).
    let accompanied = input.log_group_name_prefix.is_some()
        || input.log_group_name_pattern.is_some()
        || input.log_group_class.is_some()
        || input.account_identifiers.is_some()
        || input.limit.is_some()
        || input.next_token.is_some();
    if input.log_group_identifiers.is_some() && accompanied {
        return Err(LogsError::invalid(
            "logGroupIdentifiers can only be used together with includeLinkedAccounts.",
        ));
    }
    Ok(())
}

/// Those that exist, in name order, each once.
fn by_identifier(cx: &Cx<Logs>, identifiers: &[String]) -> Result<DescribeLogGroupsResponse, LogsError> {
    let mut names = Vec::new();
    for identifier in identifiers {
        match from_identifier(cx.scope(), identifier, "logGroupIdentifiers") {
            Ok(name) => names.push(name),
            Err(LogsError::GroupMissing) => {}
            Err(error) => return Err(error),
        }
    }
    names.sort_unstable();
    names.dedup();
    let found = names.iter().filter_map(|name| cx.service.group(cx.scope(), name).ok());
    let log_groups = found.map(|group| shape(&cx.service, &group, false)).collect();
    Ok(DescribeLogGroupsResponse { log_groups: Some(log_groups), next_token: None })
}

/// What is told of a group. AWS: with a name pattern, sizes and deletion protection are left out (observed).
fn shape(logs: &Arc<Logs>, group: &FoundGroup, by_pattern: bool) -> Shape {
    let arn = group_arn(&group.scope, &group.name);
    let record: &LogGroup = &group.record;
    let (protection, inherited) = logs.protection_status(group);
    let stored_bytes = || i64::try_from(logs.events.stored_bytes(&group.store_key())).unwrap_or(i64::MAX);
    Shape {
        log_group_name: Some(group.name.as_ref().to_owned()),
        creation_time: Some(record.creation_time.as_millis()),
        retention_in_days: record.retention.map(|days| days.days()),
        metric_filter_count: i32::try_from(logs.metric_filter_count(group)).ok(),
        arn: Some(format!("{arn}:*")),
        log_group_arn: Some(arn),
        log_group_class: Some(record.class.shape()),
        stored_bytes: (!by_pattern).then(stored_bytes),
        deletion_protection_enabled: (!by_pattern).then_some(record.deletion_protection),
        data_protection_status: protection,
        inherited_properties: inherited.then(|| vec![InheritedProperty::AccountDataProtection]),
        ..Shape::default()
    }
}
