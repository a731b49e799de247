//! DeleteTransformer: what was transformed stays transformed. An account policy may take the transformer's place.

use shapes::logs::DeleteTransformerRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::identifier::from_identifier;
use crate::transformer::OwnChange;

pub(in crate::operations) async fn delete_transformer(
    cx: Cx<Logs>,
    input: DeleteTransformerRequest,
) -> Result<(), LogsError> {
    let name = from_identifier(cx.scope(), &input.log_group_identifier, "logGroupIdentifier")?;
    cx.service.settle_transformer(cx.scope(), &name, &OwnChange::Delete, cx.now).await
}
