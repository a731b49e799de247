//! Logs and metrics by OTLP, over HTTP and over gRPC, and log events by plain HTTP.

use std::sync::atomic::Ordering;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::support::{Harness, gzip};

const JSON: &str = "Content-Type: application/json\r\n";

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn nanos() -> i64 {
    crate::support::now().as_millis() * 1_000_000
}

fn log_records(texts: &[&str]) -> String {
    let records: Vec<String> = texts
        .iter()
        .map(|text| format!(r#"{{"timeUnixNano":"{}","body":{{"stringValue":"{text}"}}}}"#, nanos()))
        .collect();
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))
}

fn counter(value: u32, second: i64) -> String {
    let nanos = nanos() + second * 1_000_000_000;
    format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"c","sum":{{"isMonotonic":true,
        "aggregationTemporality":2,"dataPoints":[{{"timeUnixNano":"{nanos}","asInt":"{value}"}}]}}}}]}}]}}]}}"#
    )
}

#[tokio::test]
async fn log_records_go_to_the_group_and_stream_of_the_headers() {
    let harness = Harness::open().await;
    let named = format!("{JSON}x-aws-log-group: g\r\nx-aws-log-stream: s\r\n");
    let answer = harness.send(post("/v1/logs", &named, log_records(&["hi"]).as_bytes())).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let batch = harness.kept.batches.lock()[0].clone();
    assert!(batch.events[0].text().ends_with(r#""body":"hi"}"#), "{}", batch.events[0].text());
    // Some too old, all too old, no such group, no name of a stream.
    let some = harness.send(post("/v1/logs", &named, log_records(&["hi", "too old"]).as_bytes())).await;
    assert!(some.status == 200 && some.text().contains(r#""rejectedLogRecords":"1""#), "{}", some.text());
    let all = harness.send(post("/v1/logs", &named, log_records(&["too old"]).as_bytes())).await;
    assert_eq!(all.status, 400, "{}", all.text());
    let none = format!("{JSON}x-aws-log-group: none\r\nx-aws-log-stream: s\r\n");
    let answer = harness.send(post("/v1/logs", &none, log_records(&["hi"]).as_bytes())).await;
    assert!(answer.status == 400 && answer.text().contains("does not exist"), "{}", answer.text());
    let half = format!("{JSON}x-aws-log-group: g\r\n");
    assert_eq!(harness.send(post("/v1/logs", &half, log_records(&["hi"]).as_bytes())).await.status, 400);
}

#[tokio::test]
async fn what_could_not_be_stored_is_not_counted_as_seen() {
    let harness = Harness::open().await;
    let send = |body: String| {
        let harness = &harness;
        async move { harness.send(post("/v1/metrics", JSON, body.as_bytes())).await.status }
    };
    assert_eq!(send(counter(10, -9)).await, 200);
    harness.kept.is_full.store(true, Ordering::SeqCst);
    let body = counter(15, -8);
    assert_eq!(send(body.clone()).await, 503);
    harness.kept.is_full.store(false, Ordering::SeqCst);
    assert_eq!(send(body).await, 200);
    let data = harness.kept.data.lock().clone();
    assert_eq!(data.len(), 1);
    assert_eq!(data[0].value, signals::MetricValue::Single(5.0));
}

#[tokio::test]
async fn grpc_clients_are_answered_on_the_same_port() {
    let harness = Harness::open().await;
    let url = format!("http://{}", harness.addr());
    let client = MetricsServiceClient::connect(url.clone()).await.unwrap();
    let mut client = client.send_compressed(CompressionEncoding::Gzip);
    for (value, second) in [(10, -9), (15, -8)] {
        let request: ExportMetricsServiceRequest = serde_json::from_str(&counter(value, second)).unwrap();
        assert_eq!(client.export(request).await.unwrap().into_inner().partial_success, None);
    }
    assert_eq!(harness.kept.data.lock().len(), 1);
    let mut logs = LogsServiceClient::connect(url).await.unwrap();
    let export = |texts: &[&str], group: &'static str| {
        let request: ExportLogsServiceRequest = serde_json::from_str(&log_records(texts)).unwrap();
        let mut request = tonic::Request::new(request);
        request.metadata_mut().insert("x-aws-log-group", group.parse().unwrap());
        request.metadata_mut().insert("x-aws-log-stream", "s".parse().unwrap());
        request
    };
    let answer = logs.export(export(&["hi", "too old"], "g")).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_log_records, 1);
    assert_eq!(logs.export(export(&["hi"], "none")).await.unwrap_err().code(), Code::InvalidArgument);
    harness.kept.is_full.store(true, Ordering::SeqCst);
    assert_eq!(logs.export(export(&["hi"], "g")).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn grpc_needs_a_signature_where_all_do() {
    let harness = Harness::enforced().await;
    let mut client = MetricsServiceClient::connect(format!("http://{}", harness.addr())).await.unwrap();
    let refused = client.export(ExportMetricsServiceRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
}

#[tokio::test]
async fn json_events_come_by_plain_http() {
    let harness = Harness::open().await;
    let path = "/ingest/bulk?logGroup=g&logStream=s";
    let zipped = format!("{JSON}Content-Encoding: gzip\r\n");
    for (request, status, text) in [
        (post(path, "Content-Type: application/x-ndjson\r\n", b"{\"a\":1}\nbroken\n[2,3]"), 200, "{}"),
        (post(path, &zipped, &gzip(b"{\"a\":1}")), 200, "{}"),
        (post(path, JSON, b"broken"), 400, "All events were invalid"),
        (post(path, JSON, b"\"too old\"\n1"), 200, "rejectedLogRecords"),
        (post(path, "Content-Type: text/plain\r\n", b"1"), 400, "Content-Type"),
        (post("/ingest/bulk?logGroup=g", JSON, b"1"), 400, "logStream"),
        (post("/ingest/bulk?logGroup=x&logStream=s", JSON, b"1"), 404, "does not exist"),
        (post("/ingest/json?logGroup=g&logStream=s", JSON, b"[{},4]"), 200, "{}"),
        (
            post("/services/collector/event?logGroup=g&logStream=s", JSON, b"{\"event\":1}{\"event\":2}"),
            200,
            "{}",
        ),
        (b"GET /ingest/bulk HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 405, "POST"),
    ] {
        let answer = harness.send(&request).await;
        let told = answer.text();
        assert!(
            answer.status == status && told.contains(text),
            "{}\n{told}",
            String::from_utf8_lossy(&request)
        );
    }
    let counts: Vec<usize> = harness.kept.batches.lock().iter().map(|batch| batch.events.len()).collect();
    assert_eq!(counts, [3, 1, 1, 1, 2]);
    let enforced = Harness::enforced().await;
    assert_eq!(enforced.send(post(path, JSON, b"1")).await.status, 401);
}
