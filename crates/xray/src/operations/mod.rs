//! The operations, one file each; this is the list of what is served.

mod encryption;
mod sampling;
mod telemetry;
mod traces;

use std::sync::Arc;

use shapes::xray::SERVICE;
use shapes::xray::operations::{
    BatchGetTraces, GetEncryptionConfig, GetSamplingRules, GetSamplingStatisticSummaries, GetSamplingTargets,
    GetTraceSummaries, PutTelemetryRecords, PutTraceSegments,
};
use smithy::ServiceTable;

use crate::XRay;

pub(crate) fn table(service: Arc<XRay>) -> ServiceTable {
    ServiceTable::builder(&SERVICE, service)
        .on(PutTraceSegments, traces::put_trace_segments)
        .on(BatchGetTraces, traces::batch_get_traces)
        .on(GetTraceSummaries, traces::get_trace_summaries)
        .on(PutTelemetryRecords, telemetry::put_telemetry_records)
        .on(GetSamplingRules, sampling::get_sampling_rules)
        .on(GetSamplingTargets, sampling::get_sampling_targets)
        .on(GetSamplingStatisticSummaries, sampling::get_sampling_statistic_summaries)
        .on(GetEncryptionConfig, encryption::get_encryption_config)
        .build()
}
