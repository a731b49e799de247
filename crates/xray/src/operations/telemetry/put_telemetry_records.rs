//! PutTelemetryRecords: counters of a daemon, kept for diagnostics.

use shapes::xray::{PutTelemetryRecordsRequest, PutTelemetryRecordsResult};
use smithy::Cx;

use crate::telemetry::ReceivedTelemetry;
use crate::{XRay, XRayError};

pub(crate) async fn put_telemetry_records(
    cx: Cx<XRay>,
    input: PutTelemetryRecordsRequest,
) -> Result<PutTelemetryRecordsResult, XRayError> {
    for record in input.telemetry_records {
        cx.service.telemetry.push(ReceivedTelemetry {
            scope: cx.scope().clone(),
            received: cx.now,
            hostname: input.hostname.clone(),
            ec2_instance_id: input.ec2_instance_id.clone(),
            resource_arn: input.resource_arn.clone(),
            record,
        });
    }
    Ok(PutTelemetryRecordsResult {})
}
