//! PutDestination: creates a destination, or gives one another target.

use catalog::{CommitError, UpdateError};
use shapes::logs::{PutDestinationRequest, PutDestinationResponse};
use smithy::Cx;

use super::shape;
use crate::Logs;
use crate::destination::{Destination, destination_key};
use crate::error::LogsError;
use crate::group::tags;
use crate::subscription::target::TargetKind;

pub(in crate::operations) async fn put_destination(
    cx: Cx<Logs>,
    input: PutDestinationRequest,
) -> Result<PutDestinationResponse, LogsError> {
    let (logs, scope, name) = (&cx.service, cx.scope(), input.destination_name.as_str());
    match TargetKind::of_arn(&input.target_arn) {
        Some(TargetKind::DataStream | TargetKind::DeliveryStream | TargetKind::Function) => {}
        None => return Err(LogsError::invalid(format!("Invalid targetArn: {}", input.target_arn))),
    }
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys())?;
    let key = destination_key(scope, name);
    let destination = loop {
        // AWS: tags are given at creation only (API_PutDestination.html).
        let change = |destination: &mut Destination| {
            destination.target_arn.clone_from(&input.target_arn);
            destination.role_arn.clone_from(&input.role_arn);
            Ok::<(), LogsError>(())
        };
        match logs.destinations.0.update(&key, change).await {
            Ok(updated) => break updated,
            Err(UpdateError::Missing) => {}
            Err(error) => return Err(error.into()),
        }
        let new = Destination {
            target_arn: input.target_arn.clone(),
            role_arn: input.role_arn.clone(),
            access_policy: None,
            creation_time: cx.now,
            tags: given_tags.clone(),
        };
        match logs.destinations.0.insert(key.clone(), new).await {
            Ok(inserted) => break inserted,
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    };
    logs.subscriptions.changed();
    logs.wake(crate::tasks::SUBSCRIPTIONS);
    Ok(PutDestinationResponse { destination: Some(shape(scope, name, &destination)) })
}
