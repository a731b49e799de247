//! DeleteSubscriptionFilter: what is not delivered yet is not delivered any more.

use catalog::{CommitError, Prefix};
use shapes::logs::DeleteSubscriptionFilterRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::subscription::{SubscriptionId, filter_key};

pub(in crate::operations) async fn delete_subscription_filter(
    cx: Cx<Logs>,
    input: DeleteSubscriptionFilterRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    logs.group(scope, &input.log_group_name)?;
    let key = filter_key(scope, &input.log_group_name, &input.filter_name);
    let subscriptions = &logs.subscriptions;
    let missing = || LogsError::NotFound("The specified subscription filter does not exist.".into());
    loop {
        let version = subscriptions.filters.get(&key).ok_or_else(missing)?.version;
        let cursor = Prefix::new(scope, &[&input.log_group_name, "filter", &input.filter_name]);
        let transaction = logs
            .catalog
            .transaction()
            .delete(&subscriptions.filters, key.clone(), version)
            .delete_all(&subscriptions.cursors, cursor);
        match transaction.commit().await {
            Ok(_) => break,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
    subscriptions.forget(&SubscriptionId {
        scope: scope.clone(),
        group: input.log_group_name,
        is_account_policy: false,
        name: input.filter_name,
    });
    Ok(())
}
