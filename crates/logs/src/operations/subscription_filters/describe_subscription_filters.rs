//! DescribeSubscriptionFilters: those of one group, in order of their names.

use base::page_token;
use shapes::logs::{
    DescribeSubscriptionFiltersRequest, DescribeSubscriptionFiltersResponse, SubscriptionFilter as Shape,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::name_of;
use crate::operations::{describe_limit, page_start};
use crate::subscription::{SubscriptionFilter, filter_key, of_group};

pub(in crate::operations) async fn describe_subscription_filters(
    cx: Cx<Logs>,
    input: DescribeSubscriptionFiltersRequest,
) -> Result<DescribeSubscriptionFiltersResponse, LogsError> {
    let group = input.log_group_name.as_str();
    cx.service.group(cx.scope(), group)?;
    let prefix = input.filter_name_prefix.as_deref().unwrap_or_default();
    let purpose = format!("DescribeSubscriptionFilters|{}|{group}|{prefix}", cx.scope());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| filter_key(cx.scope(), group, name));
    let limit = describe_limit(input.limit);
    let found = of_group(cx.scope(), group).starting_with(prefix);
    let mut page = cx.service.subscriptions.filters.list(&found, after.as_ref(), limit + 1);
    let more = page.len() > limit;
    page.truncate(limit);
    let last = page.last().filter(|_| more).map(|entry| name_of(&entry.key));
    let shapes = page.iter().map(|entry| shape(group, name_of(&entry.key), entry)).collect();
    Ok(DescribeSubscriptionFiltersResponse {
        subscription_filters: Some(shapes),
        next_token: last.map(|name| page_token::encode(&purpose, &[&name])),
    })
}

fn shape(group: &str, name: String, filter: &SubscriptionFilter) -> Shape {
    let filter = filter.clone();
    Shape {
        filter_name: Some(name),
        log_group_name: Some(group.to_owned()),
        filter_pattern: Some(filter.pattern),
        destination_arn: Some(filter.destination_arn),
        role_arn: filter.role_arn,
        distribution: Some(filter.distribution.shape()),
        apply_on_transformed_logs: Some(filter.apply_on_transformed_logs),
        creation_time: Some(filter.creation_time.as_millis()),
        field_selection_criteria: filter.field_selection_criteria,
        emit_system_fields: Some(filter.emit_system_fields).filter(|fields| !fields.is_empty()),
    }
}
