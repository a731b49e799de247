//! Data-protection policies of log groups: put, get, delete.

use shapes::logs::{
    DeleteDataProtectionPolicyRequest, GetDataProtectionPolicyRequest, GetDataProtectionPolicyResponse,
    PutDataProtectionPolicyRequest, PutDataProtectionPolicyResponse,
};
use smithy::Cx;

use crate::Logs;
use crate::data_protection::{Policy, protection_key};
use crate::error::LogsError;
use crate::group::Class;
use crate::identifier::from_identifier;

pub(super) async fn put_data_protection_policy(
    cx: Cx<Logs>,
    input: PutDataProtectionPolicyRequest,
) -> Result<PutDataProtectionPolicyResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let name = from_identifier(scope, &input.log_group_identifier, "logGroupIdentifier")?;
    let policy = Policy::parse(&input.policy_document)?;
    let _changing = logs.locks.deleting(scope, &name).await;
    let group = logs.group(scope, &name)?;
    if group.record.class != Class::Standard {
        return Err(LogsError::invalid(
            "Data protection policies are only supported for log groups of the STANDARD class.",
        ));
    }
    logs.change_protection(scope, &name, Some((&input.policy_document, &policy)), cx.now).await?;
    logs.rules.forget(&group.store_key());
    Ok(PutDataProtectionPolicyResponse {
        last_updated_time: Some(cx.now.as_millis()),
        // AWS: as the request has it.
        log_group_identifier: Some(input.log_group_identifier),
        policy_document: Some(input.policy_document),
    })
}

pub(super) async fn get_data_protection_policy(
    cx: Cx<Logs>,
    input: GetDataProtectionPolicyRequest,
) -> Result<GetDataProtectionPolicyResponse, LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    cx.service.group(cx.scope(), &name)?;
    let record = cx.service.protections.get(&protection_key(cx.scope(), &name));
    let current = record.as_ref().filter(|record| record.document.is_some());
    Ok(GetDataProtectionPolicyResponse {
        last_updated_time: current.map(|record| record.last_updated.as_millis()),
        log_group_identifier: Some(input.log_group_identifier),
        policy_document: current.and_then(|record| record.document.clone()),
    })
}

pub(super) async fn delete_data_protection_policy(
    cx: Cx<Logs>,
    input: DeleteDataProtectionPolicyRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let name = from_identifier(scope, &input.log_group_identifier, "logGroupIdentifier")?;
    let _changing = logs.locks.deleting(scope, &name).await;
    let group = logs.group(scope, &name)?;
    let record = logs.protections.get(&protection_key(scope, &name));
    if record.is_none_or(|record| record.document.is_none()) {
        return Err(LogsError::NotFound("The specified log group has no data protection policy.".into()));
    }
    logs.change_protection(scope, &name, None, cx.now).await?;
    logs.rules.forget(&group.store_key());
    Ok(())
}
