//! Subscription filters, destinations and account policies: what they keep, and what reaches their targets.

use std::collections::BTreeSet;
use std::time::Duration;

use base::Clock as _;
use base::task::Task;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signals::{TargetCall, TargetError, TargetPayload};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::operations::{account_policies, destinations, subscription_filters};
use crate::subscription::payload::decompress;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
const FIREHOSE: &str = "arn:aws:firehose:us-east-1:123456789012:deliverystream/d";

fn filter(group: &str, name: &str, pattern: &str, destination: &str) -> PutSubscriptionFilterRequest {
    PutSubscriptionFilterRequest {
        log_group_name: group.to_owned(),
        filter_name: name.to_owned(),
        filter_pattern: pattern.to_owned(),
        destination_arn: destination.to_owned(),
        role_arn: (destination != FUNCTION).then(|| "arn:aws:iam::123456789012:role/r".to_owned()),
        ..Default::default()
    }
}

async fn put(f: &Fixture, input: PutSubscriptionFilterRequest) -> Result<(), LogsError> {
    subscription_filters::put_subscription_filter(f.cx(), input).await
}

async fn describe(f: &Fixture, group: &str) -> Vec<SubscriptionFilter> {
    let input = DescribeSubscriptionFiltersRequest { log_group_name: group.to_owned(), ..Default::default() };
    let found = subscription_filters::describe_subscription_filters(f.cx(), input).await.unwrap();
    assert_eq!(found.next_token, None);
    found.subscription_filters.unwrap()
}

fn task(f: &Fixture) -> Arc<dyn Task> {
    crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == crate::tasks::SUBSCRIPTIONS).unwrap()
}

async fn run(f: &Fixture) -> Result<u64, String> {
    let result = task(f).activate(&CancellationToken::new()).await;
    result.map(|activity| activity.changes).map_err(|error| error.to_string())
}

/// The documents that calls carry.
fn documents(calls: &[TargetCall]) -> Vec<serde_json::Value> {
    let document = |call: &TargetCall| match &call.payload {
        TargetPayload::Invocation(event) => {
            let event: serde_json::Value = serde_json::from_slice(event).unwrap();
            let data = STANDARD.decode(event["awslogs"]["data"].as_str().unwrap()).unwrap();
            vec![decompress(&data)]
        }
        TargetPayload::DeliveryStream(records) => records.iter().map(|r| decompress(r)).collect(),
        TargetPayload::DataStream(records) => records.iter().map(|(_, r)| decompress(r)).collect(),
    };
    calls.iter().flat_map(document).collect()
}

/// `stream: message message` of each document.
fn summary(f: &Fixture) -> Vec<String> {
    let one = |document: serde_json::Value| {
        let messages = document["logEvents"].as_array().unwrap().iter();
        let messages: Vec<_> = messages.map(|e| e["message"].as_str().unwrap().to_owned()).collect();
        format!("{}: {}", document["logStream"].as_str().unwrap(), messages.join(" "))
    };
    documents(&f.outside.take_calls()).into_iter().map(one).collect()
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "a").await;
    f.create_stream("g", "b").await;
    f
}

#[tokio::test]
async fn filters_are_kept_replaced_listed_and_deleted() {
    let f = fixture().await;
    put(&f, filter("g", "two", "ERROR", FUNCTION)).await.unwrap();
    put(&f, filter("g", "one", "", FUNCTION)).await.unwrap();
    let found = describe(&f, "g").await;
    assert_eq!(found.iter().map(|f| f.filter_name.as_deref().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(found[1].distribution, Some(Distribution::ByLogStream));
    assert_eq!(found[1].apply_on_transformed_logs, Some(false));
    assert_eq!(found[1].creation_time, Some(START));

    let third = told(put(&f, filter("g", "three", "", FUNCTION)).await);
    assert_eq!(third, ("LimitExceededException", "Resource limit exceeded.".to_owned()));
    put(&f, filter("g", "two", "WARN", FUNCTION)).await.unwrap();
    assert_eq!(describe(&f, "g").await[1].filter_pattern.as_deref(), Some("WARN"));

    let f = f.restart().await;
    assert_eq!(describe(&f, "g").await.len(), 2);
    let delete = |name: &str| DeleteSubscriptionFilterRequest {
        log_group_name: "g".to_owned(),
        filter_name: name.to_owned(),
    };
    subscription_filters::delete_subscription_filter(f.cx(), delete("one")).await.unwrap();
    let again = told(subscription_filters::delete_subscription_filter(f.cx(), delete("one")).await);
    let missing = "The specified subscription filter does not exist.".to_owned();
    assert_eq!(again, ("ResourceNotFoundException", missing));
    let paged = DescribeSubscriptionFiltersRequest {
        log_group_name: "g".to_owned(),
        filter_name_prefix: Some("x".to_owned()),
        ..Default::default()
    };
    let none = subscription_filters::describe_subscription_filters(f.cx(), paged).await.unwrap();
    assert_eq!(none.subscription_filters, Some(Vec::new()));

    let group = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
    log_groups::delete_log_group(f.cx(), group).await.unwrap();
    f.create_group("g").await;
    assert_eq!(describe(&f, "g").await, []);
    assert_eq!(f.logs.subscriptions.cursors.total(), 0);
}

#[tokio::test]
async fn what_cannot_be_a_filter_is_refused() {
    let f = fixture().await;
    let no_role = PutSubscriptionFilterRequest { role_arn: None, ..filter("g", "x", "", STREAM) };
    let text = "destinationArn for vendor kinesis cannot be used without roleArn".to_owned();
    assert_eq!(told(put(&f, no_role).await), ("InvalidParameterException", text));
    let missing = told(put(&f, filter("none", "x", "", FUNCTION)).await);
    assert_eq!(missing.0, "ResourceNotFoundException");
    for input in [
        filter("g", "x", "{ bad", FUNCTION),
        filter("g", "x", "", "arn:aws:sqs:us-east-1:123456789012:q"),
        filter("g", "x", "", "arn:aws:lambda:us-east-1:123456789012:function:unmapped"),
        filter("g", "x", "", "arn:aws:lambda:us-east-1:999999999999:function:f"),
        filter("g", "x", "", "arn:aws:logs:us-east-1:123456789012:destination:none"),
        PutSubscriptionFilterRequest {
            field_selection_criteria: Some("@message = \"x\"".to_owned()),
            ..filter("g", "x", "", FUNCTION)
        },
        PutSubscriptionFilterRequest {
            emit_system_fields: Some(vec!["@message".to_owned()]),
            ..filter("g", "x", "", FUNCTION)
        },
    ] {
        assert_eq!(told(put(&f, input).await).0, "InvalidParameterException");
    }
    f.outside.failures.lock().push_back(TargetError::Unavailable("down".to_owned()));
    let (code, text) = told(put(&f, filter("g", "x", "", STREAM)).await);
    assert_eq!(code, "InvalidParameterException");
    assert!(text.starts_with("Could not deliver test message to specified Kinesis stream."), "{text}");
    assert_eq!(describe(&f, "g").await, []);
}

#[tokio::test]
async fn what_matches_from_now_on_is_delivered_once() {
    let f = fixture().await;
    f.put("g", "a", &[(0, "ERROR before")]).await.unwrap();
    put(&f, filter("g", "errors", "ERROR", FUNCTION)).await.unwrap();
    f.put("g", "a", &[(1, "ERROR 1"), (2, "fine"), (3, "ERROR 2")]).await.unwrap();
    f.put("g", "b", &[(0, "fine")]).await.unwrap();
    f.put("g", "a", &[(4, "ERROR 3")]).await.unwrap();
    f.put("g", "b", &[(0, "ERROR 4")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(4));
    let calls = f.outside.take_calls();
    assert!(calls.iter().all(|call| call.arn == FUNCTION && call.scope == f.caller.scope));
    let found = documents(&calls);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0]["messageType"], "DATA_MESSAGE");
    assert_eq!(found[0]["owner"], "123456789012");
    assert_eq!(found[0]["logGroup"], "g");
    assert_eq!(found[0]["subscriptionFilters"], serde_json::json!(["errors"]));
    let ids: Vec<_> = found[0]["logEvents"].as_array().unwrap().iter().map(|e| e["id"].clone()).collect();
    // The ids are those of FilterLogEvents.
    let input = FilterLogEventsRequest {
        log_group_name: Some("g".to_owned()),
        log_stream_names: Some(vec!["a".to_owned()]),
        filter_pattern: Some("ERROR -before".to_owned()),
        ..Default::default()
    };
    let events = log_events::filter_log_events(f.cx(), input).await.unwrap().events.unwrap();
    assert_eq!(ids, events.into_iter().map(|e| e.event_id.unwrap()).collect::<Vec<_>>());

    assert_eq!(run(&f).await, Ok(0), "nothing is delivered twice");
    let f = f.restart().await;
    assert_eq!(run(&f).await, Ok(0), "not after a restart either");
    f.put("g", "a", &[(5, "ERROR 5")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(1));
    assert_eq!(summary(&f), ["a: ERROR 5"]);
    let metrics = f.outside.metrics.lock();
    let (_, forwarded) = metrics.iter().find(|(_, d)| &*d.metric.name == "ForwardedLogEvents").unwrap();
    assert_eq!(&*forwarded.metric.namespace, "AWS/Logs");
    assert_eq!(forwarded.metric.dimensions.len(), 3);
    assert_eq!(forwarded.value, signals::MetricValue::Single(1.0));
}

#[tokio::test]
async fn a_target_that_is_down_gets_everything_later() {
    let f = fixture().await;
    put(&f, filter("g", "all", "", FUNCTION)).await.unwrap();
    f.put("g", "a", &[(0, "1")]).await.unwrap();
    f.put("g", "b", &[(0, "2")]).await.unwrap();
    for _ in 0..3 {
        f.outside.failures.lock().push_back(TargetError::Unavailable("connection refused".to_owned()));
    }
    let failed = run(&f).await.unwrap_err();
    assert!(failed.contains("all of log group g since 2024-06-01T00:00:00Z"), "{failed}");
    assert!(failed.contains("connection refused"), "{failed}");
    // It waits, also when there is more, and says until when.
    f.put("g", "a", &[(1, "3")]).await.unwrap();
    run(&f).await.unwrap_err();
    assert_eq!(f.outside.failures.lock().len(), 2);
    for _ in 0..2 {
        let next = task(&f).next_activation().unwrap();
        assert!(next > f.clock.now());
        f.clock.advance_to(next);
        run(&f).await.unwrap_err();
    }
    // A restart in the middle loses nothing and keeps the order.
    let f = f.restart().await;
    f.put("g", "b", &[(1, "4")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(4));
    assert_eq!(summary(&f), ["a: 1", "b: 2", "a: 3", "b: 4"]);
    assert_eq!(task(&f).next_activation(), None);
}

#[tokio::test]
async fn what_a_target_refuses_or_is_too_old_is_dropped_and_counted() {
    let f = fixture().await;
    put(&f, filter("g", "all", "", FUNCTION)).await.unwrap();
    f.put("g", "a", &[(0, "bad")]).await.unwrap();
    f.put("g", "b", &[(0, "good")]).await.unwrap();
    f.outside.failures.lock().push_back(TargetError::Refused("no".to_owned()));
    assert_eq!(run(&f).await, Ok(1));
    assert_eq!(summary(&f), ["b: good"]);
    let dropped = |f: &Fixture| {
        let metrics = f.outside.metrics.lock();
        metrics.iter().filter(|(_, d)| &*d.metric.name == "DeliveryErrors").count()
    };
    assert_eq!(dropped(&f), 1);

    f.put("g", "a", &[(1, "stale")]).await.unwrap();
    f.outside.failures.lock().push_back(TargetError::Unavailable("down".to_owned()));
    run(&f).await.unwrap_err();
    f.clock.advance(Duration::from_secs(24 * 3600));
    f.outside.failures.lock().push_back(TargetError::Unavailable("down".to_owned()));
    assert_eq!(run(&f).await, Ok(0));
    assert_eq!(dropped(&f), 2);
    assert_eq!(run(&f).await, Ok(0), "the pause is over, and nothing is left");
}

#[tokio::test]
async fn streams_get_a_test_message_and_records_with_keys() {
    let f = fixture().await;
    put(&f, filter("g", "firehose", "[ip, code=5*]", FIREHOSE)).await.unwrap();
    let random = PutSubscriptionFilterRequest {
        distribution: Some(Distribution::Random),
        emit_system_fields: Some(vec!["@aws.region".to_owned()]),
        field_selection_criteria: Some("@aws.account = \"123456789012\"".to_owned()),
        ..filter("g", "kinesis", "", STREAM)
    };
    put(&f, random).await.unwrap();
    let tests = documents(&f.outside.take_calls());
    assert_eq!(tests.len(), 2);
    assert!(tests.iter().all(|t| t["messageType"] == "CONTROL_MESSAGE"), "{tests:?}");

    f.put("g", "a", &[(0, "10.0.0.1 503")]).await.unwrap();
    f.put("g", "b", &[(0, "10.0.0.1 200")]).await.unwrap();
    f.put("g", "a", &[(1, "10.0.0.2 500")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(5));
    let calls = f.outside.take_calls();
    assert_eq!(calls.len(), 2, "one call each");
    let mut keys = BTreeSet::new();
    for call in &calls {
        match &call.payload {
            TargetPayload::DataStream(records) => {
                assert_eq!(records.len(), 3);
                keys.extend(records.iter().map(|(key, _)| key.clone()));
                let event = &documents(std::slice::from_ref(call))[0]["logEvents"][0];
                assert_eq!(event["extractedFields"], serde_json::json!({"@aws.region": "us-east-1"}));
            }
            TargetPayload::DeliveryStream(records) => {
                assert_eq!(records.len(), 1);
                let event = &documents(std::slice::from_ref(call))[0]["logEvents"][1];
                assert_eq!(event["extractedFields"]["code"], "500");
            }
            TargetPayload::Invocation(_) => panic!("no function was subscribed"),
        }
    }
    assert_eq!(keys.len(), 3, "random keys differ");
}

#[tokio::test]
async fn destinations_lead_to_targets_of_other_accounts() {
    let f = fixture().await;
    let put_destination = PutDestinationRequest {
        destination_name: "d".to_owned(),
        target_arn: "arn:aws:kinesis:us-east-1:222222222222:stream/central".to_owned(),
        role_arn: "arn:aws:iam::222222222222:role/r".to_owned(),
        tags: None,
    };
    let owner = caller("222222222222", "us-east-1");
    let made = destinations::put_destination(f.cx_as(&owner), put_destination).await.unwrap();
    let made = made.destination.unwrap();
    let arn = "arn:aws:logs:us-east-1:222222222222:destination:d";
    assert_eq!((made.arn.as_deref(), made.access_policy), (Some(arn), None));

    let refused = told(put(&f, filter("g", "x", "", arn)).await);
    assert_eq!(refused.0, "InvalidParameterException");
    let policy = |name: &str| PutDestinationPolicyRequest {
        destination_name: name.to_owned(),
        access_policy: r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},
            "Action":"logs:PutSubscriptionFilter","Resource":"*"}}"#
            .to_owned(),
        force_update: None,
    };
    let missing = told(destinations::put_destination_policy(f.cx_as(&owner), policy("none")).await);
    assert_eq!(missing.0, "InvalidParameterException");
    destinations::put_destination_policy(f.cx_as(&owner), policy("d")).await.unwrap();
    put(&f, filter("g", "x", "", arn)).await.unwrap();
    f.put("g", "a", &[(0, "1")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(1));
    let calls = f.outside.take_calls();
    assert_eq!(calls[0].arn, "arn:aws:kinesis:us-east-1:222222222222:stream/central");
    assert_eq!(calls[0].scope, owner.scope);
    assert_eq!(documents(&calls)[0]["owner"], "123456789012");

    let list =
        DescribeDestinationsRequest { destination_name_prefix: Some("d".to_owned()), ..Default::default() };
    let found =
        destinations::describe_destinations(f.cx_as(&owner), list).await.unwrap().destinations.unwrap();
    assert!(found[0].access_policy.is_some());
    let delete = DeleteDestinationRequest { destination_name: "d".to_owned() };
    destinations::delete_destination(f.cx_as(&owner), delete.clone()).await.unwrap();
    let again = told(destinations::delete_destination(f.cx_as(&owner), delete).await);
    assert_eq!(again.0, "ResourceNotFoundException");
    f.put("g", "a", &[(1, "2")]).await.unwrap();
    let failed = run(&f).await.unwrap_err();
    assert!(failed.contains("does not exist"), "{failed}");
}

#[tokio::test]
async fn an_account_policy_subscribes_every_group_but_some() {
    let f = fixture().await;
    f.create_group("quiet").await;
    f.create_stream("quiet", "s").await;
    f.put("g", "a", &[(0, "before")]).await.unwrap();
    let policy = |kind, document: &str, criteria: Option<&str>| PutAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: kind,
        policy_document: document.to_owned(),
        selection_criteria: criteria.map(str::to_owned),
        ..Default::default()
    };
    let document = format!(r#"{{"DestinationArn":"{FUNCTION}","FilterPattern":"","Distribution":"Random"}}"#);
    let criteria = Some(r#"LogGroupName NOT IN ["quiet"]"#);
    let subscription = policy(PolicyType::SubscriptionFilterPolicy, &document, criteria);
    let made = account_policies::put_account_policy(f.cx(), subscription.clone()).await.unwrap();
    let made = made.account_policy.unwrap();
    assert_eq!((made.scope, made.policy_document), (Some(shapes::logs::Scope::All), Some(document.clone())));
    let second = PutAccountPolicyRequest { policy_name: "q".to_owned(), ..subscription };
    let limit = told(account_policies::put_account_policy(f.cx(), second).await);
    assert_eq!(limit.0, "LimitExceededException");

    f.create_group("new").await;
    f.create_stream("new", "s").await;
    put(&f, filter("g", "own", "", FUNCTION)).await.unwrap();
    for (group, stream) in [("g", "a"), ("quiet", "s"), ("new", "s")] {
        f.put(group, stream, &[(1, "x")]).await.unwrap();
    }
    assert_eq!(run(&f).await, Ok(3));
    let found = documents(&f.outside.take_calls());
    let of_policy = found.iter().filter(|d| d["policyLevel"] == "ACCOUNT_LEVEL_POLICY");
    let groups: BTreeSet<_> = of_policy.map(|d| d["logGroup"].as_str().unwrap()).collect();
    assert_eq!(groups, BTreeSet::from(["g", "new"]));
    assert!(found.iter().all(|d| d["logEvents"].as_array().unwrap().len() == 1), "nothing from before");

    let list = |name: Option<&str>| DescribeAccountPoliciesRequest {
        policy_type: PolicyType::SubscriptionFilterPolicy,
        policy_name: name.map(str::to_owned),
        ..Default::default()
    };
    let found = account_policies::describe_account_policies(f.cx(), list(None)).await.unwrap();
    assert_eq!(found.account_policies.unwrap().len(), 1);
    let missing = told(account_policies::describe_account_policies(f.cx(), list(Some("z"))).await);
    assert_eq!(missing.0, "ResourceNotFoundException");
    let delete = DeleteAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::SubscriptionFilterPolicy,
        dry_run: None,
    };
    account_policies::delete_account_policy(f.cx(), delete.clone()).await.unwrap();
    assert_eq!(
        told(account_policies::delete_account_policy(f.cx(), delete).await).0,
        "ResourceNotFoundException"
    );
    f.put("new", "s", &[(2, "y")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(0));

    // Created again, it is a new one: what came in between is not for it.
    let again = policy(PolicyType::SubscriptionFilterPolicy, &document, None);
    account_policies::put_account_policy(f.cx(), again).await.unwrap();
    assert_eq!(run(&f).await, Ok(0));
    f.put("new", "s", &[(3, "z")]).await.unwrap();
    assert_eq!(run(&f).await, Ok(1));
}

#[tokio::test]
async fn policies_of_other_types_are_kept_and_checked() {
    let f = fixture().await;
    let put = |name: &str, kind, document: &str, criteria: Option<&str>, dry_run| {
        let input = PutAccountPolicyRequest {
            policy_name: name.to_owned(),
            policy_type: kind,
            policy_document: document.to_owned(),
            selection_criteria: criteria.map(str::to_owned),
            dry_run,
            ..Default::default()
        };
        account_policies::put_account_policy(f.cx(), input)
    };
    let index = r#"{"Fields":["a"]}"#;
    let prefix = |text: &str| format!("LogGroupNamePrefix IN [\"{text}\"]");
    put("i1", PolicyType::FieldIndexPolicy, index, Some(&prefix("/a")), None).await.unwrap();
    put("i2", PolicyType::FieldIndexPolicy, index, Some(&prefix("/b")), None).await.unwrap();
    let overlap = told(put("i3", PolicyType::FieldIndexPolicy, index, Some(&prefix("/a/x")), None).await);
    assert_eq!(overlap.0, "InvalidParameterException");
    for (name, kind, document, criteria) in [
        ("aws/x", PolicyType::FieldIndexPolicy, index, None),
        ("x", PolicyType::FieldIndexPolicy, "no JSON", None),
        ("x", PolicyType::DataProtectionPolicy, "{}", Some("LogGroupName NOT IN [\"a\"]")),
        ("x", PolicyType::SubscriptionFilterPolicy, "{}", None),
        ("x", PolicyType::TransformerPolicy, "{}", None),
        ("x", PolicyType::RetentionPolicy, "{}", None),
    ] {
        let refused = told(put(name, kind, document, criteria, None).await);
        assert_eq!(refused.0, "InvalidParameterException", "{document}");
    }
    let retention = r#"{"retentionInDays":30,"enforcementMode":"RETROACTIVE"}"#;
    let dry = put("r", PolicyType::RetentionPolicy, retention, None, Some(true)).await.unwrap();
    let dry = dry.dry_run_result.unwrap();
    assert_eq!((dry.total_matched_log_groups, dry.decreased_retention_log_group_count), (Some(1), Some(1)));
    let impact = &dry.top_log_groups_impacted.unwrap()[0];
    assert_eq!(impact.current_retention.as_deref(), Some("NEVER_EXPIRE"));
    assert_eq!(impact.proposed_retention.as_deref(), Some("30"));
    let refused = told(put("i", PolicyType::FieldIndexPolicy, index, None, Some(true)).await);
    assert_eq!(refused.0, "InvalidParameterException");
    let list =
        DescribeAccountPoliciesRequest { policy_type: PolicyType::RetentionPolicy, ..Default::default() };
    let none = account_policies::describe_account_policies(f.cx(), list).await.unwrap();
    assert_eq!(none.account_policies, Some(Vec::new()), "a dry run keeps nothing");
}
