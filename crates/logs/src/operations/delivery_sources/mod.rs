//! Delivery sources: put, get, describe, delete.

use base::Scope;
use shapes::logs::{
    DeleteDeliverySourceRequest, DeliverySource as Shape, DescribeDeliverySourcesRequest,
    DescribeDeliverySourcesResponse, GetDeliverySourceRequest, GetDeliverySourceResponse,
    PutDeliverySourceRequest, PutDeliverySourceResponse,
};
use smithy::Cx;

use super::describe_limit;
use super::paging::{as_validation, named_page};
use crate::Logs;
use crate::delivery::{DeliverySource, all_of, key, service_of_arn, source_arn, source_missing};
use crate::error::LogsError;
use crate::group::tags;

/// PutDeliverySource.
pub(super) async fn put_delivery_source(
    cx: Cx<Logs>,
    input: PutDeliverySourceRequest,
) -> Result<PutDeliverySourceResponse, LogsError> {
    let (deliveries, scope) = (&cx.service.deliveries, cx.scope());
    if service_of_arn(&input.resource_arn).is_none() {
        return Err(LogsError::NotFound("Cannot access provided service.".into()));
    }
    let given_tags = input.tags.unwrap_or_default();
    tags::check_keys(given_tags.keys()).map_err(as_validation)?;
    let _changing = deliveries.gate.lock().await;
    let record_key = key(scope, &input.name);
    let before = deliveries.sources.get(&record_key);
    if before.as_ref().is_some_and(|before| before.resource_arn != input.resource_arn) {
        return Err(LogsError::Conflict(
            "The resource of an existing Delivery Source cannot be changed.".into(),
        ));
    }
    let source = DeliverySource {
        resource_arn: input.resource_arn,
        log_type: input.log_type,
        configuration: input.delivery_source_configuration,
        tags: before.as_ref().map_or(given_tags, |before| before.tags.clone()),
    };
    let transaction = cx.service.catalog.transaction();
    let transaction = match before {
        Some(before) => transaction.update(&deliveries.sources, record_key, before.version, source.clone()),
        None => transaction.insert(&deliveries.sources, record_key, source.clone()),
    };
    transaction.commit().await.map_err(super::deliveries::conflict)?;
    Ok(PutDeliverySourceResponse { delivery_source: Some(shape(scope, &input.name, &source)) })
}

/// GetDeliverySource.
pub(super) async fn get_delivery_source(
    cx: Cx<Logs>,
    input: GetDeliverySourceRequest,
) -> Result<GetDeliverySourceResponse, LogsError> {
    let source =
        cx.service.deliveries.sources.get(&key(cx.scope(), &input.name)).ok_or_else(source_missing)?;
    Ok(GetDeliverySourceResponse { delivery_source: Some(shape(cx.scope(), &input.name, &source)) })
}

/// DescribeDeliverySources: in order of their names.
pub(super) async fn describe_delivery_sources(
    cx: Cx<Logs>,
    input: DescribeDeliverySourcesRequest,
) -> Result<DescribeDeliverySourcesResponse, LogsError> {
    let scope = cx.scope();
    let wanted = input.resource_arns.unwrap_or_default();
    let purpose = format!("DescribeDeliverySources|{scope}|{}", wanted.join(","));
    let (page, next_token) = named_page(
        &cx.service.deliveries.sources,
        &all_of(scope),
        &purpose,
        input.next_token.as_deref(),
        describe_limit(input.limit),
        |name| key(scope, name),
    )
    .map_err(as_validation)?;
    let shown = page.iter().filter(|(_, s)| wanted.is_empty() || wanted.contains(&s.resource_arn));
    let delivery_sources = Some(shown.map(|(name, source)| shape(scope, name, source)).collect());
    Ok(DescribeDeliverySourcesResponse { delivery_sources, next_token })
}

/// DeleteDeliverySource.
pub(super) async fn delete_delivery_source(
    cx: Cx<Logs>,
    input: DeleteDeliverySourceRequest,
) -> Result<(), LogsError> {
    let (deliveries, scope) = (&cx.service.deliveries, cx.scope());
    let _changing = deliveries.gate.lock().await;
    let record_key = key(scope, &input.name);
    let source = deliveries.sources.get(&record_key).ok_or_else(source_missing)?;
    if deliveries.any(scope, |delivery| delivery.source == input.name) {
        return Err(LogsError::Conflict(
            "This Delivery Source is used by a Delivery and cannot be deleted.".into(),
        ));
    }
    deliveries.sources.delete(record_key, source.version).await.map_err(super::deliveries::conflict)
}

fn shape(scope: &Scope, name: &str, source: &DeliverySource) -> Shape {
    Shape {
        name: Some(name.to_owned()),
        arn: Some(source_arn(scope, name)),
        resource_arns: Some(vec![source.resource_arn.clone()]),
        service: service_of_arn(&source.resource_arn).map(str::to_owned),
        log_type: Some(source.log_type.clone()),
        delivery_source_configuration: source.configuration.clone(),
        tags: Some(source.tags.clone()).filter(|tags| !tags.is_empty()),
        ..Shape::default()
    }
}
