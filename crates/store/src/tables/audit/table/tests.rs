//! The table against a plain list of everything accepted, over flushes, merges and restarts; and damage.

use std::path::Path;

use base::{AccountId, Clock, NoFaults, Region, SeededEntropy, SimulatedClock};
use proptest::prelude::*;
use signals::audit::AuditResource;

use super::super::api::AuditFilter;
use super::*;
use crate::core::StoreCapabilities;
use crate::local::durable_local;

const NOW_SECS: i64 = 1_736_949_770;
const DAY_MILLIS: i64 = 86_400_000;

fn scope(account: u32) -> Scope {
    let account = AccountId::new(&format!("{account:012}")).unwrap();
    Scope::new(account, Region::new("us-east-1").unwrap())
}

/// An event whose attributes follow from its number.
pub(in crate::tables::audit) fn event(number: u32, name: &str) -> AuditEvent {
    let resource = |kind: &str| AuditResource {
        resource_type: format!("AWS::Logs::{kind}"),
        resource_name: format!("{kind}-{}", number % 5),
    };
    AuditEvent {
        scope: scope(number % 3),
        event_id: format!("{number:08x}-0000-4000-8000-000000000000"),
        event_time: Timestamp::from_secs(NOW_SECS - i64::from(number / 2)),
        event_name: name.to_owned(),
        event_source: if number.is_multiple_of(2) { "logs.amazonaws.com" } else { "xray.amazonaws.com" }
            .to_owned(),
        user_name: (!number.is_multiple_of(4)).then(|| format!("user-{}", number % 4)),
        access_key_id: (!number.is_multiple_of(7)).then(|| format!("AKIA{}", number % 7)),
        read_only: number % 3 == 1,
        resources: (0..number % 3)
            .map(|i| resource(["LogGroup", "LogStream"][i as usize % 2]))
            .chain([resource("X")])
            .collect(),
        record: format!("{{\"eventName\":\"{name}\",\"n\":{number}}}"),
    }
}

struct Bench {
    dir: tempfile::TempDir,
    clock: Arc<SimulatedClock>,
    table: Arc<AuditTable>,
}

fn open(dir: &Path, clock: Arc<SimulatedClock>) -> Arc<AuditTable> {
    let capabilities = StoreCapabilities {
        objects: durable_local(&dir.join("objects")).unwrap(),
        clock,
        entropy: SeededEntropy::new(1),
        faults: Arc::new(NoFaults),
    };
    let core = Core::open(dir, capabilities, 1 << 20).unwrap();
    let table = AuditTable::new(core.clone(), AuditTableConfig::default()).unwrap();
    core.recover(&[(TableId::Audit, table.as_ref())]).unwrap();
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

    async fn maintain(&self, pressure: Pressure) -> u64 {
        let changes =
            self.table.maintain(self.clock.now(), pressure, &CancellationToken::new()).await.unwrap();
        self.table.core.collect_garbage().await.unwrap();
        changes
    }

    fn parts(&self) -> usize {
        self.table.state.lock().parts.len()
    }
}

fn all(limit: usize) -> AuditLookup {
    AuditLookup { range: TimeRange::ALL, filter: None, after: None, limit }
}

/// What the table must find among `events`.
fn expected(events: &[AuditEvent], scope: &Scope, lookup: &AuditLookup) -> Vec<AuditEvent> {
    let mut found: Vec<_> = events
        .iter()
        .filter(|e| e.scope == *scope && lookup.reaches(e.event_time, &e.event_id))
        .filter(|e| lookup.filter.as_ref().is_none_or(|filter| filter.admits(e)))
        .cloned()
        .collect();
    found.sort_by_key(|e| std::cmp::Reverse(AuditPosition::of(e)));
    found.truncate(lookup.limit);
    found
}

fn filters() -> Vec<Option<AuditFilter>> {
    let text = |s: &str| s.to_owned();
    vec![
        None,
        Some(AuditFilter::EventId(text("00000005-0000-4000-8000-000000000000"))),
        Some(AuditFilter::EventName(text("CreateLogGroup"))),
        Some(AuditFilter::ReadOnly(true)),
        Some(AuditFilter::ReadOnly(false)),
        Some(AuditFilter::UserName(text("user-2"))),
        Some(AuditFilter::ResourceType(text("AWS::Logs::LogStream"))),
        Some(AuditFilter::ResourceName(text("X-3"))),
        Some(AuditFilter::EventSource(text("xray.amazonaws.com"))),
        Some(AuditFilter::AccessKeyId(text("AKIA4"))),
        Some(AuditFilter::EventName(text("createloggroup"))),
    ]
}

async fn check(bench: &Bench, events: &[AuditEvent]) {
    for account in 0..4 {
        let scope = scope(account);
        for filter in filters() {
            let range =
                TimeRange::new(Timestamp::from_secs(NOW_SECS - 20), Timestamp::from_secs(NOW_SECS - 3));
            for (range, limit) in [(TimeRange::ALL, 50), (TimeRange::ALL, 3), (range, 50)] {
                let lookup = AuditLookup { range, filter: filter.clone(), after: None, limit };
                let found = bench.table.lookup(&scope, &lookup).await.unwrap();
                assert_eq!(found, expected(events, &scope, &lookup), "{scope:?} {lookup:?}");
            }
        }
        let mut paged = Vec::new();
        let mut lookup = all(7);
        loop {
            let page = bench.table.lookup(&scope, &lookup).await.unwrap();
            let Some(last) = page.last() else { break };
            lookup.after = Some(AuditPosition::of(last));
            paged.extend(page);
        }
        assert_eq!(paged, expected(events, &scope, &all(usize::MAX)));
    }
}

#[tokio::test]
async fn events_are_found_wherever_they_are() {
    let mut bench = Bench::new();
    let mut events = Vec::new();
    for round in 0..12u32 {
        for number in 0..10 {
            let name = ["CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups"][number as usize % 3];
            let event = event(number * 12 + round, name);
            bench.table.append(event.clone()).await.unwrap();
            events.push(event);
        }
        check(&bench, &events).await;
        if round % 5 != 4 {
            bench.maintain(Pressure::FlushAll).await;
        } else {
            bench.restart();
        }
        check(&bench, &events).await;
    }
    assert!(bench.parts() < 8, "small parts were merged");
    bench.restart();
    check(&bench, &events).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any sequence of appends, flushes and restarts: everything accepted is there once.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(0u8..10, 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut bench, mut events) = (Bench::new(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    0 => bench.restart(),
                    1 | 2 => drop(bench.maintain(Pressure::FlushAll).await),
                    3 => drop(bench.maintain(Pressure::Normal).await),
                    _ => {
                        let batch = vec![event(number as u32 * 2, "A"), event(number as u32 * 2 + 1, "B")];
                        bench.table.append_all(batch.clone()).await.unwrap();
                        events.extend(batch);
                    }
                }
            }
            for account in 0..3 {
                let found = bench.table.lookup(&scope(account), &all(usize::MAX)).await.unwrap();
                assert_eq!(found, expected(&events, &scope(account), &all(usize::MAX)));
            }
        });
    }
}

#[tokio::test]
async fn a_large_part_is_searched_from_its_newest_row() {
    let bench = Bench::new();
    let events: Vec<_> = (0..9000).map(|n| event(n * 3, if n == 8990 { "Rare" } else { "Common" })).collect();
    bench.table.append_all(events.clone()).await.unwrap();
    bench.maintain(Pressure::FlushAll).await;
    let rare = AuditLookup { filter: Some(AuditFilter::EventName("Rare".to_owned())), ..all(50) };
    for lookup in [all(50), rare] {
        let found = bench.table.lookup(&scope(0), &lookup).await.unwrap();
        assert_eq!(found, expected(&events, &scope(0), &lookup));
    }
}

#[tokio::test]
async fn events_past_the_retention_are_neither_found_nor_kept() {
    let mut bench = Bench::new();
    bench.table.append(event(0, "Old")).await.unwrap();
    bench.maintain(Pressure::FlushAll).await;
    bench.clock.advance(std::time::Duration::from_millis((89 * DAY_MILLIS) as u64));
    let mut young = event(3, "Young");
    young.event_time = bench.clock.now();
    bench.table.append(young.clone()).await.unwrap();
    assert_eq!(bench.table.lookup(&scope(0), &all(50)).await.unwrap().len(), 2);
    bench.clock.advance(std::time::Duration::from_millis((2 * DAY_MILLIS) as u64));
    assert_eq!(bench.table.lookup(&scope(0), &all(50)).await.unwrap(), [young.clone()]);
    bench.maintain(Pressure::FlushAll).await;
    assert_eq!(bench.parts(), 1, "the old part is gone");
    bench.restart();
    assert_eq!(bench.table.lookup(&scope(0), &all(50)).await.unwrap(), [young]);
}

#[tokio::test]
async fn memory_is_flushed_by_age_and_under_pressure() {
    let bench = Bench::new();
    bench.table.append(event(0, "A")).await.unwrap();
    assert!(bench.table.oldest_unflushed().is_some());
    assert_eq!(bench.maintain(Pressure::Normal).await, 0);
    bench.clock.advance(std::time::Duration::from_secs(901));
    assert_eq!(bench.maintain(Pressure::Normal).await, 1);
    assert_eq!(bench.table.oldest_unflushed(), None);
    bench.table.append(event(3, "B")).await.unwrap();
    let oldest = bench.table.oldest_unflushed().unwrap();
    assert_eq!(bench.maintain(Pressure::FlushThrough(oldest)).await, 1);
    assert_eq!(bench.parts(), 2);
}

#[tokio::test]
async fn damage_is_reported_and_never_served() {
    let bench = Bench::new();
    let events: Vec<_> = (0..40).map(|n| event(n * 3, "A")).collect();
    bench.table.append_all(events).await.unwrap();
    bench.maintain(Pressure::FlushAll).await;
    let path = bench.dir.path().join("objects").join(&bench.table.state.lock().parts[0].entry.path);
    let sound = std::fs::read(&path).unwrap();
    for at in (0..sound.len()).step_by(97) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let table = AuditTable::new(bench.table.core.clone(), AuditTableConfig::default()).unwrap();
        let found = table.lookup(&scope(0), &all(usize::MAX)).await;
        assert!(matches!(found, Err(StoreError::Damaged { .. })), "offset {at}: {found:?}");
    }
}
