//! The table against a plain list of everything accepted, over flushes, merges and restarts; and damage.

use std::path::Path;

use base::{Clock, NoFaults, SeededEntropy, SimulatedClock, TimeRange};
use bytes::Bytes;
use proptest::prelude::*;

use super::super::api::TraceTimeKind;
use super::*;
use crate::core::StoreCapabilities;
use crate::local::durable_local;

const NOW_SECS: i64 = 1_736_949_770;

struct Bench {
    dir: tempfile::TempDir,
    clock: Arc<SimulatedClock>,
    table: Arc<TraceTable>,
}

fn scope() -> Scope {
    Scope::new(AccountId::new("111122223333").unwrap(), Region::new("us-east-1").unwrap())
}

fn open(dir: &Path, clock: Arc<SimulatedClock>) -> Arc<TraceTable> {
    let capabilities = StoreCapabilities {
        objects: durable_local(&dir.join("objects")).unwrap(),
        clock,
        entropy: SeededEntropy::new(1),
        faults: Arc::new(NoFaults),
    };
    let core = Core::open(dir, capabilities, 1 << 20).unwrap();
    let config = TraceTableConfig { flush_bytes: 1 << 30, ..TraceTableConfig::default() };
    let table = TraceTable::new(core.clone(), config).unwrap();
    core.recover(&[(TableId::Traces, table.as_ref())]).unwrap();
    table
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SimulatedClock::new(Timestamp::from_secs(NOW_SECS));
        let table = open(dir.path(), clock.clone());
        Self { dir, clock, table }
    }

    /// Forgets everything that is not on disk.
    fn restart(&mut self) {
        // The log's committer ends with its core, which the table holds.
        let empty = tempfile::tempdir().unwrap();
        self.table = open(empty.path(), self.clock.clone());
        self.table = open(self.dir.path(), self.clock.clone());
    }

    async fn flush_and_compact(&self) {
        let stop = CancellationToken::new();
        self.table.maintain(self.clock.now(), Pressure::FlushAll, &stop).await.unwrap();
        self.table.core.collect_garbage().await.unwrap();
    }

    /// Every trace a scan finds, page by page.
    async fn scan(&self, range: TimeRange, kind: TraceTimeKind) -> Vec<TracePosition> {
        let mut scan = TraceScan { range, kind, after: None, now: self.clock.now() };
        let mut found = Vec::new();
        loop {
            let candidates = self.table.candidates(&scope(), &scan, 3).await.unwrap();
            let Some(last) = candidates.last() else { return found };
            let ids: Vec<TraceId> = candidates.iter().map(|c| c.id).collect();
            let traces = self.table.get(&scope(), &ids).await.unwrap();
            for (candidate, trace) in candidates.iter().zip(traces) {
                let trace = trace.expect("a candidate is a trace");
                if scan.position(&trace) == Some(*candidate) {
                    found.push(*candidate);
                }
            }
            scan.after = Some(*last);
        }
    }
}

/// A segment of one of a few traces: half of the ids hold a plausible time, half do not.
fn segment(
    trace: u8,
    id: u64,
    in_progress: bool,
    lone: bool,
    start: i64,
    length: i64,
    text: &str,
) -> TraceSegment {
    let embedded = if trace.is_multiple_of(2) { NOW_SECS as u128 - u128::from(trace) } else { 7 };
    let start_time = Timestamp::from_millis(NOW_SECS * 1000 - 60_000 + start);
    let end = start_time.saturating_add_millis(length);
    TraceSegment {
        trace_id: TraceId::from_bits(embedded << 96 | u128::from(trace)),
        id,
        parent_id: lone.then_some(9),
        is_lone_subsegment: lone,
        in_progress,
        name: "n".to_owned(),
        start_time,
        end_time: (!in_progress).then_some(end),
        first_time: start_time,
        last_time: if in_progress { start_time } else { end },
        is_unfinished: in_progress,
        received: Timestamp::from_secs(NOW_SECS),
        document: Bytes::from(format!("{{\"{text}\":1}}")),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<TraceSegment>),
    FlushAndCompact,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0u8..6, 0u64..3, any::<bool>(), any::<bool>(), 0i64..50_000, 0i64..20_000, "[a-z]{1,8}")
        .prop_map(|(trace, id, running, lone, start, length, text)| {
            segment(trace, id, running, lone, start, length, &text)
        });
    let step = prop_oneof![
        4 => proptest::collection::vec(one, 1..5).prop_map(Step::Append),
        2 => Just(Step::FlushAndCompact),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..14)
}

/// What a plain reading of the rules makes of everything accepted.
fn model(accepted: &[TraceSegment]) -> BTreeMap<TraceId, BTreeMap<u64, (TraceSegment, u32)>> {
    let mut traces: BTreeMap<TraceId, BTreeMap<u64, (TraceSegment, u32)>> = BTreeMap::new();
    for segment in accepted {
        let segments = traces.entry(segment.trace_id).or_default();
        let entry = segments.entry(segment.id).or_insert_with(|| (segment.clone(), 0));
        entry.1 += 1;
        if entry.0.in_progress || !segment.in_progress {
            entry.0 = segment.clone();
        }
    }
    traces
}

async fn check(bench: &Bench, accepted: &[TraceSegment]) {
    let expected = model(accepted);
    let ids: Vec<TraceId> = expected.keys().copied().chain([TraceId::from_bits(1)]).collect();
    let traces = bench.table.get(&scope(), &ids).await.unwrap();
    assert!(traces.last().unwrap().is_none());
    for (id, trace) in ids.iter().zip(&traces) {
        let Some(expected) = expected.get(id) else { continue };
        let trace = trace.as_ref().unwrap();
        let found: BTreeMap<u64, (Bytes, u32, bool)> =
            trace.segments.iter().map(|s| (s.id, (s.document.clone(), s.versions, s.in_progress))).collect();
        let wanted: BTreeMap<u64, (Bytes, u32, bool)> =
            expected.iter().map(|(id, (s, n))| (*id, (s.document.clone(), *n, s.in_progress))).collect();
        assert_eq!(found, wanted);
    }
    for kind in [TraceTimeKind::TraceId, TraceTimeKind::Event, TraceTimeKind::Service] {
        for (from, to) in [(-60_000, 1), (-45_000, -20_000), (-20_000, -19_000)] {
            let at = |millis: i64| Timestamp::from_millis(NOW_SECS * 1000 + millis);
            let range = TimeRange::new(at(from), at(to));
            let scan = TraceScan { range, kind, after: None, now: bench.clock.now() };
            let mut wanted: Vec<TracePosition> =
                traces.iter().flatten().filter_map(|t| scan.position(t)).collect();
            wanted.sort_unstable_by(|a, b| b.cmp(a));
            assert_eq!(bench.scan(range, kind).await, wanted, "{kind:?} {from}..{to}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn behaves_like_a_list_of_everything_accepted(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut bench = Bench::new();
            let mut accepted = Vec::new();
            for step in steps {
                match step {
                    Step::Append(segments) => {
                        accepted.extend(segments.clone());
                        bench.table.append(&scope(), segments).await.unwrap();
                    }
                    Step::FlushAndCompact => bench.flush_and_compact().await,
                    Step::Restart => bench.restart(),
                }
                check(&bench, &accepted).await;
            }
        });
    }
}

#[tokio::test]
async fn many_parts_of_a_day_become_one_and_look_ups_cross_row_groups() {
    let bench = Bench::new();
    let mut all = Vec::new();
    for round in 0..4u64 {
        let segments: Vec<_> = (0..5000u64)
            .map(|n| {
                let mut segment = segment(0, n, false, false, 0, 1, "text");
                // Ten segments a trace, spread over all parts.
                segment.trace_id = TraceId::from_bits(u128::from(n / 2) << 96 | 5);
                segment.id = n * 10 + round;
                segment
            })
            .collect();
        all.extend(segments.clone());
        bench.table.append(&scope(), segments).await.unwrap();
        bench.flush_and_compact().await;
    }
    let parts = bench.table.parts();
    assert_eq!(parts[0].1.len(), 1, "four small parts were merged");
    assert_eq!(parts[0].1[0].entry.rows, 20_000);
    let ids = [0u128, 1249, 2499].map(|n| TraceId::from_bits(n << 96 | 5));
    let traces = bench.table.get(&scope(), &ids).await.unwrap();
    assert!(traces.iter().all(|trace| trace.as_ref().unwrap().segments.len() == 8));
    let many: Vec<TraceId> = (0..200u128).map(|n| TraceId::from_bits((n * 12) << 96 | 5)).collect();
    assert!(bench.table.get(&scope(), &many).await.unwrap().iter().all(Option::is_some));
    let other = Scope::new(AccountId::new("111122223334").unwrap(), Region::new("us-east-1").unwrap());
    assert_eq!(bench.table.get(&other, &ids).await.unwrap(), [None, None, None]);
}

#[tokio::test]
async fn traces_are_hidden_after_thirty_days_and_deleted_a_week_later() {
    let bench = Bench::new();
    let kept = segment(2, 1, false, false, 0, 1, "a");
    bench.table.append(&scope(), vec![kept.clone()]).await.unwrap();
    bench.flush_and_compact().await;
    let day = 86_400;
    let at = |days: i64, bench: &Bench| bench.clock.advance_to(Timestamp::from_secs(NOW_SECS + days * day));
    at(30, &bench);
    assert!(bench.table.get(&scope(), &[kept.trace_id]).await.unwrap()[0].is_some());
    bench.clock.advance(std::time::Duration::from_secs(1));
    assert!(bench.table.get(&scope(), &[kept.trace_id]).await.unwrap()[0].is_none());
    bench.flush_and_compact().await;
    assert_eq!(bench.table.parts()[0].1.len(), 1);
    at(38, &bench);
    bench.flush_and_compact().await;
    assert_eq!(bench.table.parts()[0].1.len(), 0);
    let left: Vec<_> = walk(&bench.dir.path().join("objects"));
    assert!(left.is_empty(), "{left:?}");
}

fn walk(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_damaged_part_is_an_error_never_data() {
    let bench = Bench::new();
    let segments: Vec<_> =
        (0..50).map(|n| segment(2, n, false, false, 0, 1, "some text of the document")).collect();
    let id = segments[0].trace_id;
    bench.table.append(&scope(), segments).await.unwrap();
    bench.flush_and_compact().await;
    let path = walk(&bench.dir.path().join("objects")).remove(0);
    let good = std::fs::read(&path).unwrap();
    let whole = bench.table.get(&scope(), &[id]).await.unwrap();
    // Every twentieth byte of the file, one at a time, and a file cut short.
    for at in (0..good.len()).step_by(20) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(&path, &bad).unwrap();
        let read = open_parts_again(&bench).get(&scope(), &[id]).await;
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "byte {at}: {read:?}");
    }
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert!(open_parts_again(&bench).get(&scope(), &[id]).await.is_err());
    std::fs::write(&path, &good).unwrap();
    assert_eq!(open_parts_again(&bench).get(&scope(), &[id]).await.unwrap(), whole);
}

/// The same parts without what was cached of them.
fn open_parts_again(bench: &Bench) -> Arc<TraceTable> {
    TraceTable::new(bench.table.core.clone(), TraceTableConfig::default()).unwrap()
}

#[test]
fn records_that_are_not_records_are_damage() {
    let rows =
        vec![StoredSegment::new(segment(1, 1, true, true, 0, 0, "x"), record::sequence(WalPosition(7), 0))];
    let payload = record::encode(&scope(), &rows);
    assert_eq!(record::decode(WalPosition(7), &payload).unwrap(), (scope(), rows));
    for length in 0..payload.len() {
        assert!(record::decode(WalPosition(7), &payload[..length]).is_err());
    }
    let mut longer = payload.clone();
    longer.push(0);
    assert!(record::decode(WalPosition(7), &longer).is_err());
    let mut version = payload;
    version[0] = 9;
    assert!(record::decode(WalPosition(7), &version).is_err());
}

#[tokio::test]
async fn memory_is_bounded_by_flushing() {
    let mut bench = Bench::new();
    let core = bench.table.core.clone();
    let config =
        TraceTableConfig { flush_bytes: 1 << 12, memory_bytes_max: 1 << 14, ..TraceTableConfig::default() };
    bench.table = TraceTable::new(core, config).unwrap();
    for round in 0..100 {
        let batch = (0..20).map(|n| segment(2, round * 20 + n, false, false, 0, 1, "t")).collect();
        bench.table.append(&scope(), batch).await.unwrap();
        let memory = bench.table.state.lock().memory_bytes;
        assert!(memory < (1 << 14) + 20 * 400, "{memory}");
    }
    let id = segment(2, 0, false, false, 0, 1, "t").trace_id;
    let trace = bench.table.get(&scope(), &[id]).await.unwrap().remove(0).unwrap();
    assert_eq!(trace.segments.len(), 2000);
}
