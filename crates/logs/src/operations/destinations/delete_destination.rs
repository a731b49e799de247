//! DeleteDestination: subscriptions that lead to it fail from then on, visibly, until there is one again.

use catalog::CommitError;
use shapes::logs::DeleteDestinationRequest;
use smithy::Cx;

use crate::Logs;
use crate::destination::destination_key;
use crate::error::LogsError;

pub(in crate::operations) async fn delete_destination(
    cx: Cx<Logs>,
    input: DeleteDestinationRequest,
) -> Result<(), LogsError> {
    let key = destination_key(cx.scope(), &input.destination_name);
    let destinations = &cx.service.destinations.0;
    loop {
        let missing = || LogsError::NotFound("The specified destination does not exist.".into());
        let version = destinations.get(&key).ok_or_else(missing)?.version;
        match destinations.delete(key.clone(), version).await {
            Ok(()) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}
