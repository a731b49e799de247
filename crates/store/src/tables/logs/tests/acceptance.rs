//! Reading by acceptance, following, and appends together with metric data.

use signals::{MetricDatum, MetricIdentity, MetricValue, Resolution};

use super::*;
use crate::tables::metrics::MetricBatch;

fn datum(value: f64) -> MetricDatum {
    MetricDatum {
        metric: MetricIdentity::new("app", "errors", Vec::new()),
        timestamp: Timestamp::from_secs(600),
        unit: "None".into(),
        resolution: Resolution::Standard,
        value: MetricValue::Single(value),
    }
}

fn batch(values: &[f64]) -> MetricBatch {
    MetricBatch::of(&key().scope, values.iter().copied().map(datum).collect()).expect("valid")
}

async fn counted(store: &Store) -> (f64, f64) {
    let identity = MetricIdentity::new("app", "errors", Vec::new());
    let now = Timestamp::from_secs(1_000);
    let found = store.metrics().read(&key().scope, &identity, TimeRange::ALL, now).await.expect("reads");
    found.iter().fold((0.0, 0.0), |(count, sum), d| (count + d.dist.count, sum + d.dist.sum))
}

#[test]
fn events_and_their_metric_data_survive_together_and_once() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let stream: Arc<str> = "a".into();
        let store = open(dir.path()).expect("opens");
        let logs = store.logs();
        let put = async |nth: i64| {
            let events = events(&[(nth, "one"), (nth, "two")]);
            logs.append_with_metrics(&key(), &stream, at(9), events, batch(&[nth as f64, 1.0])).await
        };
        let first = put(1).await.expect("appends");
        let second = put(2).await.expect("appends");
        assert_eq!(second.sequence - first.sequence, 1 << 14, "one record each");
        assert_eq!(counted(&store).await, (4.0, 5.0));
        // Each table is flushed on its own; the record is replayed only into the one that is not.
        for flush in ["neither", "logs", "metrics"] {
            let store = open(dir.path()).expect("opens");
            assert_eq!(counted(&store).await, (4.0, 5.0), "{flush}");
            assert_eq!(read_all(&store.logs().snapshot(&[key()]), &ALL).await.len(), 4, "{flush}");
            match flush {
                "logs" => assert!(store.logs().flush().await.expect("flushes") > 0),
                "metrics" => assert!(store.flush(Timestamp::from_secs(1_000)).await.expect("flushes") > 0),
                _ => {}
            }
        }
        let store = open(dir.path()).expect("opens");
        assert_eq!(store.recovery().records_replayed, 0);
        assert_eq!(counted(&store).await, (4.0, 5.0));
    });
}

#[test]
fn too_many_events_or_bad_metric_data_store_nothing() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let many = (0..=JOINT_EVENTS_MAX as i64).map(|i| LogEvent::new(at(i), "x")).collect();
        let refused = store.logs().append_with_metrics(&key(), &"a".into(), at(9), many, batch(&[1.0])).await;
        assert!(matches!(refused, Err(StoreError::Format { .. })));
        let none =
            store.logs().append_with_metrics(&key(), &"a".into(), at(9), Vec::new(), batch(&[1.0])).await;
        assert!(none.is_err());
        assert_eq!(counted(&store).await, (0.0, 0.0));
        assert_eq!(store.logs().stored_bytes(&key()), 0);
    });
}

/// Page after page by acceptance.
async fn accepted(logs: &LogTable, mut after: u64, limit: usize, bytes_max: usize) -> Vec<StoredLogEvent> {
    let mut found = Vec::new();
    loop {
        let page = logs.read_accepted(&key(), after, limit, bytes_max).await.expect("reads");
        assert!(page.events.len() <= limit);
        assert!(page.through >= page.events.last().map_or(after, |e| e.position.sequence));
        assert!(!page.more || page.through > after, "no progress");
        found.extend(page.events);
        if !page.more {
            assert_eq!(page.through, logs.last_sequence(&key()).max(after));
            return found;
        }
        after = page.through;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random appends at random times, some flushed, merged, sealed or deleted in between.
    #[test]
    fn acceptance_order_is_the_order_of_appends(
        steps in prop::collection::vec((0u8..12, 1usize..40, 0i64..50, 0usize..3), 1..40),
        limit in 1usize..50,
    ) {
        run(async {
            let dir = tempfile::tempdir().expect("folder");
            let mut store = open(dir.path()).expect("opens");
            let mut expected: Vec<(Arc<str>, String)> = Vec::new();
            for (nth, (kind, count, time, stream)) in steps.into_iter().enumerate() {
                let name: Arc<str> = format!("s{stream}").into();
                match kind {
                    0 => drop(store.logs().flush().await.expect("flushes")),
                    1 => drop(store.logs().compact(&CancellationToken::new()).await.expect("merges")),
                    2 => {
                        store.logs().delete_stream(&key(), &name).await.expect("deletes");
                        expected.retain(|(of, _)| *of != name);
                    }
                    3 => {
                        drop(store);
                        store = open(dir.path()).expect("opens");
                    }
                    _ => {
                        let texts: Vec<String> = (0..count).map(|i| format!("{{\"n\":{nth},\"i\":{i}}}")).collect();
                        let times = |i: usize| at((time * 7 + i as i64 * 13) % 50);
                        let events = texts.iter().enumerate().map(|(i, t)| LogEvent::new(times(i), t.as_str()));
                        store.logs().append(&key(), &name, at(60), events.collect()).await.expect("appends");
                        expected.extend(texts.into_iter().map(|t| (name.clone(), t)));
                    }
                }
            }
            let found = accepted(store.logs(), 0, limit, usize::MAX).await;
            let of = |e: &StoredLogEvent| (e.stream.clone(), String::from_utf8(e.message.to_vec()).expect("utf-8"));
            assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
            let small = accepted(store.logs(), 0, limit, 100).await;
            assert_eq!(small, found);
            if let Some(middle) = found.get(found.len() / 2) {
                let rest = accepted(store.logs(), middle.position.sequence, limit, usize::MAX).await;
                assert_eq!(rest, found[found.len() / 2 + 1..]);
            }
        });
    }
}

#[test]
fn followers_get_what_is_appended_to_their_groups() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let logs = store.logs();
        let other = LogGroupKey { name: "/other".into(), ..key() };
        let stream: Arc<str> = "a".into();
        let mut woken = logs.appended();
        logs.append(&key(), &stream, at(1), events(&[(1, "before")])).await.expect("appends");
        let mut feed = logs.follow(&[key()]);
        assert!(woken.has_changed().expect("open"));
        woken.mark_unchanged();
        logs.append(&other, &stream, at(1), events(&[(1, "other")])).await.expect("appends");
        let position =
            logs.append(&key(), &stream, at(1), events(&[(3, "x"), (4, "y")])).await.expect("appends");
        assert!(woken.has_changed().expect("open"));
        let got = feed.next().await;
        let [batch] = got.as_slice() else { panic!("{got:?}") };
        assert_eq!((batch.group(), &**batch.stream(), batch.ingestion_time()), (&key(), "a", at(1)));
        let found: Vec<(LogPosition, &str)> = batch.events().map(|(p, e)| (p, e.text())).collect();
        let second = LogPosition { timestamp: at(4), sequence: position.sequence + 1 };
        assert_eq!(found, [(position, "x"), (second, "y")]);
        // Whoever does not take in time misses something, and knows how much.
        let long = "z".repeat(1 << 20);
        for _ in 0..12 {
            logs.append(&key(), &stream, at(1), events(&[(5, &long)])).await.expect("appends");
        }
        assert_eq!((feed.take().len(), feed.missed()), (8, 4));
    });
}

#[test]
fn field_tests_leave_out_only_what_cannot_pass() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let logs = store.logs();
        let message = |i: usize| match i % 6 {
            0 => format!("{{\"user\":\"u{}\",\"n\":{}}}", i % 700, i % 50),
            1 => format!("{{\"user\":\"\\u0075{}\",\"ok\":{}}}", i % 700, i % 4 == 1),
            2 => format!("{{\"user\":{},\"nested\":{{\"user\":\"u7\"}}}}", i % 30),
            3 => format!("{{\"user\":\"u7\",\"user\":\"u{i}\"}}"),
            4 => "a plain line with \"user\":\"u7\"".to_owned(),
            _ => format!("{{\"id\":\"{:016x}\",\"v\":{}.25}}", i * 7919, i / 6 % 90),
        };
        let all: Vec<(i64, String)> = (0..30_000).map(|i| (i as i64 / 3, message(i))).collect();
        for some in all.chunks(9_000) {
            let events = some.iter().map(|(time, text)| LogEvent::new(at(*time), text.as_str()));
            logs.append(&key(), &"a".into(), at(60), events.collect()).await.expect("appends");
        }
        let is = |wanted: &'static str| move |text: FieldText<'_>| matches!(text, FieldText::String(t) | FieldText::Literal(t) if t == wanted);
        let (u7, eight, yes, number) = (is("u7"), is("8"), is("true"), is("3.25"));
        type Case<'a> = (&'a str, &'a (dyn Fn(FieldText<'_>) -> bool + Send + Sync), &'a str);
        let cases: [Case<'_>; 6] = [
            ("user", &u7, "{\"user\":\"u7\""),
            ("user", &u7, "{\"user\":\"\\u00757\""),
            ("nested.user", &u7, "\"nested\""),
            ("user", &eight, "{\"user\":8,"),
            ("ok", &yes, "\"ok\":true"),
            ("v", &number, "\"v\":3.25"),
        ];
        for flushed in [false, true] {
            if flushed {
                assert!(logs.flush().await.expect("flushes") > 0);
            }
            let snapshot = logs.snapshot(&[key()]);
            for (path, admits, text) in cases {
                let matcher = |message: &str| match text.starts_with('{') {
                    true => message.starts_with(text),
                    false => message.contains(text),
                };
                let plain = LogRead { matcher: Some(&matcher), ..ALL };
                let wanted = read_all(&snapshot, &plain).await;
                assert!(!wanted.is_empty(), "{path} {text}");
                let tests = [FieldTest { path, admits }];
                for descending in [false, true] {
                    let read = LogRead { field_tests: &tests, descending, ..plain };
                    let mut found = read_all(&snapshot, &read).await;
                    if descending {
                        found.reverse();
                    }
                    assert!(found == wanted, "{path} {text}: {} of {} events", found.len(), wanted.len());
                }
                let unmatched = LogRead { field_tests: &tests, ..ALL };
                assert!(
                    read_all(&snapshot, &unmatched).await.len() < all.len() * 3 / 4,
                    "{path} skips nothing"
                );
            }
        }
    });
}
