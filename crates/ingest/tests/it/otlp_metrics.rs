//! Vectors of OTLP metrics.

use base::{AccountId, Region, Scope, Timestamp};
use ingest::otlp::{self, CumulativeState, Encoding, ExportMetricsServiceRequest, MetricOptions, Refusal};
use serde_json::{Value, json};
use signals::dist::Shape;
use signals::{MetricDatum, MetricValue};

use crate::otlp_traces::attributes;

const NOW: Timestamp = Timestamp::from_secs(1_736_949_770);
const NANOS: u64 = 1_736_949_760_000_000_000;
const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;

struct Client {
    state: CumulativeState,
    options: MetricOptions,
    resource: Value,
    library: &'static str,
}

impl Client {
    fn new() -> Self {
        Self {
            state: CumulativeState::new(100),
            options: MetricOptions::default(),
            resource: json!({"service.name": "b"}),
            library: "",
        }
    }

    fn send(&mut self, metrics: Value) -> Result<otlp::Metrics, Refusal> {
        let body = json!({"resourceMetrics": [{
            "resource": {"attributes": attributes(self.resource.clone())},
            "scopeMetrics": [{"scope": {"name": self.library}, "metrics": metrics}],
        }]});
        let request: ExportMetricsServiceRequest =
            otlp::decode(Encoding::Json, body.to_string().as_bytes()).unwrap();
        let scope = Scope {
            account: AccountId::new("000000000000").unwrap(),
            region: Region::new("us-east-1").unwrap(),
        };
        otlp::metrics(&request, &scope, NOW, &self.options, &mut self.state)
    }

    fn data(&mut self, metrics: Value) -> Vec<MetricDatum> {
        self.send(metrics).unwrap().data
    }

    fn counter(&mut self, temporality: i32, second: u64, value: f64) -> Vec<f64> {
        let point = json!({"timeUnixNano": (NANOS + second * 1_000_000_000).to_string(), "asDouble": value});
        let sum = json!({"dataPoints": [point], "aggregationTemporality": temporality, "isMonotonic": true});
        singles(&self.data(json!([{"name": "c", "sum": sum}])))
    }
}

fn singles(data: &[MetricDatum]) -> Vec<f64> {
    let value = |datum: &MetricDatum| match datum.value {
        MetricValue::Single(value) => value,
        MetricValue::Distribution(_) => panic!("{datum:?}"),
    };
    data.iter().map(value).collect()
}

fn gauge(name: &str, unit: &str, points: Value) -> Value {
    json!([{"name": name, "unit": unit, "gauge": {"dataPoints": points}}])
}

fn point(value: Value) -> Value {
    let mut point = json!({"timeUnixNano": NANOS.to_string()});
    point.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    point
}

/// (count, sum, min, max) and the pairs of the only datum.
fn distribution(data: &[MetricDatum]) -> ([f64; 4], Vec<(f64, f64)>) {
    let [MetricDatum { value: MetricValue::Distribution(dist), .. }] = data else { panic!("{data:?}") };
    let Shape::Exact(pairs) = &dist.shape else { panic!("{dist:?}") };
    ([dist.count, dist.sum, dist.min, dist.max], pairs.clone())
}

#[test]
fn names_and_dimensions_come_from_resource_scope_and_point() {
    let mut client = Client::new();
    client.resource = json!({"service.namespace": "a", "service.name": "b", "host": "h"});
    client.library = "lib";
    client.options.resource_dimensions = vec!["host".to_owned()];
    let attributes = attributes(json!({"z": 1, "code": "x", "none": ""}));
    let data = client.data(gauge("m", "By", json!([point(json!({"asInt": "7", "attributes": attributes}))])));
    let metric = &data[0].metric;
    let dimensions: Vec<_> = metric.dimensions.iter().map(|d| (&*d.name, &*d.value)).collect();
    assert_eq!((&*metric.namespace, &*metric.name, &*data[0].unit), ("a/b", "m", "Bytes"));
    assert_eq!(dimensions, [("OTelLib", "lib"), ("code", "x"), ("host", "h"), ("z", "1")]);
    assert_eq!(singles(&data), [7.0]);
    client.options.namespace = Some("Mine".to_owned());
    let data = client.data(gauge("m", "", json!([point(json!({"asInt": 7}))])));
    assert_eq!((&*data[0].metric.namespace, &*data[0].unit), ("Mine", "None"));
    client.options.namespace = None;
    client.resource = json!({});
    assert_eq!(
        &*client.data(gauge("m", "", json!([point(json!({"asInt": 7}))])))[0].metric.namespace,
        "OTel"
    );
}

#[test]
fn units_are_those_of_cloudwatch() {
    for (ucum, unit, value) in [
        ("1", "None", 2.0),
        ("s", "Seconds", 2.0),
        ("ns", "Seconds", 2e-9),
        ("KiBy", "Kilobytes", 2.048),
        ("{request}", "Count", 2.0),
        ("{request}/s", "Count/Second", 2.0),
        ("%", "Percent", 2.0),
        ("furlong", "None", 2.0),
    ] {
        let data = Client::new().data(gauge("m", ucum, json!([point(json!({"asDouble": 2.0}))])));
        assert_eq!((&*data[0].unit, singles(&data)), (unit, vec![value]), "{ucum}");
    }
}

#[test]
fn counters_become_what_happened_since() {
    let mut client = Client::new();
    let found: Vec<_> =
        [(0, 10.0), (1, 15.0), (2, 3.0)].map(|(s, v)| client.counter(CUMULATIVE, s, v)).into();
    assert_eq!(found, [vec![], vec![5.0], vec![3.0]]);
    let mut client = Client::new();
    assert_eq!([client.counter(DELTA, 0, 4.0), client.counter(DELTA, 1, 4.0)], [[4.0], [4.0]]);
}

#[test]
fn what_was_not_stored_is_counted_again() {
    let mut client = Client::new();
    client.counter(CUMULATIVE, 0, 10.0);
    let next = json!([{"name": "c", "sum": {
        "dataPoints": [{"timeUnixNano": (NANOS + 1).to_string(), "asDouble": 15.0}],
        "aggregationTemporality": CUMULATIVE, "isMonotonic": true,
    }}]);
    let lost = client.send(next.clone()).unwrap();
    assert_eq!(singles(&lost.data), [5.0]);
    lost.undo(&mut client.state);
    assert_eq!(singles(&client.data(next.clone())), [5.0]);
    // Stored, and sent again all the same: not counted twice.
    assert!(matches!(client.send(next), Err(Refusal::AllRejected(_))));
}

#[test]
fn values_that_are_no_numbers_are_rejected() {
    let metrics = Client::new().send(gauge(
        "m",
        "",
        json!([point(json!({"asDouble": "NaN"})), point(json!({"asDouble": 1.0}))]),
    ));
    let metrics = metrics.unwrap();
    assert_eq!((metrics.rejected, singles(&metrics.data)), (1, vec![1.0]));
}

#[test]
fn points_that_say_there_is_nothing_are_skipped() {
    let metrics = Client::new().send(gauge("m", "", json!([point(json!({"flags": 1}))]))).unwrap();
    assert_eq!((metrics.rejected, metrics.data.len()), (0, 0));
}

fn histogram(extra: Value, temporality: i32) -> Value {
    json!([{"name": "h", "histogram": {"aggregationTemporality": temporality, "dataPoints": [point(extra)]}}])
}

#[test]
fn histograms_keep_count_and_sum_exactly() {
    let mut sent =
        json!({"explicitBounds": [1.0, 5.0], "bucketCounts": ["2", "3", "1"], "count": "6", "sum": 17.0});
    let (totals, pairs) = distribution(&Client::new().data(histogram(sent.clone(), DELTA)));
    assert_eq!((totals, pairs), ([6.0, 17.0, 0.5, 5.0], vec![(0.5, 2.0), (3.0, 3.0), (5.0, 1.0)]));
    sent["min"] = json!(0.5);
    sent["max"] = json!(9.0);
    let (totals, pairs) = distribution(&Client::new().data(histogram(sent, DELTA)));
    assert_eq!((totals, pairs), ([6.0, 17.0, 0.5, 9.0], vec![(0.75, 2.0), (3.0, 3.0), (7.0, 1.0)]));
}

#[test]
fn cumulative_histograms_become_what_happened_since() {
    let mut client = Client::new();
    let mut send = |second: u64, counts: [u32; 2], sum: f64| {
        let point = json!({
            "timeUnixNano": (NANOS + second * 1_000_000_000).to_string(), "explicitBounds": [4.0],
            "bucketCounts": counts.map(|c| c.to_string()), "count": (counts[0] + counts[1]).to_string(), "sum": sum,
        });
        client.data(json!([{"name": "h", "histogram": {"aggregationTemporality": CUMULATIVE, "dataPoints": [point]}}]))
    };
    assert!(send(0, [2, 2], 20.0).is_empty());
    assert_eq!(distribution(&send(1, [3, 2], 21.0)), ([1.0, 1.0, 2.0, 2.0], vec![(2.0, 1.0)]));
    assert!(send(2, [3, 2], 21.0).is_empty(), "nothing happened");
    assert_eq!(distribution(&send(3, [1, 0], 1.0)).0[0], 1.0, "after a reset");
}

#[test]
fn exponential_histograms_have_middles_of_their_buckets() {
    let send = |scale: i32, offset: i32, counts: Value, count: u32| {
        let point = point(json!({
            "scale": scale, "positive": {"offset": offset, "bucketCounts": counts}, "count": count.to_string(), "sum": 1.0,
        }));
        let histogram = json!({"aggregationTemporality": DELTA, "dataPoints": [point]});
        distribution(&Client::new().data(json!([{"name": "e", "exponentialHistogram": histogram}]))).1
    };
    assert_eq!(send(0, 0, json!(["2", "1"]), 3), [(1.5, 2.0), (3.0, 1.0)]);
    let pairs = send(1, 2, json!(["1", "0", "3"]), 4);
    let rounded: Vec<_> = pairs.iter().map(|(value, count)| ((value * 1e6).round() / 1e6, *count)).collect();
    assert_eq!(rounded, [(2.414_214, 1.0), (4.828_427, 3.0)]);
    let wide: Vec<String> = (0..400).map(|_| "1".to_owned()).collect();
    assert!(send(5, 0, json!(wide), 400).len() <= 150);
}

#[test]
fn summaries_are_statistic_sets_and_quantiles() {
    let point = point(json!({"count": "4", "sum": 10.0, "quantileValues": [
        {"quantile": 0.0, "value": 1.0}, {"quantile": 0.5, "value": 2.0}, {"quantile": 1.0, "value": 4.0},
    ]}));
    let data = Client::new().data(json!([{"name": "s", "summary": {"dataPoints": [point]}}]));
    let MetricValue::Distribution(dist) = &data[0].value else { panic!("{data:?}") };
    assert_eq!([dist.count, dist.sum, dist.min, dist.max], [4.0, 10.0, 1.0, 4.0]);
    assert_eq!(singles(&data[1..]), [1.0, 2.0, 4.0]);
    assert_eq!(&*data[2].metric.dimensions[0].value, "0.5");
}

#[test]
fn limits_and_defects_are_named() {
    let many = gauge("m", "", json!(vec![point(json!({"asInt": 1})); 1_001]));
    let refusal = Client::new().send(many).unwrap_err();
    assert_eq!(refusal, Refusal::TooManyItems { count: 1_001, what: "data points", most: 1_000 });
    let old = json!([{"timeUnixNano": "1", "asInt": 1}]);
    assert!(matches!(Client::new().send(gauge("m", "", old)), Err(Refusal::AllRejected(_))));
    let unspecified =
        json!([{"name": "c", "sum": {"dataPoints": [point(json!({"asInt": 1}))], "isMonotonic": true}}]);
    assert!(matches!(Client::new().send(unspecified), Err(Refusal::AllRejected(_))));
    let crooked = histogram(
        json!({"explicitBounds": [5.0, 1.0], "bucketCounts": ["1", "1", "1"], "count": "3", "sum": 1.0}),
        DELTA,
    );
    assert!(matches!(Client::new().send(crooked), Err(Refusal::AllRejected(_))));
    let mut full = Client::new();
    full.state = CumulativeState::new(0);
    let counter = json!([{"name": "c", "sum": {
        "dataPoints": [point(json!({"asInt": 1}))], "isMonotonic": true, "aggregationTemporality": CUMULATIVE,
    }}]);
    assert!(matches!(full.send(counter), Err(Refusal::AllRejected(_))));
}
