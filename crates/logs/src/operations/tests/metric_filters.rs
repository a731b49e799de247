//! Metric filters and embedded metrics, from the operation to the datapoint (`spec/filter-patterns.md` §7–8, §11).

use std::collections::BTreeMap;

use base::TimeRange;
use signals::{Dimension, MetricIdentity};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::tasks;

const MINUTE: i64 = 60_000;

fn put(pattern: &str, value: &str) -> PutMetricFilterRequest {
    PutMetricFilterRequest {
        log_group_name: "g".to_owned(),
        filter_name: "f".to_owned(),
        filter_pattern: pattern.to_owned(),
        metric_transformations: vec![MetricTransformation {
            metric_name: "m".to_owned(),
            metric_namespace: "n".to_owned(),
            metric_value: value.to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

async fn put_filter(f: &Fixture, input: PutMetricFilterRequest) -> Result<(), LogsError> {
    filter_operations::put_metric_filter(f.cx(), input).await
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f
}

/// Minute after START, count and sum of every datapoint of `n`/`m`.
async fn datapoints(f: &Fixture, dimensions: &[(&str, &str)]) -> Vec<(i64, f64, f64)> {
    let dimension = |(name, value): &(&str, &str)| Dimension { name: (*name).into(), value: (*value).into() };
    let metric = MetricIdentity::new("n", "m", dimensions.iter().map(dimension).collect());
    let now = base::Clock::now(f.clock.as_ref());
    let scope = &f.caller.scope;
    let found = f.store.metrics().read(scope, &metric, TimeRange::ALL, now).await.unwrap();
    found
        .into_iter()
        .map(|d| ((d.timestamp.as_millis() - START) / MINUTE, d.dist.count, d.dist.sum))
        .collect()
}

async fn run_tasks(f: &Fixture) {
    for task in tasks::all(&f.logs).into_iter().filter(|task| task.name() == "logs_metric_defaults") {
        task.activate(&CancellationToken::new()).await.unwrap();
    }
}

#[tokio::test]
async fn filters_are_put_described_counted_and_deleted() {
    let f = fixture().await;
    let missing = PutMetricFilterRequest { log_group_name: "absent".to_owned(), ..put("", "1") };
    assert_eq!(told(put_filter(&f, missing).await).0, "ResourceNotFoundException");
    for name in ["b", "a", "ab"] {
        put_filter(&f, PutMetricFilterRequest { filter_name: name.to_owned(), ..put("ERROR", "1") })
            .await
            .unwrap();
    }
    put_filter(&f, PutMetricFilterRequest { filter_name: "a".to_owned(), ..put("WARN", "2") }).await.unwrap();
    let describe = async |input: DescribeMetricFiltersRequest| {
        let found = filter_operations::describe_metric_filters(f.cx(), input).await.unwrap();
        let names = found.metric_filters.unwrap().into_iter().map(|filter| filter.filter_name.unwrap());
        (names.collect::<Vec<_>>(), found.next_token)
    };
    let of_group =
        DescribeMetricFiltersRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
    assert_eq!(describe(of_group.clone()).await.0, ["a", "ab", "b"]);
    let by_prefix =
        DescribeMetricFiltersRequest { filter_name_prefix: Some("a".to_owned()), ..Default::default() };
    assert_eq!(describe(by_prefix).await.0, ["a", "ab"]);
    let first = DescribeMetricFiltersRequest { limit: Some(2), ..of_group.clone() };
    let (names, token) = describe(first.clone()).await;
    assert_eq!(names, ["a", "ab"]);
    assert_eq!(
        describe(DescribeMetricFiltersRequest { next_token: token, ..first }).await,
        (vec!["b".to_owned()], None)
    );
    let metric = |name: Option<&str>, namespace: Option<&str>| DescribeMetricFiltersRequest {
        metric_name: name.map(str::to_owned),
        metric_namespace: namespace.map(str::to_owned),
        ..Default::default()
    };
    assert_eq!(describe(metric(Some("m"), Some("n"))).await.0.len(), 3);
    assert_eq!(describe(metric(Some("m"), Some("other"))).await.0.len(), 0);
    let alone = filter_operations::describe_metric_filters(f.cx(), metric(Some("m"), None)).await;
    assert_eq!(told(alone).0, "InvalidParameterException");

    let groups = log_groups::describe_log_groups(f.cx(), Default::default()).await.unwrap();
    assert_eq!(groups.log_groups.unwrap()[0].metric_filter_count, Some(3));
    let delete = |name: &str| DeleteMetricFilterRequest {
        log_group_name: "g".to_owned(),
        filter_name: name.to_owned(),
    };
    filter_operations::delete_metric_filter(f.cx(), delete("a")).await.unwrap();
    let again = told(filter_operations::delete_metric_filter(f.cx(), delete("a")).await);
    assert_eq!(again.1, "The specified metric filter does not exist.");
    // They go with their group, also for one that is created again.
    let group = DeleteLogGroupRequest { log_group_name: "g".to_owned() };
    log_groups::delete_log_group(f.cx(), group).await.unwrap();
    f.create_group("g").await;
    assert_eq!(describe(of_group).await.0.len(), 0);
}

#[tokio::test]
async fn quotas_and_classes() {
    let f = fixture().await;
    let named =
        |name: String, pattern: &str| PutMetricFilterRequest { filter_name: name, ..put(pattern, "1") };
    for n in 0..5 {
        put_filter(&f, named(format!("r{n}"), "%a%")).await.unwrap();
    }
    assert_eq!(told(put_filter(&f, named("r5".to_owned(), "%a%")).await).0, "LimitExceededException");
    // Replacing one of them is no sixth.
    put_filter(&f, named("r4".to_owned(), "%b%")).await.unwrap();
    for n in 5..100 {
        put_filter(&f, named(format!("t{n}"), "a")).await.unwrap();
    }
    let refused = told(put_filter(&f, named("more".to_owned(), "a")).await);
    assert_eq!(refused, ("LimitExceededException", "Resource limit exceeded.".to_owned()));
    let class = CreateLogGroupRequest {
        log_group_name: "ia".to_owned(),
        log_group_class: Some(LogGroupClass::InfrequentAccess),
        ..Default::default()
    };
    log_groups::create_log_group(f.cx(), class).await.unwrap();
    let there = PutMetricFilterRequest { log_group_name: "ia".to_owned(), ..put("", "1") };
    assert_eq!(told(put_filter(&f, there).await).0, "InvalidOperationException");
}

#[tokio::test]
async fn matching_events_become_datapoints_also_after_a_restart() {
    let f = fixture().await;
    f.put("g", "s", &[(0, "ERROR before the filter")]).await.unwrap();
    put_filter(&f, put("ERROR", "1")).await.unwrap();
    f.put("g", "s", &[(0, "ERROR a"), (1, "ok"), (2, "ERROR b"), (MINUTE, "ERROR c")]).await.unwrap();
    assert_eq!(datapoints(&f, &[]).await, [(0, 2.0, 2.0), (1, 1.0, 1.0)]);
    let f = f.restart().await;
    assert_eq!(datapoints(&f, &[]).await, [(0, 2.0, 2.0), (1, 1.0, 1.0)]);
    // Rejected events make no data, and neither do those after the filter has gone.
    f.put("g", "s", &[(3 * 3_600_000, "ERROR too new")]).await.unwrap();
    let delete = DeleteMetricFilterRequest { log_group_name: "g".to_owned(), filter_name: "f".to_owned() };
    filter_operations::delete_metric_filter(f.cx(), delete).await.unwrap();
    f.put("g", "s", &[(0, "ERROR d")]).await.unwrap();
    assert_eq!(datapoints(&f, &[]).await.len(), 2);
}

#[tokio::test]
async fn extracted_values_and_dimensions() {
    let f = fixture().await;
    put_filter(&f, put("{ $.latency = * }", "$.latency")).await.unwrap();
    let mut line = put("[ip, server, username, timestamp, request, status_code, bytes > 1000]", "$bytes");
    line.filter_name = "line".to_owned();
    line.metric_transformations[0].dimensions =
        Some(BTreeMap::from([("server".to_owned(), "$server".to_owned())]));
    line.emit_system_field_dimensions = Some(vec!["@aws.region".to_owned()]);
    put_filter(&f, line).await.unwrap();
    let messages = [
        (0, r#"{"latency":50}"#),
        (0, r#"{"latency":"70"}"#),
        (0, r#"{"latency":"x"}"#),
        (0, "{}"),
        (1, r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#),
    ];
    f.put("g", "s", &messages).await.unwrap();
    assert_eq!(datapoints(&f, &[]).await, [(0, 2.0, 120.0)]);
    let dimensions = [("server", "Prod"), ("@aws.region", "us-east-1")];
    assert_eq!(datapoints(&f, &dimensions).await, [(0, 1.0, 1534.0)]);
}

/// Vector M2: 1 at minute 0, the default at minute 1, nothing at minute 2.
#[tokio::test]
async fn default_values_of_minutes_without_a_match() {
    let f = fixture().await;
    let mut input = put("ERROR", "1");
    input.metric_transformations[0].default_value = Some(0.0);
    put_filter(&f, input).await.unwrap();
    f.put("g", "s", &[(0, "ok"), (1, "ERROR")]).await.unwrap();
    f.clock.advance(std::time::Duration::from_secs(60));
    f.put("g", "s", &[(MINUTE, "ok")]).await.unwrap();
    run_tasks(&f).await;
    assert_eq!(datapoints(&f, &[]).await, [(0, 1.0, 1.0)]);
    // The minute is not over: a match may still come.
    f.clock.advance(std::time::Duration::from_secs(60));
    run_tasks(&f).await;
    assert_eq!(datapoints(&f, &[]).await.len(), 1);
    // What is due is also published by a server that was started meanwhile, and only once.
    let f = f.restart().await;
    for _ in 0..2 {
        f.clock.advance(std::time::Duration::from_secs(60));
        run_tasks(&f).await;
        assert_eq!(datapoints(&f, &[]).await, [(0, 1.0, 1.0), (1, 1.0, 0.0)]);
    }
}

#[tokio::test]
async fn embedded_metrics_become_datapoints_and_events_stay_as_they_are() {
    let f = fixture().await;
    let document = format!(
        r#"{{"_aws":{{"Timestamp":{START},"CloudWatchMetrics":[{{"Namespace":"n","Dimensions":[["v"]],"Metrics":[{{"Name":"m"}}]}}]}},"v":"1","m":[1,2,3]}}"#
    );
    let events = [(0, document.as_str()), (0, "text"), (0, r#"{"_aws":{"CloudWatchMetrics":[}"#)];
    f.put("g", "s", &events).await.unwrap();
    assert_eq!(datapoints(&f, &[("v", "1")]).await, [(0, 3.0, 6.0)]);
    assert_eq!(f.filter("g", "").await, events.map(|(_, message)| message));
}

#[tokio::test]
async fn test_metric_filter_numbers_messages_from_zero() {
    let f = Fixture::new().await;
    let test = |pattern: &str| TestMetricFilterRequest {
        filter_pattern: pattern.to_owned(),
        log_event_messages: ["one", r#"{"a":1}"#, "two words"].map(str::to_owned).to_vec(),
    };
    let found = filter_operations::test_metric_filter(f.cx(), test("{ $.a = * }")).await.unwrap();
    let expected = MetricFilterMatchRecord {
        event_number: Some(1),
        event_message: Some(r#"{"a":1}"#.to_owned()),
        extracted_values: Some(BTreeMap::from([("$.a".to_owned(), "1".to_owned())])),
    };
    assert_eq!(found.matches, Some(vec![expected]));
    let found = filter_operations::test_metric_filter(f.cx(), test("o")).await.unwrap().matches.unwrap();
    assert_eq!(found.iter().map(|m| m.event_number.unwrap()).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(found[0].extracted_values, Some(BTreeMap::new()));
    let refused = told(filter_operations::test_metric_filter(f.cx(), test("a-b")).await);
    assert_eq!(refused, ("InvalidParameterException", "Invalid character(s) in term 'a-b'".to_owned()));
}
