//! AWS X-Ray: segments in, traces and summaries out, sampling.
//!
//! Handlers orchestrate. What a trace is (assembly, inferred segments, summaries) lives in [`trace`], which
//! has no idea it is in a server; sampling in [`sampling`].

mod error;
mod operations;
mod sampling;
mod telemetry;
mod trace;
mod write;

use std::sync::Arc;

use base::Clock;
use ingest::segment_document::SegmentRules;
use smithy::ServiceTable;
use store::tables::traces::TraceTable;

pub use error::XRayError;
pub use telemetry::ReceivedTelemetry;

/// Rules that an installation may set.
#[derive(Debug, Clone, Copy, Default)]
pub struct XRayConfig {
    pub segment_rules: SegmentRules,
}

/// The service.
pub struct XRay {
    traces: Arc<TraceTable>,
    clock: Arc<dyn Clock>,
    config: XRayConfig,
    sampling: sampling::Sampling,
    telemetry: telemetry::Telemetry,
}

impl XRay {
    pub fn new(traces: Arc<TraceTable>, clock: Arc<dyn Clock>, config: XRayConfig) -> Arc<Self> {
        let (sampling, telemetry) = Default::default();
        Arc::new(Self { traces, clock, config, sampling, telemetry })
    }

    /// The latest telemetry records of daemons, oldest first, for diagnostics.
    pub fn received_telemetry(&self) -> Vec<ReceivedTelemetry> {
        self.telemetry.latest()
    }
}

/// Every operation that is served.
pub fn table(service: Arc<XRay>) -> ServiceTable {
    operations::table(service)
}
