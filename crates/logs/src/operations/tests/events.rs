//! PutLogEvents, GetLogEvents, FilterLogEvents: the vectors of `spec/logs-api.md` §5–7.

use super::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn fixture(events: &[(i64, &str)]) -> Fixture {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    if !events.is_empty() {
        f.put("g", "s", events).await.unwrap();
    }
    f
}

fn get() -> GetLogEventsRequest {
    GetLogEventsRequest {
        log_group_name: Some("g".to_owned()),
        log_stream_name: "s".to_owned(),
        ..Default::default()
    }
}

struct Page {
    messages: Vec<String>,
    forward: String,
    backward: String,
}

async fn page(f: &Fixture, input: GetLogEventsRequest) -> Page {
    let found = log_events::get_log_events(f.cx(), input).await.unwrap();
    Page {
        messages: found.events.unwrap().into_iter().map(|event| event.message.unwrap()).collect(),
        forward: found.next_forward_token.unwrap(),
        backward: found.next_backward_token.unwrap(),
    }
}

/// The table of §6. A token is named by the number of events before its position.
#[tokio::test]
async fn tokens_of_get_log_events() {
    let f = fixture(&[(1, "m1"), (2, "m2"), (3, "m3"), (4, "m4"), (5, "m5")]).await;
    let limit = |input| GetLogEventsRequest { limit: Some(2), ..input };
    let head = GetLogEventsRequest { start_from_head: Some(true), ..get() };
    let with = |token: &String| GetLogEventsRequest { next_token: Some(token.clone()), ..get() };

    let p1 = page(&f, limit(head.clone())).await;
    assert_eq!(p1.messages, ["m1", "m2"]);
    let p2 = page(&f, limit(with(&p1.forward))).await;
    assert_eq!(p2.messages, ["m3", "m4"]);
    let p3 = page(&f, limit(with(&p2.forward))).await;
    assert_eq!(p3.messages, ["m5"]);
    let end = page(&f, limit(with(&p3.forward))).await;
    assert_eq!(end.messages, Vec::<String>::new());
    // The end rule: byte for byte the token that was sent.
    assert_eq!(end.forward, p3.forward);

    let tail = page(&f, limit(get())).await;
    assert_eq!(tail.messages, ["m4", "m5"]);
    assert_eq!(tail.forward, p3.forward);
    let t2 = page(&f, limit(with(&tail.backward))).await;
    assert_eq!(t2.messages, ["m2", "m3"]);
    let t3 = page(&f, limit(with(&t2.backward))).await;
    assert_eq!(t3.messages, ["m1"]);
    let start = page(&f, limit(with(&t3.backward))).await;
    assert_eq!(start.messages, Vec::<String>::new());
    assert_eq!(start.backward, t3.backward);
    // F0 leads from the very start.
    assert_eq!(page(&f, limit(with(&start.forward))).await.messages, ["m1", "m2"]);
    assert_eq!(p1.backward, t3.backward);

    let range =
        GetLogEventsRequest { start_time: Some(START + 2), end_time: Some(START + 4), ..head.clone() };
    let ranged = page(&f, range).await;
    assert_eq!(ranged.messages, ["m2", "m3"]);
    assert_eq!(page(&f, with(&ranged.forward)).await.messages, ["m4", "m5"]);
    assert_eq!(page(&f, with(&ranged.backward)).await.messages, ["m1"]);

    // What arrives meanwhile shows behind the same token; what is older than the position does not.
    f.put("g", "s", &[(4, "late"), (6, "m6")]).await.unwrap();
    assert_eq!(page(&f, with(&p3.forward)).await.messages, ["m6"]);
    let f = f.restart().await;
    assert_eq!(page(&f, with(&p3.forward)).await.messages, ["m6"]);
}

#[tokio::test]
async fn an_empty_stream_has_tokens_that_lead_to_what_comes() {
    let f = fixture(&[]).await;
    for head in [false, true] {
        let empty = page(&f, GetLogEventsRequest { start_from_head: Some(head), ..get() }).await;
        let next = GetLogEventsRequest { next_token: Some(empty.forward.clone()), ..get() };
        assert_eq!(page(&f, next).await.forward, empty.forward);
    }
    let empty = page(&f, get()).await;
    f.put("g", "s", &[(1, "m1")]).await.unwrap();
    let next = GetLogEventsRequest { next_token: Some(empty.forward), ..get() };
    assert_eq!(page(&f, next).await.messages, ["m1"]);
    for bad in ["x", "f/1/s", "b/", "f/123"] {
        let input = GetLogEventsRequest { next_token: Some(bad.to_owned()), ..get() };
        let refused = told(log_events::get_log_events(f.cx(), input).await);
        assert_eq!(refused, ("InvalidParameterException", "The specified nextToken is invalid.".to_owned()));
    }
    let absent = GetLogEventsRequest { log_stream_name: "absent".to_owned(), ..get() };
    let refused = told(log_events::get_log_events(f.cx(), absent).await);
    assert_eq!(refused.1, "The specified log stream does not exist.");
    let by_arn = GetLogEventsRequest {
        log_group_name: None,
        log_group_identifier: Some("arn:aws:logs:us-east-1:123456789012:log-group:g".to_owned()),
        ..get()
    };
    assert_eq!(page(&f, by_arn).await.messages, ["m1"]);
}

#[tokio::test]
async fn equal_times_keep_the_order_of_acceptance_and_messages_every_byte() {
    let odd = "  tabs\tand\r\nlines\n\u{0} é 日本 \u{1F600} ";
    let f = fixture(&[(0, "a"), (0, "b"), (0, odd)]).await;
    f.put("g", "s", &[(0, "c"), (1, "d")]).await.unwrap();
    // The same batch twice is stored twice.
    f.put("g", "s", &[(0, "c"), (1, "d")]).await.unwrap();
    let all = page(&f, GetLogEventsRequest { start_from_head: Some(true), ..get() }).await;
    assert_eq!(all.messages, ["a", "b", odd, "c", "c", "d", "d"]);
    f.store.flush(base::Clock::now(f.clock.as_ref())).await.unwrap();
    let all = page(&f, GetLogEventsRequest { start_from_head: Some(true), ..get() }).await;
    assert_eq!(all.messages, ["a", "b", odd, "c", "c", "d", "d"]);
}

#[tokio::test]
async fn a_page_is_at_most_a_mebibyte() {
    let f = fixture(&[]).await;
    let big = "x".repeat(400_000);
    for offset in 0..3 {
        f.put("g", "s", &[(offset, &big), (offset, "y")]).await.unwrap();
    }
    let first = page(&f, GetLogEventsRequest { start_from_head: Some(true), ..get() }).await;
    assert_eq!(first.messages.len(), 4);
    let rest = page(&f, GetLogEventsRequest { next_token: Some(first.forward), ..get() }).await;
    assert_eq!(rest.messages.len(), 2);
}

#[tokio::test]
async fn what_put_log_events_refuses_and_rejects() {
    let f = fixture(&[]).await;
    let told = |result| {
        let (exception, message) = told::<PutLogEventsResponse>(result);
        assert_eq!(exception, "InvalidParameterException");
        message
    };
    assert_eq!(
        told(f.put("g", "s", &[(1, "a"), (0, "b")]).await),
        "Log events in a single PutLogEvents request must be in chronological order."
    );
    assert_eq!(
        told(f.put("g", "s", &[(-DAY - 1, "a"), (0, "b")]).await),
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
    );
    let big = "x".repeat(600_000);
    assert!(
        told(f.put("g", "s", &[(0, &big), (0, &big)]).await).starts_with("Upload too large: 1200052 bytes")
    );
    let missing = super::told(f.put("g", "absent", &[(0, "a")]).await);
    assert_eq!(missing.1, "The specified log stream does not exist.");
    assert_eq!(f.filter("g", "").await, Vec::<String>::new());

    let days = PutRetentionPolicyRequest { log_group_name: "g".to_owned(), retention_in_days: 3 };
    log_groups::put_retention_policy(f.cx(), days).await.unwrap();
    let batch = [(-15 * DAY, "old"), (-4 * DAY, "expired"), (-HOUR, "ok"), (2 * HOUR + 1, "new")];
    let answer = f.put("g", "s", &batch).await.unwrap();
    let info = answer.rejected_log_events_info.unwrap();
    assert_eq!(info.too_old_log_event_end_index, Some(1));
    assert_eq!(info.expired_log_event_end_index, Some(2));
    assert_eq!(info.too_new_log_event_start_index, Some(3));
    assert_eq!(f.filter("g", "").await, ["ok"]);
    let nothing = f.put("g", "s", &[(-15 * DAY, "old")]).await.unwrap();
    assert!(nothing.next_sequence_token.is_some_and(|token| token.len() == 56));
    let entity = Entity { key_attributes: None, attributes: None };
    let input = PutLogEventsRequest {
        log_group_name: "g".to_owned(),
        log_stream_name: "s".to_owned(),
        log_events: vec![InputLogEvent { timestamp: START, message: "m".to_owned() }],
        sequence_token: Some("whatever".to_owned()),
        entity: Some(entity),
    };
    let answer = log_events::put_log_events(f.cx(), input).await.unwrap();
    assert!(answer.rejected_entity_info.is_some() && answer.rejected_log_events_info.is_none());
}

fn filter() -> FilterLogEventsRequest {
    FilterLogEventsRequest { log_group_name: Some("g".to_owned()), ..Default::default() }
}

async fn filtered(f: &Fixture, input: FilterLogEventsRequest) -> Vec<FilteredLogEvent> {
    let mut events = Vec::new();
    let mut token = None;
    loop {
        let input = FilterLogEventsRequest { next_token: token, ..input.clone() };
        let page = log_events::filter_log_events(f.cx(), input).await.unwrap();
        assert_eq!(page.searched_log_streams, Some(Vec::new()));
        events.extend(page.events.unwrap());
        token = page.next_token;
        if token.is_none() {
            return events;
        }
    }
}

fn messages(events: &[FilteredLogEvent]) -> Vec<&str> {
    events.iter().map(|event| event.message.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn filtering_over_streams_times_and_pages() {
    let f = fixture(&[(1, "ERROR a"), (3, "INFO b"), (5, "ERROR c")]).await;
    f.create_stream("g", "t1").await;
    f.create_stream("g", "t2").await;
    f.put("g", "t1", &[(2, "ERROR d"), (3, "ERROR e x")]).await.unwrap();
    f.put("g", "t2", &[(4, "WARN f")]).await.unwrap();
    let text = |t: &str| Some(t.to_owned());
    let all = filtered(&f, filter()).await;
    assert_eq!(messages(&all), ["ERROR a", "ERROR d", "INFO b", "ERROR e x", "WARN f", "ERROR c"]);
    let ids: Vec<_> = all.iter().map(|event| event.event_id.clone().unwrap()).collect();
    assert!(ids.windows(2).all(|w| w[0] < w[1]) && ids.iter().all(|id| id.len() == 56));
    assert_eq!(all[1].log_stream_name.as_deref(), Some("t1"));

    let rows: &[(FilterLogEventsRequest, &[&str])] = &[
        (
            FilterLogEventsRequest { filter_pattern: text("ERROR -x"), ..filter() },
            &["ERROR a", "ERROR d", "ERROR c"],
        ),
        (FilterLogEventsRequest { filter_pattern: text("?WARN ?INFO"), ..filter() }, &["INFO b", "WARN f"]),
        (FilterLogEventsRequest { filter_pattern: text("\"e x\""), ..filter() }, &["ERROR e x"]),
        (
            FilterLogEventsRequest { filter_pattern: text("[level = ERROR, rest = *x]"), ..filter() },
            &["ERROR e x"],
        ),
        (FilterLogEventsRequest { filter_pattern: text("%^WARN|b$%"), ..filter() }, &["INFO b", "WARN f"]),
        (FilterLogEventsRequest { filter_pattern: text("{ $.a = 1 }"), ..filter() }, &[]),
        // Both bounds are included.
        (
            FilterLogEventsRequest { start_time: Some(START + 3), end_time: Some(START + 4), ..filter() },
            &["INFO b", "ERROR e x", "WARN f"],
        ),
        (
            FilterLogEventsRequest {
                log_stream_names: Some(vec!["t2".to_owned(), "s".to_owned()]),
                ..filter()
            },
            &["ERROR a", "INFO b", "WARN f", "ERROR c"],
        ),
        (
            FilterLogEventsRequest { log_stream_name_prefix: text("t"), ..filter() },
            &["ERROR d", "ERROR e x", "WARN f"],
        ),
        (
            FilterLogEventsRequest { start_time: Some(START), start_from_head: Some(false), ..filter() },
            &["ERROR c", "WARN f", "ERROR e x", "INFO b", "ERROR d", "ERROR a"],
        ),
    ];
    for flushed in [false, true] {
        if flushed {
            f.store.flush(base::Clock::now(f.clock.as_ref())).await.unwrap();
        }
        for (input, expected) in rows {
            assert_eq!(messages(&filtered(&f, input.clone()).await), *expected, "{input:?}");
            let paged = FilterLogEventsRequest { limit: Some(1), ..input.clone() };
            assert_eq!(messages(&filtered(&f, paged).await), *expected, "{input:?}");
        }
    }
}

#[tokio::test]
async fn what_filter_log_events_refuses() {
    let f = fixture(&[(0, "x")]).await;
    let text = |t: &str| Some(t.to_owned());
    let invalid = "InvalidParameterException";
    let rows = [
        (
            FilterLogEventsRequest { filter_pattern: text("{ $.a EXISTS }"), ..filter() },
            invalid,
            "Invalid filter pattern",
        ),
        (
            FilterLogEventsRequest { filter_pattern: text("[..., a, ...]"), ..filter() },
            invalid,
            "more than one ellipsis",
        ),
        (
            FilterLogEventsRequest { filter_pattern: text("%(x)%"), ..filter() },
            invalid,
            "Invalid character(s) in term '%(x)%'",
        ),
        (
            FilterLogEventsRequest { filter_pattern: text("a:b"), ..filter() },
            invalid,
            "Invalid character(s) in term 'a:b'",
        ),
        (
            FilterLogEventsRequest {
                log_stream_names: Some(vec!["s".to_owned()]),
                log_stream_name_prefix: text("s"),
                ..filter()
            },
            invalid,
            "mutually exclusive",
        ),
        (
            FilterLogEventsRequest { log_stream_names: Some(vec!["absent".to_owned()]), ..filter() },
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        ),
        (
            FilterLogEventsRequest { next_token: text("zzz"), ..filter() },
            invalid,
            "The specified nextToken is invalid.",
        ),
        (FilterLogEventsRequest { start_from_head: Some(false), ..filter() }, invalid, "startFromHead"),
        (FilterLogEventsRequest { log_group_name: None, ..filter() }, invalid, "Either logGroupName"),
    ];
    for (input, exception, part) in rows {
        let (found, message) = told(log_events::filter_log_events(f.cx(), input.clone()).await);
        assert!(found == exception && message.contains(part), "{input:?}: {found} {message}");
    }
    let class = Some(LogGroupClass::InfrequentAccess);
    let ia = CreateLogGroupRequest {
        log_group_name: "ia".to_owned(),
        log_group_class: class,
        ..Default::default()
    };
    log_groups::create_log_group(f.cx(), ia).await.unwrap();
    f.create_stream("ia", "s").await;
    f.put("ia", "s", &[(0, "x")]).await.unwrap();
    let input = FilterLogEventsRequest { log_group_name: text("ia"), ..Default::default() };
    assert_eq!(told(log_events::filter_log_events(f.cx(), input).await).0, invalid);
    let input = GetLogEventsRequest { log_group_name: text("ia"), ..get() };
    assert_eq!(told(log_events::get_log_events(f.cx(), input).await).0, invalid);
}
