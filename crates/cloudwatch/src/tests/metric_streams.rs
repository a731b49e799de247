//! Metric streams through their operations and their task.

use std::sync::atomic::Ordering;
use std::time::Duration;

use base::Timestamp;
use base::task::Task;
use shapes::cloudwatch::{
    DeleteMetricStreamInput, GetMetricStreamInput, ListMetricStreamsInput, MetricDatum, MetricStreamFilter,
    MetricStreamOutputFormat, PutMetricDataInput, PutMetricStreamInput, StartMetricStreamsInput,
    StopMetricStreamsInput,
};
use signals::target::TargetPayload;

use super::{Server, TODAY, error_text};
use crate::CloudWatchConfig;
use crate::operations::metric_streams::{
    delete_metric_stream, get_metric_stream, list_metric_streams, put_metric_stream, start_metric_streams,
    stop_metric_streams,
};
use crate::operations::metrics::put_metric_data::put_metric_data;
use crate::tasks::metric_streams::MetricStreamDelivery;

const NOON: i64 = TODAY + 43_200;

async fn server() -> Server {
    Server::new(Timestamp::from_secs(NOON), CloudWatchConfig::default()).await
}

fn stream(name: &str) -> PutMetricStreamInput {
    PutMetricStreamInput {
        name: name.to_owned(),
        firehose_arn: "arn:aws:firehose:eu-west-1:123456789012:deliverystream/d".to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/r".to_owned(),
        output_format: MetricStreamOutputFormat::Json,
        ..PutMetricStreamInput::default()
    }
}

async fn put(server: &Server, namespace: &str, value: f64, minute: i64) {
    let datum = MetricDatum {
        metric_name: "m".to_owned(),
        value: Some(value),
        timestamp: Some(Timestamp::from_secs(NOON + minute * 60 + 5)),
        ..MetricDatum::default()
    };
    let input = PutMetricDataInput {
        namespace: namespace.to_owned(),
        metric_data: Some(vec![datum]),
        ..PutMetricDataInput::default()
    };
    put_metric_data(server.cx(), input).await.unwrap();
}

/// Runs the task and returns namespace, minute and sum of what was handed on.
async fn deliver(server: &Server) -> Vec<(String, i64, f64)> {
    let task = MetricStreamDelivery { cw: server.service.clone() };
    task.activate(&Default::default()).await.unwrap();
    let mut lines = Vec::new();
    for call in server.streams.calls.lock().drain(..) {
        let TargetPayload::DeliveryStream(records) = call.payload else { panic!("{call:?}") };
        for record in records {
            for line in std::str::from_utf8(&record).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let minute = (line["timestamp"].as_i64().unwrap() / 1000 - NOON) / 60;
                let namespace = line["namespace"].as_str().unwrap().to_owned();
                lines.push((namespace, minute, line["value"]["sum"].as_f64().unwrap()));
            }
        }
    }
    lines
}

fn line(namespace: &str, minute: i64, sum: f64) -> (String, i64, f64) {
    (namespace.to_owned(), minute, sum)
}

#[tokio::test]
async fn every_minute_is_handed_on_once() {
    let server = server().await;
    let filter = MetricStreamFilter { namespace: Some("A".to_owned()), metric_names: None };
    let input = PutMetricStreamInput { include_filters: Some(vec![filter]), ..stream("s") };
    put_metric_stream(server.cx(), input).await.unwrap();
    put(&server, "A", 1.0, 0).await;
    put(&server, "A", 2.0, 0).await;
    put(&server, "B", 4.0, 0).await;
    assert_eq!(deliver(&server).await, []);
    server.clock.advance(Duration::from_secs(119));
    assert_eq!(deliver(&server).await, [], "a minute is due one minute after its end");
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(deliver(&server).await, [line("A", 0, 3.0)]);
    assert_eq!(deliver(&server).await, []);
    // While the delivery stream is away, minutes wait.
    server.streams.away.store(true, Ordering::Relaxed);
    put(&server, "A", 8.0, 1).await;
    put(&server, "A", 16.0, 3).await;
    server.clock.advance(Duration::from_secs(240));
    assert_eq!(deliver(&server).await, []);
    server.streams.away.store(false, Ordering::Relaxed);
    assert_eq!(deliver(&server).await, [line("A", 1, 8.0), line("A", 3, 16.0)]);
}

#[tokio::test]
async fn a_stopped_stream_does_not_catch_up() {
    let server = server().await;
    put_metric_stream(server.cx(), stream("s")).await.unwrap();
    let names = || vec!["s".to_owned(), "nobody".to_owned()];
    stop_metric_streams(server.cx(), StopMetricStreamsInput { names: names() }).await.unwrap();
    put(&server, "A", 1.0, 0).await;
    server.clock.advance(Duration::from_secs(300));
    assert_eq!(deliver(&server).await, []);
    start_metric_streams(server.cx(), StartMetricStreamsInput { names: names() }).await.unwrap();
    put(&server, "A", 2.0, 5).await;
    server.clock.advance(Duration::from_secs(120));
    assert_eq!(deliver(&server).await, [line("A", 5, 2.0)]);
}

#[tokio::test]
async fn streams_are_described_and_deleted() {
    let server = server().await;
    let arn = put_metric_stream(server.cx(), stream("s")).await.unwrap().arn.unwrap();
    assert_eq!(arn, "arn:aws:cloudwatch:eu-west-1:123456789012:metric-stream/s");
    put_metric_stream(server.cx(), stream("t")).await.unwrap();
    let names = || vec!["s".to_owned()];
    stop_metric_streams(server.cx(), StopMetricStreamsInput { names: names() }).await.unwrap();
    let changed =
        PutMetricStreamInput { output_format: MetricStreamOutputFormat::Opentelemetry1_0, ..stream("s") };
    put_metric_stream(server.cx(), changed).await.unwrap();
    let get = || get_metric_stream(server.cx(), GetMetricStreamInput { name: "s".to_owned() });
    let found = get().await.unwrap();
    // A change keeps the state.
    assert_eq!(found.state.as_deref(), Some("stopped"));
    assert_eq!(found.output_format, Some(MetricStreamOutputFormat::Opentelemetry1_0));
    let list = |next_token: Option<String>| {
        list_metric_streams(server.cx(), ListMetricStreamsInput { max_results: Some(1), next_token })
    };
    let first = list(None).await.unwrap();
    assert_eq!(first.entries.unwrap()[0].name.as_deref(), Some("s"));
    let second = list(first.next_token).await.unwrap();
    assert_eq!((second.entries.unwrap()[0].name.as_deref(), second.next_token), (Some("t"), None));
    for _ in 0..2 {
        let input = DeleteMetricStreamInput { name: "s".to_owned() };
        delete_metric_stream(server.cx(), input).await.unwrap();
    }
    assert!(error_text(get().await.unwrap_err()).starts_with("ResourceNotFoundException"));
}
