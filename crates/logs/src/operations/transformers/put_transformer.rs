//! PutTransformer: events ingested from now on are transformed.

use catalog::CommitError;
use shapes::logs::PutTransformerRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, group_key};
use crate::identifier::from_identifier;
use crate::transformer::{Transformation, Transformer, config, transformation_key};

pub(in crate::operations) async fn put_transformer(
    cx: Cx<Logs>,
    input: PutTransformerRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let name = from_identifier(scope, &input.log_group_identifier, "logGroupIdentifier")?;
    let steps = config::of_request(input.transformer_config)?;
    Transformer::compile(&steps)?;
    // Nothing is ingested meanwhile: which events are transformed is known to the event.
    let _changing = logs.locks.deleting(scope, &name).await;
    let key = transformation_key(scope, &name);
    loop {
        let group = logs.group(scope, &name)?;
        if group.record.class != Class::Standard {
            return Err(LogsError::InvalidOperation(
                "Transformers are only supported for log groups of the STANDARD class.".into(),
            ));
        }
        let accepted = logs.events.last_sequence(&group.store_key());
        let earlier = logs.transformations.get(&key);
        let mut record = match &earlier {
            Some(earlier) => Transformation::clone(earlier),
            None => Transformation {
                incarnation: logs.catalog.next_id("log_group_incarnation").await?,
                current: None,
                stretches: Vec::new(),
            },
        };
        let creation_time = record.current.as_ref().map_or(cx.now, |current| current.creation_time);
        record.end(accepted);
        record.current = Some(crate::transformer::Current {
            creation_time,
            last_modified_time: cx.now,
            steps: steps.clone(),
            accepted_before: accepted,
        });
        let group_version = group.record.version;
        let transaction =
            logs.catalog.transaction().require(&logs.groups, group_key(scope, &name), group_version);
        let transaction = match earlier {
            Some(earlier) => transaction.update(&logs.transformations, key.clone(), earlier.version, record),
            None => transaction.insert(&logs.transformations, key.clone(), record),
        };
        match transaction.commit().await {
            Ok(_) => {
                logs.rules.forget(&group.store_key());
                return Ok(());
            }
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // The group changed meanwhile: look again.
            Err(_) => {}
        }
    }
}
