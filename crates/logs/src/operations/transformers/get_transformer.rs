//! GetTransformer.

use shapes::logs::{GetTransformerRequest, GetTransformerResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::identifier::{from_identifier, group_arn};
use crate::transformer::{config, missing};

pub(in crate::operations) async fn get_transformer(
    cx: Cx<Logs>,
    input: GetTransformerRequest,
) -> Result<GetTransformerResponse, LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    cx.service.group(cx.scope(), &name)?;
    let record = cx.service.transformation(cx.scope(), &name).ok_or_else(missing)?;
    let own = record.current.as_ref().filter(|current| current.inherited.is_none());
    let current = own.ok_or_else(missing)?;
    Ok(GetTransformerResponse {
        creation_time: Some(current.creation_time.as_millis()),
        last_modified_time: Some(current.last_modified_time.as_millis()),
        log_group_identifier: Some(group_arn(cx.scope(), &name)),
        transformer_config: Some(config::shapes(&current.steps)),
    })
}
