//! PutMetricData: what it refuses, what it stores, and that it does so all or nothing.

use base::{TimeRange, Timestamp};
use shapes::cloudwatch::{
    Dimension, Entity, EntityMetricData, MetricDatum, PutMetricDataInput, StandardUnit, StatisticSet,
};
use signals::{MetricIdentity, MetricSink, MetricValue, Resolution, SinkError};

use super::{Server, TODAY, error_text, scope};
use crate::operations::metrics::put_metric_data::put_metric_data;
use crate::{CloudWatchConfig, CloudWatchError};

const CASES: &str = include_str!("../../tests/corpus/putting.txt");

async fn server() -> Server {
    Server::new(Timestamp::from_secs(TODAY + 43_200), CloudWatchConfig::default()).await
}

fn datum(members: &str) -> MetricDatum {
    let mut datum = MetricDatum { metric_name: "second".to_owned(), ..MetricDatum::default() };
    let numbers = |text: &str| -> Vec<f64> { text.split(',').map(|n| n.parse().unwrap()).collect() };
    for member in members.split_whitespace() {
        match member.split_once('=').unwrap() {
            ("Value", v) => datum.value = Some(v.parse().unwrap()),
            ("Values", v) => datum.values = Some(numbers(v)),
            ("Counts", v) => datum.counts = Some(numbers(v)),
            ("Set", v) => {
                let [sample_count, sum, minimum, maximum] = numbers(v)[..] else { panic!("{v}") };
                datum.statistic_values = Some(StatisticSet { sample_count, sum, minimum, maximum });
            }
            ("Unit", v) => datum.unit = Some(StandardUnit::from(v)),
            ("Resolution", v) => datum.storage_resolution = Some(v.parse().unwrap()),
            ("Dimension", v) => {
                let (name, value) = v.split_once(':').unwrap();
                let dimension = Dimension { name: name.to_owned(), value: value.to_owned() };
                datum.dimensions.get_or_insert_default().push(dimension);
            }
            other => panic!("{other:?}"),
        }
    }
    datum
}

fn input(data: Vec<MetricDatum>) -> PutMetricDataInput {
    PutMetricDataInput {
        namespace: "NS".to_owned(),
        metric_data: Some(data),
        ..PutMetricDataInput::default()
    }
}

fn plain(name: &str) -> MetricDatum {
    MetricDatum { metric_name: name.to_owned(), value: Some(1.0), ..MetricDatum::default() }
}

async fn stored(server: &Server, name: &str) -> usize {
    let metric = MetricIdentity::new("NS", name, Vec::new());
    let now = server.cx().now;
    server.store.metrics().read(&scope(), &metric, TimeRange::ALL, now).await.unwrap().len()
}

#[tokio::test]
async fn every_case_of_the_corpus() {
    for line in CASES.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (members, expected) = line.split_once(" | ").unwrap();
        let server = server().await;
        let put = put_metric_data(server.cx(), input(vec![plain("first"), datum(members)])).await;
        let accepted = put.is_ok();
        let answer = put.map_or_else(error_text, |()| "accepted".to_owned());
        assert_eq!(answer, expected, "{line}");
        assert_eq!(stored(&server, "first").await, usize::from(accepted), "{line}");
    }
}

#[tokio::test]
async fn namespaces_of_aws_can_be_reserved() {
    let open = server().await;
    let reserved = Server::new(open.cx().now, CloudWatchConfig { reserve_aws_namespaces: true }).await;
    let aws = || PutMetricDataInput { namespace: "AWS/EC2".to_owned(), ..input(vec![plain("m")]) };
    put_metric_data(open.cx(), aws()).await.unwrap();
    let refused = put_metric_data(reserved.cx(), aws()).await.unwrap_err();
    assert_eq!(
        error_text(refused),
        "InvalidParameterValue: The value AWS/ for parameter Namespace is invalid."
    );
}

#[tokio::test]
async fn lists_are_limited_and_one_of_them_must_be_given() {
    let server = server().await;
    let put = async |input| put_metric_data(server.cx(), input).await.map_err(error_text);
    let missing = Err("MissingParameter: The parameter MetricData is required.".to_owned());
    assert_eq!(put(input(vec![])).await, missing);
    assert_eq!(put(PutMetricDataInput { metric_data: None, ..input(vec![]) }).await, missing);
    let many = || vec![plain("m"); 600];
    let entity = EntityMetricData { entity: None, metric_data: Some(many()) };
    let both = PutMetricDataInput { entity_metric_data: Some(vec![entity.clone()]), ..input(many()) };
    let too_many = "InvalidParameterValue: The collection MetricData must not have a size greater than 1000.";
    assert_eq!(put(both).await, Err(too_many.to_owned()));
    let values = MetricDatum { value: None, values: Some((0..151).map(f64::from).collect()), ..plain("m") };
    let too_many = "InvalidParameterValue: The collection MetricData.member.1.Values must not have a size greater than 150.";
    assert_eq!(put(input(vec![values])).await, Err(too_many.to_owned()));
    let repeated = MetricDatum { value: None, values: Some(vec![1.0; 200]), ..plain("repeated") };
    put(input(vec![repeated])).await.unwrap();
    assert_eq!(stored(&server, "m").await, 0);
}

#[tokio::test]
async fn entities_are_checked_when_asked_for_and_their_data_stored() {
    let server = server().await;
    let keys = [("Type", "Service"), ("Name", "shop")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let entity = Entity { key_attributes: Some(keys.into()), attributes: None };
    let data = EntityMetricData { entity: Some(entity), metric_data: Some(vec![plain("m")]) };
    let input = |strict| PutMetricDataInput {
        entity_metric_data: Some(vec![data.clone()]),
        metric_data: None,
        strict_entity_validation: strict,
        ..input(vec![])
    };
    let refused = put_metric_data(server.cx(), input(Some(true))).await.unwrap_err();
    assert!(
        matches!(refused, CloudWatchError::InvalidParameterValue(m) if m.contains("MissingRequiredFields"))
    );
    assert_eq!(stored(&server, "m").await, 0);
    put_metric_data(server.cx(), input(None)).await.unwrap();
    assert_eq!(stored(&server, "m").await, 1);
}

#[tokio::test]
async fn the_sink_takes_all_or_nothing() {
    let server = server().await;
    let now = server.cx().now;
    let datum = |name: &str, value| signals::MetricDatum {
        metric: MetricIdentity::new("NS", name, Vec::new()),
        timestamp: now,
        unit: "Count".into(),
        resolution: Resolution::Standard,
        value: MetricValue::Single(value),
    };
    let put = async |data| server.service.put_metric_data(&scope(), data).await;
    let refused = put(vec![datum("a", 1.0), datum("b", f64::NAN)]).await;
    assert!(matches!(refused, Err(SinkError::Rejected(_))));
    assert_eq!(stored(&server, "a").await, 0);
    put(vec![datum("a", 1.0)]).await.unwrap();
    assert_eq!(stored(&server, "a").await, 1);
}
