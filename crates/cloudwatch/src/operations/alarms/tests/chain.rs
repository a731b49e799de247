//! From a value to an action: what happens, once, and across restarts.

use std::time::Duration;

use base::{SimulatedClock, Timestamp};
use shapes::cloudwatch::{PutMetricAlarmInput, StateValue};
use signals::TargetError;

use super::bench::{Bench, OK_TOPIC, START, TOPIC, alarm};

#[tokio::test]
async fn a_value_becomes_a_state_an_action_and_an_event() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.settle().await;
    assert_eq!(bench.state("a").await, "INSUFFICIENT_DATA");
    assert_eq!(bench.next_evaluation(), Some(START + Duration::from_secs(60)));
    bench.minute(Some(5.0)).await;
    let shown = bench.alarm("a").await;
    assert_eq!(
        shown.state_reason.as_deref(),
        Some(
            "Threshold Crossed: 1 datapoint [5.0 (03/02/26 00:00:00)] was greater than the threshold (3.0)."
        )
    );
    assert_eq!(shown.state_transitioned_timestamp, Some(START + Duration::from_secs(60)));
    assert_eq!(bench.actions(), ["a INSUFFICIENT_DATA to ALARM: t"]);
    assert_eq!(bench.transitions(), ["a INSUFFICIENT_DATA to ALARM"]);
    // The same state again is nothing new, however often it is evaluated.
    bench.minute(Some(6.0)).await;
    bench.settle().await;
    assert_eq!((bench.actions(), bench.transitions()), (vec![], vec![]));
    assert_eq!(bench.alarm("a").await.state_reason, shown.state_reason);
    bench.minute(Some(1.0)).await;
    assert_eq!(bench.actions(), ["a ALARM to OK: ok"]);
    assert_eq!(
        bench.history("a").await,
        [
            "Alarm \"a\" created",
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
            &format!("Successfully executed action {TOPIC}"),
            "Alarm updated from ALARM to OK",
            &format!("Successfully executed action {OK_TOPIC}"),
        ]
    );
    assert_eq!(bench.next_dispatch(), None);
}

#[tokio::test]
async fn a_state_set_by_hand_lasts_until_the_next_evaluation() {
    // Vector T13.
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.minute(Some(1.0)).await;
    bench.actions();
    bench.set("a", StateValue::Alarm).await;
    assert_eq!(bench.state("a").await, "ALARM", "the same minute is not evaluated again");
    assert_eq!(bench.actions(), ["a OK to ALARM: t"]);
    bench.minute(Some(1.0)).await;
    assert_eq!(bench.state("a").await, "OK");
    assert_eq!(bench.actions(), ["a ALARM to OK: ok"]);
}

#[tokio::test]
async fn actions_that_are_off_do_not_run() {
    let bench = Bench::new().await;
    bench.put(PutMetricAlarmInput { actions_enabled: Some(false), ..alarm("a") }).await;
    bench.minute(Some(5.0)).await;
    assert_eq!((bench.actions(), bench.transitions().len()), (vec![], 1));
}

#[tokio::test]
async fn a_failed_action_shows_in_the_history() {
    let bench = Bench::new().await;
    *bench.recorder.failure.lock() = Some(TargetError::Unmapped(TOPIC.to_owned()));
    bench.put(alarm("a")).await;
    bench.minute(Some(5.0)).await;
    let last = bench.history("a").await.pop().unwrap();
    assert_eq!(
        last,
        format!(
            "Failed to execute action {TOPIC}. Received error: \"no endpoint is configured for {TOPIC}\""
        )
    );
    assert_eq!(bench.next_dispatch(), None);
}

#[tokio::test]
async fn a_target_that_is_away_is_tried_again_with_pauses_and_then_given_up() {
    let bench = Bench::new().await;
    *bench.recorder.failure.lock() = Some(TargetError::Unavailable("busy".to_owned()));
    bench.put(alarm("a")).await;
    bench.minute(Some(5.0)).await;
    let mut pauses = Vec::new();
    while let Some(next) = bench.next_dispatch() {
        pauses.push(next.millis_since(base::Clock::now(&*bench.clock)) / 1000);
        bench.clock.advance_to(next);
        bench.dispatch().await;
    }
    assert_eq!(pauses, [2, 8, 32, 128]);
    let ids: Vec<String> = bench.recorder.actions.lock().iter().map(|action| action.id.clone()).collect();
    assert_eq!(ids.len(), 5);
    assert!(ids.iter().all(|id| *id == ids[0]), "an action keeps its id");
    let failures = bench.history("a").await.into_iter().filter(|s| s.starts_with("Failed")).count();
    assert_eq!(failures, 1);
}

#[tokio::test]
async fn a_change_survives_a_crash_and_happens_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let clock = SimulatedClock::new(START);
    let bench = Bench::open(&file, clock.clone()).await;
    bench.put(alarm("a")).await;
    bench.value(5.0).await;
    clock.advance(Duration::from_secs(60));
    // The state is written and the server stops before the action is handed over.
    bench.evaluate().await;
    assert_eq!(bench.actions(), Vec::<String>::new());
    let pending = bench.cw.alarms().outbox.list(&catalog::Prefix::everything(), None, 10);
    bench.cw.catalog().close().await.unwrap();
    drop(bench);

    let bench = Bench::open(&file, clock.clone()).await;
    assert_eq!(bench.state("a").await, "ALARM");
    assert_eq!(bench.cw.alarms().outbox.list(&catalog::Prefix::everything(), None, 10).len(), pending.len());
    // The values are lost with the store of this test; what was decided is not decided again.
    bench.dispatch().await;
    assert_eq!(bench.actions(), ["a INSUFFICIENT_DATA to ALARM: t"]);
    bench.value(5.0).await;
    clock.advance(Duration::from_secs(60));
    bench.settle().await;
    assert_eq!((bench.state("a").await.as_str(), bench.actions()), ("ALARM", vec![]));
    let updates = bench.history("a").await.into_iter().filter(|s| s.starts_with("Alarm updated")).count();
    assert_eq!(updates, 1);
    bench.cw.catalog().close().await.unwrap();
    drop(bench);

    // A clock that jumped a day ahead: one evaluation, not one for each minute that passed.
    clock.advance(Duration::from_secs(86_400));
    let bench = Bench::open(&file, clock.clone()).await;
    bench.settle().await;
    assert_eq!(bench.state("a").await, "INSUFFICIENT_DATA");
    let updates = bench.history("a").await.into_iter().filter(|s| s.starts_with("Alarm updated")).count();
    assert_eq!(updates, 2);
}

#[tokio::test]
async fn scaling_actions_repeat_while_the_state_lasts() {
    let bench = Bench::new().await;
    let policy =
        "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:x:autoScalingGroupName/g:policyName/up";
    let actions = Some(vec![policy.to_owned(), TOPIC.to_owned()]);
    bench.put(PutMetricAlarmInput { alarm_actions: actions, ..alarm("a") }).await;
    bench.minute(Some(5.0)).await;
    assert_eq!(bench.actions().len(), 2);
    for _ in 0..3 {
        bench.minute(Some(5.0)).await;
        assert_eq!(bench.actions(), ["a ALARM to ALARM: policyName/up"]);
        bench.settle().await;
        assert_eq!(bench.actions(), Vec::<String>::new(), "once a minute");
    }
    bench.minute(Some(1.0)).await;
    bench.actions();
    bench.minute(Some(1.0)).await;
    assert_eq!(bench.actions(), Vec::<String>::new());
    let executed = bench.history("a").await.into_iter().filter(|s| s.contains("scalingPolicy")).count();
    assert_eq!(executed, 1, "repetitions are not noted");
}

#[tokio::test]
async fn high_resolution_alarms_are_evaluated_every_ten_seconds() {
    let bench = Bench::new().await;
    let input = PutMetricAlarmInput {
        period: Some(10),
        evaluation_periods: Some(2),
        treat_missing_data: Some("breaching".to_owned()),
        ..alarm("a")
    };
    bench.put(input).await;
    bench.settle().await;
    // Vector T9.
    assert_eq!(
        bench.alarm("a").await.state_reason.as_deref(),
        Some(
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."
        )
    );
    assert_eq!(bench.next_evaluation(), Some(START + Duration::from_secs(10)));
}

#[tokio::test]
async fn warming_up_runs_no_actions() {
    let bench = Bench::new().await;
    let warm_up = |strict| {
        Some(shapes::cloudwatch::WarmUpConfiguration {
            only_start_evaluating_after_warm_up_period_ends: Some(strict),
            warm_up_period_duration_in_minutes: 3,
        })
    };
    bench.put(PutMetricAlarmInput { warm_up_configuration: warm_up(true), ..alarm("strict") }).await;
    bench.put(PutMetricAlarmInput { warm_up_configuration: warm_up(false), ..alarm("lax") }).await;
    bench.minute(Some(5.0)).await;
    assert_eq!(bench.actions(), ["lax INSUFFICIENT_DATA to ALARM: t"]);
    bench.minute(Some(5.0)).await;
    assert_eq!(bench.state("strict").await, "INSUFFICIENT_DATA");
    bench.minute(Some(5.0)).await;
    assert_eq!(bench.actions(), ["strict INSUFFICIENT_DATA to ALARM: t"]);
    bench.put(PutMetricAlarmInput { warm_up_configuration: warm_up(true), ..alarm("strict") }).await;
    bench.minute(Some(1.0)).await;
    assert_eq!(bench.state("strict").await, "OK", "a warm-up that is over does not begin again");
}

#[tokio::test]
async fn a_single_metric_in_a_list_is_evaluated() {
    let bench = Bench::new().await;
    let metric = shapes::cloudwatch::Metric {
        namespace: Some("NS".to_owned()),
        metric_name: Some("m".to_owned()),
        dimensions: None,
    };
    let stat = shapes::cloudwatch::MetricStat { metric, period: 60, stat: "Sum".to_owned(), unit: None };
    let query = shapes::cloudwatch::MetricDataQuery {
        id: "m1".to_owned(),
        metric_stat: Some(stat),
        ..Default::default()
    };
    let input = PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        metrics: Some(vec![query.clone()]),
        ..alarm("a")
    };
    bench.put(input).await;
    bench.value(2.0).await;
    bench.minute(Some(2.0)).await;
    let shown = bench.alarm("a").await;
    assert_eq!(shown.state_value, Some(StateValue::Alarm));
    assert_eq!(shown.metrics, Some(vec![query]));
    assert_eq!((shown.namespace, shown.period), (None, None));
    let at: Option<Timestamp> = shown.state_updated_timestamp;
    assert_eq!(at, Some(START + Duration::from_secs(60)));
}

#[tokio::test]
async fn configurations_are_events_too() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.put(PutMetricAlarmInput { threshold: Some(4.0), ..alarm("a") }).await;
    let input = shapes::cloudwatch::DeleteAlarmsInput { alarm_names: vec!["a".to_owned()] };
    crate::operations::alarms::delete_alarms::delete_alarms(bench.cx(), input).await.unwrap();
    bench.dispatch().await;
    let events = bench.recorder.events.lock();
    let shown: Vec<String> = events
        .iter()
        .map(|event| {
            let text =
                |pointer: &str| event.detail.pointer(pointer).map_or("-".to_owned(), ToString::to_string);
            assert_eq!(event.resources, ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"]);
            assert_eq!(
                (event.source.as_str(), event.detail_type.as_str()),
                ("aws.cloudwatch", "CloudWatch Alarm Configuration Change")
            );
            format!(
                "{} {} {}",
                text("/operation"),
                text("/configuration/threshold"),
                text("/previousConfiguration/threshold")
            )
        })
        .collect();
    assert_eq!(shown, ["\"create\" 3.0 -", "\"update\" 4.0 3.0", "\"delete\" 4.0 -"]);
}

#[tokio::test]
async fn an_evaluation_that_fails_says_so_and_recovers() {
    let bench = Bench::new().await;
    let stat = |name: &str| shapes::cloudwatch::MetricStat {
        metric: shapes::cloudwatch::Metric {
            namespace: Some("NS".to_owned()),
            metric_name: Some(name.to_owned()),
            dimensions: None,
        },
        period: 60,
        stat: "Sum".to_owned(),
        unit: None,
    };
    let query = |account: Option<&str>| shapes::cloudwatch::MetricDataQuery {
        id: "m1".to_owned(),
        metric_stat: Some(stat("m")),
        account_id: account.map(str::to_owned),
        ..Default::default()
    };
    let input = |account| PutMetricAlarmInput {
        namespace: None,
        metric_name: None,
        statistic: None,
        period: None,
        metrics: Some(vec![query(account)]),
        ..alarm("a")
    };
    bench.put(input(Some("999999999999"))).await;
    bench.minute(Some(5.0)).await;
    let shown = bench.alarm("a").await;
    assert_eq!(
        shown.evaluation_state.map(|state| state.as_str().to_owned()).as_deref(),
        Some("EVALUATION_ERROR")
    );
    assert_eq!(shown.state_reason.as_deref(), Some("The metric of another account cannot be read"));
    assert_eq!(shown.state_value, Some(StateValue::InsufficientData));
    bench.put(input(None)).await;
    bench.minute(Some(5.0)).await;
    let shown = bench.alarm("a").await;
    assert_eq!((shown.evaluation_state, shown.state_value), (None, Some(StateValue::Alarm)));
}
