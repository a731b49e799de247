//! Deliveries of vended logs: what is put is kept and shown.

use super::*;
use crate::operations::{deliveries, delivery_destinations, delivery_sources};

fn source(name: &str) -> PutDeliverySourceRequest {
    PutDeliverySourceRequest {
        name: name.to_owned(),
        resource_arn: "arn:aws:cloudfront::123456789012:distribution/E1".to_owned(),
        log_type: "ACCESS_LOGS".to_owned(),
        ..Default::default()
    }
}

fn destination(name: &str, arn: &str) -> PutDeliveryDestinationRequest {
    PutDeliveryDestinationRequest {
        name: name.to_owned(),
        delivery_destination_configuration: Some(DeliveryDestinationConfiguration {
            destination_resource_arn: arn.to_owned(),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn sources_and_destinations_are_paired() {
    let f = Fixture::new().await;
    let made = delivery_sources::put_delivery_source(f.cx(), source("s")).await.unwrap();
    let made = made.delivery_source.unwrap();
    assert_eq!(made.arn.as_deref(), Some("arn:aws:logs:us-east-1:123456789012:delivery-source:s"));
    assert_eq!((made.service.as_deref(), made.tags), (Some("cloudfront"), None));
    let moved = PutDeliverySourceRequest { resource_arn: "arn:aws:s3:::b".to_owned(), ..source("s") };
    assert_eq!(told(delivery_sources::put_delivery_source(f.cx(), moved).await).0, "ConflictException");
    let bad = PutDeliverySourceRequest { resource_arn: "nothing".to_owned(), ..source("x") };
    let bad = told(delivery_sources::put_delivery_source(f.cx(), bad).await);
    assert_eq!(bad, ("ResourceNotFoundException", "Cannot access provided service.".to_owned()));

    let put = |input| delivery_destinations::put_delivery_destination(f.cx(), input);
    let made = put(destination("d", "arn:aws:s3:::b")).await.unwrap().delivery_destination.unwrap();
    assert_eq!(
        (made.delivery_destination_type, made.output_format),
        (Some(DeliveryDestinationType::S3), None)
    );
    let format = PutDeliveryDestinationRequest {
        output_format: Some(OutputFormat::Json),
        ..destination("d", "arn:aws:s3:::b")
    };
    assert_eq!(told(put(format).await).0, "ValidationException");
    assert_eq!(told(put(destination("x", "arn:aws:sqs:::q")).await).0, "ValidationException");
    let nothing = PutDeliveryDestinationRequest { name: "x".to_owned(), ..Default::default() };
    assert_eq!(told(put(nothing).await).0, "ValidationException");

    let create = CreateDeliveryRequest {
        delivery_source_name: "s".to_owned(),
        delivery_destination_arn: made.arn.clone().unwrap(),
        ..Default::default()
    };
    let delivery = deliveries::create_delivery(f.cx(), create.clone()).await.unwrap().delivery.unwrap();
    let id = delivery.id.clone().unwrap();
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
    let s3 = delivery.s3_delivery_configuration.unwrap();
    assert_eq!(s3.suffix_path.as_deref(), Some("AWSLogs/{account-id}/CloudFront/"));
    assert_eq!(s3.enable_hive_compatible_path, Some(false));
    assert_eq!(told(deliveries::create_delivery(f.cx(), create.clone()).await).0, "ConflictException");
    let unknown = CreateDeliveryRequest { delivery_source_name: "x".to_owned(), ..create };
    let text = "Requested Delivery Source does not exist in this account.".to_owned();
    assert_eq!(told(deliveries::create_delivery(f.cx(), unknown).await), ("ResourceNotFoundException", text));

    let f = f.restart().await;
    let update = UpdateDeliveryConfigurationRequest {
        id: id.clone(),
        record_fields: Some(vec!["date".to_owned()]),
        s3_delivery_configuration: Some(S3DeliveryConfiguration {
            suffix_path: Some("x/".to_owned()),
            enable_hive_compatible_path: None,
        }),
        ..Default::default()
    };
    deliveries::update_delivery_configuration(f.cx(), update).await.unwrap();
    let get = GetDeliveryRequest { id: id.clone() };
    let found = deliveries::get_delivery(f.cx(), get.clone()).await.unwrap().delivery.unwrap();
    assert_eq!(found.s3_delivery_configuration.unwrap().suffix_path.as_deref(), Some("x/"));
    assert_eq!(found.record_fields, Some(vec!["date".to_owned()]));
    let listed = deliveries::describe_deliveries(f.cx(), DescribeDeliveriesRequest::default()).await.unwrap();
    assert_eq!(listed.deliveries.unwrap().len(), 1);

    let drop_source = DeleteDeliverySourceRequest { name: "s".to_owned() };
    let drop_destination = DeleteDeliveryDestinationRequest { name: "d".to_owned() };
    let used = delivery_sources::delete_delivery_source(f.cx(), drop_source.clone()).await;
    assert_eq!(told(used).0, "ConflictException");
    let used = delivery_destinations::delete_delivery_destination(f.cx(), drop_destination.clone()).await;
    assert_eq!(told(used).0, "ConflictException");
    deliveries::delete_delivery(f.cx(), DeleteDeliveryRequest { id }).await.unwrap();
    assert_eq!(told(deliveries::get_delivery(f.cx(), get).await).0, "ResourceNotFoundException");
    delivery_sources::delete_delivery_source(f.cx(), drop_source).await.unwrap();
    delivery_destinations::delete_delivery_destination(f.cx(), drop_destination).await.unwrap();
}

#[tokio::test]
async fn policies_of_destinations_are_texts() {
    let f = Fixture::new().await;
    let policy = |name: &str, text: &str| PutDeliveryDestinationPolicyRequest {
        delivery_destination_name: name.to_owned(),
        delivery_destination_policy: text.to_owned(),
    };
    let put = |input| delivery_destinations::put_delivery_destination_policy(f.cx(), input);
    assert_eq!(told(put(policy("d", "{}")).await).0, "ResourceNotFoundException");
    let group = destination("d", "arn:aws:logs:us-east-1:123456789012:log-group:g");
    delivery_destinations::put_delivery_destination(f.cx(), group).await.unwrap();
    assert_eq!(told(put(policy("d", "text")).await).0, "ValidationException");
    put(policy("d", "{\"a\": 1}")).await.unwrap();
    let get = GetDeliveryDestinationPolicyRequest { delivery_destination_name: "d".to_owned() };
    let found = delivery_destinations::get_delivery_destination_policy(f.cx(), get.clone()).await.unwrap();
    assert_eq!(found.policy.unwrap().delivery_destination_policy.as_deref(), Some("{\"a\": 1}"));
    let delete = DeleteDeliveryDestinationPolicyRequest { delivery_destination_name: "d".to_owned() };
    delivery_destinations::delete_delivery_destination_policy(f.cx(), delete).await.unwrap();
    let found = delivery_destinations::get_delivery_destination_policy(f.cx(), get).await.unwrap();
    assert_eq!(found.policy.unwrap().delivery_destination_policy, None);
}

#[tokio::test]
async fn resources_have_tags_by_arn() {
    let f = Fixture::new().await;
    let tagged = |key: &str| std::collections::BTreeMap::from([(key.to_owned(), "v".to_owned())]);
    let with_tags = PutDeliverySourceRequest { tags: Some(tagged("a")), ..source("s") };
    let made = delivery_sources::put_delivery_source(f.cx(), with_tags).await.unwrap();
    let arn = made.delivery_source.unwrap().arn.unwrap();
    let add = TagResourceRequest { resource_arn: arn.clone(), tags: tagged("b") };
    tags::tag_resource(f.cx(), add).await.unwrap();
    let remove = UntagResourceRequest { resource_arn: arn.clone(), tag_keys: vec!["a".to_owned()] };
    tags::untag_resource(f.cx(), remove).await.unwrap();
    let list = |resource_arn: String| ListTagsForResourceRequest { resource_arn };
    let found = tags::list_tags_for_resource(f.cx(), list(arn.clone())).await.unwrap();
    assert_eq!(found.tags, Some(tagged("b")));
    let elsewhere = tags::list_tags_for_resource(f.cx(), list(arn.replace("us-east-1", "eu-west-1"))).await;
    assert_eq!(told(elsewhere).0, "ResourceNotFoundException");
    for kind in ["destination", "anomaly-detector", "scheduled-query", "lookup-table", "delivery"] {
        let missing = format!("arn:aws:logs:us-east-1:123456789012:{kind}:none");
        let missing = tags::list_tags_for_resource(f.cx(), list(missing)).await;
        assert_eq!(told(missing).0, "ResourceNotFoundException", "{kind}");
    }
}
