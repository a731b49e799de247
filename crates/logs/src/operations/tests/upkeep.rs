//! Retention, interrupted deletions, and other producers.

use std::time::Duration;

use signals::{LogBatch, LogEvent, LogRejections, LogSink, SinkError};
use tokio_util::sync::CancellationToken;

use super::*;

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn expired_events_are_hidden_at_once_and_removed_later() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(-2 * DAY, "old")]).await.unwrap();
    f.put("g", "s", &[(-DAY, "edge"), (0, "new")]).await.unwrap();
    let policy = |days| PutRetentionPolicyRequest { log_group_name: "g".to_owned(), retention_in_days: days };
    log_groups::put_retention_policy(f.cx(), policy(1)).await.unwrap();
    assert_eq!(f.filter("g", "").await, ["edge", "new"]);
    let get = GetLogEventsRequest {
        log_group_name: Some("g".to_owned()),
        log_stream_name: "s".to_owned(),
        ..Default::default()
    };
    let found = log_events::get_log_events(f.cx(), get).await.unwrap();
    assert_eq!(found.events.unwrap().len(), 2);
    // Nothing was removed yet, so a longer retention shows it again.
    log_groups::put_retention_policy(f.cx(), policy(3)).await.unwrap();
    assert_eq!(f.filter("g", "").await, ["old", "edge", "new"]);

    log_groups::put_retention_policy(f.cx(), policy(1)).await.unwrap();
    let retention = crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == "logs_retention").unwrap();
    retention.activate(&CancellationToken::new()).await.unwrap();
    f.store.flush(base::Clock::now(f.clock.as_ref())).await.unwrap();
    let forever = DeleteRetentionPolicyRequest { log_group_name: "g".to_owned() };
    log_groups::delete_retention_policy(f.cx(), forever).await.unwrap();
    assert_eq!(f.filter("g", "").await, ["edge", "new"]);
    f.clock.advance(Duration::from_millis(1));
    log_groups::put_retention_policy(f.cx(), policy(1)).await.unwrap();
    assert_eq!(f.filter("g", "").await, ["new"]);
}

#[tokio::test]
async fn an_interrupted_deletion_is_finished() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, "x")]).await.unwrap();
    let group = f.logs.group(&f.caller.scope, "g").unwrap();
    // As DeleteLogGroup does it, up to where it was interrupted.
    let key = crate::group::removal_key(&f.caller.scope, group.record.incarnation);
    let removal = crate::group::GroupRemoval { name: "g".to_owned(), incarnation: group.record.incarnation };
    f.catalog
        .transaction()
        .delete(&f.logs.groups, crate::group::group_key(&f.caller.scope, "g"), group.record.version)
        .insert(&f.logs.removals, key, removal)
        .commit()
        .await
        .unwrap();
    let f = f.restart().await;
    assert_eq!(f.store.logs().stored_bytes(&group.store_key()), 27);
    let task = crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == "logs_removal").unwrap();
    assert_eq!(task.activate(&CancellationToken::new()).await.unwrap().changes, 1);
    assert_eq!(f.store.logs().stored_bytes(&group.store_key()), 0);
    assert_eq!(task.activate(&CancellationToken::new()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_sink_makes_what_it_needs() {
    let f = Fixture::new().await;
    let batch = |events: &[(i64, &str)]| LogBatch {
        scope: f.caller.scope.clone(),
        log_group: "/otlp".to_owned(),
        log_stream: "default".to_owned(),
        create: true,
        events: events
            .iter()
            .map(|(offset, text)| LogEvent::new(Timestamp::from_millis(START + offset), *text))
            .collect(),
    };
    let rejections =
        f.logs.put_log_batch(batch(&[(5, "b"), (1, "a"), (-20 * DAY, "too old")])).await.unwrap();
    assert_eq!(rejections, LogRejections { too_old: 1, ..LogRejections::default() });
    f.logs.put_log_batch(batch(&[(9, "c")])).await.unwrap();
    assert_eq!(f.filter("/otlp", "").await, ["a", "b", "c"]);
    let elsewhere = LogBatch { log_group: "/none".to_owned(), create: false, ..batch(&[(9, "c")]) };
    let refused = f.logs.put_log_batch(elsewhere).await;
    assert!(matches!(refused, Err(SinkError::NotFound(_))), "{refused:?}");
}

#[tokio::test]
async fn concurrent_puts_and_deletes_leave_no_stray_events() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    let puts = (0..20).map(|i| {
        let f = &f;
        async move { f.put("g", "s", &[(i, "x")]).await.is_ok() }
    });
    let delete = async {
        let stream =
            DeleteLogStreamRequest { log_group_name: "g".to_owned(), log_stream_name: "s".to_owned() };
        log_streams::delete_log_stream(f.cx(), stream).await.unwrap();
        f.create_stream("g", "s").await;
        f.filter("g", "").await.len()
    };
    let (stored, after) = futures::future::join(futures::future::join_all(puts), delete).await;
    let left = f.filter("g", "").await.len();
    assert!(left <= stored.iter().filter(|ok| **ok).count());
    assert!(left >= after);
}
