//! PutTransformer: events ingested from now on are transformed.

use shapes::logs::PutTransformerRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::Class;
use crate::identifier::from_identifier;
use crate::transformer::{OwnChange, Transformer, config};

pub(in crate::operations) async fn put_transformer(
    cx: Cx<Logs>,
    input: PutTransformerRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let name = from_identifier(scope, &input.log_group_identifier, "logGroupIdentifier")?;
    let steps = config::of_request(input.transformer_config)?;
    Transformer::compile(&steps)?;
    if logs.group(scope, &name)?.record.class != Class::Standard {
        return Err(LogsError::InvalidOperation(
            "Transformers are only supported for log groups of the STANDARD class.".into(),
        ));
    }
    logs.settle_transformer(scope, &name, &OwnChange::Put(steps), cx.now).await
}
