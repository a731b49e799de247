//! PutLogGroupDeletionProtection: while on, neither the group nor its streams can be deleted.

use shapes::logs::PutLogGroupDeletionProtectionRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{LogGroup, group_key};
use crate::identifier::from_identifier;

pub(in crate::operations) async fn put_log_group_deletion_protection(
    cx: Cx<Logs>,
    input: PutLogGroupDeletionProtectionRequest,
) -> Result<(), LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    let set = |group: &mut LogGroup| {
        group.deletion_protection = input.deletion_protection_enabled;
        Ok::<(), LogsError>(())
    };
    cx.service.groups.update(&group_key(cx.scope(), &name), set).await?;
    Ok(())
}
