//! What the services stand on, opened in order and closed in the opposite one.

use std::sync::Arc;

use catalog::Catalog;
use server::AuditRules;
use signals::{ApiCallSink, TraceSink};
use store::{Store, StoreCapabilities};

use crate::config::Config;
use crate::services::Services;
use crate::wiring::{Capabilities, StartError};

/// Store, catalog, the services over them, and the sinks services and doors share.
pub(crate) struct State {
    pub(crate) store: Arc<Store>,
    catalog: Arc<Catalog>,
    pub(crate) services: Services,
    pub(crate) audit: Arc<dyn ApiCallSink>,
    pub(crate) traces: Arc<dyn TraceSink>,
    clock: Arc<dyn base::Clock>,
}

pub(crate) const AUDIT_RULES: AuditRules = AuditRules::NONE;

impl State {
    pub(crate) async fn open(config: &Config, capabilities: &Capabilities) -> Result<Self, StartError> {
        let data_dir = &config.data_dir;
        std::fs::create_dir_all(data_dir)
            .map_err(|source| StartError::DataDir { path: data_dir.clone(), source })?;
        let catalog = Catalog::open(&data_dir.join("catalog.sqlite"), capabilities.clock.clone()).await?;
        let store = open_store(config, capabilities).await?;
        let services = Services { sts: Arc::default() };
        let absent = Arc::new(Absent);
        Ok(Self {
            store,
            catalog,
            services,
            audit: absent.clone(),
            traces: absent,
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

struct Absent;

#[async_trait::async_trait]
impl ApiCallSink for Absent {
    async fn record(&self, _: signals::ApiCall) -> Result<(), signals::SinkError> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl TraceSink for Absent {
    async fn put_segment_documents(
        &self,
        _: &base::Scope,
        _: Vec<String>,
    ) -> Result<Vec<signals::SegmentRejection>, signals::SinkError> {
        Err(signals::SinkError::Rejected("traces are not served".to_owned()))
    }
}
