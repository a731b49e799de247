//! CloudTrail: who did what, when, from where.
//!
//! Every management call the server answers becomes an event, whatever the service; `record/` decides, purely,
//! which calls count and what the event says. LookupEvents finds events again.

mod error;
mod operations;
mod rate;
mod record;

use std::sync::Arc;

use async_trait::async_trait;
use base::Entropy;
use signals::ApiCall;
use signals::sink::{ApiCallSink, SinkError};
use smithy::ServiceTable;
use store::StoreError;
use store::tables::audit::AuditTable;

pub use record::{is_read_only, is_recorded};

use rate::RateLimit;

/// Quotas that can be changed.
#[derive(Debug, Clone)]
pub struct CloudTrailConfig {
    /// LookupEvents calls a second for each account and Region; `None` is no limit, which a server with a
    /// simulated clock needs, because its seconds do not pass by themselves.
    pub lookups_per_second: Option<u32>,
}

impl Default for CloudTrailConfig {
    fn default() -> Self {
        Self { lookups_per_second: Some(operations::LOOKUPS_PER_SECOND) }
    }
}

/// The service's state.
pub struct CloudTrail {
    audit: Arc<AuditTable>,
    entropy: Arc<dyn Entropy>,
    lookups: Option<RateLimit>,
}

impl CloudTrail {
    pub fn new(audit: Arc<AuditTable>, entropy: Arc<dyn Entropy>, config: CloudTrailConfig) -> Arc<Self> {
        Arc::new(Self { audit, entropy, lookups: config.lookups_per_second.map(RateLimit::new) })
    }
}

/// The operations answered.
pub fn table(service: Arc<CloudTrail>) -> ServiceTable {
    operations::table(service)
}

#[async_trait]
impl ApiCallSink for CloudTrail {
    async fn record(&self, call: ApiCall) -> Result<(), SinkError> {
        if !is_recorded(call.event_source, &call.event_name) {
            return Ok(());
        }
        let event = record::event(&call, self.entropy.uuid().to_string());
        self.audit.append(event).await.map_err(|error| match error {
            StoreError::NoRoom(reason) => SinkError::Overloaded(reason),
            StoreError::Cancelled => SinkError::Overloaded("shutting down".to_owned()),
            other => SinkError::Storage(Box::new(other)),
        })
    }
}

#[cfg(test)]
mod tests;
