//! What metric filters accept and emit: the vectors of `spec/filter-patterns.md` §11.

use std::collections::BTreeMap;

use base::{AccountId, Region};

use super::*;
use crate::metric_filter::Transformation;

fn scope() -> Scope {
    Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap())
}

fn filter(pattern: &str, value: &str, dimensions: &[(&str, &str)]) -> MetricFilter {
    MetricFilter {
        creation_time: Timestamp::EPOCH,
        pattern: pattern.to_owned(),
        transformation: Transformation {
            metric_name: "m".to_owned(),
            metric_namespace: "n".to_owned(),
            metric_value: value.to_owned(),
            default_value: None,
            dimensions: dimensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            unit: None,
        },
        apply_on_transformed_logs: false,
        field_selection_criteria: None,
        system_dimensions: Vec::new(),
    }
}

/// Number of data, and the starts of the minutes without a match, in minutes.
fn run(filter: &MetricFilter, events: &[(i64, &str)]) -> (usize, Vec<i64>) {
    let compiled = CompiledFilter::compile(&scope(), filter).unwrap();
    let samples: Vec<Sample<'_>> = events
        .iter()
        .map(|(time, message)| Sample {
            timestamp: Timestamp::from_millis(*time),
            message: Cow::Borrowed(*message),
            transformed: None,
        })
        .collect();
    let mut batch = MetricBatch::new(&scope(), 4);
    let mut unmatched = Vec::new();
    compiled.run(&samples, &mut batch, |minute| unmatched.push(minute.as_millis() / MINUTE_MILLIS)).unwrap();
    (batch.len(), unmatched)
}

#[test]
fn events_of_a_minute_are_one_datum_and_empty_minutes_are_told() {
    let errors = filter("ERROR", "1", &[]);
    assert_eq!(run(&errors, &[(0, "ERROR a"), (1, "ok"), (59_999, "ERROR b")]), (1, vec![]));
    assert_eq!(
        run(&errors, &[(0, "ERROR"), (60_000, "ok"), (180_000, "ok"), (180_001, "ERROR")]),
        (2, vec![1])
    );
    assert_eq!(run(&errors, &[]), (0, vec![]));
}

#[test]
fn values_and_dimensions_are_extracted() {
    let latency = CompiledFilter::compile(&scope(), &filter("{ $.latency = * }", "$.latency", &[])).unwrap();
    for (message, expected) in [
        (r#"{"latency":50}"#, Some(50.0)),
        (r#"{"latency":"70"}"#, Some(70.0)),
        (r#"{"latency":"x"}"#, None),
        (r#"{"latency":1e200}"#, None),
        (r#"{"latency":true}"#, None),
        ("{}", None),
    ] {
        assert_eq!(latency.datum(message).map(|(value, _)| value), expected, "{message}");
    }
    let line = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
    let pattern = "[ip, server, username, timestamp, request, status_code, bytes > 1000]";
    let bytes =
        CompiledFilter::compile(&scope(), &filter(pattern, "$bytes", &[("server", "$server")])).unwrap();
    assert_eq!(bytes.datum(line), Some((1534.0, vec!["Prod".to_owned()])));
    let trail = filter(
        r#"{ $.eventType = "*" && $.sourceIPAddress != 123.123.* }"#,
        "1",
        &[("eventType", "$.eventType")],
    );
    let trail = CompiledFilter::compile(&scope(), &trail).unwrap();
    let found = trail.datum(r#"{"eventType":"UpdateTrail","sourceIPAddress":"1.1.1.1"}"#);
    assert_eq!(found, Some((1.0, vec!["UpdateTrail".to_owned()])));
    // A dimension without a value, or with one that CloudWatch does not take, keeps the event back.
    assert_eq!(trail.datum(r#"{"sourceIPAddress":"1.1.1.1"}"#), None);
    assert_eq!(trail.datum(r#"{"eventType":" ","sourceIPAddress":"1.1.1.1"}"#), None);
}

#[test]
fn what_is_refused() {
    type Change = fn(&mut MetricFilter);
    let bad: &[(&str, Change)] = &[
        ("dimensions and default", |f| f.transformation.default_value = Some(0.0)),
        ("a pattern of terms with a dimension", |f| f.pattern = "ERROR".to_owned()),
        ("a dimension that is no field", |f| {
            f.transformation.dimensions = BTreeMap::from([("a".to_owned(), "$.other".to_owned())]);
        }),
        ("four dimensions", |f| {
            f.system_dimensions = ["@aws.account", "@aws.region"].map(str::to_owned).to_vec();
            f.transformation.dimensions.insert("b".to_owned(), "$.a".to_owned());
        }),
        ("an unknown system field", |f| f.system_dimensions = vec!["@aws.zone".to_owned()]),
        ("a value that is nothing", |f| f.transformation.metric_value = "abc".to_owned()),
        ("a value that is no number", |f| f.transformation.metric_value = "inf".to_owned()),
        ("a value too large", |f| f.transformation.metric_value = "1e300".to_owned()),
        ("no value", |f| f.transformation.metric_value = String::new()),
        ("no name", |f| f.transformation.metric_name = String::new()),
        ("a broken pattern", |f| f.pattern = "{ $.a".to_owned()),
        ("an unknown unit", |f| f.transformation.unit = Some("Parsec".to_owned())),
        ("broken criteria", |f| f.field_selection_criteria = Some("x".to_owned())),
    ];
    let good = filter("{ $.a = * }", "1", &[("a", "$.a")]);
    assert!(CompiledFilter::compile(&scope(), &good).is_ok());
    for (name, change) in bad {
        let mut filter = good.clone();
        change(&mut filter);
        let refused = CompiledFilter::compile(&scope(), &filter);
        assert!(matches!(refused, Err(LogsError::InvalidParameter(_))), "{name}: {refused:?}");
    }
}

#[test]
fn criteria_choose_groups() {
    let mut here = filter("", "1", &[]);
    here.field_selection_criteria = Some(r#"@aws.region = "eu-west-1""#.to_owned());
    assert!(CompiledFilter::compile(&scope(), &here).unwrap().selects(&scope(), "g"));
    here.field_selection_criteria = Some(r#"@source.log NOT IN ["g"]"#.to_owned());
    assert!(!CompiledFilter::compile(&scope(), &here).unwrap().selects(&scope(), "g"));
}
