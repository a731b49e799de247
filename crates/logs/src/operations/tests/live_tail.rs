//! StartLiveTail: what a session shows, when, and how it ends.

use std::pin::Pin;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use shapes::logs::StartLiveTailResponseStream as Event;

use super::*;
use crate::operations::live_tail::start_live_tail;

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

fn arn(group: &str) -> String {
    format!("arn:aws:logs:us-east-1:123456789012:log-group:{group}")
}

fn request(groups: &[&str]) -> StartLiveTailRequest {
    StartLiveTailRequest {
        log_group_identifiers: groups.iter().map(|group| arn(group)).collect(),
        ..Default::default()
    }
}

async fn start(f: &Fixture, input: StartLiveTailRequest) -> Result<Events, LogsError> {
    let (output, events) = start_live_tail(f.cx(), input).await?;
    assert_eq!(output, StartLiveTailResponse::default());
    Ok(Box::pin(events))
}

/// The update after a second, as `sampled` and messages.
async fn second(f: &Fixture, events: &mut Events) -> (bool, Vec<String>) {
    assert!(events.next().now_or_never().is_none(), "there is one a second");
    f.clock.advance(Duration::from_secs(1));
    update(events).await
}

async fn update(events: &mut Events) -> (bool, Vec<String>) {
    match events.next().await {
        Some(Event::SessionUpdate(update)) => {
            let results = update.session_results.unwrap();
            let messages = results.into_iter().map(|event| event.message.unwrap()).collect();
            (update.session_metadata.unwrap().sampled.unwrap(), messages)
        }
        other => panic!("{other:?}"),
    }
}

async fn fixture() -> Fixture {
    let f = Fixture::new().await;
    for group in ["g", "h"] {
        f.create_group(group).await;
        f.create_stream(group, "app-1").await;
        f.create_stream(group, "web-1").await;
    }
    f
}

#[tokio::test]
async fn a_session_shows_what_comes_in_and_matches() {
    let f = fixture().await;
    f.put("g", "app-1", &[(0, "ERROR before")]).await.unwrap();
    let input =
        StartLiveTailRequest { log_event_filter_pattern: Some("ERROR".to_owned()), ..request(&["g", "h"]) };
    let mut events = start(&f, input).await.unwrap();
    f.put("g", "app-1", &[(0, "ERROR 1"), (1, "fine")]).await.unwrap();
    let Some(Event::SessionStart(begun)) = events.next().await else { panic!("no start") };
    assert_eq!(begun.request_id.as_deref(), Some("r"));
    assert!(begun.session_id.is_some());
    let groups = ["123456789012:g".to_owned(), "123456789012:h".to_owned()];
    assert_eq!(begun.log_group_identifiers.as_deref(), Some(groups.as_slice()));
    assert_eq!(begun.log_event_filter_pattern.as_deref(), Some("ERROR"));

    f.put("h", "web-1", &[(5, "ERROR 2")]).await.unwrap();
    f.clock.advance(Duration::from_secs(1));
    let Some(Event::SessionUpdate(first)) = events.next().await else { panic!("no update") };
    let results = first.session_results.unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(
        results[1],
        LiveTailSessionLogEvent {
            log_stream_name: Some("web-1".to_owned()),
            log_group_identifier: Some("123456789012:h".to_owned()),
            message: Some("ERROR 2".to_owned()),
            timestamp: Some(START + 5),
            ingestion_time: Some(START),
        }
    );
    assert_eq!(second(&f, &mut events).await, (false, vec![]), "an empty update a second");
}

#[tokio::test]
async fn streams_are_chosen_by_name_or_prefix() {
    let f = fixture().await;
    let named = |names: Option<&str>, prefixes: Option<&str>| StartLiveTailRequest {
        log_stream_names: names.map(|name| vec![name.to_owned()]),
        log_stream_name_prefixes: prefixes.map(|prefix| vec![prefix.to_owned()]),
        ..request(&["g"])
    };
    let mut by_name = start(&f, named(Some("app-1"), None)).await.unwrap();
    let mut by_prefix = start(&f, named(None, Some("we"))).await.unwrap();
    by_name.next().await;
    by_prefix.next().await;
    f.put("g", "app-1", &[(0, "app")]).await.unwrap();
    f.put("g", "web-1", &[(0, "web")]).await.unwrap();
    f.put("h", "web-1", &[(0, "other group")]).await.unwrap();
    assert_eq!(second(&f, &mut by_name).await.1, ["app"]);
    assert_eq!(update(&mut by_prefix).await.1, ["web"]);

    let both = told(start(&f, named(Some("a"), Some("b"))).await.map(|_| ()));
    let text = "Only one of logStreamNames or logStreamNamePrefixes can be provided.".to_owned();
    assert_eq!(both, ("InvalidParameterException", text));
    let several =
        StartLiveTailRequest { log_stream_names: Some(vec!["a".to_owned()]), ..request(&["g", "h"]) };
    assert_eq!(told(start(&f, several).await.map(|_| ())).0, "InvalidParameterException");
}

#[tokio::test]
async fn much_is_sampled_and_a_slow_client_gets_the_last_updates() {
    let f = fixture().await;
    let mut events = start(&f, request(&["g"])).await.unwrap();
    events.next().await;
    let texts: Vec<String> = (0..1200).map(|n| n.to_string()).collect();
    let batch: Vec<(i64, &str)> = texts.iter().map(|text| (0, text.as_str())).collect();
    f.put("g", "app-1", &batch).await.unwrap();
    let (sampled, messages) = second(&f, &mut events).await;
    assert_eq!((sampled, messages.len()), (true, 500));

    for n in 0..15 {
        f.put("g", "app-1", &[(0, &format!("late {n}"))]).await.unwrap();
        f.clock.advance(Duration::from_secs(1));
    }
    let mut found = Vec::new();
    for _ in 0..10 {
        found.extend(update(&mut events).await.1);
    }
    let expected: Vec<String> = (5..15).map(|n| format!("late {n}")).collect();
    assert_eq!(found, expected);
    assert_eq!(second(&f, &mut events).await, (false, vec![]));
}

#[tokio::test]
async fn sessions_are_limited_in_number_and_time() {
    let f = fixture().await;
    let mut sessions = Vec::new();
    for _ in 0..15 {
        sessions.push(start(&f, request(&["g"])).await.unwrap());
    }
    assert_eq!(told(start(&f, request(&["g"])).await.map(|_| ())).0, "LimitExceededException");
    sessions.pop();
    let mut last = start(&f, request(&["g"])).await.unwrap();
    last.next().await;
    f.clock.advance(Duration::from_secs(3 * 3600));
    assert!(matches!(last.next().await, Some(Event::SessionTimeoutException(_))));
    assert!(last.next().await.is_none());
}

#[tokio::test]
async fn sessions_of_what_cannot_be_tailed_are_refused() {
    let f = fixture().await;
    let infrequent = CreateLogGroupRequest {
        log_group_name: "ia".to_owned(),
        log_group_class: Some(LogGroupClass::InfrequentAccess),
        ..Default::default()
    };
    log_groups::create_log_group(f.cx(), infrequent).await.unwrap();
    let bad_pattern =
        StartLiveTailRequest { log_event_filter_pattern: Some("{ x".to_owned()), ..request(&["g"]) };
    let name = StartLiveTailRequest { log_group_identifiers: vec!["g".to_owned()], ..Default::default() };
    let star =
        StartLiveTailRequest { log_group_identifiers: vec![format!("{}:*", arn("g"))], ..Default::default() };
    for (input, code) in [
        (request(&["none"]), "ResourceNotFoundException"),
        (request(&["ia"]), "InvalidOperationException"),
        (bad_pattern, "InvalidParameterException"),
        (name, "InvalidParameterException"),
        (star, "InvalidParameterException"),
    ] {
        assert_eq!(told(start(&f, input).await.map(|_| ())).0, code);
    }
}
