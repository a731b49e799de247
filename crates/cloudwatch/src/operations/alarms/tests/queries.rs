//! Alarms on queries: metric math, Metrics Insights with contributors, anomaly bands.

use std::time::Duration;

use base::Timestamp;
use shapes::cloudwatch::{
    DescribeAlarmContributorsInput, DescribeAlarmHistoryInput, Metric, MetricDataQuery, MetricStat,
    PutMetricAlarmInput,
};

use super::bench::{Bench, alarm, error_text};
use crate::operations::alarms::describe_alarm_contributors::describe_alarm_contributors;
use crate::operations::alarms::describe_alarm_history::describe_alarm_history;
use crate::operations::alarms::put_metric_alarm::put_metric_alarm;

fn metric(id: &str, name: &str) -> MetricDataQuery {
    let metric =
        Metric { namespace: Some("NS".to_owned()), metric_name: Some(name.to_owned()), dimensions: None };
    let stat = MetricStat { metric, period: 60, stat: "Sum".to_owned(), unit: None };
    MetricDataQuery {
        id: id.to_owned(),
        metric_stat: Some(stat),
        return_data: Some(false),
        ..MetricDataQuery::default()
    }
}

fn expression(id: &str, text: &str, period: Option<i32>) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        expression: Some(text.to_owned()),
        period,
        ..MetricDataQuery::default()
    }
}

fn on(name: &str, metrics: Vec<MetricDataQuery>) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        metrics: Some(metrics),
        ..alarm(name)
    }
}

#[tokio::test]
async fn math_is_evaluated_and_division_by_zero_is_missing() {
    // Vector T17.
    let bench = Bench::new().await;
    let queries = || vec![metric("m1", "m"), metric("m2", "n"), expression("e1", "m1 / m2", None)];
    bench.put(on("a", queries())).await;
    bench.value_of("n", &[], 2.0).await;
    bench.minute(Some(10.0)).await;
    assert_eq!(bench.state("a").await, "ALARM");
    let data = bench.alarm("a").await.state_reason_data.unwrap();
    assert!(
        data.contains(r#""period":60,"recentDatapoints":[5.0]"#) && !data.contains("statistic"),
        "{data}"
    );
    for _ in 0..3 {
        bench.value_of("n", &[], 0.0).await;
        bench.minute(Some(10.0)).await;
    }
    assert_eq!(bench.state("a").await, "INSUFFICIENT_DATA");
}

#[tokio::test]
async fn each_group_is_a_contributor() {
    // Vectors T22 to T24.
    let bench = Bench::new().await;
    let query = "SELECT MAX(m) FROM \"NS\" GROUP BY i ORDER BY MAX() DESC";
    bench
        .put(PutMetricAlarmInput {
            treat_missing_data: Some("breaching".to_owned()),
            ..on("a", vec![expression("q", query, Some(60))])
        })
        .await;
    bench.value_of("m", &[("i", "a")], 5.0).await;
    bench.value_of("m", &[("i", "b")], 1.0).await;
    bench.minute(None).await;
    assert_eq!(bench.state("a").await, "ALARM");
    let contributors = async || {
        let input = DescribeAlarmContributorsInput { alarm_name: "a".to_owned(), next_token: None };
        describe_alarm_contributors(bench.cx(), input).await.unwrap().alarm_contributors
    };
    let found = contributors().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].contributor_attributes.get("i").map(String::as_str), Some("a"));
    assert!(
        found[0].state_reason.starts_with("Threshold Crossed: 1 datapoint [5.0 "),
        "{}",
        found[0].state_reason
    );
    assert_eq!(bench.actions(), ["a OK to ALARM: t"]);
    let history = DescribeAlarmHistoryInput {
        alarm_contributor_id: Some(found[0].contributor_id.clone()),
        ..DescribeAlarmHistoryInput::default()
    };
    let items = describe_alarm_history(bench.cx(), history).await.unwrap().alarm_history_items.unwrap();
    let kinds: Vec<_> = items.iter().map(|item| item.history_item_type.as_ref().unwrap().as_str()).collect();
    assert_eq!(kinds, ["AlarmContributorAction", "AlarmContributorStateUpdate"]);

    // After a while only b has data.
    for _ in 0..4 {
        bench.value_of("m", &[("i", "b")], 1.0).await;
        bench.minute(None).await;
    }
    bench.clock.advance(Duration::from_secs(3 * 3600));
    bench.value_of("m", &[("i", "b")], 1.0).await;
    bench.minute(None).await;
    assert_eq!((bench.state("a").await.as_str(), contributors().await.len()), ("OK", 0));
    assert_eq!(bench.actions().last().unwrap(), "a ALARM to OK: ok");
    // And then nothing has.
    bench.clock.advance(Duration::from_secs(4 * 3600));
    bench.settle().await;
    assert_eq!(bench.state("a").await, "INSUFFICIENT_DATA");
}

#[tokio::test]
async fn lists_that_cannot_be_an_alarm_are_refused() {
    let bench = Bench::new().await;
    for (metrics, message) in [
        (
            vec![metric("m1", "m"), expression("e1", "m1 / m9", None)],
            "Metrics list contains an invalid expression",
        ),
        (vec![metric("m1", "m")], "Exactly one element of the metrics list should return data."),
        (
            vec![expression("e1", "SELECT MAX(m) FROM \"NS\" GROUP BY i", Some(60))],
            "Metrics expression that return multi time series are only allowed for MetricsInsights expression with an ORDER BY clause",
        ),
        (
            vec![expression("e1", "SEARCH('{NS} m', 'Sum', 60)", Some(60))],
            "Metrics expression that return multi time series are only allowed for MetricsInsights expression with an ORDER BY clause",
        ),
        (vec![expression("e1", "SELECT MAX(m) FROM \"NS\"", None)], "Period must not be null"),
    ] {
        let refused = error_text(put_metric_alarm(bench.cx(), on("a", metrics)).await.unwrap_err());
        assert!(refused.starts_with(&format!("ValidationError: {message}")), "{refused}");
    }
}

#[tokio::test]
async fn a_band_is_what_values_are_compared_with() {
    let bench = Bench::new().await;
    // Three days of values around 10, minute by minute.
    let now = base::Clock::now(&*bench.clock);
    let start = now.saturating_sub_millis(3 * 86_400_000);
    let values = (0..3 * 1440).map(|minute: i64| {
        let at: Timestamp = start.saturating_add_millis(minute * 60_000);
        (at, 10.0 + (minute % 7) as f64 * 0.1)
    });
    bench.values_of("m", values.collect()).await;
    let mut input = on(
        "a",
        vec![
            MetricDataQuery { return_data: Some(true), ..metric("m1", "m") },
            expression("ad", "ANOMALY_DETECTION_BAND(m1, 2)", None),
        ],
    );
    input.threshold = None;
    input.threshold_metric_id = Some("ad".to_owned());
    input.comparison_operator = Some("LessThanLowerOrGreaterThanUpperThreshold".into());
    bench.put(input).await;
    bench.minute(Some(10.3)).await;
    assert_eq!(bench.state("a").await, "OK");
    bench.minute(Some(500.0)).await;
    assert_eq!(bench.state("a").await, "ALARM");
    let shown = bench.alarm("a").await;
    assert!(
        shown.state_reason.unwrap().starts_with("Thresholds Crossed: 1 out of the last 1 datapoints [500.0 ")
    );
    assert!(shown.state_reason_data.unwrap().contains("recentUpperThresholds"));
    assert_eq!((shown.threshold, shown.threshold_metric_id.as_deref()), (None, Some("ad")));
}
