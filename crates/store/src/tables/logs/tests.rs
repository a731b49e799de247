//! The table against a plain list of events, under random appends, flushes, merges, deletions, expiries and
//! restarts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMillisecondType, UInt64Type};
use base::{AccountId, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, TimeRange, Timestamp};
use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use signals::LogEvent;
use tokio_util::sync::CancellationToken;

use super::stats::EVENT_OVERHEAD_BYTES;
use super::*;
use crate::{Store, StoreCapabilities, StoreConfig, StoreError, durable_local};

mod acceptance;

fn key() -> LogGroupKey {
    let account = AccountId::new("123456789012").expect("digits");
    let region = Region::new("eu-west-1").expect("name");
    LogGroupKey { scope: Scope::new(account, region), name: "/app/web".into(), incarnation: 1 }
}

fn open(dir: &Path) -> Result<Arc<Store>, StoreError> {
    let capabilities = StoreCapabilities {
        objects: durable_local(&dir.join("objects")).expect("folder"),
        clock: SimulatedClock::new(Timestamp::from_secs(1_000)),
        entropy: SeededEntropy::new(1),
        faults: Arc::new(NoFaults),
    };
    Store::open(StoreConfig::new(dir), capabilities)
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

fn events(messages: &[(i64, &str)]) -> Vec<LogEvent> {
    messages.iter().map(|(time, text)| LogEvent::new(at(*time), *text)).collect()
}

const ALL: LogRead<'static> = LogRead {
    streams: None,
    stream_prefix: None,
    range: TimeRange::ALL,
    from: None,
    descending: false,
    limit: usize::MAX,
    bytes_max: usize::MAX,
    must_contain: &[],
    field_tests: &[],
    matcher: None,
    examine_max: usize::MAX,
};

/// Reads page after page until nothing is left.
async fn read_all(snapshot: &LogSnapshot, read: &LogRead<'_>) -> Vec<StoredLogEvent> {
    let mut found = Vec::new();
    let mut from = read.from;
    loop {
        let page = LogRead { from, ..*read };
        let page = snapshot.read(0, &page).await.expect("reads");
        found.extend(page.events);
        match page.resume {
            None => return found,
            resume => {
                assert_ne!(resume, from, "no progress");
                from = resume;
            }
        }
    }
}

fn texts(events: &[StoredLogEvent]) -> Vec<&str> {
    events.iter().map(|e| std::str::from_utf8(&e.message).expect("utf-8")).collect()
}

#[test]
fn events_are_read_in_order_from_memory_and_from_parts() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let logs = store.logs();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        logs.append(&key(), &a, at(9), events(&[(5, "five"), (7, "seven")])).await.expect("appends");
        logs.append(&key(), &b, at(9), events(&[(1, "one"), (5, "{\"x\":5}")])).await.expect("appends");
        for flushed in [false, true] {
            if flushed {
                assert!(logs.flush().await.expect("flushes") > 0);
                assert_eq!(logs.memory_bytes(), 0);
            }
            let snapshot = logs.snapshot(&[key()]);
            let all = read_all(&snapshot, &ALL).await;
            assert_eq!(texts(&all), ["one", "five", "{\"x\":5}", "seven"]);
            let newest = LogRead { descending: true, limit: 2, ..ALL };
            let page = snapshot.read(0, &newest).await.expect("reads");
            assert_eq!(texts(&page.events), ["seven", "{\"x\":5}"]);
            let of_a = [a.clone()];
            let read = LogRead { streams: Some(&of_a), range: TimeRange::new(at(5), at(7)), ..ALL };
            assert_eq!(texts(&read_all(&snapshot, &read).await), ["five"]);
            let found = snapshot.get(0, all[2].position).await.expect("reads").expect("is there");
            assert_eq!(found, all[2]);
            assert_eq!(snapshot.field_kind("x", TimeRange::ALL), Some(FieldKind::Integer));
            assert_eq!(logs.stored_bytes(&key()), 3 + 4 + 5 + 7 + 4 * EVENT_OVERHEAD_BYTES);
            let stats = logs.stream_stats(&key(), "a").expect("has events");
            assert_eq!((stats.first_event, stats.last_event, stats.events), (at(5), at(7), 2));
        }
    });
}

#[test]
fn a_deleted_group_stays_deleted() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let stream: Arc<str> = "s".into();
        store.logs().append(&key(), &stream, at(1), events(&[(1, "x")])).await.expect("appends");
        store.logs().flush().await.expect("flushes");
        store.logs().append(&key(), &stream, at(1), events(&[(2, "y")])).await.expect("appends");
        let before = store.logs().snapshot(&[key()]);
        store.logs().delete_group(&key()).await.expect("deletes");
        assert_eq!(texts(&read_all(&before, &ALL).await), ["x", "y"]);
        drop(before);
        for _ in 0..2 {
            let store = open(dir.path()).expect("opens");
            assert_eq!(store.logs().stored_bytes(&key()), 0);
            assert!(read_all(&store.logs().snapshot(&[key()]), &ALL).await.is_empty());
            store.maintain(at(5), &CancellationToken::new()).await.expect("maintains");
        }
    });
}

#[test]
fn a_damaged_part_is_never_served() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let stream: Arc<str> = "s".into();
        let many: Vec<LogEvent> = (0..2000)
            .map(|i| LogEvent::new(at(i), format!("{{\"n\":{i},\"t\":\"{:x}\"}}", i * 7919)))
            .collect();
        store.logs().append(&key(), &stream, at(1), many).await.expect("appends");
        store.logs().flush().await.expect("flushes");
        drop(store);
        let folder = dir.path().join("objects/parts/logs");
        let file = std::fs::read_dir(folder).expect("lists").next().expect("a part").expect("reads").path();
        let whole = std::fs::read(&file).expect("reads");
        for place in [0, whole.len() / 3, whole.len() / 2, whole.len() - 9] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            std::fs::write(&file, &damaged).expect("writes");
            let store = open(dir.path()).expect("opens");
            let result = store.logs().snapshot(&[key()]).read(0, &ALL).await;
            assert!(matches!(result, Err(StoreError::Damaged { .. })), "{place}: {result:?}");
        }
    });
}

/// A log segment that is kept for one record is replayed whole: what is flushed must still be known.
#[test]
fn nothing_comes_twice_after_the_log_was_cut() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let stream: Arc<str> = "s".into();
        for message in ["x", "y"] {
            let store = open(dir.path()).expect("opens");
            store.logs().append(&key(), &stream, at(1), events(&[(1, message)])).await.expect("appends");
            if message == "y" {
                store.logs().flush().await.expect("flushes");
                store.maintain(at(1), &CancellationToken::new()).await.expect("maintains");
            }
        }
        let store = open(dir.path()).expect("opens");
        assert_eq!(texts(&read_all(&store.logs().snapshot(&[key()]), &ALL).await), ["x", "y"]);
    });
}

/// The tombstone lives as long as the log holds records of the stream.
#[test]
fn a_deleted_stream_stays_deleted() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let stream: Arc<str> = "s".into();
        {
            let store = open(dir.path()).expect("opens");
            store.logs().append(&key(), &stream, at(1), events(&[(1, "x")])).await.expect("appends");
            store.logs().delete_stream(&key(), &stream).await.expect("deletes");
        }
        for _ in 0..3 {
            let store = open(dir.path()).expect("opens");
            assert!(read_all(&store.logs().snapshot(&[key()]), &ALL).await.is_empty());
            assert_eq!(store.logs().stream_stats(&key(), "s"), None);
            store.maintain(at(1), &CancellationToken::new()).await.expect("maintains");
        }
        let store = open(dir.path()).expect("opens");
        store.logs().append(&key(), &stream, at(1), events(&[(2, "y")])).await.expect("appends");
        store.logs().flush().await.expect("flushes");
        drop(store);
        let store = open(dir.path()).expect("opens");
        store.logs().delete_stream(&key(), &stream).await.expect("deletes");
        assert!(read_all(&store.logs().snapshot(&[key()]), &ALL).await.is_empty());
    });
}

/// What the table should hold.
#[derive(Default)]
struct Model(BTreeMap<LogPosition, StoredLogEvent>);

impl Model {
    fn of(&self, keep: impl Fn(&StoredLogEvent) -> bool) -> Vec<StoredLogEvent> {
        self.0.values().filter(|e| keep(e)).cloned().collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append { stream: u8, events: Vec<(i64, String)> },
    Seal,
    Flush,
    Maintain,
    DeleteStream(u8),
    Expire(i64),
    Reopen,
    Check { from: i64, length: i64, limit: usize, descending: bool, needle: String },
}

fn message() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (0..1000i64, 0..1000u32).prop_map(|(a, b)| format!("{a}.{b:03}")),
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:?}")),
        prop::sample::select(vec!["1e5", "-0", "1.0", "0.10", "123456789012345678901234567890", "-1E-7"])
            .prop_map(str::to_owned),
    ];
    let string = prop_oneof![
        "[a-c]{0,3}",
        "[0-9a-f]{8}",
        Just("2026-01-31T23:59:59.123Z".to_owned()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).expect("json").trim_matches('"').to_owned()),
        prop::sample::select(vec!["\\n", "\\u00e9", "\\ud83d\\ude00", "\\\\", "needle", "a needle b"])
            .prop_map(str::to_owned),
    ];
    let value = prop_oneof![
        number.clone(),
        string.clone().prop_map(|s| format!("\"{s}\"")),
        prop::sample::select(vec!["true", "false", "null", "[]", "{}", "[1,2,3]", "{\"k\": 1}"])
            .prop_map(str::to_owned),
    ];
    let space = prop::sample::select(vec!["", "", "", " ", "\n\t"]);
    let object =
        (prop::collection::vec(("[a-d@.]{1,2}", value), 0..5), space).prop_map(|(members, space)| {
            let members: Vec<String> =
                members.into_iter().map(|(k, v)| format!("\"{k}\":{space}{v}")).collect();
            format!("{{{}}}{space}", members.join(&format!(",{space}")))
        });
    prop_oneof![
        6 => object,
        1 => any::<String>(),
        1 => string,
        1 => prop::sample::select(vec!["{\"level\":\"INFO\",\"n\":1}", "{\"level\":\"WARN\",\"n\":2}", "x needle y"])
            .prop_map(str::to_owned),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let events = prop::collection::vec((0..1000i64, message()), 1..30);
    let check = (0..1000i64, 0..1000i64, 1..40usize, any::<bool>(), "(needle|INFO|[0-9]{1,3}|\"a\":|)");
    prop_oneof![
        6 => (0..3u8, events).prop_map(|(stream, events)| Step::Append { stream, events }),
        2 => Just(Step::Seal),
        3 => Just(Step::Flush),
        2 => Just(Step::Maintain),
        1 => (0..3u8).prop_map(Step::DeleteStream),
        1 => (0..600i64).prop_map(Step::Expire),
        1 => Just(Step::Reopen),
        5 => check.prop_map(|(from, length, limit, descending, needle)| {
            Step::Check { from, length, limit, descending, needle }
        }),
    ]
}

async fn check(store: &Store, model: &Model, range: TimeRange, limit: usize, descending: bool, needle: &str) {
    let snapshot = store.logs().snapshot(&[key()]);
    let mut expected = model.of(|e| range.contains(e.position.timestamp));
    let newest = expected.len().saturating_sub(limit);
    let newest: Vec<u64> = expected[newest..].iter().rev().map(|e| e.position.sequence).collect();
    if descending {
        expected.reverse();
    }
    for examine_max in [1, usize::MAX] {
        let read = LogRead { range, limit, descending, examine_max, ..ALL };
        assert_eq!(read_all(&snapshot, &read).await, expected);
    }
    let contains = |e: &&StoredLogEvent| std::str::from_utf8(&e.message).expect("utf-8").contains(needle);
    let hits: Vec<StoredLogEvent> = expected.iter().filter(contains).cloned().collect();
    let needles = [needle.to_owned()];
    let read = LogRead { range, limit, descending, must_contain: &needles, ..ALL };
    assert_eq!(read_all(&snapshot, &read).await, hits);
    let stream: Arc<str> = "stream 1".into();
    let of_stream: Vec<StoredLogEvent> = expected.iter().filter(|e| e.stream == stream).cloned().collect();
    let streams = [stream];
    let read = LogRead { range, limit, descending, streams: Some(&streams), ..ALL };
    assert_eq!(read_all(&snapshot, &read).await, of_stream);
    if let Some(event) = expected.get(limit % expected.len().max(1)) {
        assert_eq!(snapshot.get(0, event.position).await.expect("reads").as_ref(), Some(event));
    }
    let scan = scan(&snapshot, range, vec![Prune::MessageContains(needle.to_owned())]).await;
    let mut found: Vec<(LogPosition, Bytes)> =
        scan.into_iter().filter(|(_, m)| std::str::from_utf8(m).expect("utf-8").contains(needle)).collect();
    found.sort();
    let mut wanted: Vec<(LogPosition, Bytes)> =
        hits.iter().map(|e| (e.position, e.message.clone())).collect();
    wanted.sort();
    assert_eq!(found, wanted);
    check_newest(&snapshot, range, limit, &newest).await;
    check_fields(&snapshot, &expected, range).await;
}

async fn batches(snapshot: &LogSnapshot, scan: LogScan) -> Vec<arrow::record_batch::RecordBatch> {
    let plan = snapshot.scan(scan).expect("plans");
    let mut found = Vec::new();
    for partition in plan.partitions {
        found.extend(partition().try_collect::<Vec<_>>().await.expect("scans"));
    }
    let total = plan.progress.rows_total.load(Ordering::Relaxed);
    let known = plan.progress.rows_scanned.load(Ordering::Relaxed)
        + plan.progress.rows_skipped.load(Ordering::Relaxed);
    assert_eq!(total, known);
    found
}

async fn scan(snapshot: &LogSnapshot, range: TimeRange, prune: Vec<Prune>) -> Vec<(LogPosition, Bytes)> {
    let columns = vec![LogColumn::Message, LogColumn::Timestamp, LogColumn::Sequence];
    let scan = LogScan { columns, range, prune, newest: None, partitions: 2 };
    let mut rows = Vec::new();
    for batch in batches(snapshot, scan).await {
        let messages = batch.column(0).as_string_view();
        let times = batch.column(1).as_primitive::<TimestampMillisecondType>();
        let sequences = batch.column(2).as_primitive::<UInt64Type>();
        rows.extend((0..batch.num_rows()).map(|i| {
            let position = LogPosition { timestamp: at(times.value(i)), sequence: sequences.value(i) };
            (position, Bytes::copy_from_slice(messages.value(i).as_bytes()))
        }));
    }
    rows
}

async fn check_newest(snapshot: &LogSnapshot, range: TimeRange, limit: usize, expected: &[u64]) {
    let columns = vec![LogColumn::Sequence, LogColumn::Message];
    let scan = LogScan { columns, range, prune: Vec::new(), newest: Some(limit), partitions: 1 };
    let mut found = Vec::new();
    for batch in batches(snapshot, scan).await {
        found.extend(batch.column(0).as_primitive::<UInt64Type>().values().iter().copied());
    }
    assert_eq!(found, expected);
}

/// Fields against serde_json, for members that appear once.
async fn check_fields(snapshot: &LogSnapshot, expected: &[StoredLogEvent], range: TimeRange) {
    for path in ["a", "level", "n"] {
        let field = |kind| LogColumn::Field { path: path.to_owned(), kind };
        let columns = vec![LogColumn::Message, field(FieldKind::Text), field(FieldKind::Float)];
        let scan = LogScan { columns, range, prune: Vec::new(), newest: None, partitions: 1 };
        let mut rows = 0;
        for batch in batches(snapshot, scan).await {
            let messages = batch.column(0).as_string_view();
            let texts = batch.column(1).as_string_view();
            let numbers = batch.column(2).as_primitive::<Float64Type>();
            rows += batch.num_rows();
            for row in 0..batch.num_rows() {
                let message = messages.value(row);
                let object: Option<BTreeMap<String, Box<serde_json::value::RawValue>>> =
                    serde_json::from_str(message).ok();
                let Some(object) = object else { continue };
                // Of members with one name the last that is not null counts; nested ones may share a path.
                if message.matches(&format!("\"{path}\":")).count() > 1 {
                    continue;
                }
                let raw = object.get(path).map(|v| v.get());
                let text = texts.is_valid(row).then(|| texts.value(row).to_owned());
                let wanted = match raw {
                    None | Some("null") => None,
                    Some("true") => Some("1".to_owned()),
                    Some("false") => Some("0".to_owned()),
                    Some(v) if v.starts_with(['{', '[']) => None,
                    Some(v) if v.starts_with('"') => Some(serde_json::from_str(v).expect("a string")),
                    Some(v) => Some(v.to_owned()),
                };
                assert_eq!(text, wanted, "{path} of {message}");
                if let Some(number) = raw.filter(|v| !v.starts_with(['"', '{', '[', 't', 'f', 'n'])) {
                    assert_eq!(Some(numbers.value(row)), number.parse().ok(), "{path} of {message}");
                }
            }
            if let Some(text) = texts.iter().flatten().next() {
                check_equality(snapshot, range, path, text).await;
            }
        }
        assert_eq!(rows, expected.len());
    }
}

async fn check_equality(snapshot: &LogSnapshot, range: TimeRange, path: &str, value: &str) {
    let text = LogColumn::Field { path: path.to_owned(), kind: FieldKind::Text };
    let count = |batches: Vec<arrow::record_batch::RecordBatch>| -> usize {
        let equal = |b: &arrow::record_batch::RecordBatch| {
            b.column(0).as_string_view().iter().filter(|t| *t == Some(value)).count()
        };
        batches.iter().map(equal).sum()
    };
    let plain = LogScan { columns: vec![text], range, prune: Vec::new(), newest: None, partitions: 1 };
    let condition = Prune::FieldEquals { path: path.to_owned(), value: value.to_owned() };
    let pruned = LogScan { prune: vec![condition], ..plain.clone() };
    assert_eq!(count(batches(snapshot, plain).await), count(batches(snapshot, pruned).await));
}

async fn play(steps: Vec<Step>) {
    let dir = tempfile::tempdir().expect("folder");
    let mut store = open(dir.path()).expect("opens");
    let mut model = Model::default();
    let mut ingested = 10;
    for step in steps {
        let logs = store.logs();
        match step {
            Step::Append { stream, events } => {
                ingested += 1;
                let stream: Arc<str> = format!("stream {stream}").into();
                let list: Vec<LogEvent> =
                    events.iter().map(|(t, m)| LogEvent::new(at(*t), m.clone())).collect();
                let first = logs.append(&key(), &stream, at(ingested), list).await.expect("appends");
                for (nth, (time, message)) in events.into_iter().enumerate() {
                    let position = LogPosition { timestamp: at(time), sequence: first.sequence + nth as u64 };
                    let event = StoredLogEvent {
                        position,
                        ingestion_time: at(ingested),
                        stream: stream.clone(),
                        message: Bytes::from(message),
                    };
                    // What is older than the retention is not seen.
                    if logs.known(&key()).is_some_and(|g| g.cut() <= at(time)) {
                        assert!(model.0.insert(position, event).is_none());
                    }
                }
            }
            Step::Seal => {
                if let Some(group) = logs.known(&key()) {
                    let _turn = group.sealing.lock().await;
                    logs.seal_locked(&group).await;
                }
            }
            Step::Flush => assert!(logs.flush().await.is_ok()),
            Step::Maintain => {
                assert!(store.maintain(at(20), &CancellationToken::new()).await.is_ok())
            }
            Step::DeleteStream(stream) => {
                let stream: Arc<str> = format!("stream {stream}").into();
                logs.delete_stream(&key(), &stream).await.expect("deletes");
                model.0.retain(|_, e| e.stream != stream);
            }
            Step::Expire(before) => {
                let had = model.0.len();
                model.0.retain(|p, _| p.timestamp >= at(before));
                let gone = logs.expire(&key(), at(before)).await.expect("expires");
                assert_eq!(gone as usize, had - model.0.len());
            }
            Step::Reopen => {
                drop(store);
                store = open(dir.path()).expect("opens");
                store.maintain(at(20), &CancellationToken::new()).await.expect("maintains");
            }
            Step::Check { from, length, limit, descending, needle } => {
                let range = TimeRange::new(at(from), at(from + length));
                check(&store, &model, range, limit, descending, &needle).await;
            }
        }
        check_figures(&store, &model);
    }
    check(&store, &model, TimeRange::ALL, 1000, false, "needle").await;
}

fn check_figures(store: &Store, model: &Model) {
    let mut expected: BTreeMap<Arc<str>, StreamStats> = BTreeMap::new();
    for event in model.0.values() {
        let stats = StreamStats {
            first_event: event.position.timestamp,
            last_event: event.position.timestamp,
            last_ingestion: event.ingestion_time,
            events: 1,
            message_bytes: event.message.len() as u64,
        };
        let merged = expected.get(&event.stream).map_or(stats, |s| super::stats::merge_stats(*s, stats));
        expected.insert(event.stream.clone(), merged);
    }
    assert_eq!(store.logs().all_stream_stats(&key()), expected);
    let bytes = model.0.values().map(|e| e.message.len() as u64 + EVENT_OVERHEAD_BYTES).sum::<u64>();
    assert_eq!(store.logs().stored_bytes(&key()), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_the_list_of_its_events(steps in prop::collection::vec(step(), 1..30)) {
        run(play(steps));
    }
}

/// Parts of several granules and row groups, found by needle and by field.
#[test]
fn indexes_find_what_is_there_in_large_parts() {
    run(async {
        let dir = tempfile::tempdir().expect("folder");
        let store = open(dir.path()).expect("opens");
        let logs = store.logs();
        let line = |i: i64| {
            let rare = if i % 9_001 == 17 { " zebra" } else { "" };
            let id = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            format!(
                "{{\"id\":\"{id:016x}\",\"n\":{},\"t\":{}.{:02},\"m\":\"done{rare}\"}}",
                i % 50,
                i % 7,
                i % 100
            )
        };
        let count = 40_000i64;
        for first in (0..count).step_by(5_000) {
            let stream: Arc<str> = format!("s{}", first / 5_000 % 3).into();
            let batch = (first..first + 5_000).map(|i| LogEvent::new(at(i / 3), line(i))).collect();
            logs.append(&key(), &stream, at(1), batch).await.expect("appends");
        }
        logs.flush().await.expect("flushes");
        let snapshot = logs.snapshot(&[key()]);
        let zebras: Vec<i64> = (0..count).filter(|i| i % 9_001 == 17).collect();
        let rare = scan(&snapshot, TimeRange::ALL, vec![Prune::MessageContains("zebra".into())]).await;
        assert_eq!(rare.len(), zebras.len());
        for i in [1, 8_191, 8_192, 39_999] {
            let id = format!("{:016x}", (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let equal = Prune::FieldEquals { path: "id".into(), value: id };
            let found = scan(&snapshot, TimeRange::ALL, vec![equal]).await;
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].1, line(i));
        }
        let absent = Prune::FieldEquals { path: "nowhere".into(), value: "x".into() };
        assert!(scan(&snapshot, TimeRange::ALL, vec![absent]).await.is_empty());
        let number = Prune::FieldEquals { path: "t".into(), value: "3.5".into() };
        let field = LogColumn::Field { path: "n".into(), kind: FieldKind::Integer };
        let wanted = LogScan {
            columns: vec![field, LogColumn::Stream],
            range: TimeRange::ALL,
            prune: vec![number],
            newest: None,
            partitions: 3,
        };
        let found = batches(&snapshot, wanted).await;
        let expected: i64 = (0..count).filter(|i| i % 7 == 3 && i % 100 == 50).map(|i| i % 50).sum();
        let sum = |b: &arrow::record_batch::RecordBatch| -> i64 {
            b.column(0).as_primitive::<Int64Type>().values().iter().sum()
        };
        assert_eq!(found.iter().map(sum).sum::<i64>(), expected);
        let all = read_all(&snapshot, &LogRead { limit: 10_000, ..ALL }).await;
        assert_eq!(all.len(), count as usize);
        assert!(all.iter().enumerate().all(|(i, e)| e.message == line(i as i64)));
    });
}
