//! History that is kept for its time only, and many alarms at once.

use std::time::Duration;

use base::task::Task;
use shapes::cloudwatch::StateValue;
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, alarm};
use crate::alarm::history::{ITEMS_PER_ALARM_MAX, RETENTION_DAYS};
use crate::tasks::retention::AlarmHistoryRetention;

#[tokio::test]
async fn old_items_go_and_the_rest_stays() {
    let bench = Bench::new().await;
    let retention = AlarmHistoryRetention { cw: bench.cw.clone() };
    bench.put(alarm("a")).await;
    bench.clock.advance(Duration::from_secs(86_400 * 20));
    bench.set("a", StateValue::Alarm).await;
    bench.clock.advance(Duration::from_secs(86_400 * 11));
    let activity = retention.activate(&CancellationToken::new()).await.unwrap();
    assert_eq!(activity.changes, 1, "the creation is {RETENTION_DAYS} days old");
    // Without data the state set by hand was left at once; both changes and their action are there.
    assert!(bench.history("a").await.iter().all(|summary| !summary.contains("created")));
}

#[tokio::test]
async fn an_alarm_that_changes_all_the_time_keeps_its_newest_items() {
    let bench = Bench::new().await;
    let retention = AlarmHistoryRetention { cw: bench.cw.clone() };
    bench.put(alarm("a")).await;
    bench.put(alarm("b")).await;
    for i in 0..ITEMS_PER_ALARM_MAX {
        let state = if i % 2 == 0 { StateValue::Alarm } else { StateValue::Ok };
        bench.set("a", state).await;
    }
    retention.activate(&CancellationToken::new()).await.unwrap();
    let everything = catalog::Prefix::everything();
    let kept = bench.cw.alarms().history.count(&everything);
    assert_eq!(kept, ITEMS_PER_ALARM_MAX + 1, "the newest of a, and the one of b");
}

/// The load of the project's goal: 10,000 alarms over a minute beside 100,000 active series, all evaluated within
/// five seconds with less than a tenth of a core, that is in six seconds of computing a minute.
#[tokio::test]
#[ignore = "a measurement: run it alone and read what it prints"]
async fn ten_thousand_alarms_beside_a_hundred_thousand_series() {
    const ALARMS: usize = 10_000;
    const SERIES: usize = 100_000;
    let machine = base::SystemClock::new();
    let bench = Bench::new().await;
    let host = |i: usize| format!("web-{i:06}");
    for i in 0..ALARMS {
        let dimension = shapes::cloudwatch::Dimension { name: "Host".to_owned(), value: host(i) };
        let input = shapes::cloudwatch::PutMetricAlarmInput {
            dimensions: Some(vec![dimension]),
            evaluation_periods: Some(3),
            ..alarm(&format!("alarm-{i:05}"))
        };
        bench.put(input).await;
    }
    for minute in 0..6 {
        for start in (0..SERIES).step_by(1000) {
            // Every alarm goes to ALARM once, in the first minute with three values.
            let names: Vec<String> = (start..start + 1000).map(host).collect();
            bench.values_of_hosts("m", &names, 5.0).await;
        }
        bench.clock.advance(Duration::from_secs(60));
        let before = base::Clock::monotonic(&*machine);
        bench.evaluate().await;
        let evaluated = base::Clock::monotonic(&*machine) - before;
        bench.dispatch().await;
        let dispatched = base::Clock::monotonic(&*machine) - before - evaluated;
        let changes = bench.transitions().len();
        println!(
            "minute {minute}: evaluated in {evaluated:?}, {changes} changes handed over in {dispatched:?}"
        );
    }
}
