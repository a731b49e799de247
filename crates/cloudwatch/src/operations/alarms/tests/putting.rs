//! What PutMetricAlarm and its neighbours refuse, kept as text, and that a failed request changes nothing.

use shapes::cloudwatch::{
    Dimension, EvaluationCriteria, EvaluationWindow, Metric, MetricDataQuery, MetricStat,
    PutMetricAlarmInput, SetAlarmStateInput, StateValue, WallClockWindow, WarmUpConfiguration,
};

use super::bench::{Bench, alarm, composite, error_text};
use crate::operations::alarms::put_composite_alarm::put_composite_alarm;
use crate::operations::alarms::put_metric_alarm::put_metric_alarm;
use crate::operations::alarms::set_alarm_state::set_alarm_state;

const CASES: &str = include_str!("../../../../tests/corpus/alarms.txt");

fn input(changes: &str) -> PutMetricAlarmInput {
    let mut input = PutMetricAlarmInput { alarm_actions: None, ok_actions: None, ..alarm("a") };
    for change in changes.split_whitespace() {
        let (member, value) = change.split_once('=').unwrap();
        let given = (!value.is_empty()).then(|| value.to_owned());
        let number = || given.as_ref().map(|text| text.parse().unwrap());
        match member {
            "name" => input.alarm_name = given.unwrap(),
            "metric" => input.metric_name = given,
            "namespace" => input.namespace = given,
            "period" => input.period = number(),
            "evaluationperiods" => input.evaluation_periods = number(),
            "datapoints" => input.datapoints_to_alarm = number(),
            "interval" => input.evaluation_interval = number(),
            "threshold" => input.threshold = given.map(|text| text.parse().unwrap()),
            "thresholdid" => input.threshold_metric_id = given,
            "comparison" => input.comparison_operator = given.map(Into::into),
            "statistic" => input.statistic = given.map(Into::into),
            "extended" => input.extended_statistic = given,
            "missing" => input.treat_missing_data = given,
            "low" => input.evaluate_low_sample_count_percentile = given,
            "wall" => {
                input.evaluation_window =
                    Some(EvaluationWindow::WallClockWindow(WallClockWindow { timezone: given }));
            }
            "warm" => {
                input.warm_up_configuration = Some(WarmUpConfiguration {
                    only_start_evaluating_after_warm_up_period_ends: None,
                    warm_up_period_duration_in_minutes: number().unwrap(),
                });
            }
            "action" => input.alarm_actions.get_or_insert_default().push(value.to_owned()),
            "okaction" => input.ok_actions.get_or_insert_default().push(value.to_owned()),
            "dimension" => {
                let (name, value) = value.split_once(':').unwrap();
                let dimension = Dimension { name: name.to_owned(), value: value.to_owned() };
                input.dimensions.get_or_insert_default().push(dimension);
            }
            "metrics" => input.metrics = Some(value.split(',').map(query).collect()),
            other => panic!("{other}"),
        }
    }
    input
}

fn query(id: &str) -> MetricDataQuery {
    let metric =
        Metric { namespace: Some("NS".to_owned()), metric_name: Some("m".to_owned()), dimensions: None };
    let stat = MetricStat { metric, period: 60, stat: "Sum".to_owned(), unit: None };
    MetricDataQuery { id: id.to_owned(), metric_stat: Some(stat), ..MetricDataQuery::default() }
}

#[tokio::test]
async fn every_case_of_the_corpus() {
    let mut cases = 0;
    for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (changes, expected) = line.split_once('|').unwrap();
        let bench = Bench::new().await;
        let put = put_metric_alarm(bench.cx(), input(changes)).await;
        let is_accepted = put.is_ok();
        assert_eq!(put.map_or_else(error_text, |()| "accepted".to_owned()), expected.trim(), "{line}");
        assert_eq!(bench.history("a").await.len(), usize::from(is_accepted), "{line}");
        cases += 1;
    }
    assert!(cases > 40);
}

#[tokio::test]
async fn an_update_keeps_state_and_tags_and_replaces_the_rest() {
    let bench = Bench::new().await;
    let tag = shapes::cloudwatch::Tag { key: "team".to_owned(), value: "shop".to_owned() };
    bench
        .put(PutMetricAlarmInput {
            alarm_description: Some("first".to_owned()),
            tags: Some(vec![tag.clone()]),
            ..alarm("a")
        })
        .await;
    bench.minute(Some(5.0)).await;
    let before = bench.alarm("a").await;
    assert_eq!(before.state_value, Some(StateValue::Alarm));
    let other = shapes::cloudwatch::Tag { key: "other".to_owned(), ..tag };
    bench.put(PutMetricAlarmInput { tags: Some(vec![other]), ..alarm("a") }).await;
    let after = bench.alarm("a").await;
    assert_eq!(after.alarm_description, None);
    assert_eq!((after.state_value, &after.state_reason), (before.state_value, &before.state_reason));
    assert_eq!(after.state_updated_timestamp, before.state_updated_timestamp);
    let tags = bench.cw.tags().get(&super::bench::scope(), crate::tags::Taggable::Alarm, "a");
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "shop".to_owned())]);
    assert_eq!(bench.history("a").await.last().unwrap(), "Alarm \"a\" updated");
}

#[tokio::test]
async fn kinds_are_not_exchanged_and_unknown_children_refused() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    let refused = |error| error_text(error);
    let as_composite = put_composite_alarm(bench.cx(), composite("a", "TRUE")).await.map_err(refused);
    assert_eq!(
        as_composite,
        Err("ValidationError: An alarm of another type with the name a exists already".to_owned())
    );
    for (rule, message) in [
        (
            "ALARM(a) AND ALARM(x)",
            "Could not save the composite alarm as alarms [x] in the alarm rule do not exist",
        ),
        ("ALARM(a", "AlarmRule is invalid: ')' expected at position 7"),
        (
            "ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)",
            "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a is not an alarm of this account and Region",
        ),
    ] {
        let put = put_composite_alarm(bench.cx(), composite("c", rule)).await.map_err(refused);
        assert_eq!(put, Err(format!("ValidationError: {message}")));
    }
    let mut half = composite("c", "ALARM(a)");
    half.actions_suppressor = Some("a".to_owned());
    let put = put_composite_alarm(bench.cx(), half).await.map_err(refused);
    assert!(put.unwrap_err().contains("ActionsSuppressor requires"));
    assert!(bench.history("c").await.is_empty());
}

#[tokio::test]
async fn promql_alarms_are_refused_by_name() {
    let bench = Bench::new().await;
    let criteria = shapes::cloudwatch::AlarmPromQLCriteria { query: "up".to_owned(), ..Default::default() };
    let input = PutMetricAlarmInput {
        alarm_name: "p".to_owned(),
        evaluation_criteria: Some(EvaluationCriteria::PromQLCriteria(criteria)),
        ..PutMetricAlarmInput::default()
    };
    let refused = error_text(put_metric_alarm(bench.cx(), input).await.unwrap_err());
    assert!(refused.contains("PromQL alarms are not available"), "{refused}");
}

#[tokio::test]
async fn set_alarm_state_checks_what_it_is_given() {
    let bench = Bench::new().await;
    let input = |name: &str, data: Option<&str>| SetAlarmStateInput {
        alarm_name: name.to_owned(),
        state_reason: "r".to_owned(),
        state_reason_data: data.map(str::to_owned),
        state_value: StateValue::Alarm,
    };
    let missing = set_alarm_state(bench.cx(), input("nobody", None)).await.map_err(error_text);
    assert_eq!(missing, Err("ResourceNotFound: ".to_owned()));
    bench.put(alarm("a")).await;
    let malformed = set_alarm_state(bench.cx(), input("a", Some("{"))).await.map_err(error_text);
    assert_eq!(malformed, Err("InvalidFormatFault: StateReasonData is not valid JSON".to_owned()));
    set_alarm_state(bench.cx(), input("a", Some("{\"a\":1}"))).await.unwrap();
    assert_eq!(bench.alarm("a").await.state_reason_data.as_deref(), Some("{\"a\":1}"));
    let before = bench.alarm("a").await;
    bench.clock.advance(std::time::Duration::from_secs(1));
    set_alarm_state(bench.cx(), input("a", None)).await.unwrap();
    let after = bench.alarm("a").await;
    assert_eq!(
        (after.state_reason_data, after.state_transitioned_timestamp),
        (None, before.state_transitioned_timestamp)
    );
    assert_ne!(after.state_updated_timestamp, before.state_updated_timestamp);
}
