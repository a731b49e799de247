//! DescribeAlarms, DescribeAlarmsForMetric and DescribeAlarmHistory.

use shapes::cloudwatch::{
    DescribeAlarmHistoryInput, DescribeAlarmsForMetricInput, DescribeAlarmsInput, DescribeAlarmsOutput,
    Dimension, DisableAlarmActionsInput, EnableAlarmActionsInput, PutMetricAlarmInput, StateValue,
};

use super::bench::{Bench, alarm, composite, error_text};
use crate::operations::alarms::describe_alarm_contributors::describe_alarm_contributors;
use crate::operations::alarms::describe_alarm_history::describe_alarm_history;
use crate::operations::alarms::describe_alarms::describe_alarms;
use crate::operations::alarms::describe_alarms_for_metric::describe_alarms_for_metric;
use crate::operations::alarms::disable_alarm_actions::disable_alarm_actions;
use crate::operations::alarms::enable_alarm_actions::enable_alarm_actions;

fn names(output: &DescribeAlarmsOutput) -> Vec<String> {
    let metric = output.metric_alarms.iter().flatten().map(|a| a.alarm_name.clone());
    let composite = output.composite_alarms.iter().flatten().map(|a| a.alarm_name.clone());
    metric.chain(composite).flatten().collect()
}

#[tokio::test]
async fn alarms_are_selected_and_paged_by_name() {
    let bench = Bench::new().await;
    for i in 0..5 {
        bench.put(alarm(&format!("web-{i}"))).await;
    }
    bench.put(PutMetricAlarmInput { alarm_actions: None, ok_actions: None, ..alarm("db") }).await;
    bench.put_composite(composite("all", "ALARM(web-0) OR ALARM(db)")).await;
    bench.set("web-3", StateValue::Alarm).await;
    let describe = async |input: DescribeAlarmsInput| describe_alarms(bench.cx(), input).await;
    let default = DescribeAlarmsInput::default;
    let shown = describe(default()).await.unwrap();
    assert_eq!(names(&shown), ["db", "web-0", "web-1", "web-2", "web-3", "web-4"]);
    assert_eq!((shown.composite_alarms, shown.log_alarms), (Some(vec![]), Some(vec![])));
    let both = Some(vec!["MetricAlarm".into(), "CompositeAlarm".into()]);
    let shown = describe(DescribeAlarmsInput { alarm_types: both, ..default() }).await.unwrap();
    assert_eq!(names(&shown).len(), 7);
    for (input, expected) in [
        (DescribeAlarmsInput { alarm_name_prefix: Some("web".to_owned()), ..default() }, 5),
        (DescribeAlarmsInput { alarm_names: Some(vec!["db".to_owned(), "x".to_owned()]), ..default() }, 1),
        (DescribeAlarmsInput { state_value: Some(StateValue::Alarm), ..default() }, 1),
        (DescribeAlarmsInput { action_prefix: Some("arn:aws:sns:".to_owned()), ..default() }, 5),
        (DescribeAlarmsInput { children_of_alarm_name: Some("all".to_owned()), ..default() }, 2),
        (DescribeAlarmsInput { parents_of_alarm_name: Some("db".to_owned()), ..default() }, 1),
        (DescribeAlarmsInput { alarm_names: Some(vec![]), alarm_types: Some(vec![]), ..default() }, 6),
        (DescribeAlarmsInput { parents_of_alarm_name: Some("web-1".to_owned()), ..default() }, 0),
    ] {
        assert_eq!(names(&describe(input.clone()).await.unwrap()).len(), expected, "{input:?}");
    }
    let mut page = DescribeAlarmsInput { max_records: Some(4), ..default() };
    let first = describe(page.clone()).await.unwrap();
    page.next_token = first.next_token.clone();
    let second = describe(page.clone()).await.unwrap();
    assert_eq!(
        (names(&first).len(), names(&second), second.next_token),
        (4, vec!["web-3".to_owned(), "web-4".to_owned()], None)
    );
    page.state_value = Some(StateValue::Ok);
    let foreign = error_text(describe(page).await.unwrap_err());
    assert_eq!(foreign, "InvalidNextToken: The NextToken is invalid.");
    for wrong in [
        DescribeAlarmsInput {
            alarm_names: Some(vec!["a".to_owned()]),
            alarm_name_prefix: Some("a".to_owned()),
            ..default()
        },
        DescribeAlarmsInput {
            children_of_alarm_name: Some("all".to_owned()),
            state_value: Some(StateValue::Ok),
            ..default()
        },
    ] {
        assert!(error_text(describe(wrong).await.unwrap_err()).starts_with("ValidationError: "));
    }
}

#[tokio::test]
async fn members_that_were_not_given_are_not_shown() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    let shown = bench.alarm("a").await;
    assert_eq!(shown.treat_missing_data, None);
    assert_eq!(shown.unit, None);
    assert_eq!(shown.alarm_description, None);
    assert_eq!(shown.datapoints_to_alarm, None);
    assert_eq!(shown.state_reason_data, None);
    assert_eq!(shown.dimensions, Some(vec![]));
    assert_eq!(shown.insufficient_data_actions, Some(vec![]));
    assert_eq!(shown.actions_enabled, Some(true));
    assert_eq!(shown.state_reason.as_deref(), Some("Unchecked: Initial alarm creation"));
    assert_eq!(shown.alarm_arn.as_deref(), Some("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a"));
}

#[tokio::test]
async fn alarms_of_a_metric_are_those_of_exactly_this_metric() {
    let bench = Bench::new().await;
    let dimension = Dimension { name: "Host".to_owned(), value: "a".to_owned() };
    bench.put(alarm("plain")).await;
    bench.put(PutMetricAlarmInput { dimensions: Some(vec![dimension.clone()]), ..alarm("host") }).await;
    let find = async |dimensions, period| {
        let input = DescribeAlarmsForMetricInput {
            namespace: "NS".to_owned(),
            metric_name: "m".to_owned(),
            dimensions,
            period,
            ..DescribeAlarmsForMetricInput::default()
        };
        let found = describe_alarms_for_metric(bench.cx(), input).await.unwrap().metric_alarms.unwrap();
        found.into_iter().filter_map(|alarm| alarm.alarm_name).collect::<Vec<_>>()
    };
    assert_eq!(find(None, None).await, ["plain"]);
    assert_eq!(find(Some(vec![dimension]), None).await, ["host"]);
    assert_eq!(find(None, Some(300)).await, Vec::<String>::new());
}

#[tokio::test]
async fn history_is_filtered_and_paged() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.put(alarm("b")).await;
    for state in [StateValue::Alarm, StateValue::Ok, StateValue::Alarm] {
        bench.set("a", state).await;
    }
    let describe =
        async |input: DescribeAlarmHistoryInput| describe_alarm_history(bench.cx(), input).await.unwrap();
    let default = DescribeAlarmHistoryInput::default;
    let updates = DescribeAlarmHistoryInput { history_item_type: Some("StateUpdate".into()), ..default() };
    let shown = describe(updates.clone()).await.alarm_history_items.unwrap();
    assert_eq!(shown.len(), 3);
    assert_eq!(shown[0].history_summary.as_deref(), Some("Alarm updated from OK to ALARM"), "newest first");
    let of_b = DescribeAlarmHistoryInput { alarm_name: Some("b".to_owned()), ..default() };
    assert_eq!(describe(of_b).await.alarm_history_items.unwrap().len(), 1);
    let mut all = Vec::new();
    let mut input = DescribeAlarmHistoryInput { max_records: Some(3), ..default() };
    loop {
        let page = describe(input.clone()).await;
        all.extend(page.alarm_history_items.unwrap());
        input.next_token = page.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    // Two creations, three changes, three actions.
    assert_eq!(all.len(), 8);
    let composite =
        DescribeAlarmHistoryInput { alarm_types: Some(vec!["CompositeAlarm".into()]), ..default() };
    assert_eq!(describe(composite).await.alarm_history_items.unwrap().len(), 0);
}

#[tokio::test]
async fn actions_are_switched_and_unknown_names_left_away() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    let alarm_names = vec!["a".to_owned(), "nobody".to_owned()];
    disable_alarm_actions(bench.cx(), DisableAlarmActionsInput { alarm_names: alarm_names.clone() })
        .await
        .unwrap();
    assert_eq!(bench.alarm("a").await.actions_enabled, Some(false));
    enable_alarm_actions(bench.cx(), EnableAlarmActionsInput { alarm_names: alarm_names.clone() })
        .await
        .unwrap();
    enable_alarm_actions(bench.cx(), EnableAlarmActionsInput { alarm_names }).await.unwrap();
    assert_eq!(bench.alarm("a").await.actions_enabled, Some(true));
    let items = bench.history("a").await;
    assert_eq!(items, ["Alarm \"a\" created", "Alarm \"a\" updated", "Alarm \"a\" updated"]);
}

#[tokio::test]
async fn contributors_of_an_unknown_alarm_are_not_found() {
    let bench = Bench::new().await;
    let input = shapes::cloudwatch::DescribeAlarmContributorsInput {
        alarm_name: "nobody".to_owned(),
        next_token: None,
    };
    let missing = error_text(describe_alarm_contributors(bench.cx(), input.clone()).await.unwrap_err());
    assert!(missing.starts_with("ResourceNotFoundException: "), "{missing}");
    bench.put(alarm("nobody")).await;
    assert_eq!(describe_alarm_contributors(bench.cx(), input).await.unwrap().alarm_contributors, []);
}
