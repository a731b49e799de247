//! DeleteLogGroup: the group, its streams and all events.

use catalog::CommitError;
use shapes::logs::DeleteLogGroupRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{GroupRemoval, group_key, removal_key};
use crate::metric_filter::filters_of;
use crate::resource_policy::group_policy;
use crate::stream::streams_of;
use crate::subscription;

pub(in crate::operations) async fn delete_log_group(
    cx: Cx<Logs>,
    input: DeleteLogGroupRequest,
) -> Result<(), LogsError> {
    let (logs, scope, name) = (&cx.service, cx.scope(), input.log_group_name.as_str());
    let _deleting = logs.locks.deleting(scope, name).await;
    let places = loop {
        let group = logs.group(scope, name)?;
        if group.record.deletion_protection {
            return Err(LogsError::Validation(
                "The log group cannot be deleted because deletion protection is enabled.".into(),
            ));
        }
        let places = logs.all_store_keys(&group);
        let mut transaction = logs
            .catalog
            .transaction()
            .delete(&logs.groups, group_key(scope, name), group.record.version)
            .delete_all(&logs.streams, streams_of(scope, name))
            .delete_all(&logs.metric_filters, filters_of(scope, name))
            .delete_all(&logs.transformations, catalog::Prefix::new(scope, &[name]))
            .delete_all(&logs.protections, catalog::Prefix::new(scope, &[name]))
            .delete_all(&logs.index_policies, catalog::Prefix::new(scope, &[name]))
            .delete_all(&logs.resource_policies, group_policy(scope, name))
            .delete_all(&logs.subscriptions.filters, subscription::of_group(scope, name))
            .delete_all(&logs.subscriptions.cursors, subscription::of_group(scope, name));
        for place in &places {
            let incarnation = place.incarnation;
            let removal = GroupRemoval { name: name.to_owned(), incarnation };
            transaction = transaction.insert(&logs.removals, removal_key(scope, incarnation), removal);
        }
        match transaction.commit().await {
            Ok(_) => {
                logs.rules.forget(&group.store_key());
                logs.subscriptions.forget_group(scope, name);
                break places;
            }
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // It changed meanwhile: look again.
            Err(_) => {}
        }
    };
    // The group is gone from here on. If its events cannot be removed now, `logs_removal` will do it.
    for place in places {
        if let Err(error) = logs.remove_events(place).await {
            tracing::warn!(%error, log_group = name, "the events of a deleted log group are left for later");
        }
    }
    Ok(())
}
