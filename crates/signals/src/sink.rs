//! Where signals are handed over. A service implements the sink of its own signal; every other
//! producer (OTLP, the daemon protocol, metric filters, the request path) holds the trait.

use async_trait::async_trait;
use base::Scope;

use crate::audit::ApiCall;
use crate::bus::BusEvent;
use crate::log::{LogBatch, LogRejections};
use crate::metric::MetricDatum;
use crate::trace::SegmentRejection;

/// Why signals were not taken.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The signals break a rule; sending them again cannot help.
    #[error("rejected: {0}")]
    Rejected(String),
    /// What the signals are for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// Too much at once or no room on disk; the sender should wait and try again.
    #[error("overloaded: {0}")]
    Overloaded(String),
    #[error("storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Takes metric data. When it returns `Ok`, all of them are durable.
#[async_trait]
pub trait MetricSink: Send + Sync {
    async fn put_metric_data(&self, scope: &Scope, data: Vec<MetricDatum>) -> Result<(), SinkError>;
}

/// Takes log events, as PutLogEvents does. When it returns `Ok`, all but the rejected ones are durable.
#[async_trait]
pub trait LogSink: Send + Sync {
    async fn put_log_batch(&self, batch: LogBatch) -> Result<LogRejections, SinkError>;
}

/// Takes raw segment documents, as PutTraceSegments does. When it returns `Ok`, all but the rejected
/// ones are durable.
#[async_trait]
pub trait TraceSink: Send + Sync {
    async fn put_segment_documents(
        &self,
        scope: &Scope,
        documents: Vec<String>,
    ) -> Result<Vec<SegmentRejection>, SinkError>;
}

/// Takes every API call the server answered.
#[async_trait]
pub trait ApiCallSink: Send + Sync {
    /// Must be durable before the caller gets its answer.
    async fn record(&self, call: ApiCall) -> Result<(), SinkError>;
}

/// Takes bus events: what EventBridge rules match. When it returns `Ok`, all of them are durable.
#[async_trait]
pub trait BusSink: Send + Sync {
    async fn put_bus_events(&self, events: Vec<BusEvent>) -> Result<(), SinkError>;
}
