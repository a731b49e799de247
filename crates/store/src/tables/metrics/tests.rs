//! The table against a naive model, over restarts, failures and years.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{AccountId, Clock, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, TimeRange, Timestamp};
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use proptest::prelude::*;
use signals::{Dimension, Dist, MetricDatum, MetricIdentity, MetricValue, Resolution};
use tokio_util::sync::CancellationToken;

use super::tier::{Horizons, Tier};
use super::{MetricFilter, MetricTable, MetricTableConfig, Periods, Summary};
use crate::core::{Core, Pressure, StoreCapabilities, WalTable};
use crate::error::StoreError;
use crate::store::Table;
use crate::wal::{TableId, WalPosition};

/// 2026-02-03T12:00:00Z.
const START: i64 = 1_770_120_000;

struct Bench {
    dir: tempfile::TempDir,
    objects: Arc<dyn ObjectStore>,
    clock: Arc<SimulatedClock>,
    faults: Arc<dyn base::Faults>,
    config: MetricTableConfig,
    core: Option<Arc<Core>>,
    table: Option<Arc<MetricTable>>,
}

impl Bench {
    fn new() -> Self {
        Self::with_faults(Arc::new(NoFaults))
    }

    fn with_faults(faults: Arc<dyn base::Faults>) -> Self {
        // Small row groups and parts, so that series cross their bounds.
        let config =
            MetricTableConfig { row_group_rows: 7, part_bytes_max: 4000, ..MetricTableConfig::default() };
        let mut bench = Self {
            dir: tempfile::tempdir().unwrap(),
            objects: Arc::new(InMemory::new()),
            clock: SimulatedClock::new(Timestamp::from_secs(START)),
            faults,
            config,
            core: None,
            table: None,
        };
        bench.open();
        bench
    }

    fn open(&mut self) {
        let capabilities = StoreCapabilities {
            objects: self.objects.clone(),
            clock: self.clock.clone(),
            entropy: SeededEntropy::new(1),
            faults: self.faults.clone(),
        };
        let core = Core::open(self.dir.path(), capabilities, 1 << 20).unwrap();
        let table = MetricTable::new(core.clone(), self.config.clone()).unwrap();
        let report = core.recover(&[(TableId::Metrics, &*table as &dyn WalTable)]).unwrap();
        assert!(report.damaged.is_empty(), "{:?}", report.damaged);
        (self.core, self.table) = (Some(core), Some(table));
    }

    fn restart(&mut self) {
        (self.table, self.core) = (None, None);
        self.open();
    }

    fn table(&self) -> &MetricTable {
        self.table.as_ref().unwrap()
    }

    async fn maintain(&self, pressure: Pressure) -> Result<u64, StoreError> {
        self.table().maintain(self.clock.now(), pressure, &CancellationToken::new()).await
    }

    async fn flush(&self) {
        self.maintain(Pressure::FlushAll).await.unwrap();
    }

    async fn settle(&self) {
        while self.maintain(Pressure::Normal).await.unwrap() > 0 {}
        self.core.as_ref().unwrap().collect_garbage().await.unwrap();
    }

    async fn put(&self, data: Vec<MetricDatum>) {
        self.table().append(&scope(), data).await.unwrap();
    }

    async fn read(&self, series: usize) -> Vec<Seen> {
        let read =
            self.table().read(&scope(), &metric(series), TimeRange::ALL, self.clock.now()).await.unwrap();
        read.iter().map(|d| seen((d.timestamp.as_secs(), d.unit, d.period_secs), &d.dist)).collect()
    }

    /// Folds are what comes of folding what is read.
    async fn check_folds(&self) {
        let now = self.clock.now();
        let start = now.saturating_sub_millis(20 * 86_400_000).floor_to(60_000);
        let end = now.saturating_sub_millis(1_800_500);
        let metrics: Vec<MetricIdentity> = (0..40).chain([1, 1]).map(|series| metric(series % 7)).collect();
        let periods = Periods { start, end, period_secs: 7 * 60 };
        let table = self.table.as_ref().unwrap();
        let dists = table.fold_many::<Dist>(&scope(), &metrics, periods, now).await.unwrap();
        let summaries = table.fold_many::<Summary>(&scope(), &metrics, periods, now).await.unwrap();
        for ((metric, dists), summaries) in metrics.iter().zip(dists).zip(summaries) {
            let read = table.read(&scope(), metric, TimeRange::new(start, end), now).await.unwrap();
            let mut expected: BTreeMap<(u8, u32), Dist> = BTreeMap::new();
            for datapoint in read {
                let period = (datapoint.timestamp.millis_since(start) / 420_000) as u32;
                let slot = (signals::Unit::by_name(datapoint.unit).unwrap().code(), period);
                match expected.get_mut(&slot) {
                    None => _ = expected.insert(slot, datapoint.dist),
                    Some(merged) => merged.merge(&datapoint.dist),
                }
            }
            let shown = |slot: (u8, u32), dist: &Dist| seen((i64::from(slot.1), "", u32::from(slot.0)), dist);
            let expected: Vec<Seen> = expected.iter().map(|(slot, dist)| shown(*slot, dist)).collect();
            let cells = |(unit, cells): (signals::Unit, Vec<(u32, Dist)>)| {
                cells.into_iter().map(move |(period, dist)| shown((unit.code(), period), &dist))
            };
            let folded: Vec<Seen> = dists.into_iter().flat_map(cells).collect();
            assert_eq!(folded, expected);
            let summaries = summaries.into_iter().flat_map(|(_, cells)| cells);
            let numbers = summaries.map(|(_, s)| (s.count, s.sum, s.min, s.max));
            assert!(numbers.eq(expected.iter().map(|(_, numbers, _)| *numbers)));
        }
    }

    fn part_count(&self) -> usize {
        self.core.as_ref().unwrap().parts(TableId::Metrics).len()
    }
}

/// A datapoint in a form that compares.
type Seen = ((i64, &'static str, u32), (f64, f64, f64, f64), Option<Vec<(f64, f64)>>);

fn seen(slot: (i64, &'static str, u32), dist: &Dist) -> Seen {
    let pairs = (!matches!(dist.shape, signals::dist::Shape::Opaque)).then(|| dist.pairs());
    (slot, (dist.count, dist.sum, dist.min, dist.max), pairs)
}

fn scope() -> Scope {
    Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap())
}

fn metric(series: usize) -> MetricIdentity {
    let dimensions = (0..series % 3)
        .map(|i| Dimension { name: format!("d{i}").into(), value: format!("v{series}").into() });
    MetricIdentity::new(&format!("NS{}", series / 4), &format!("m{series}"), dimensions.collect())
}

fn datum(series: usize, second: i64, unit: &str, resolution: Resolution, value: MetricValue) -> MetricDatum {
    let timestamp = Timestamp::from_millis(second * 1000 + 321);
    MetricDatum { metric: metric(series), timestamp, unit: unit.into(), resolution, value }
}

fn single(series: usize, second: i64, value: f64) -> MetricDatum {
    datum(series, second, "None", Resolution::Standard, MetricValue::Single(value))
}

/// What every read must show: all data, brought to the tier of their age and merged.
#[derive(Default)]
struct Model {
    data: Vec<(usize, i64, &'static str, u32, Dist)>,
}

impl Model {
    fn put(&mut self, datum: &MetricDatum, series: usize) {
        let unit = signals::Unit::by_name(&datum.unit).unwrap().name();
        let dist = match &datum.value {
            MetricValue::Single(value) => Dist::single(*value),
            MetricValue::Distribution(dist) => dist.clone(),
        };
        let secs = datum.resolution.secs();
        let second = datum.timestamp.as_secs();
        self.data.push((series, second - second % i64::from(secs), unit, secs, dist));
    }

    fn read(&self, series: usize, now: Timestamp) -> Vec<Seen> {
        let mut slots: BTreeMap<(i64, u8, u32), Dist> = BTreeMap::new();
        for (_, second, unit, secs, dist) in self.data.iter().filter(|d| d.0 == series) {
            let age = now.as_secs() - second;
            // The horizons stand at whole periods, so that no stored period is cut in two.
            let floor = |secs: i64, to: i64| (now.as_secs() - secs).div_euclid(to) * to;
            let secs = match age {
                _ if *second < floor(455 * 86_400, 3600) => continue,
                _ if *second < floor(63 * 86_400, 3600) => 3600,
                _ if *second < floor(15 * 86_400, 300) => 300,
                _ if *second < floor(3 * 3600, 60) => 60,
                _ => 1,
            }
            .max(*secs);
            let code = signals::Unit::by_name(unit).unwrap().code();
            let slot = (second - second % i64::from(secs), code, secs);
            match slots.get_mut(&slot) {
                None => _ = slots.insert(slot, dist.clone()),
                Some(kept) => kept.merge(dist),
            }
        }
        let name = |code| signals::Unit::by_code(code).unwrap().name();
        slots.iter().map(|((second, unit, secs), dist)| seen((*second, name(*unit), *secs), dist)).collect()
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// (series, seconds before now, unit, high resolution, value kind, value)
    Put(Vec<(usize, i64, usize, bool, u8, i32)>),
    Flush,
    Compact,
    Advance(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let age = prop_oneof![-7200i64..7200, 0i64..14 * 86_400, 0i64..600];
    let datum = (0usize..6, age, 0usize..3, any::<bool>(), 0u8..4, -3i32..40);
    let step = prop_oneof![
        5 => prop::collection::vec(datum, 1..12).prop_map(Step::Put),
        2 => Just(Step::Flush),
        2 => Just(Step::Compact),
        2 => prop_oneof![60i64..20_000, 86_400i64..40 * 86_400].prop_map(Step::Advance),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..25)
}

fn value(kind: u8, v: i32) -> MetricValue {
    let v = f64::from(v) / 4.0;
    match kind {
        0 | 1 => MetricValue::Single(v),
        2 => MetricValue::Distribution(Dist::from_pairs([(v, 2.0), (v + 1.0, 0.5)]).unwrap()),
        _ => MetricValue::Distribution(Dist::from_statistic_set(3.0, 3.0 * v + 1.0, v, v + 1.0)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn reads_are_the_models_whatever_was_flushed_merged_or_rolled_up(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new();
            let mut model = Model::default();
            for step in &steps {
                match step {
                    Step::Put(data) => {
                        let now = bench.clock.now().as_secs();
                        let data: Vec<MetricDatum> = data.iter().map(|&(series, age, unit, high, kind, v)| {
                            let resolution = if high { Resolution::High } else { Resolution::Standard };
                            let unit = ["None", "Seconds", "Count/Second"][unit];
                            let datum = datum(series, now - age, unit, resolution, value(kind, v));
                            model.put(&datum, series);
                            datum
                        }).collect();
                        bench.put(data).await;
                    }
                    Step::Flush => bench.flush().await,
                    Step::Compact => bench.settle().await,
                    Step::Advance(secs) => bench.clock.advance(std::time::Duration::from_secs(*secs as u64)),
                    Step::Restart => bench.restart(),
                }
                for series in 0..6 {
                    assert_eq!(bench.read(series).await, model.read(series, bench.clock.now()), "{step:?}");
                }
                bench.check_folds().await;
            }
        });
    }
}

#[tokio::test]
async fn a_batch_is_read_back_before_and_after_a_flush_and_a_restart() {
    let mut bench = Bench::new();
    bench.put((0..500).map(|i| single(i % 5, START - i as i64 * 60, i as f64)).collect()).await;
    let before: Vec<_> = [bench.read(0).await, bench.read(3).await].concat();
    assert_eq!(before.len(), 200);
    bench.restart();
    assert_eq!([bench.read(0).await, bench.read(3).await].concat(), before);
    bench.flush().await;
    assert!(bench.part_count() >= 1);
    assert_eq!(bench.table().oldest_unflushed(), None);
    bench.restart();
    assert_eq!(bench.table().head_bytes(), 0);
    assert_eq!([bench.read(0).await, bench.read(3).await].concat(), before);
    let range = TimeRange::new(Timestamp::from_secs(START - 600), Timestamp::from_secs(START));
    let wanted = [metric(1), metric(0), metric(1), metric(99)];
    let narrow = bench.table().read_many(&scope(), &wanted, range, bench.clock.now()).await.unwrap();
    let counts: Vec<usize> = narrow.iter().map(Vec::len).collect();
    assert_eq!(counts, [2, 2, 2, 0]);
}

#[tokio::test]
async fn accounts_and_regions_are_kept_apart() {
    let bench = Bench::new();
    bench.put(vec![single(0, START, 1.0)]).await;
    let other = Scope::new(scope().account, Region::new("us-east-1").unwrap());
    assert!(
        bench.table().read(&other, &metric(0), TimeRange::ALL, bench.clock.now()).await.unwrap().is_empty()
    );
    let all = MetricFilter::default();
    assert!(bench.table().list(&other, &all, None, 10).await.unwrap().is_empty());
    assert_eq!(bench.table().list(&scope(), &all, None, 10).await.unwrap(), [metric(0)]);
}

#[tokio::test]
async fn listing_is_sorted_filtered_paged_and_survives_a_restart() {
    let mut bench = Bench::new();
    bench.put((0..12).map(|i| single(i, START - i as i64 * 86_400, 1.0)).collect()).await;
    bench.flush().await;
    bench.put(vec![single(12, START, 1.0)]).await;
    bench.restart();
    let list = async |filter: &MetricFilter, after: Option<MetricIdentity>, limit| {
        bench.table().list(&scope(), filter, after.as_ref(), limit).await.unwrap()
    };
    let mut expected: Vec<_> = (0..13).map(metric).collect();
    expected.sort();
    let all = MetricFilter::default();
    assert_eq!(list(&all, None, 100).await, expected);
    assert_eq!(list(&all, None, 5).await, expected[..5]);
    assert_eq!(list(&all, Some(expected[4].clone()), 100).await, expected[5..]);
    let namespace = MetricFilter { namespace: Some("NS1".into()), ..all.clone() };
    assert_eq!(list(&namespace, None, 100).await, (4..8).map(metric).collect::<Vec<_>>());
    let name = MetricFilter { name: Some("m8".into()), ..all.clone() };
    assert_eq!(list(&name, None, 100).await, [metric(8)]);
    let dimension = |name: &str, value: Option<&str>| MetricFilter {
        dimensions: vec![super::DimensionFilter { name: name.into(), value: value.map(Into::into) }],
        ..all.clone()
    };
    assert_eq!(
        list(&dimension("d1", None), None, 100).await,
        [11, 2, 5, 8].map(metric).to_vec().tap_sorted()
    );
    assert_eq!(list(&dimension("d0", Some("v4")), None, 100).await, [metric(4)]);
    assert!(list(&dimension("d0", Some("x")), None, 100).await.is_empty());
    let recent = MetricFilter { active_since: Timestamp::from_secs(START - 86_400), ..all };
    assert_eq!(list(&recent, None, 100).await, [0, 1, 12].map(metric).to_vec().tap_sorted());
}

trait TapSorted {
    fn tap_sorted(self) -> Self;
}

impl TapSorted for Vec<MetricIdentity> {
    fn tap_sorted(mut self) -> Self {
        self.sort();
        self
    }
}

#[tokio::test]
async fn a_year_of_data_rolls_up_exactly_and_expires() {
    let bench = Bench::new();
    let mut expected = Dist::single(0.0);
    for i in 1..=59 {
        expected.merge(&Dist::single(f64::from(i)));
    }
    bench
        .put(
            (0..60)
                .map(|i| datum(0, START + i, "Count", Resolution::High, MetricValue::Single(i as f64)))
                .collect(),
        )
        .await;
    for (days, period) in [(0, 1), (1, 60), (16, 300), (47, 3600), (300, 3600)] {
        bench.clock.advance(std::time::Duration::from_secs(days * 86_400));
        bench.flush().await;
        bench.settle().await;
        let read = bench.table().read(&scope(), &metric(0), TimeRange::ALL, bench.clock.now()).await.unwrap();
        assert!(read.iter().all(|d| d.period_secs == period), "{days} days: {read:?}");
        let merged = read.into_iter().map(|d| d.dist).reduce(|mut a, b| {
            a.merge(&b);
            a
        });
        assert_eq!(merged, Some(expected.clone()));
        assert_eq!(bench.part_count(), 1);
    }
    bench.clock.advance(std::time::Duration::from_secs(130 * 86_400));
    bench.settle().await;
    assert!(bench.read(0).await.is_empty());
    assert_eq!(bench.part_count(), 0);
    assert!(futures::StreamExt::next(&mut bench.objects.list(None)).await.is_none(), "the object is deleted");
}

/// Fails once at a named point.
#[derive(Debug)]
struct FailOnce(&'static str, std::sync::atomic::AtomicBool);

impl base::Faults for FailOnce {
    fn reach(&self, point: &'static str) -> std::io::Result<()> {
        if point == self.0 && !self.1.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return Err(std::io::Error::other("injected"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_flush_that_fails_anywhere_loses_and_doubles_nothing() {
    for point in ["part.before_put", "part.put", "manifest.before_write", "manifest.written"] {
        for restart in [false, true] {
            let armed = Arc::new(FailOnce(point, true.into()));
            let mut bench = Bench::with_faults(armed.clone());
            bench.put((0..50).map(|i| single(i % 3, START - i as i64 * 3600, 1.0)).collect()).await;
            let before = [bench.read(0).await, bench.read(1).await, bench.read(2).await];
            armed.1.store(false, std::sync::atomic::Ordering::Relaxed);
            assert!(bench.maintain(Pressure::FlushAll).await.is_err(), "{point}");
            bench.put(vec![single(7, START, 1.0)]).await;
            if restart {
                bench.restart();
            }
            assert_eq!([bench.read(0).await, bench.read(1).await, bench.read(2).await], before, "{point}");
            bench.flush().await;
            bench.settle().await;
            assert_eq!([bench.read(0).await, bench.read(1).await, bench.read(2).await], before, "{point}");
            assert_eq!(bench.read(7).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn damage_is_reported_and_never_served() {
    let bench = Bench::new();
    bench.put((0..300).map(|i| single(i % 9, START - i as i64 * 60, i as f64 / 3.0)).collect()).await;
    bench.flush().await;
    let mut bench = bench;
    let path = ObjectPath::from(bench.core.as_ref().unwrap().parts(TableId::Metrics)[0].path.as_str());
    let whole = bench.objects.get(&path).await.unwrap().bytes().await.unwrap();
    bench.restart();
    let good = bench.read(4).await;
    for at in (0..whole.len()).step_by(31) {
        let mut damaged = whole.to_vec();
        damaged[at] ^= 0x55;
        bench.objects.put(&path, damaged.into()).await.unwrap();
        bench.restart();
        let read = bench.table().read(&scope(), &metric(4), TimeRange::ALL, bench.clock.now()).await;
        match read {
            Err(StoreError::Damaged { .. }) => {}
            Err(other) => panic!("byte {at}: {other}"),
            Ok(_) => assert_eq!(bench.read(4).await, good, "byte {at}"),
        }
    }
}

#[tokio::test]
async fn a_damaged_part_keeps_neither_other_merges_nor_listing_from_their_work() {
    let mut bench = Bench::new();
    for days in [1, 2] {
        for _ in 0..4 {
            bench
                .put((0..20).map(|i| single(i % 9, START - days * 86_400 - i as i64 * 60, 1.0)).collect())
                .await;
            let table = bench.table();
            table.flush(bench.clock.now()).await.unwrap();
        }
    }
    let parts = bench.core.as_ref().unwrap().parts(TableId::Metrics);
    assert_eq!(parts.len(), 8);
    let path = ObjectPath::from(parts[0].path.as_str());
    let mut damaged = bench.objects.get(&path).await.unwrap().bytes().await.unwrap().to_vec();
    damaged.iter_mut().for_each(|b| *b ^= 0x55);
    bench.objects.put(&path, damaged.into()).await.unwrap();
    bench.restart();
    while bench.maintain(Pressure::Normal).await.is_ok_and(|changes| changes > 0) {}
    bench.settle().await;
    assert_eq!(bench.part_count(), 5, "four are left as they are, four have become one");
    let listed = bench.table().list(&scope(), &MetricFilter::default(), None, 100).await.unwrap();
    assert_eq!(listed.len(), 9);
}

#[tokio::test]
async fn a_damaged_record_is_refused_as_a_whole() {
    let bench = Bench::new();
    let batch = super::MetricBatch::of(&scope(), vec![single(0, START, 1.0), single(1, START, 2.0)]).unwrap();
    let record = batch.encode();
    for cut in 0..record.len() {
        let replayed = bench.table().replay(WalPosition(1_000_000), &record[..cut]);
        assert!(matches!(replayed, Err(StoreError::Damaged { .. })), "cut at {cut}");
    }
    assert!(bench.read(0).await.is_empty());
    bench.table().replay(WalPosition(1_000_000), &record).unwrap();
    assert_eq!(bench.read(1).await.len(), 1);
}

#[tokio::test]
async fn a_full_head_refuses_until_it_is_flushed() {
    let mut bench = Bench::new();
    bench.config.head_bytes_max = 2000;
    bench.restart();
    bench.put((0..100).map(|i| single(0, START - i * 60, 1.0)).collect()).await;
    let refused = bench.table().append(&scope(), vec![single(1, START, 1.0)]).await;
    assert!(matches!(refused, Err(StoreError::NoRoom(_))));
    bench.flush().await;
    bench.put(vec![single(1, START, 1.0)]).await;
    assert_eq!(bench.read(0).await.len(), 100);
}

#[tokio::test]
async fn single_values_cost_few_bytes() {
    let mut bench = Bench::new();
    bench.config = MetricTableConfig::default();
    bench.restart();
    // Walks with two decimals, and counters that grow by whole steps from a fraction.
    let mut state: Vec<f64> = (0..50).map(|i| f64::from(i) * 1.618_033_988_7).collect();
    let mut seed = 7u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f64 / (1u64 << 24) as f64
    };
    for minute in 0..1440i64 {
        let mut data = Vec::new();
        for (series, value) in state.iter_mut().enumerate() {
            *value = match series % 2 {
                0 => ((*value + random() * 6.0 - 3.0).abs() * 100.0).round() / 100.0,
                _ => *value + (random() * 200.0).floor(),
            };
            data.push(single(series, START - 86_400 + minute * 60, *value));
        }
        bench.put(data).await;
    }
    bench.flush().await;
    let parts = bench.core.as_ref().unwrap().parts(TableId::Metrics);
    let (bytes, rows) = parts.iter().fold((0, 0), |(b, r), p| (b + p.size_bytes, r + p.rows));
    assert_eq!(rows, 50 * 1440);
    let each = bytes as f64 / rows as f64;
    assert!(each < 2.5, "{each} bytes a datapoint");
}

#[test]
fn horizons_never_cut_a_coarser_period() {
    let horizons = Horizons::at(Timestamp::from_secs(START + 1234));
    for (age, tier) in [(3 * 3600, Tier::Minute), (15 * 86_400, Tier::FiveMinutes), (63 * 86_400, Tier::Hour)]
    {
        let around = (START + 1234 - age) as u32;
        for second in around - 4000..around + 4000 {
            if horizons.tier_at(second) == Some(tier) {
                let last = tier.floor(second) + tier.secs() - 1;
                assert_eq!(horizons.tier_at(last), Some(tier), "{second}");
            }
        }
    }
}
