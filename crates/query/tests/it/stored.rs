//! Queries over the real store: the same rows from memory, from parts, from both, and after compaction.

use std::sync::Arc;

use base::{AccountId, Entropy, Region, Scope, SeededEntropy, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use query::LogSource;
use signals::log::LogEvent;
use store::tables::logs::LogGroupKey;
use store::{Store, StoreCapabilities, StoreConfig};

use crate::generated::{events, text};
use crate::memory::{self, Event};
use crate::reference;

fn open(folder: &std::path::Path) -> Arc<Store> {
    let capabilities = StoreCapabilities {
        objects: store::durable_local(&folder.join("objects")).unwrap(),
        clock: memory::clock(),
        entropy: SeededEntropy::new(1) as Arc<dyn Entropy>,
        faults: Arc::new(base::NoFaults),
    };
    Store::open(StoreConfig::new(folder.join("store")), capabilities).unwrap()
}

fn keys(incarnation: u64) -> [LogGroupKey; 2] {
    let scope = Scope::new(AccountId::new("111111111111").unwrap(), Region::new("eu-west-1").unwrap());
    ["/a", "/b"].map(|name| LogGroupKey { scope: scope.clone(), name: name.into(), incarnation })
}

async fn append(store: &Store, keys: &[LogGroupKey], events: &[Event]) {
    for event in events {
        let log = LogEvent::new(Timestamp::from_millis(event.timestamp), event.message.clone());
        let stream = Arc::from(event.stream.as_str());
        let ingested = Timestamp::from_millis(event.timestamp);
        store.logs().append(&keys[event.group as usize], &stream, ingested, vec![log]).await.unwrap();
    }
}

#[test]
fn stored_events_give_the_same_rows_wherever_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _entered = runtime.enter();
    let store = open(folder.path());
    let engine = memory::engine(|_| {});
    let groups = ["1:/a".to_owned(), "1:/b".to_owned()];
    let incarnation = std::cell::Cell::new(0);
    let cases = std::env::var("NEPHOSCOPE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(60);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(events(), text(), 0..24usize), |(events, text, split)| {
        incarnation.set(incarnation.get() + 1);
        let keys = keys(incarnation.get());
        let (first, second) = events.split_at(split.min(events.len()));
        let check = |when: &str, events: &[Event]| {
            let source: Arc<dyn LogSource> = Arc::new(store.logs().snapshot(&keys));
            let query = memory::query(source, &groups, &text);
            let expected = reference::run(&query.pipeline, events, &groups);
            let job = engine.start(query).unwrap();
            runtime.block_on(job.finished());
            prop_assert_eq!(job.failure(), None);
            let rows = job.rows(0, usize::MAX).unwrap().into_iter();
            let rows: Vec<Vec<(String, String)>> = rows
                .map(|row| row.values.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
                .collect();
            prop_assert_eq!(rows, expected, "{}", when);
            Ok(())
        };
        runtime.block_on(append(&store, &keys, first));
        check("in memory", first)?;
        runtime.block_on(store.logs().flush()).unwrap();
        check("in parts", first)?;
        runtime.block_on(append(&store, &keys, second));
        check("in both", &events)?;
        runtime.block_on(store.logs().flush()).unwrap();
        runtime.block_on(store.logs().compact(&tokio_util::sync::CancellationToken::new())).unwrap();
        check("compacted", &events)?;
        runtime.block_on(async {
            store.logs().delete_group(&keys[0]).await.unwrap();
            store.logs().delete_group(&keys[1]).await.unwrap();
        });
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
