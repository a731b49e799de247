//! AssociateKmsKey, DisassociateKmsKey. This server keeps no keys: none can be associated, so none has to be let go.

use shapes::logs::{AssociateKmsKeyRequest, DisassociateKmsKeyRequest};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::identifier::from_identifier;

pub(in crate::operations) async fn associate_kms_key(
    cx: Cx<Logs>,
    input: AssociateKmsKeyRequest,
) -> Result<(), LogsError> {
    check(&cx, input.log_group_name, input.resource_identifier)?;
    // AWS: the key must exist and be enabled; as in CreateLogGroup, none does.
    Err(LogsError::invalid(format!("The specified KMS key does not exist: {}", input.kms_key_id)))
}

pub(in crate::operations) async fn disassociate_kms_key(
    cx: Cx<Logs>,
    input: DisassociateKmsKeyRequest,
) -> Result<(), LogsError> {
    check(&cx, input.log_group_name, input.resource_identifier)
}

/// Exactly one of a group's name and a resource: a group's ARN or all results of queries.
fn check(cx: &Cx<Logs>, name: Option<String>, resource: Option<String>) -> Result<(), LogsError> {
    let name = match (name, resource) {
        (Some(name), None) => name,
        (None, Some(resource)) => {
            if resource == cx.scope().arn("logs", "query-result:*") {
                return Ok(());
            }
            from_identifier(cx.scope(), &resource, "resourceIdentifier")?
        }
        _ => {
            return Err(LogsError::invalid(
                "Exactly one of logGroupName and resourceIdentifier must be specified.",
            ));
        }
    };
    cx.service.group(cx.scope(), &name).map(|_| ())
}
