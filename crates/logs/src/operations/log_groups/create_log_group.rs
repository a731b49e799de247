//! CreateLogGroup.

use shapes::logs::CreateLogGroupRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, LogGroup, tags};

pub(in crate::operations) async fn create_log_group(
    cx: Cx<Logs>,
    input: CreateLogGroupRequest,
) -> Result<(), LogsError> {
    let class = Class::of_request(input.log_group_class.as_ref())?;
    let tags = input.tags.unwrap_or_default();
    check_name(&input.log_group_name)?;
    tags::check_keys(tags.keys())?;
    if let Some(key) = input.kms_key_id {
        // AWS: the key must exist and be enabled; this server keeps no keys, so none does.
        return Err(LogsError::invalid(format!("The specified KMS key does not exist: {key}")));
    }
    let group = |incarnation| LogGroup {
        incarnation,
        creation_time: cx.now,
        class,
        retention: None,
        deletion_protection: input.deletion_protection_enabled.unwrap_or(false),
        tags,
    };
    cx.service.create_group(cx.scope(), &input.log_group_name, group).await
}

fn check_name(name: &str) -> Result<(), LogsError> {
    // AWS: API_CreateLogGroup.html, "Log group names can't start with the string aws/".
    if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws/")) {
        return Err(LogsError::invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    Ok(())
}
