//! Deliveries: create, get, describe, update, delete.

use base::{Entropy, Scope};
use catalog::{CommitError, UpdateError};
use shapes::logs::{
    CreateDeliveryRequest, CreateDeliveryResponse, DeleteDeliveryRequest, Delivery as Shape,
    DescribeDeliveriesRequest, DescribeDeliveriesResponse, GetDeliveryRequest, GetDeliveryResponse,
    S3DeliveryConfiguration, UpdateDeliveryConfigurationRequest, UpdateDeliveryConfigurationResponse,
};
use smithy::Cx;

use super::delivery_destinations::kind_shape;
use super::describe_limit;
use super::paging::{as_validation, named_page};
use crate::Logs;
use crate::delivery::{
    Delivery, DestinationKind, all_of, default_suffix_path, delivery_arn, delivery_missing, destination_arn,
    destination_missing, key, service_of_arn, source_missing,
};
use crate::error::LogsError;
use crate::group::tags;

const ID_CHARACTERS: usize = 16;

/// CreateDelivery: pairs a source and a destination.
pub(super) async fn create_delivery(
    cx: Cx<Logs>,
    input: CreateDeliveryRequest,
) -> Result<CreateDeliveryResponse, LogsError> {
    let (deliveries, scope) = (&cx.service.deliveries, cx.scope());
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys()).map_err(as_validation)?;
    let _changing = deliveries.gate.lock().await;
    let source_name = input.delivery_source_name;
    let source = deliveries.sources.get(&key(scope, &source_name)).ok_or_else(source_missing)?;
    let own = destination_arn(scope, "");
    let name = input.delivery_destination_arn.strip_prefix(&own).ok_or_else(destination_missing)?;
    let destination = deliveries.destinations.get(&key(scope, name)).ok_or_else(destination_missing)?;
    if deliveries.any(scope, |d| d.source == source_name && d.destination == name) {
        return Err(LogsError::Conflict(
            "A Delivery between this Delivery Source and Delivery Destination already exists.".into(),
        ));
    }
    let mut delivery = Delivery {
        source: source_name,
        destination: name.to_owned(),
        kind: destination.kind,
        record_fields: input.record_fields,
        field_delimiter: input.field_delimiter,
        suffix_path: None,
        hive_compatible: None,
        created: cx.now,
        tags: given_tags,
    };
    if destination.kind == DestinationKind::S3 {
        let service = service_of_arn(&source.resource_arn).unwrap_or_default();
        delivery.suffix_path = Some(default_suffix_path(service));
        delivery.hive_compatible = Some(false);
    }
    configure(&mut delivery, input.s3_delivery_configuration)?;
    let id = delivery_id(cx.service.entropy.as_ref());
    deliveries.deliveries.insert(key(scope, &id), delivery.clone()).await.map_err(conflict)?;
    Ok(CreateDeliveryResponse { delivery: Some(shape(scope, &id, &delivery)) })
}

fn configure(delivery: &mut Delivery, given: Option<S3DeliveryConfiguration>) -> Result<(), LogsError> {
    let Some(given) = given else { return Ok(()) };
    if delivery.kind != DestinationKind::S3 {
        return Err(LogsError::Validation(
            "s3DeliveryConfiguration is only valid for Delivery Destinations of type S3.".into(),
        ));
    }
    delivery.suffix_path = given.suffix_path.or(delivery.suffix_path.take());
    delivery.hive_compatible = given.enable_hive_compatible_path.or(delivery.hive_compatible);
    Ok(())
}

fn delivery_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; ID_CHARACTERS];
    entropy.fill(&mut bytes);
    let letters = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    bytes.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect()
}

/// GetDelivery.
pub(super) async fn get_delivery(
    cx: Cx<Logs>,
    input: GetDeliveryRequest,
) -> Result<GetDeliveryResponse, LogsError> {
    let found = cx.service.deliveries.deliveries.get(&key(cx.scope(), &input.id));
    let found = found.ok_or_else(delivery_missing)?;
    Ok(GetDeliveryResponse { delivery: Some(shape(cx.scope(), &input.id, &found)) })
}

/// DescribeDeliveries: in order of their ids.
pub(super) async fn describe_deliveries(
    cx: Cx<Logs>,
    input: DescribeDeliveriesRequest,
) -> Result<DescribeDeliveriesResponse, LogsError> {
    let scope = cx.scope();
    let wanted = input.delivery_source_names.unwrap_or_default();
    let purpose = format!("DescribeDeliveries|{scope}|{}", wanted.join(","));
    let (page, next_token) = named_page(
        &cx.service.deliveries.deliveries,
        &all_of(scope),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.limit),
        |id| key(scope, id),
    )
    .map_err(as_validation)?;
    let shown = page.iter().filter(|(_, d)| wanted.is_empty() || wanted.contains(&d.source));
    let deliveries = Some(shown.map(|(id, delivery)| shape(scope, id, delivery)).collect());
    Ok(DescribeDeliveriesResponse { deliveries, next_token })
}

/// UpdateDeliveryConfiguration: changes what is given.
pub(super) async fn update_delivery_configuration(
    cx: Cx<Logs>,
    input: UpdateDeliveryConfigurationRequest,
) -> Result<UpdateDeliveryConfigurationResponse, LogsError> {
    let change = |delivery: &mut Delivery| {
        let UpdateDeliveryConfigurationRequest { record_fields, field_delimiter, .. } = input.clone();
        delivery.record_fields = record_fields.or(delivery.record_fields.take());
        delivery.field_delimiter = field_delimiter.or(delivery.field_delimiter.take());
        configure(delivery, input.s3_delivery_configuration.clone())
    };
    match cx.service.deliveries.deliveries.update(&key(cx.scope(), &input.id), change).await {
        Ok(_) => Ok(UpdateDeliveryConfigurationResponse {}),
        Err(UpdateError::Missing) => Err(delivery_missing()),
        Err(error) => Err(error.into()),
    }
}

/// DeleteDelivery.
pub(super) async fn delete_delivery(cx: Cx<Logs>, input: DeleteDeliveryRequest) -> Result<(), LogsError> {
    let deliveries = &cx.service.deliveries;
    let _changing = deliveries.gate.lock().await;
    let record_key = key(cx.scope(), &input.id);
    let found = deliveries.deliveries.get(&record_key).ok_or_else(delivery_missing)?;
    deliveries.deliveries.delete(record_key, found.version).await.map_err(conflict)
}

/// Another change was faster.
pub(super) fn conflict(error: CommitError) -> LogsError {
    match error {
        CommitError::Failed(error) => error.into(),
        _ => LogsError::Conflict("The resource was changed by another request.".into()),
    }
}

fn shape(scope: &Scope, id: &str, delivery: &Delivery) -> Shape {
    let s3 = S3DeliveryConfiguration {
        suffix_path: delivery.suffix_path.clone(),
        enable_hive_compatible_path: delivery.hive_compatible,
    };
    Shape {
        id: Some(id.to_owned()),
        arn: Some(delivery_arn(scope, id)),
        delivery_source_name: Some(delivery.source.clone()),
        delivery_destination_arn: Some(destination_arn(scope, &delivery.destination)),
        delivery_destination_type: Some(kind_shape(delivery.kind)),
        record_fields: delivery.record_fields.clone(),
        field_delimiter: delivery.field_delimiter.clone(),
        s3_delivery_configuration: (delivery.kind == DestinationKind::S3).then_some(s3),
        tags: Some(delivery.tags.clone()).filter(|tags| !tags.is_empty()),
    }
}
