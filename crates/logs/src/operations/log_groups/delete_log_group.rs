//! DeleteLogGroup: the group, its streams and all events.

use catalog::CommitError;
use shapes::logs::DeleteLogGroupRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{GroupRemoval, group_key, removal_key};
use crate::metric_filter::filters_of;
use crate::stream::streams_of;
use crate::subscription;

pub(in crate::operations) async fn delete_log_group(
    cx: Cx<Logs>,
    input: DeleteLogGroupRequest,
) -> Result<(), LogsError> {
    let (logs, scope, name) = (&cx.service, cx.scope(), input.log_group_name.as_str());
    let _deleting = logs.locks.deleting(scope, name).await;
    let group = loop {
        let group = logs.group(scope, name)?;
        if group.record.deletion_protection {
            return Err(LogsError::Validation(
                "The log group cannot be deleted because deletion protection is enabled.".into(),
            ));
        }
        let incarnation = group.record.incarnation;
        let transaction = logs
            .catalog
            .transaction()
            .delete(&logs.groups, group_key(scope, name), group.record.version)
            .delete_all(&logs.streams, streams_of(scope, name))
            .delete_all(&logs.metric_filters, filters_of(scope, name))
            .delete_all(&logs.subscriptions.filters, subscription::of_group(scope, name))
            .delete_all(&logs.subscriptions.cursors, subscription::of_group(scope, name))
            .insert(
                &logs.removals,
                removal_key(scope, incarnation),
                GroupRemoval { name: name.to_owned(), incarnation },
            );
        match transaction.commit().await {
            Ok(_) => {
                logs.rules.forget(&group.store_key());
                logs.subscriptions.forget_group(scope, name);
                break group;
            }
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // It changed meanwhile: look again.
            Err(_) => {}
        }
    };
    // The group is gone from here on. If its events cannot be removed now, `logs_removal` will do it.
    if let Err(error) = logs.remove_events(group.store_key()).await {
        tracing::warn!(%error, log_group = name, "the events of a deleted log group are left for later");
    }
    Ok(())
}
