//! Operations over a real store and catalog in a temporary folder, on a simulated clock.
#![allow(clippy::unwrap_used, reason = "a failure of the fixture is a failure of the test")]

mod anomalies;
mod data_protection;
mod deliveries;
mod events;
mod exports;
mod groups;
mod live_tail;
mod lookup_tables;
mod metric_filters;
mod neighbours;
mod queries;
mod resources;
mod scheduled_queries;
mod streams;
mod subscriptions;
mod transformers;
mod upkeep;

use std::sync::Arc;

use base::{AccountId, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, Timestamp};
use catalog::Catalog;
use query::{Engine, EngineConfig};
use shapes::logs::*;
use signals::Principal;
use smithy::{Caller, Cx, OperationError};
use store::{Store, StoreCapabilities, StoreConfig, durable_local};

use super::{
    log_events, log_groups, log_streams, metric_filters as filter_operations, queries as query_operations,
    tags,
};
use crate::Logs;
use crate::error::LogsError;

/// 2024-06-01T00:00:00Z.
pub(super) const START: i64 = 1_717_200_000_000;

pub(super) struct Fixture {
    folder: Arc<tempfile::TempDir>,
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Arc<Store>,
    pub(super) logs: Arc<Logs>,
    pub(super) caller: Arc<Caller>,
    /// What the service handed over to others.
    pub(super) outside: Arc<neighbours::Recorder>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::open(folder, SimulatedClock::new(Timestamp::from_millis(START))).await
    }

    async fn open(folder: Arc<tempfile::TempDir>, clock: Arc<SimulatedClock>) -> Self {
        let catalog = Catalog::open(&folder.path().join("catalog.db"), clock.clone()).await.unwrap();
        let entropy = SeededEntropy::new(7);
        let capabilities = StoreCapabilities {
            objects: durable_local(&folder.path().join("parts")).unwrap(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            faults: Arc::new(NoFaults),
        };
        let store = Store::open(StoreConfig::new(folder.path()), capabilities).unwrap();
        let config = EngineConfig { threads: 1, ..EngineConfig::new(folder.path().join("spill")) };
        let engine = Arc::new(Engine::new(config, clock.clone()).unwrap());
        let outside = Arc::new(neighbours::Recorder::default());
        let neighbours = crate::Neighbours {
            metrics: outside.clone(),
            stored_metrics: store.metrics().clone(),
            targets: outside.clone(),
            buckets: outside.clone(),
        };
        let events = store.logs().clone();
        let logs = Logs::new(catalog.clone(), events, engine, clock.clone(), entropy, neighbours).unwrap();
        let caller = caller("123456789012", "us-east-1");
        Self { folder, clock, catalog, store, logs, caller, outside }
    }

    /// The server again after a crash: nothing was flushed or closed but the catalog's file lock.
    pub(super) async fn restart(self) -> Self {
        self.catalog.close().await.unwrap();
        let Self { folder, clock, catalog, store, logs, .. } = self;
        drop((logs, store, catalog));
        Self::open(folder, clock).await
    }

    pub(super) fn cx(&self) -> Cx<Logs> {
        self.cx_as(&self.caller)
    }

    pub(super) fn cx_as(&self, caller: &Arc<Caller>) -> Cx<Logs> {
        Cx { service: self.logs.clone(), caller: caller.clone(), now: base::Clock::now(self.clock.as_ref()) }
    }

    pub(super) async fn create_group(&self, name: &str) {
        let input = CreateLogGroupRequest { log_group_name: name.to_owned(), ..Default::default() };
        log_groups::create_log_group(self.cx(), input).await.unwrap();
    }

    pub(super) async fn create_stream(&self, group: &str, stream: &str) {
        let input =
            CreateLogStreamRequest { log_group_name: group.to_owned(), log_stream_name: stream.to_owned() };
        log_streams::create_log_stream(self.cx(), input).await.unwrap();
    }

    /// Events at START + offset.
    pub(super) async fn put(
        &self,
        group: &str,
        stream: &str,
        events: &[(i64, &str)],
    ) -> Result<PutLogEventsResponse, LogsError> {
        let event = |(offset, message): &(i64, &str)| InputLogEvent {
            timestamp: START + offset,
            message: (*message).to_owned(),
        };
        let input = PutLogEventsRequest {
            log_group_name: group.to_owned(),
            log_stream_name: stream.to_owned(),
            log_events: events.iter().map(event).collect(),
            ..Default::default()
        };
        log_events::put_log_events(self.cx(), input).await
    }

    pub(super) async fn filter(&self, group: &str, pattern: &str) -> Vec<String> {
        let input = FilterLogEventsRequest {
            log_group_name: Some(group.to_owned()),
            filter_pattern: Some(pattern.to_owned()),
            ..Default::default()
        };
        let found = log_events::filter_log_events(self.cx(), input).await.unwrap();
        assert_eq!(found.next_token, None);
        found.events.unwrap().into_iter().map(|event| event.message.unwrap()).collect()
    }
}

pub(super) fn caller(account: &str, region: &str) -> Arc<Caller> {
    Arc::new(Caller {
        scope: Scope::new(AccountId::new(account).unwrap(), Region::new(region).unwrap()),
        principal: Principal {
            arn: format!("arn:aws:iam::{account}:root"),
            kind: "Root".to_owned(),
            principal_id: account.to_owned(),
            user_name: None,
            access_key_id: None,
        },
        source_ip: "127.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        request_id: "r".to_owned(),
    })
}

/// Exception and message as a client sees them.
pub(super) fn told<T: std::fmt::Debug>(result: Result<T, LogsError>) -> (&'static str, String) {
    match OperationError::from(result.unwrap_err()) {
        OperationError::Modelled(error) => {
            (error.schema().name, error.message.as_deref().unwrap_or_default().to_owned())
        }
        other => panic!("{other:?}"),
    }
}
