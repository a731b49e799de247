//! PutSubscriptionFilter: creates or replaces a filter by name. A filter that is replaced goes on from where its
//! delivery stands.

use catalog::CommitError;
use lang::filter_pattern::FilterPattern;
use shapes::logs::PutSubscriptionFilterRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, FoundGroup, group_key};
use crate::subscription::selection::{Criteria, SYSTEM_FIELDS};
use crate::subscription::{
    DeliveryCursor, Distribution, FILTERS_MAX, SubscriptionFilter, SubscriptionId, filter_key, of_group,
};

pub(in crate::operations) async fn put_subscription_filter(
    cx: Cx<Logs>,
    input: PutSubscriptionFilterRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let distribution = Distribution::of_request(input.distribution.as_ref())?;
    check_text(&input)?;
    let name = input.log_group_name.as_str();
    let group = logs.group(scope, name)?;
    if group.record.class != Class::Standard {
        return Err(LogsError::InvalidOperation(
            "Subscription filters are supported for log groups of the STANDARD class only.".into(),
        ));
    }
    check_quota(logs, &group, &input.filter_name)?;
    logs.check_target(scope, &input.destination_arn, input.role_arn.as_deref(), cx.now).await?;
    let id = SubscriptionId {
        scope: scope.clone(),
        group: name.to_owned(),
        is_account_policy: false,
        name: input.filter_name.clone(),
    };
    let filter = SubscriptionFilter {
        pattern: input.filter_pattern,
        destination_arn: input.destination_arn,
        role_arn: input.role_arn,
        distribution,
        apply_on_transformed_logs: input.apply_on_transformed_logs.unwrap_or(false),
        field_selection_criteria: input.field_selection_criteria,
        emit_system_fields: input.emit_system_fields.unwrap_or_default(),
        creation_time: cx.now,
        number: logs.catalog.next_id("log_subscription").await?,
        after: 0,
    };
    store(logs, &id, filter).await?;
    logs.subscriptions.set_waiting(&id, None);
    logs.subscriptions.changed();
    logs.wake(crate::tasks::SUBSCRIPTIONS);
    Ok(())
}

fn check_text(input: &PutSubscriptionFilterRequest) -> Result<(), LogsError> {
    FilterPattern::compile(&input.filter_pattern).map_err(|error| LogsError::invalid(error.to_string()))?;
    if let Some(criteria) = &input.field_selection_criteria {
        Criteria::compile(criteria).map_err(|error| LogsError::invalid(error.to_string()))?;
    }
    let unknown = input.emit_system_fields.iter().flatten().find(|f| !SYSTEM_FIELDS.contains(&f.as_str()));
    match unknown {
        Some(field) => Err(LogsError::invalid(format!("Invalid system field: {field}"))),
        None => Ok(()),
    }
}

/// Two filters a group, whatever replaces one of the same name.
fn check_quota(logs: &Logs, group: &FoundGroup, filter: &str) -> Result<(), LogsError> {
    let filters = &logs.subscriptions.filters;
    let is_new = !filters.contains(&filter_key(&group.scope, &group.name, filter));
    if is_new && filters.count(&of_group(&group.scope, &group.name)) >= FILTERS_MAX {
        return Err(LogsError::LimitExceeded);
    }
    Ok(())
}

async fn store(logs: &Logs, id: &SubscriptionId, filter: SubscriptionFilter) -> Result<(), LogsError> {
    let (collection, cursors) = (&logs.subscriptions.filters, &logs.subscriptions.cursors);
    let key = filter_key(&id.scope, &id.group, &id.name);
    // Nothing is appended meanwhile, so that it is exact which events the filter is for.
    let _changing = logs.locks.deleting(&id.scope, &id.group).await;
    loop {
        let group = logs.group(&id.scope, &id.group)?;
        check_quota(logs, &group, &id.name)?;
        let has_regex = FilterPattern::compile(&filter.pattern).is_ok_and(|pattern| pattern.has_regex());
        if has_regex
            && !logs.admits_regex(
                &id.scope,
                &id.group,
                crate::metric_filter::Replaced::SubscriptionFilter(&key),
            )
        {
            return Err(LogsError::LimitExceeded);
        }
        let transaction = logs.catalog.transaction().require(
            &logs.groups,
            group_key(&id.scope, &id.group),
            group.record.version,
        );
        let transaction = match collection.get(&key) {
            Some(before) => {
                let (number, after) = (before.number, before.after);
                let filter = SubscriptionFilter { number, after, ..filter.clone() };
                transaction.update(collection, key.clone(), before.version, filter)
            }
            None => {
                let places = logs.all_store_keys(&group);
                let after = places.iter().map(|key| logs.events.last_sequence(key)).max().unwrap_or_default();
                let filter = SubscriptionFilter { after, ..filter.clone() };
                let cursor = DeliveryCursor { number: filter.number, ..DeliveryCursor::default() };
                transaction.insert(collection, key.clone(), filter).insert(cursors, id.cursor_key(), cursor)
            }
        };
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // The group, or the filter, changed meanwhile: look again.
            Err(_) => {}
        }
    }
}
