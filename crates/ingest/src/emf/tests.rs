//! The vectors of `spec/logs-api.md` §13, and what each rule leaves out.

use serde_json::json;
use signals::MetricValue;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_574_109_740_000);

/// The document of vector E1 with `_aws` and members changed.
fn e1() -> Value {
    json!({
        "_aws": {
            "Timestamp": 1_574_109_732_004_i64,
            "CloudWatchMetrics": [{
                "Namespace": "lambda-function-metrics",
                "Dimensions": [["functionVersion"]],
                "Metrics": [{"Name": "time", "Unit": "Milliseconds"}]
            }]
        },
        "functionVersion": "$LATEST",
        "time": 100
    })
}

fn with(change: impl Fn(&mut Value)) -> String {
    let mut document = e1();
    change(&mut document);
    document.to_string()
}

/// `namespace/name{dimensions} unit@resolution = values`, and the number of errors.
fn read(message: &str) -> (Vec<String>, usize) {
    match metrics_of(message, Reading::at(NOW)) {
        Extraction::Metrics { data, errors } => (data.iter().map(shown).collect(), errors),
        other => panic!("{other:?}: {message}"),
    }
}

fn shown(datum: &MetricDatum) -> String {
    let dimensions: Vec<String> =
        datum.metric.dimensions.iter().map(|d| format!("{}={}", d.name, d.value)).collect();
    let values = match &datum.value {
        MetricValue::Single(value) => format!("{value}"),
        MetricValue::Distribution(dist) => format!("{:?}", dist.pairs()),
    };
    let (secs, unit) = (datum.resolution.secs(), &datum.unit);
    format!(
        "{}/{}{{{}}} {unit}@{secs} = {values}",
        datum.metric.namespace,
        datum.metric.name,
        dimensions.join(",")
    )
}

const TIME: &str = "lambda-function-metrics/time{functionVersion=$LATEST} Milliseconds@60 = 100";

#[test]
fn vectors() {
    assert_eq!(read(&e1().to_string()), (vec![TIME.to_owned()], 0));
    let e2 = with(|d| {
        d["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = json!([["a"], ["a", "b"]]);
        d["_aws"]["CloudWatchMetrics"][0]["Metrics"] =
            json!([{"Name": "time"}, {"Name": "n", "Unit": "Count", "StorageResolution": 1}]);
        (d["a"], d["b"], d["n"]) = (json!("1"), json!("2"), json!(2.5));
    });
    let space = "lambda-function-metrics";
    let expected = [
        format!("{space}/time{{a=1}} None@60 = 100"),
        format!("{space}/n{{a=1}} Count@1 = 2.5"),
        format!("{space}/time{{a=1,b=2}} None@60 = 100"),
        format!("{space}/n{{a=1,b=2}} Count@1 = 2.5"),
    ];
    assert_eq!(read(&e2), (expected.to_vec(), 0));
    let e3 = with(|d| d["time"] = json!([1, 2, 3]));
    let (data, errors) = read(&e3);
    assert!(data[0].ends_with("= [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0)]") && errors == 0, "{data:?}");
    let e4 = with(|d| d["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = json!([[]]));
    assert_eq!(read(&e4), (vec![format!("{space}/time{{}} Milliseconds@60 = 100")], 0));
    assert_eq!(read(&with(|d| d["functionVersion"] = json!(1))), (vec![], 1));
    assert_eq!(read(&with(|d| d["time"] = json!("100"))), (vec![], 1));
    let e7 = with(|d| {
        d["_aws"]["CloudWatchMetrics"][0]["Metrics"] = json!([{"Name": "A.a"}]);
        d["A"] = json!({"a": 1});
    });
    assert_eq!(read(&e7), (vec![], 1));
    let e8 = format!("START {}", e1());
    assert_eq!(metrics_of(&e8, Reading::at(NOW)), Extraction::Foreign);
    let lambda = Reading { skip_prefix: true, ..Reading::at(NOW) };
    assert!(matches!(metrics_of(&e8, lambda), Extraction::Metrics { data, errors: 0 } if data.len() == 1));
    let behind = format!("{} tail", e1());
    assert_eq!(metrics_of(&behind, lambda), Extraction::Unparsable);
}

#[test]
fn what_is_not_the_format() {
    for foreign in [
        "",
        "text",
        "{}",
        r#"{"_aws":1}"#,
        r#"{"_aws":{}}"#,
        r#"{"_aws":{"CloudWatchMetrics":{}}}"#,
        r#"["_aws"]"#,
        r#"{"x":"\"_aws\""}"#,
        r#"{"_aws": broken"#,
    ] {
        assert_eq!(metrics_of(foreign, Reading::at(NOW)), Extraction::Foreign, "{foreign}");
    }
    let broken = r#"{"_aws":{"CloudWatchMetrics":[}"#;
    assert_eq!(metrics_of(broken, Reading::at(NOW)), Extraction::Unparsable);
    let nan = e1().to_string().replace("100", "NaN");
    assert_eq!(metrics_of(&nan, Reading::at(NOW)), Extraction::Unparsable);
    let deep =
        format!(r#"{{"_aws":{{"CloudWatchMetrics":[]}},"x":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    assert_eq!(metrics_of(&deep, Reading::at(NOW)), Extraction::Unparsable);
}

/// What is bad is left out, and only that.
#[test]
fn errors_are_counted_one_by_one() {
    let metrics = |list: Value| with(move |d| d["_aws"]["CloudWatchMetrics"][0]["Metrics"] = list.clone());
    let dimensions =
        |list: Value| with(move |d| d["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = list.clone());
    let good = json!({"Name": "time", "Unit": "Milliseconds"});
    let member = |name: &str, value: Value| with(|d| d[name] = value.clone());
    let rows = [
        (metrics(json!([good, {"Name": "absent"}, {"Name": ""}, {}, 1])), 1, 4),
        (metrics(json!([good, {"Name": "time", "Unit": "Parsecs"}])), 1, 1),
        (metrics(json!([good, {"Name": "time", "StorageResolution": 5}])), 1, 1),
        (metrics(json!(vec![good.clone(); 100])), 100, 0),
        (metrics(json!(vec![good.clone(); 101])), 0, 1),
        (metrics(json!("time")), 0, 1),
        (metrics(json!([])), 0, 0),
        (dimensions(json!([])), 0, 1),
        (dimensions(json!([["functionVersion"], ["absent"], "x", [1], [""]])), 1, 4),
        (dimensions(json!([["functionVersion", "functionVersion"]])), 1, 0),
        (dimensions(json!([vec!["functionVersion"; 31]])), 0, 1),
        (member("time", json!(null)), 0, 1),
        (member("time", json!(true)), 0, 1),
        (member("time", json!({})), 0, 1),
        (member("time", json!([])), 0, 1),
        (member("time", json!([1, "2"])), 0, 1),
        (member("time", json!(vec![1; 100])), 1, 0),
        (member("time", json!(vec![1; 101])), 0, 1),
        (member("time", json!(1e300)), 0, 1),
        (member("functionVersion", json!("x".repeat(1024))), 1, 0),
        (member("functionVersion", json!("x".repeat(1025))), 0, 1),
        (member("functionVersion", json!(" ")), 0, 1),
        (with(|d| d["_aws"]["CloudWatchMetrics"][0]["Namespace"] = json!("")), 0, 1),
        (with(|d| d["_aws"]["CloudWatchMetrics"] = json!([1, d["_aws"]["CloudWatchMetrics"][0]])), 1, 1),
        (with(|d| d["_aws"]["CloudWatchMetrics"] = json!([])), 0, 0),
        (with(|d| d["_aws"]["Timestamp"] = json!("now")), 0, 1),
        (with(|d| d["_aws"]["Timestamp"] = json!(NOW.as_millis() - 15 * 86_400_000)), 0, 1),
        (with(|d| d["_aws"]["Timestamp"] = json!(NOW.as_millis() + 3 * 3_600_000)), 0, 1),
    ];
    for (message, data, errors) in rows {
        let found = read(&message);
        assert_eq!((found.0.len(), found.1), (data, errors), "{message}");
    }
}

#[test]
fn times_are_the_documents_or_those_of_receipt() {
    let time = |message: &str| match metrics_of(message, Reading::at(NOW)) {
        Extraction::Metrics { data, .. } => data[0].timestamp,
        other => panic!("{other:?}"),
    };
    assert_eq!(time(&e1().to_string()), Timestamp::from_millis(1_574_109_732_004));
    let without = with(|d| {
        d["_aws"].as_object_mut().unwrap().remove("Timestamp");
    });
    assert_eq!(time(&without), NOW);
}

#[test]
fn a_message_has_a_bounded_number_of_data() {
    let many = with(|d| d["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = json!(vec![json!([]); 20_000]));
    assert_eq!(read(&many).0.len(), DATA_MAX);
    assert_eq!(read(&many).1, 1);
}
