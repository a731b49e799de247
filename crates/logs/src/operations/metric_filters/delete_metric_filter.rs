//! DeleteMetricFilter. What the filter published stays.

use catalog::CommitError;
use shapes::logs::DeleteMetricFilterRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::metric_filter::filter_key;

pub(in crate::operations) async fn delete_metric_filter(
    cx: Cx<Logs>,
    input: DeleteMetricFilterRequest,
) -> Result<(), LogsError> {
    let (logs, scope, group) = (&cx.service, cx.scope(), input.log_group_name.as_str());
    let _changing = logs.locks.deleting(scope, group).await;
    let found = logs.group(scope, group)?;
    let key = filter_key(scope, group, &input.filter_name);
    let missing = || LogsError::NotFound("The specified metric filter does not exist.".into());
    let filter = logs.metric_filters.get(&key).ok_or_else(missing)?;
    match logs.metric_filters.delete(key, filter.version).await {
        Ok(()) => {
            logs.rules.forget(&found.store_key());
            Ok(())
        }
        Err(CommitError::Missing { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}
