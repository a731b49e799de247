//! PutDestinationPolicy: which accounts may subscribe to a destination.

use catalog::UpdateError;
use shapes::logs::PutDestinationPolicyRequest;
use smithy::Cx;

use crate::Logs;
use crate::destination::{Destination, destination_key};
use crate::error::LogsError;

const POLICY_BYTES_MAX: usize = 5120;

pub(in crate::operations) async fn put_destination_policy(
    cx: Cx<Logs>,
    input: PutDestinationPolicyRequest,
) -> Result<(), LogsError> {
    let policy = input.access_policy;
    let document: Result<serde_json::Value, _> = serde_json::from_str(&policy);
    if policy.len() > POLICY_BYTES_MAX || !document.is_ok_and(|document| document.is_object()) {
        return Err(LogsError::invalid(
            "Invalid accessPolicy: it must be a JSON object of at most 5120 bytes.",
        ));
    }
    let change = |destination: &mut Destination| {
        destination.access_policy = Some(policy.clone());
        Ok::<(), LogsError>(())
    };
    let key = destination_key(cx.scope(), &input.destination_name);
    match cx.service.destinations.0.update(&key, change).await {
        Ok(_) => Ok(()),
        // AWS: the operation lists no ResourceNotFoundException.
        Err(UpdateError::Missing) => Err(LogsError::invalid("The specified destination does not exist.")),
        Err(error) => Err(error.into()),
    }
}
