//! GetTraceSummaries: fields, filters, ranges, paging, sampling.

use base::Timestamp;
use shapes::xray::operations::GetTraceSummaries;
use shapes::xray::{SamplingStrategy, SamplingStrategyName, ServiceId, TimeRangeType, TraceSummary};

use crate::bench::{BASE_SECS, Bench, message, summaries_request, with_times};

/// The last digit of the trace id.
fn number(summary: &TraceSummary) -> u32 {
    summary.id.as_ref().unwrap().chars().last().unwrap().to_digit(10).unwrap()
}

async fn trace(bench: &Bench, wanted: u32) -> TraceSummary {
    bench.summaries("").await.into_iter().find(|summary| number(summary) == wanted).unwrap()
}

fn names(ids: &Option<Vec<ServiceId>>) -> Vec<(String, Option<String>)> {
    ids.as_ref().unwrap().iter().map(|id| (id.name.clone().unwrap(), id.r#type.clone())).collect()
}

fn named(name: &str, kind: &str) -> (String, Option<String>) {
    (name.to_owned(), Some(kind.to_owned()))
}

#[tokio::test]
async fn t1() {
    let bench = Bench::with_vectors().await;
    let summary = trace(&bench, 1).await;
    assert_eq!((summary.duration, summary.response_time), (Some(0.3), Some(0.3)));
    assert_eq!(
        (summary.has_fault, summary.has_error, summary.has_throttle),
        (Some(false), Some(false), Some(false))
    );
    assert_eq!((summary.is_partial, summary.revision), (Some(false), Some(1)));
    assert_eq!(summary.start_time, Some(Timestamp::from_secs(BASE_SECS)));
    let http = summary.http.unwrap();
    assert_eq!(http.http_url.as_deref(), Some("https://shop.example/cart"));
    assert_eq!((http.http_status, http.http_method.as_deref()), (Some(200), Some("GET")));
    assert_eq!(
        (http.user_agent.as_deref(), http.client_ip.as_deref()),
        (Some("curl/8"), Some("203.0.113.9"))
    );
    let annotations = summary.annotations.unwrap();
    let value = |key: &str| annotations[key][0].annotation_value.clone().unwrap();
    assert_eq!(value("tenant").string_value.as_deref(), Some("acme"));
    assert_eq!((value("size").number_value, value("beta").boolean_value), (Some(3.0), Some(true)));
    for values in annotations.values() {
        assert_eq!(values.len(), 1);
        assert_eq!(names(&values[0].service_ids), [named("shop", "AWS::EC2::Instance")]);
    }
    let user = &summary.users.as_ref().unwrap()[0];
    assert_eq!(user.user_name.as_deref(), Some("u-1"));
    assert_eq!(summary.instance_ids.unwrap()[0].id.as_deref(), Some("i-0abc"));
    assert_eq!(summary.availability_zones.unwrap()[0].name.as_deref(), Some("us-east-1a"));
    assert_eq!(
        names(&summary.service_ids),
        [
            named("shop", "AWS::EC2::Instance"),
            named("carts", "AWS::DynamoDB::Table"),
            named("api.pay.example", "remote"),
        ]
    );
    assert_eq!(summary.entry_point.unwrap().name.as_deref(), Some("shop"));
    let causes = summary.fault_root_causes.unwrap();
    assert_eq!((causes.len(), causes[0].client_impacting), (1, Some(false)));
    let services = causes[0].services.as_ref().unwrap();
    let path = services[0].entity_path.as_ref().unwrap();
    assert_eq!((path[0].name.as_deref(), path[1].name.as_deref()), (Some("shop"), Some("api.pay.example")));
    assert_eq!((path[0].remote, path[1].remote), (Some(false), Some(true)));
    let exception = &path[1].exceptions.as_ref().unwrap()[0];
    assert_eq!(
        (exception.name.as_deref(), exception.message.as_deref()),
        (Some("BadGateway"), Some("upstream 502"))
    );
    assert_eq!((services[1].name.as_deref(), services[1].inferred), (Some("api.pay.example"), Some(true)));
    assert_eq!(services[1].entity_path.as_ref().unwrap().len(), 1);
}

#[tokio::test]
async fn t2() {
    let bench = Bench::with_vectors().await;
    let summary = trace(&bench, 2).await;
    assert_eq!(
        (summary.duration, summary.response_time, summary.has_fault),
        (Some(1.2), Some(1.2), Some(true))
    );
    assert_eq!(
        names(&summary.service_ids),
        [
            named("shop", "AWS::EC2::Instance"),
            named("price", "AWS::Lambda"),
            named("price", "AWS::Lambda::Function"),
            named("https://sqs.us-east-1.amazonaws.com/111122223333/q", "AWS::SQS::Queue"),
        ]
    );
    assert_eq!(
        summary.resource_arns.unwrap()[0].arn.as_deref(),
        Some("arn:aws:lambda:us-east-1:111122223333:function:price")
    );
    let causes = summary.response_time_root_causes.unwrap();
    let services = causes[0].services.as_ref().unwrap();
    let path: Vec<Vec<(&str, f64)>> = services
        .iter()
        .map(|service| {
            let path = service.entity_path.as_ref().unwrap();
            path.iter().map(|e| (e.name.as_deref().unwrap(), e.coverage.unwrap())).collect()
        })
        .collect();
    assert_eq!(path, [vec![("shop", 1.0), ("Lambda", 0.83)], vec![("price", 0.82)]]);
    assert_eq!(services[1].r#type.as_deref(), Some("AWS::Lambda"));
    let causes = summary.fault_root_causes.unwrap();
    assert_eq!((causes.len(), causes[0].client_impacting), (1, Some(true)));
    assert_eq!(causes[0].services.as_ref().unwrap().len(), 1);
}

#[tokio::test]
async fn t3_to_t6() {
    let bench = Bench::with_vectors().await;
    let t3 = trace(&bench, 3).await;
    assert_eq!((t3.is_partial, t3.response_time, t3.duration), (Some(true), None, Some(0.8)));
    assert_eq!(t3.response_time_root_causes, Some(vec![]));
    let t4 = trace(&bench, 4).await;
    assert_eq!((t4.has_error, t4.has_throttle, t4.has_fault), (Some(true), Some(true), Some(false)));
    let t5 = trace(&bench, 5).await;
    assert_eq!((t5.response_time, t5.duration, t5.is_partial), (Some(0.1), Some(2.0), Some(false)));
    assert_eq!(names(&t5.service_ids)[1], named("b1", "AWS::S3::Bucket"));
    let services = t5.response_time_root_causes.unwrap().remove(0).services.unwrap();
    assert_eq!(services.len(), 1);
    assert_eq!(services[0].entity_path.as_ref().unwrap().len(), 1);
    assert_eq!(services[0].entity_path.as_ref().unwrap()[0].coverage, Some(1.0));
    let t6 = trace(&bench, 6).await;
    assert_eq!(t6.has_error, Some(true));
    assert_eq!(names(&t6.service_ids)[1], named("db@host", "Database::SQL"));
}

#[tokio::test]
async fn a_callee_goes_by_the_name_it_was_called_too() {
    let bench = Bench::new();
    let documents = [
        r#"{"trace_id":"1-6787c000-000000000000000000000001","id":"a000000000000001","name":"shop","start_time":B+0,"end_time":B+1,"subsegments":[{"id":"a000000000000002","name":"api.internal","namespace":"remote","start_time":B+0,"end_time":B+1,"http":{"request":{"traced":true}}}]}"#,
        r#"{"trace_id":"1-6787c000-000000000000000000000001","id":"a000000000000003","parent_id":"a000000000000002","name":"billing","start_time":B+0,"end_time":B+1}"#,
    ];
    bench.put(&[with_times(documents[0])]).await;
    let services = bench.summaries("").await.remove(0).service_ids;
    assert_eq!(names(&services), [("shop".to_owned(), None)], "a traced call infers nothing");
    bench.put(&[with_times(documents[1])]).await;
    let services = bench.summaries("service(\"api.internal\")").await.remove(0).service_ids.unwrap();
    assert_eq!(services[1].names.as_ref().unwrap(), &["billing", "api.internal"]);
}

#[tokio::test]
async fn filters() {
    let bench = Bench::with_vectors().await;
    let rows: [(&str, &[u32]); 22] = [
        ("", &[1, 2, 3, 4, 5, 6]),
        ("fault", &[2]),
        ("service() { fault }", &[1, 2]),
        (r#"service("price")"#, &[2]),
        (r#"service(id(name:"price",type:"AWS::Lambda::Function"))"#, &[2]),
        (r#"service("price") { responsetime > 0.9 }"#, &[2]),
        (r#"annotation.size > 2 AND annotation.tenant = "acme""#, &[1]),
        (r#"annotation.size = "3""#, &[]),
        ("annotation.beta", &[1]),
        ("!annotation.beta", &[2, 3, 4, 5, 6]),
        ("annotation[beta] = true", &[1]),
        ("ok !partial duration <3", &[1, 5]),
        ("throttle", &[4]),
        ("error", &[4, 6]),
        ("partial", &[3]),
        (r#"http.url BEGINSWITH "https://shop.example/" AND !service("carts")"#, &[2]),
        (r#"user CONTAINS """#, &[1]),
        ("error OR fault AND duration > 1", &[2, 4, 6]),
        ("responsetime", &[1, 2, 4, 5, 6]),
        ("inferred", &[1, 2, 5, 6]),
        (r#"instance.id = "i-0abc" availabilityzone = "us-east-1a""#, &[1]),
        (r#"resource.arn ENDSWITH "function:price""#, &[2]),
    ];
    for (filter, expected) in rows {
        let mut found: Vec<u32> = bench.summaries(filter).await.iter().map(number).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{filter}");
    }
    for filter in ["responsetime > 5 AND", "edge(\"a\",\"b\")"] {
        let text = message(
            bench.call(GetTraceSummaries, summaries_request(filter)).await,
            "InvalidRequestException",
        );
        assert!(text.starts_with("Invalid filter expression"), "{text}");
    }
}

#[tokio::test]
async fn time_ranges() {
    let bench = Bench::with_vectors().await;
    let at = |millis: i64| Timestamp::from_millis(BASE_SECS * 1000 + millis);
    let rows: [(TimeRangeType, i64, i64, &[u32]); 7] = [
        (TimeRangeType::TraceId, 0, 1, &[1, 2, 3, 4, 5, 6]),
        (TimeRangeType::TraceId, 1, 1000, &[]),
        (TimeRangeType::Event, 1500, 1600, &[3, 5]),
        (TimeRangeType::Event, 1150, 1600, &[2, 3, 5]),
        (TimeRangeType::Event, 5000, 6000, &[3]),
        (TimeRangeType::Service, 50, 301, &[1, 5]),
        (TimeRangeType::Service, 1200, 1201, &[2]),
    ];
    for flushed in [false, true] {
        for (kind, from, to, expected) in &rows {
            let mut request = summaries_request("");
            (request.start_time, request.end_time) = (at(*from), at(*to));
            request.time_range_type = Some(kind.clone());
            let result = bench.call(GetTraceSummaries, request).await.unwrap();
            let summaries = result.trace_summaries.unwrap();
            let mut found: Vec<u32> = summaries.iter().map(number).collect();
            found.sort_unstable();
            assert_eq!(&found, expected, "{kind:?} {from}..{to}");
            let is_event = *kind == TimeRangeType::Event;
            assert!(summaries.iter().all(|summary| summary.matched_event_time.is_some() == is_event));
        }
        if !flushed {
            bench.store.flush(base::Clock::now(bench.clock.as_ref())).await.unwrap();
        }
    }
    let mut request = summaries_request("");
    request.end_time = Timestamp::from_secs(BASE_SECS - 60 + 25 * 3600);
    message(bench.call(GetTraceSummaries, request).await, "InvalidRequestException");
    let mut request = summaries_request("");
    request.end_time = request.start_time;
    message(bench.call(GetTraceSummaries, request).await, "InvalidRequestException");
    let mut request = summaries_request("");
    request.start_time = Timestamp::from_secs(BASE_SECS - 31 * 86_400);
    request.end_time = Timestamp::from_secs(BASE_SECS - 31 * 86_400 + 60);
    message(bench.call(GetTraceSummaries, request).await, "InvalidRequestException");
}

#[tokio::test]
async fn pages_and_sampling() {
    let bench = Bench::new();
    let documents: Vec<String> = (0..250)
        .map(|n| {
            let id = format!("1-{:08x}-{n:024}", BASE_SECS - n);
            format!(
                r#"{{"trace_id":"{id}","id":"a000000000000001","name":"n","start_time":{},"end_time":{}}}"#,
                BASE_SECS - n,
                BASE_SECS - n + 1
            )
        })
        .collect();
    assert_eq!(bench.put(&documents).await, []);
    let mut request = summaries_request("duration = 1");
    request.start_time = Timestamp::from_secs(BASE_SECS - 1000);
    let all = |request: shapes::xray::GetTraceSummariesRequest| async {
        let (mut request, mut found, mut pages) = (request, Vec::new(), 0);
        loop {
            let result = bench.call(GetTraceSummaries, request.clone()).await.unwrap();
            found.extend(result.trace_summaries.unwrap().into_iter().map(|summary| summary.id.unwrap()));
            pages += 1;
            request.next_token = result.next_token;
            if request.next_token.is_none() {
                return (found, pages);
            }
        }
    };
    let (found, pages) = all(request.clone()).await;
    assert_eq!((found.len(), pages), (250, 3));
    let mut sorted = found.clone();
    sorted.sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(found, sorted, "newest first");
    let first = bench.call(GetTraceSummaries, request.clone()).await.unwrap();
    assert_eq!(first.traces_processed_count, Some(100));
    assert_eq!(first.approximate_time, Some(Timestamp::from_secs(BASE_SECS - 99)));
    let other = shapes::xray::GetTraceSummariesRequest {
        filter_expression: None,
        next_token: first.next_token,
        ..request.clone()
    };
    assert_eq!(
        message(bench.call(GetTraceSummaries, other).await, "InvalidRequestException"),
        "Invalid NextToken"
    );
    request.sampling = Some(true);
    assert_eq!(all(request.clone()).await.0.len(), 250, "few traces are not sampled");
    let strategy = |name, value| Some(SamplingStrategy { name: Some(name), value: Some(value) });
    request.sampling_strategy = strategy(SamplingStrategyName::PartialScan, 0.5);
    assert_eq!(all(request.clone()).await.0, found[..125]);
    request.sampling_strategy = strategy(SamplingStrategyName::FixedRate, 0.2);
    let sampled = all(request.clone()).await.0;
    assert!((25..75).contains(&sampled.len()), "{}", sampled.len());
    request.sampling_strategy = strategy(SamplingStrategyName::FixedRate, 1.5);
    message(bench.call(GetTraceSummaries, request).await, "InvalidRequestException");
}
