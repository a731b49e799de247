//! Delivery destinations and their policies: put, get, describe, delete.

use base::Scope;
use catalog::UpdateError;
use shapes::logs::{
    DeleteDeliveryDestinationPolicyRequest, DeleteDeliveryDestinationRequest, DeliveryDestination as Shape,
    DeliveryDestinationConfiguration, DeliveryDestinationType, DescribeDeliveryDestinationsRequest,
    DescribeDeliveryDestinationsResponse, GetDeliveryDestinationPolicyRequest,
    GetDeliveryDestinationPolicyResponse, GetDeliveryDestinationRequest, GetDeliveryDestinationResponse,
    OutputFormat, Policy, PutDeliveryDestinationPolicyRequest, PutDeliveryDestinationPolicyResponse,
    PutDeliveryDestinationRequest, PutDeliveryDestinationResponse,
};
use smithy::Cx;

use super::describe_limit;
use super::paging::{as_validation, named_page};
use crate::Logs;
use crate::delivery::{
    DeliveryDestination, DestinationKind, all_of, destination_arn, destination_missing, key, service_of_arn,
};
use crate::error::LogsError;
use crate::group::tags;

/// PutDeliveryDestination.
pub(super) async fn put_delivery_destination(
    cx: Cx<Logs>,
    input: PutDeliveryDestinationRequest,
) -> Result<PutDeliveryDestinationResponse, LogsError> {
    let (deliveries, scope) = (&cx.service.deliveries, cx.scope());
    let resource_arn = input.delivery_destination_configuration.map(|c| c.destination_resource_arn);
    let kind = kind(resource_arn.as_deref(), input.delivery_destination_type.as_ref())?;
    let output_format = input.output_format.map(|format| format.as_str().to_owned());
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys()).map_err(as_validation)?;
    let _changing = deliveries.gate.lock().await;
    let record_key = key(scope, &input.name);
    let before = deliveries.destinations.get(&record_key);
    if let Some(before) = &before
        && output_format.is_some()
        && before.output_format != output_format
    {
        return Err(LogsError::Validation(
            "The output format of an existing Delivery Destination cannot be changed.".into(),
        ));
    }
    let destination = DeliveryDestination {
        kind,
        resource_arn,
        output_format: output_format.or(before.as_ref().and_then(|b| b.output_format.clone())),
        role_arn: input.role_arn,
        policy: before.as_ref().and_then(|before| before.policy.clone()),
        tags: before.as_ref().map_or(given_tags, |before| before.tags.clone()),
    };
    let transaction = cx.service.catalog.transaction();
    let collection = &deliveries.destinations;
    let transaction = match before {
        Some(before) => transaction.update(collection, record_key, before.version, destination.clone()),
        None => transaction.insert(collection, record_key, destination.clone()),
    };
    transaction.commit().await.map_err(super::deliveries::conflict)?;
    let delivery_destination = Some(shape(scope, &input.name, &destination));
    Ok(PutDeliveryDestinationResponse { delivery_destination })
}

/// By the resource's ARN; only X-Ray needs none.
fn kind(
    resource_arn: Option<&str>,
    given: Option<&DeliveryDestinationType>,
) -> Result<DestinationKind, LogsError> {
    let by_arn = match resource_arn.map(|arn| (arn, service_of_arn(arn))) {
        None => None,
        Some((_, Some("s3"))) => Some(DestinationKind::S3),
        Some((_, Some("logs"))) => Some(DestinationKind::Cwl),
        Some((_, Some("firehose"))) => Some(DestinationKind::Fh),
        Some((arn, _)) => {
            return Err(LogsError::Validation(format!("Invalid destinationResourceArn: {arn}").into()));
        }
    };
    let wanted = given.map(|kind| match kind {
        DeliveryDestinationType::S3 => Ok(DestinationKind::S3),
        DeliveryDestinationType::Cwl => Ok(DestinationKind::Cwl),
        DeliveryDestinationType::Fh => Ok(DestinationKind::Fh),
        DeliveryDestinationType::Xray => Ok(DestinationKind::Xray),
        DeliveryDestinationType::Unknown(other) => {
            Err(LogsError::Validation(format!("Invalid deliveryDestinationType: {other}").into()))
        }
    });
    match (by_arn, wanted.transpose()?) {
        (Some(kind), None) => Ok(kind),
        (None, Some(DestinationKind::Xray)) => Ok(DestinationKind::Xray),
        (Some(kind), Some(wanted)) if kind == wanted => Ok(kind),
        (Some(_), Some(_)) => Err(LogsError::Validation(
            "deliveryDestinationType does not fit the destinationResourceArn.".into(),
        )),
        (None, _) => Err(LogsError::Validation("deliveryDestinationConfiguration is required.".into())),
    }
}

/// GetDeliveryDestination.
pub(super) async fn get_delivery_destination(
    cx: Cx<Logs>,
    input: GetDeliveryDestinationRequest,
) -> Result<GetDeliveryDestinationResponse, LogsError> {
    let found = cx.service.deliveries.destinations.get(&key(cx.scope(), &input.name));
    let found = found.ok_or_else(destination_missing)?;
    let delivery_destination = Some(shape(cx.scope(), &input.name, &found));
    Ok(GetDeliveryDestinationResponse { delivery_destination })
}

/// DescribeDeliveryDestinations: in order of their names.
pub(super) async fn describe_delivery_destinations(
    cx: Cx<Logs>,
    input: DescribeDeliveryDestinationsRequest,
) -> Result<DescribeDeliveryDestinationsResponse, LogsError> {
    let scope = cx.scope();
    let wanted = input.names.unwrap_or_default();
    let purpose = format!("DescribeDeliveryDestinations|{scope}|{}", wanted.join(","));
    let (page, next_token) = named_page(
        &cx.service.deliveries.destinations,
        &all_of(scope),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.limit),
        |name| key(scope, name),
    )
    .map_err(as_validation)?;
    let shown = page.iter().filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
    let delivery_destinations = Some(shown.map(|(name, found)| shape(scope, name, found)).collect());
    Ok(DescribeDeliveryDestinationsResponse { delivery_destinations, next_token })
}

/// DeleteDeliveryDestination.
pub(super) async fn delete_delivery_destination(
    cx: Cx<Logs>,
    input: DeleteDeliveryDestinationRequest,
) -> Result<(), LogsError> {
    let (deliveries, scope) = (&cx.service.deliveries, cx.scope());
    let _changing = deliveries.gate.lock().await;
    let record_key = key(scope, &input.name);
    let found = deliveries.destinations.get(&record_key).ok_or_else(destination_missing)?;
    if deliveries.any(scope, |delivery| delivery.destination == input.name) {
        return Err(LogsError::Conflict(
            "This Delivery Destination is used by a Delivery and cannot be deleted.".into(),
        ));
    }
    deliveries.destinations.delete(record_key, found.version).await.map_err(super::deliveries::conflict)
}

/// PutDeliveryDestinationPolicy.
pub(super) async fn put_delivery_destination_policy(
    cx: Cx<Logs>,
    input: PutDeliveryDestinationPolicyRequest,
) -> Result<PutDeliveryDestinationPolicyResponse, LogsError> {
    let text = input.delivery_destination_policy;
    let document: Result<serde_json::Value, _> = serde_json::from_str(&text);
    if !document.is_ok_and(|document| document.is_object()) {
        return Err(LogsError::Validation(
            "Invalid deliveryDestinationPolicy: it must be a JSON object.".into(),
        ));
    }
    set_policy(&cx, &input.delivery_destination_name, Some(text.clone())).await?;
    let policy = Some(Policy { delivery_destination_policy: Some(text) });
    Ok(PutDeliveryDestinationPolicyResponse { policy })
}

/// GetDeliveryDestinationPolicy: without text where there is none.
pub(super) async fn get_delivery_destination_policy(
    cx: Cx<Logs>,
    input: GetDeliveryDestinationPolicyRequest,
) -> Result<GetDeliveryDestinationPolicyResponse, LogsError> {
    let record_key = key(cx.scope(), &input.delivery_destination_name);
    let found = cx.service.deliveries.destinations.get(&record_key).ok_or_else(destination_missing)?;
    let policy = Some(Policy { delivery_destination_policy: found.policy.clone() });
    Ok(GetDeliveryDestinationPolicyResponse { policy })
}

/// DeleteDeliveryDestinationPolicy.
pub(super) async fn delete_delivery_destination_policy(
    cx: Cx<Logs>,
    input: DeleteDeliveryDestinationPolicyRequest,
) -> Result<(), LogsError> {
    set_policy(&cx, &input.delivery_destination_name, None).await
}

async fn set_policy(cx: &Cx<Logs>, name: &str, policy: Option<String>) -> Result<(), LogsError> {
    let change = |destination: &mut DeliveryDestination| {
        destination.policy.clone_from(&policy);
        Ok::<(), LogsError>(())
    };
    match cx.service.deliveries.destinations.update(&key(cx.scope(), name), change).await {
        Ok(_) => Ok(()),
        Err(UpdateError::Missing) => Err(destination_missing()),
        Err(error) => Err(error.into()),
    }
}

fn shape(scope: &Scope, name: &str, destination: &DeliveryDestination) -> Shape {
    let resource_arn = destination.resource_arn.clone();
    Shape {
        name: Some(name.to_owned()),
        arn: Some(destination_arn(scope, name)),
        delivery_destination_type: Some(kind_shape(destination.kind)),
        output_format: destination.output_format.as_deref().map(format_shape),
        delivery_destination_configuration: resource_arn
            .map(|destination_resource_arn| DeliveryDestinationConfiguration { destination_resource_arn }),
        role_arn: destination.role_arn.clone(),
        tags: Some(destination.tags.clone()).filter(|tags| !tags.is_empty()),
    }
}

fn format_shape(name: &str) -> OutputFormat {
    match name {
        "json" => OutputFormat::Json,
        "plain" => OutputFormat::Plain,
        "w3c" => OutputFormat::W3c,
        "raw" => OutputFormat::Raw,
        "parquet" => OutputFormat::Parquet,
        other => OutputFormat::Unknown(other.to_owned()),
    }
}

pub(super) fn kind_shape(kind: DestinationKind) -> DeliveryDestinationType {
    match kind {
        DestinationKind::S3 => DeliveryDestinationType::S3,
        DestinationKind::Cwl => DeliveryDestinationType::Cwl,
        DestinationKind::Fh => DeliveryDestinationType::Fh,
        DestinationKind::Xray => DeliveryDestinationType::Xray,
    }
}
