//! PutRetentionPolicy: how many days a log group keeps its events.

use shapes::logs::PutRetentionPolicyRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::retention::RetentionDays;
use crate::group::{Class, group_key};

pub(in crate::operations) async fn put_retention_policy(
    cx: Cx<Logs>,
    input: PutRetentionPolicyRequest,
) -> Result<(), LogsError> {
    let days = RetentionDays::try_from(input.retention_in_days)?;
    let key = group_key(cx.scope(), &input.log_group_name);
    let set = |group: &mut crate::group::LogGroup| {
        if group.class == Class::Delivery {
            return Err(LogsError::invalid(
                "The retention of a log group of the DELIVERY class cannot be changed.",
            ));
        }
        group.retention = Some(days);
        Ok(())
    };
    cx.service.groups.update(&key, set).await?;
    Ok(())
}
