//! What the services stand on, opened in order and closed in the opposite one.

use std::sync::Arc;

use catalog::Catalog;
use cloudtrail::CloudTrail;
use cloudwatch::{AlarmOutlets, CloudWatch, CloudWatchConfig, CloudWatchParts};
use delivery::{AlarmActions, OutboxLimits, RetryLimits, Sns, SnsParts};
use logs::{Logs, Neighbours};
use query::{Engine, EngineConfig};
use server::{AccessKeys, AuditRules};
use signals::{ApiCallSink, TraceSink};
use store::{Store, StoreCapabilities};
use sts::{CredentialIssuer, Sts, StsConfig};
use xray::{XRay, XRayConfig};

use crate::buckets::ConfiguredBuckets;
use crate::config::{Auth, Config};
use crate::credentials::Credentials;
use crate::outgoing::Ways;
use crate::services::Services;
use crate::wiring::{Capabilities, StartError};

/// Store, catalog, the services over them, and the sinks services and doors share.
pub(crate) struct State {
    pub(crate) store: Arc<Store>,
    catalog: Arc<Catalog>,
    pub(crate) keys: Arc<AccessKeys>,
    pub(crate) services: Services,
    pub(crate) audit: Arc<dyn ApiCallSink>,
    pub(crate) traces: Arc<dyn TraceSink>,
    clock: Arc<dyn base::Clock>,
}

pub(crate) const AUDIT_RULES: AuditRules =
    AuditRules { is_recorded: cloudtrail::is_recorded, is_read_only: cloudtrail::is_read_only };

impl State {
    pub(crate) async fn open(config: &Config, capabilities: &Capabilities) -> Result<Self, StartError> {
        let data_dir = &config.data_dir;
        std::fs::create_dir_all(data_dir)
            .map_err(|source| StartError::DataDir { path: data_dir.clone(), source })?;
        let catalog = Catalog::open(&data_dir.join("catalog.sqlite"), capabilities.clock.clone()).await?;
        let store = open_store(config, capabilities).await?;
        let credentials = Credentials::open(config, capabilities).await?;
        let services = open_services(config, capabilities, &catalog, &store, credentials.issuer)?;
        Ok(Self {
            store,
            catalog,
            keys: credentials.keys,
            traces: services.xray.clone(),
            audit: services.cloudtrail.clone(),
            services,
            clock: capabilities.clock.clone(),
        })
    }

    /// Flushes and closes. What fails here is only work left for the next start.
    pub(crate) async fn close(self) {
        if let Err(error) = self.store.flush(self.clock.now()).await {
            tracing::warn!(%error, "the store could not be flushed; the next start replays its log");
        }
        if let Err(error) = self.catalog.close().await {
            tracing::warn!(%error, "the catalog could not be closed");
        }
    }
}

/// Opening reads files and replays the log, which may take a while.
async fn open_store(config: &Config, capabilities: &Capabilities) -> Result<Arc<Store>, StartError> {
    let store_capabilities = StoreCapabilities {
        objects: capabilities.objects.clone(),
        clock: capabilities.clock.clone(),
        entropy: capabilities.entropy.clone(),
        faults: capabilities.faults.clone(),
    };
    let store = Store::open(config.store.clone(), store_capabilities)?;
    let recovery = store.recovery();
    if recovery.records_replayed > 0 {
        tracing::info!(records = recovery.records_replayed, "replayed the write-ahead log");
    }
    for place in &recovery.damaged {
        tracing::error!(place, "the write-ahead log is damaged here; what follows in that file is lost");
    }
    Ok(store)
}

fn open_services(
    config: &Config,
    capabilities: &Capabilities,
    catalog: &Arc<Catalog>,
    store: &Arc<Store>,
    issuer: Arc<dyn CredentialIssuer>,
) -> Result<Services, StartError> {
    let Capabilities { clock, entropy, .. } = capabilities;
    let engine_config = EngineConfig {
        memory_bytes_max: config.query_memory_bytes_max,
        ..EngineConfig::new(config.data_dir.join("spill"))
    };
    let engine = Arc::new(Engine::new(engine_config, clock.clone())?);
    let sts_config = StsConfig {
        default_account: config.default_scope.account.clone(),
        every_role_is_open: config.auth == Auth::Open,
    };
    let cloudwatch_config = CloudWatchConfig { reserve_aws_namespaces: config.auth == Auth::Enforced };
    let ways = Ways::open(config, capabilities)?;
    let sns = Sns::new(SnsParts {
        catalog: catalog.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        targets: ways.targets.clone(),
        mail: ways.mail,
        endpoint_rules: config.outgoing.endpoint_rules,
        outbox_limits: OutboxLimits::default(),
        retry_limits: RetryLimits::default(),
    })?;
    let outlets = AlarmOutlets { actions: AlarmActions::new(sns.clone()), bus: Vec::new() };
    let cloudwatch = CloudWatch::new(CloudWatchParts {
        metrics: store.metrics().clone(),
        catalog: catalog.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        outlets,
        targets: ways.targets.clone(),
        config: cloudwatch_config,
    })?;
    let neighbours = Neighbours {
        metrics: cloudwatch.clone(),
        stored_metrics: store.metrics().clone(),
        targets: ways.targets.clone(),
        buckets: ConfiguredBuckets::new(config.buckets.clone()),
    };
    let (events, logs_clock) = (store.logs().clone(), clock.clone());
    Ok(Services {
        cloudtrail: CloudTrail::new(store.audit().clone(), entropy.clone(), config.cloudtrail.clone()),
        logs: Logs::new(catalog.clone(), events, engine, logs_clock, entropy.clone(), neighbours)?,
        cloudwatch,
        xray: XRay::new(store.traces().clone(), clock.clone(), XRayConfig::default()),
        sts: Sts::new(issuer, sts_config),
        sns,
    })
}
