//! Composite alarms through operations and tasks: chains, suppression, cycles.

use std::time::Duration;

use shapes::cloudwatch::{DeleteAlarmsInput, DescribeAlarmsInput, PutMetricAlarmInput, StateValue};

use super::bench::{Bench, alarm, composite, error_text};
use crate::operations::alarms::delete_alarms::delete_alarms;
use crate::operations::alarms::describe_alarms::describe_alarms;
use crate::operations::alarms::put_composite_alarm::put_composite_alarm;

async fn delete(bench: &Bench, names: &[&str]) -> Result<(), String> {
    let alarm_names = names.iter().map(|name| (*name).to_owned()).collect();
    delete_alarms(bench.cx(), DeleteAlarmsInput { alarm_names }).await.map_err(error_text)
}

async fn suppressed_by(bench: &Bench, name: &str) -> Option<String> {
    let input = DescribeAlarmsInput {
        alarm_names: Some(vec![name.to_owned()]),
        alarm_types: Some(vec!["CompositeAlarm".into()]),
        ..DescribeAlarmsInput::default()
    };
    let found = describe_alarms(bench.cx(), input).await.unwrap().composite_alarms.unwrap().pop().unwrap();
    assert_eq!(found.actions_suppressed_reason.is_some(), found.actions_suppressed_by.is_some());
    found.actions_suppressed_by.map(|by| by.as_str().to_owned())
}

#[tokio::test]
async fn a_chain_of_alarms_changes_at_once() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.put_composite(composite("b", "ALARM(a)")).await;
    bench.put_composite(composite("c", "ALARM(\"b\") AND NOT OK(a)")).await;
    bench.settle().await;
    assert_eq!((bench.state("b").await.as_str(), bench.state("c").await.as_str()), ("OK", "OK"));
    bench.actions();
    bench.set("a", StateValue::Alarm).await;
    let mut actions = bench.actions();
    actions.sort();
    assert_eq!(actions, ["a INSUFFICIENT_DATA to ALARM: t", "b OK to ALARM: t", "c OK to ALARM: t"]);
    assert_eq!(
        bench.history("b").await,
        [
            "Alarm \"b\" created",
            "Alarm updated from INSUFFICIENT_DATA to OK",
            "Successfully executed action arn:aws:sns:eu-west-1:123456789012:ok",
            "Alarm updated from OK to ALARM",
            "Successfully executed action arn:aws:sns:eu-west-1:123456789012:t",
        ]
    );
    // What was set by hand stays until a child changes.
    bench.set("b", StateValue::Ok).await;
    bench.minute(None).await;
    assert_eq!(bench.state("b").await, "OK");
}

#[tokio::test]
async fn suppression_waits_holds_and_lets_go() {
    // Vectors C8, C9 and C12 with W = 120 s and E = 180 s.
    let bench = Bench::new().await;
    for name in ["a", "s"] {
        // Both keep the state they are set to.
        let input = PutMetricAlarmInput { treat_missing_data: Some("ignore".to_owned()), ..alarm(name) };
        bench.put(input).await;
    }
    let mut input = composite("c", "ALARM(a)");
    input.actions_suppressor = Some("s".to_owned());
    input.actions_suppressor_wait_period = Some(120);
    input.actions_suppressor_extension_period = Some(180);
    bench.put_composite(input).await;
    bench.settle().await;
    let seconds = async |secs: u64| {
        bench.clock.advance(Duration::from_secs(secs));
        bench.settle().await;
    };
    let of_c = |actions: Vec<String>| actions.into_iter().filter(|a| a.starts_with("c ")).collect::<Vec<_>>();
    seconds(120).await;
    assert_eq!(of_c(bench.actions()), ["c INSUFFICIENT_DATA to OK: ok"]);

    bench.set("a", StateValue::Alarm).await;
    assert_eq!(suppressed_by(&bench, "c").await.as_deref(), Some("WaitPeriod"));
    assert_eq!(bench.state("c").await, "ALARM");
    seconds(59).await;
    bench.set("s", StateValue::Alarm).await;
    assert_eq!(suppressed_by(&bench, "c").await.as_deref(), Some("Alarm"));
    seconds(600).await;
    assert_eq!(of_c(bench.actions()), Vec::<String>::new());
    bench.set("s", StateValue::Ok).await;
    assert_eq!(suppressed_by(&bench, "c").await.as_deref(), Some("ExtensionPeriod"));
    seconds(179).await;
    assert_eq!(suppressed_by(&bench, "c").await.as_deref(), Some("ExtensionPeriod"));
    seconds(1).await;
    assert_eq!(suppressed_by(&bench, "c").await, None);
    assert_eq!(of_c(bench.actions()), ["c OK to ALARM: t"]);
}

#[tokio::test]
async fn alarms_in_a_cycle_stop_and_cannot_be_deleted() {
    // Vector C14.
    let bench = Bench::new().await;
    bench.put(alarm("m")).await;
    bench.put_composite(composite("a", "ALARM(m)")).await;
    bench.put_composite(composite("b", "ALARM(a)")).await;
    bench.put_composite(composite("a", "ALARM(b) OR ALARM(m)")).await;
    bench.set("m", StateValue::Alarm).await;
    assert_eq!(bench.state("a").await, "INSUFFICIENT_DATA");
    for name in ["a", "b"] {
        let refused = delete(&bench, &[name]).await.unwrap_err();
        assert!(refused.starts_with("ResourceConflict: "), "{refused}");
    }
    // Once the cycle is broken both go on.
    bench.put_composite(composite("a", "ALARM(m)")).await;
    bench.settle().await;
    assert_eq!((bench.state("a").await.as_str(), bench.state("b").await.as_str()), ("ALARM", "ALARM"));
    delete(&bench, &["b"]).await.unwrap();
    delete(&bench, &["a"]).await.unwrap();
}

#[tokio::test]
async fn deleting_takes_what_there_is() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    bench.put_composite(composite("b", "TRUE")).await;
    bench.put_composite(composite("c", "TRUE")).await;
    assert_eq!(delete(&bench, &["nobody"]).await, Err("ResourceNotFound: ".to_owned()));
    assert_eq!(
        delete(&bench, &["b", "c"]).await,
        Err("ValidationError: Only one composite alarm can be deleted in a call".to_owned())
    );
    delete(&bench, &["a", "b", "nobody"]).await.unwrap();
    assert_eq!(delete(&bench, &["a"]).await, Err("ResourceNotFound: ".to_owned()));
    bench.settle().await;
    assert_eq!(bench.history("a").await.last().unwrap(), "Alarm \"a\" deleted");
    assert_eq!(bench.state("c").await, "ALARM");
}

#[tokio::test]
async fn an_alarm_has_at_most_150_parents_and_is_not_its_own_child() {
    let bench = Bench::new().await;
    bench.put(alarm("a")).await;
    for i in 0..150 {
        bench.put_composite(composite(&format!("c{i}"), "ALARM(a)")).await;
    }
    let put = async |name: &str, rule: &str| {
        put_composite_alarm(bench.cx(), composite(name, rule)).await.map_err(error_text)
    };
    let refused = put("one-more", "ALARM(a)").await.unwrap_err();
    assert!(refused.starts_with("LimitExceededFault: "), "{refused}");
    put("c7", "NOT ALARM(a)").await.unwrap();
    let refused = put("self", "ALARM(self)").await.unwrap_err();
    assert!(refused.contains("alarms [self] in the alarm rule do not exist"), "{refused}");
}
