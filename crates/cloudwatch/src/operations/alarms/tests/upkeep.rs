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
