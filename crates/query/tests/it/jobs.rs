//! Jobs: cancellation, deadline, limits, statistics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base::{Clock, TimeRange, Timestamp};
use futures::StreamExt;
use query::{Engine, EngineConfig, EngineError, EventPosition, Failure, JobHandle, LogSource, QueryStatus};
use store::StoreError;
use store::tables::logs::{FieldKind, LogScan, LogScanPlan};

use crate::memory::{self, Event, Memory};

fn numbered(count: usize) -> Memory {
    let message = |index: usize| format!("{{\"i\":{index},\"t\":\"text of event number {index}\"}}");
    Memory((0..count).map(|index| Event::new(0, "s", index as i64, index as u64, &message(index))).collect())
}

fn start(engine: &Engine, source: impl LogSource + 'static, text: &str) -> Result<JobHandle, EngineError> {
    engine.start(memory::query(Arc::new(source), &["1:/g".to_owned()], text))
}

/// A source whose scan never ends; it tells when its stream was dropped.
struct Endless(Arc<AtomicBool>);

struct Dropped(Arc<AtomicBool>);

impl Dropped {
    /// Makes a closure own it.
    fn touch(&self) {}
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl LogSource for Endless {
    fn field_kind(&self, _: &str, _: TimeRange) -> Option<FieldKind> {
        None
    }

    fn message_bytes(&self, _: TimeRange) -> u64 {
        0
    }

    fn scan(&self, scan: LogScan) -> Result<LogScanPlan, StoreError> {
        let mut plan = numbered(1).scan(scan)?;
        let guard = Dropped(Arc::clone(&self.0));
        plan.partitions =
            vec![Box::new(move || futures::stream::pending().inspect(move |_| guard.touch()).boxed())];
        Ok(plan)
    }
}

/// A source that cannot be read.
struct Broken;

impl LogSource for Broken {
    fn field_kind(&self, _: &str, _: TimeRange) -> Option<FieldKind> {
        None
    }

    fn message_bytes(&self, _: TimeRange) -> u64 {
        0
    }

    fn scan(&self, _: LogScan) -> Result<LogScanPlan, StoreError> {
        Err(StoreError::damaged("part 7", "checksum"))
    }
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_cancelled_job_stops_and_lets_go() {
    let engine = memory::engine(|_| {});
    let dropped = Arc::new(AtomicBool::new(false));
    let job = start(&engine, Endless(Arc::clone(&dropped)), "stats count(*) by i").unwrap();
    until(|| job.status() == QueryStatus::Running).await;
    assert!(job.cancel());
    assert_eq!(job.finished().await, QueryStatus::Cancelled);
    assert!(!job.cancel(), "it has ended");
    until(|| dropped.load(Ordering::SeqCst)).await;
    assert_eq!(job.rows(0, 10), Some(Vec::new()));
}

#[tokio::test]
async fn a_job_beyond_its_deadline_times_out() {
    let clock = memory::clock();
    let config = EngineConfig::new(std::env::temp_dir().join("nephoscope-query-tests"));
    let engine = Engine::new(config, clock.clone() as Arc<dyn Clock>).unwrap();
    let job = start(&engine, Endless(Arc::default()), "fields i").unwrap();
    until(|| clock.next_deadline().is_some()).await;
    clock.advance(Duration::from_secs(3599));
    assert_eq!(job.status(), QueryStatus::Running);
    clock.advance(Duration::from_secs(1));
    assert_eq!(job.finished().await, QueryStatus::Timeout);
    assert_eq!(job.duration(), Duration::from_secs(3600));
}

#[tokio::test]
async fn jobs_wait_for_their_turn_and_too_many_are_refused() {
    let engine = memory::engine(|config| {
        config.running_max = 1;
        config.unfinished_max = 2;
    });
    let first = start(&engine, Endless(Arc::default()), "fields i").unwrap();
    until(|| first.status() == QueryStatus::Running).await;
    let second = start(&engine, numbered(3), "fields i").unwrap();
    assert_eq!(second.status(), QueryStatus::Scheduled);
    assert!(matches!(start(&engine, numbered(3), "fields i"), Err(EngineError::TooManyQueries)));
    first.cancel();
    assert_eq!(second.finished().await, QueryStatus::Complete);
    until(|| start(&engine, numbered(3), "fields i").is_ok()).await;
}

#[tokio::test]
async fn a_query_beyond_its_memory_fails_by_name() {
    let engine = memory::engine(|config| {
        config.memory_bytes_max = 200_000;
        config.spill_bytes_max = 0;
    });
    let job = start(&engine, numbered(20_000), "stats pct(i, 99), count_distinct(t) as d by t").unwrap();
    assert_eq!(job.finished().await, QueryStatus::Failed);
    assert!(matches!(job.failure(), Some(Failure::MemoryLimit(_))), "{:?}", job.failure());
    let job = start(&engine, numbered(100), "stats count(*) as c").unwrap();
    assert_eq!(job.finished().await, QueryStatus::Complete, "others go on");
}

#[tokio::test]
async fn results_are_bounded_and_the_oldest_are_dropped() {
    let engine = memory::engine(|config| config.results_bytes_max = 100_000);
    let large = start(&engine, numbered(2000), "fields t, @message").unwrap();
    assert_eq!(large.finished().await, QueryStatus::Failed);
    assert_eq!(large.failure(), Some(Failure::ResultTooLarge(100_000)));
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let job = start(&engine, numbered(400), "fields t").unwrap();
        job.finished().await;
        until(|| job.statistics().result_count.is_some()).await;
        jobs.push(job);
    }
    until(|| jobs[0].rows(0, 1).is_none()).await;
    assert_eq!(jobs[3].rows(0, 1).unwrap().len(), 1);
}

#[tokio::test]
async fn rows_are_limited_and_paged() {
    let engine = memory::engine(|_| {});
    let count = async |text: &str| {
        let job = start(&engine, numbered(10_050), text).unwrap();
        job.finished().await;
        job.rows(0, usize::MAX).unwrap().len()
    };
    assert_eq!(count("fields i").await, 10_000);
    assert_eq!(count("fields i | limit 10020").await, 10_020);
    let mut query = memory::query(Arc::new(numbered(50)), &[], "fields i");
    query.limit = Some(7);
    let job = engine.start(query).unwrap();
    job.finished().await;
    let rows = job.rows(5, 10).unwrap();
    assert_eq!(rows.iter().map(memory::print).collect::<Vec<_>>(), ["i=44", "i=43"]);
    let position = EventPosition { group: 0, timestamp: Timestamp::from_millis(43), sequence: 43 };
    assert_eq!(rows[1].event, Some(position));
}

#[tokio::test]
async fn statistics_count_what_was_read_and_what_matched() {
    let engine = memory::engine(|_| {});
    let statistics = async |text: &str| {
        let job = start(&engine, numbered(100), text).unwrap();
        assert_eq!(job.finished().await, QueryStatus::Complete, "{:?}", job.failure());
        job.statistics()
    };
    let found = statistics("filter i >= 90 | stats count(*) as c by i | filter c > 5").await;
    assert_eq!((found.records_matched, found.records_scanned, found.result_count), (10, 100, Some(0)));
    assert_eq!((found.log_groups_scanned, found.records_skipped), (1, 0));
    assert!(found.bytes_scanned > 3000);
    let found = statistics("fields abs(i) as j | filter j < 3 | sort t | limit 1").await;
    assert_eq!((found.records_matched, found.result_count), (3, Some(1)));
    let found = statistics("parse t 'number *' as n | filter n >= 95").await;
    assert_eq!(found.records_matched, 5);
    let found = statistics("filter @message like 'number 77'").await;
    assert_eq!((found.records_matched, found.records_scanned, found.records_skipped), (1, 1, 99));
    assert_eq!(statistics("limit 3").await.records_matched, 3);
}

#[tokio::test]
async fn unreadable_storage_is_said_so() {
    let engine = memory::engine(|_| {});
    let job = start(&engine, Broken, "fields i").unwrap();
    assert_eq!(job.finished().await, QueryStatus::Failed);
    assert_eq!(job.failure(), Some(Failure::Storage("part 7 is damaged: checksum".to_owned())));
}

#[tokio::test]
async fn heavy_patterns_are_linear() {
    let engine = memory::engine(|_| {});
    let message = format!("{{\"t\":\"{}\"}}", "a".repeat(20_000));
    let source = Memory(vec![Event::new(0, "s", 1, 1, &message)]);
    let job = start(&engine, source, "filter t like /^(a+)+$b/ or t like /(a|aa)*c/ | stats count(*) as c")
        .unwrap();
    assert_eq!(job.finished().await, QueryStatus::Complete);
    assert_eq!(memory::print(&job.rows(0, 1).unwrap()[0]), "c=0");
}
