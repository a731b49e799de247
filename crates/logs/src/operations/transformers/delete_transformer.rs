//! DeleteTransformer: what was transformed stays transformed.

use catalog::UpdateError;
use shapes::logs::DeleteTransformerRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::identifier::from_identifier;
use crate::transformer::{Transformation, transformation_key};

pub(in crate::operations) async fn delete_transformer(
    cx: Cx<Logs>,
    input: DeleteTransformerRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let name = from_identifier(scope, &input.log_group_identifier, "logGroupIdentifier")?;
    let _changing = logs.locks.deleting(scope, &name).await;
    let group = logs.group(scope, &name)?;
    let accepted = logs.events.last_sequence(&group.store_key());
    let end = |record: &mut Transformation| {
        if record.current.is_none() {
            return Err(missing());
        }
        record.end(accepted);
        Ok(())
    };
    match logs.transformations.update(&transformation_key(scope, &name), end).await {
        Ok(_) => {
            logs.rules.forget(&group.store_key());
            Ok(())
        }
        Err(UpdateError::Missing) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn missing() -> LogsError {
    LogsError::NotFound("The specified log group has no transformer.".into())
}
