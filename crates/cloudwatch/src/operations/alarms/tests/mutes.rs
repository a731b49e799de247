//! Mute rules through operations and tasks.

use std::time::Duration;

use shapes::cloudwatch::{
    DeleteAlarmMuteRuleInput, GetAlarmMuteRuleInput, ListAlarmMuteRulesInput, MuteTargets,
    PutAlarmMuteRuleInput, Rule, Schedule,
};

use super::bench::{Bench, alarm, error_text};
use crate::operations::alarm_mute_rules::delete_alarm_mute_rule::delete_alarm_mute_rule;
use crate::operations::alarm_mute_rules::get_alarm_mute_rule::get_alarm_mute_rule;
use crate::operations::alarm_mute_rules::list_alarm_mute_rules::list_alarm_mute_rules;
use crate::operations::alarm_mute_rules::put_alarm_mute_rule::put_alarm_mute_rule;

fn rule(name: &str, expression: &str, duration: &str) -> PutAlarmMuteRuleInput {
    let schedule =
        Schedule { duration: duration.to_owned(), expression: expression.to_owned(), timezone: None };
    PutAlarmMuteRuleInput {
        name: name.to_owned(),
        rule: Rule { schedule },
        mute_targets: Some(MuteTargets { alarm_names: vec!["a".to_owned()] }),
        ..PutAlarmMuteRuleInput::default()
    }
}

/// The alarm `a` and a rule from 02:00 to 06:00 on a bench that stands at `hour`.
async fn bench_at(hour: u64) -> Bench {
    let bench = Bench::new().await;
    put_alarm_mute_rule(bench.cx(), rule("night", "cron(0 2 * * *)", "PT4H")).await.unwrap();
    bench.put(alarm("a")).await;
    to(&bench, hour).await;
    bench
}

async fn to(bench: &Bench, hour: u64) {
    bench.clock.advance_to(super::bench::START + Duration::from_secs(hour * 3600));
    bench.evaluate().await;
}

/// The minute up to the next full one has this value; the alarm is evaluated then.
async fn value(bench: &Bench, value: f64) {
    bench.minute(Some(value)).await;
}

#[tokio::test]
async fn an_alarm_that_lasts_is_told_when_the_window_ends() {
    // Vector U1.
    let bench = bench_at(3).await;
    value(&bench, 5.0).await;
    assert_eq!(bench.transitions(), ["a INSUFFICIENT_DATA to ALARM"]);
    assert_eq!(bench.actions(), Vec::<String>::new());
    let keep = async |hour: u64| {
        bench.clock.advance_to(super::bench::START + Duration::from_secs(hour * 3600 - 60));
        value(&bench, 5.0).await;
    };
    keep(5).await;
    bench.transitions();
    assert_eq!(bench.actions(), Vec::<String>::new());
    keep(6).await;
    assert_eq!(bench.actions(), ["a INSUFFICIENT_DATA to ALARM after mute: t"]);
    value(&bench, 5.0).await;
    assert_eq!(bench.actions(), Vec::<String>::new());
}

#[tokio::test]
async fn an_alarm_that_is_over_is_not_told() {
    // Vector U2.
    let bench = bench_at(3).await;
    value(&bench, 5.0).await;
    value(&bench, 1.0).await;
    assert_eq!(bench.transitions(), ["a INSUFFICIENT_DATA to ALARM", "a ALARM to OK"]);
    bench.clock.advance_to(super::bench::START + Duration::from_secs(6 * 3600 - 60));
    value(&bench, 1.0).await;
    assert_eq!(bench.actions(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_told_before_is_not_told_again() {
    // Vector U3.
    let bench = bench_at(1).await;
    value(&bench, 5.0).await;
    assert_eq!(bench.actions(), ["a INSUFFICIENT_DATA to ALARM: t"]);
    for hour in [3u64, 6] {
        bench.clock.advance_to(super::bench::START + Duration::from_secs(hour * 3600 - 60));
        value(&bench, 5.0).await;
    }
    assert_eq!(bench.actions(), Vec::<String>::new());
}

#[tokio::test]
async fn deleting_the_rule_unmutes_at_once() {
    // Vector U4.
    let bench = bench_at(3).await;
    value(&bench, 5.0).await;
    let input = DeleteAlarmMuteRuleInput { alarm_mute_rule_name: "night".to_owned() };
    delete_alarm_mute_rule(bench.cx(), input.clone()).await.unwrap();
    bench.settle().await;
    assert_eq!(bench.actions(), ["a INSUFFICIENT_DATA to ALARM after mute: t"]);
    delete_alarm_mute_rule(bench.cx(), input).await.unwrap();
}

#[tokio::test]
async fn rules_are_shown_and_listed() {
    let bench = Bench::new().await;
    put_alarm_mute_rule(bench.cx(), rule("night", "cron(0 0 * * *)", "PT4H")).await.unwrap();
    put_alarm_mute_rule(bench.cx(), rule("once", "at(2026-03-01T00:00)", "PT1H")).await.unwrap();
    let get = async |name: &str| {
        get_alarm_mute_rule(bench.cx(), GetAlarmMuteRuleInput { alarm_mute_rule_name: name.to_owned() }).await
    };
    let night = get("night").await.unwrap();
    assert_eq!(night.status.unwrap().as_str(), "ACTIVE");
    assert_eq!(night.mute_type.as_deref(), Some("RECURRING"));
    assert_eq!(
        night.alarm_mute_rule_arn.as_deref(),
        Some("arn:aws:cloudwatch:eu-west-1:123456789012:alarm-mute-rule:night")
    );
    let once = get("once").await.unwrap();
    assert_eq!((once.status.unwrap().as_str(), once.mute_type.as_deref()), ("SCHEDULED", Some("ONE_TIME")));
    let missing = error_text(get("nothing").await.unwrap_err());
    assert!(missing.starts_with("ResourceNotFoundException: "), "{missing}");

    let list = async |input: ListAlarmMuteRulesInput| list_alarm_mute_rules(bench.cx(), input).await.unwrap();
    let first = list(ListAlarmMuteRulesInput { max_records: Some(1), ..Default::default() }).await;
    assert_eq!(first.alarm_mute_rule_summaries.unwrap().len(), 1);
    let rest = ListAlarmMuteRulesInput { next_token: first.next_token, ..Default::default() };
    let rest = list(rest).await;
    assert_eq!((rest.alarm_mute_rule_summaries.unwrap().len(), rest.next_token), (1, None));
    let active = ListAlarmMuteRulesInput { statuses: Some(vec!["ACTIVE".into()]), ..Default::default() };
    assert_eq!(list(active).await.alarm_mute_rule_summaries.unwrap().len(), 1);
    let other = ListAlarmMuteRulesInput { alarm_name: Some("b".to_owned()), ..Default::default() };
    assert_eq!(list(other).await.alarm_mute_rule_summaries.unwrap().len(), 0);
}

#[tokio::test]
async fn malformed_rules_are_refused() {
    let bench = Bench::new().await;
    for (expression, duration, member) in [
        ("cron(0 2 * *)", "PT4H", "Expression"),
        ("cron(0 2 * * *)", "PT30S", "Duration"),
        ("rate(1 hour)", "PT4H", "Expression"),
    ] {
        let refused = put_alarm_mute_rule(bench.cx(), rule("r", expression, duration)).await.unwrap_err();
        assert!(error_text(refused).contains(&format!("Rule.Schedule.{member}")));
    }
    let mut zoned = rule("r", "cron(0 2 * * *)", "PT4H");
    zoned.rule.schedule.timezone = Some("Nowhere".to_owned());
    let refused = error_text(put_alarm_mute_rule(bench.cx(), zoned).await.unwrap_err());
    assert_eq!(
        refused,
        "ValidationError: The value Nowhere for parameter Rule.Schedule.Timezone is invalid."
    );
}
