//! DeleteRetentionPolicy: the group keeps its events for ever.

use shapes::logs::DeleteRetentionPolicyRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{LogGroup, group_key};

pub(in crate::operations) async fn delete_retention_policy(
    cx: Cx<Logs>,
    input: DeleteRetentionPolicyRequest,
) -> Result<(), LogsError> {
    let key = group_key(cx.scope(), &input.log_group_name);
    let clear = |group: &mut LogGroup| {
        group.retention = None;
        Ok::<(), LogsError>(())
    };
    cx.service.groups.update(&key, clear).await?;
    Ok(())
}
