//! The specification's vectors, kept as text under `tests/corpus/`, against the operations.

mod anomaly;
mod corpus;
mod dashboards;
mod listing;
mod math;
mod metric_streams;
mod putting;
mod query_definitions;
mod series;

use std::sync::Arc;

use async_trait::async_trait;
use base::{AccountId, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, Timestamp};
use catalog::{Catalog, MemoryBackend};
use object_store::memory::InMemory;
use signals::target::{TargetCall, TargetSink};
use signals::{AlarmAction, AlarmActionSink, Principal, TargetError};
use smithy::{Caller, Cx};
use store::{Store, StoreCapabilities, StoreConfig};

use crate::{AlarmOutlets, CloudWatch, CloudWatchConfig, CloudWatchError, CloudWatchParts};

/// 2026-02-03T00:00:00Z.
const TODAY: i64 = 1_770_076_800;

/// No action has an endpoint.
struct NoActions;

#[async_trait]
impl AlarmActionSink for NoActions {
    async fn act(&self, action: AlarmAction) -> Result<(), TargetError> {
        Err(TargetError::Unmapped(action.action_arn))
    }
}

/// Keeps what it is called with.
#[derive(Default)]
pub(crate) struct DeliveryStreams {
    calls: parking_lot::Mutex<Vec<TargetCall>>,
    away: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl TargetSink for DeliveryStreams {
    async fn call(&self, call: TargetCall) -> Result<(), TargetError> {
        if self.away.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(TargetError::Unavailable("away".to_owned()));
        }
        self.calls.lock().push(call);
        Ok(())
    }

    fn is_mapped(&self, _arn: &str) -> bool {
        true
    }
}

/// A service over an empty store.
struct Server {
    streams: Arc<DeliveryStreams>,
    _dir: tempfile::TempDir,
    store: Arc<Store>,
    clock: Arc<SimulatedClock>,
    service: Arc<CloudWatch>,
}

impl Server {
    async fn new(now: Timestamp, config: CloudWatchConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SimulatedClock::new(now);
        let capabilities = StoreCapabilities {
            objects: Arc::new(InMemory::new()),
            clock: clock.clone(),
            entropy: SeededEntropy::new(1),
            faults: Arc::new(NoFaults),
        };
        let store = Store::open(StoreConfig::new(dir.path()), capabilities).unwrap();
        let streams = Arc::new(DeliveryStreams::default());
        let parts = CloudWatchParts {
            metrics: store.metrics().clone(),
            catalog: Catalog::with_backend(Arc::new(MemoryBackend::default()), clock.clone()).await.unwrap(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(2),
            outlets: AlarmOutlets { actions: Arc::new(NoActions), bus: Vec::new() },
            targets: streams.clone(),
            config,
        };
        let service = CloudWatch::new(parts).unwrap();
        Self { streams, _dir: dir, store, clock, service }
    }

    fn cx(&self) -> Cx<CloudWatch> {
        let principal = Principal {
            arn: "arn:aws:iam::123456789012:root".to_owned(),
            kind: "Root".to_owned(),
            principal_id: "123456789012".to_owned(),
            user_name: None,
            access_key_id: None,
        };
        let caller = Caller {
            scope: scope(),
            principal,
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            request_id: "1".to_owned(),
        };
        let now = base::Clock::now(&*self.clock);
        Cx { service: self.service.clone(), caller: Arc::new(caller), now }
    }
}

fn scope() -> Scope {
    Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap())
}

/// `Code: message`, with the code AWS Query shows.
fn error_text(error: CloudWatchError) -> String {
    let code = match &error {
        CloudWatchError::InvalidParameterValue(_) => "InvalidParameterValue",
        CloudWatchError::InvalidParameterCombination(_) => "InvalidParameterCombination",
        CloudWatchError::MissingParameter(_) => "MissingParameter",
        CloudWatchError::InvalidNextToken(_) => "InvalidNextToken",
        CloudWatchError::Validation(_) => "ValidationError",
        CloudWatchError::NotFound { .. } => "ResourceNotFoundException",
        CloudWatchError::LimitExceeded(_) => "LimitExceededException",
        CloudWatchError::Conflict(_) => "ConflictException",
        CloudWatchError::DashboardInvalidInput { .. } => "InvalidParameterInput",
        CloudWatchError::DashboardNotFound(_) => "ResourceNotFound",
        CloudWatchError::Drawing(_) => "InternalServiceError",
        CloudWatchError::Catalog(_) | CloudWatchError::Store(_) => "InternalServiceError",
    };
    format!("{code}: {error}")
}
