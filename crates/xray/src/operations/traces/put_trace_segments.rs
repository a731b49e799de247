//! PutTraceSegments: keeps segment documents. A bad document never fails the call.

use shapes::xray::{PutTraceSegmentsRequest, PutTraceSegmentsResult, UnprocessedTraceSegment};
use smithy::Cx;

use crate::{XRay, XRayError};

pub(crate) async fn put_trace_segments(
    cx: Cx<XRay>,
    input: PutTraceSegmentsRequest,
) -> Result<PutTraceSegmentsResult, XRayError> {
    let rejections = cx.service.put_documents(cx.scope(), &input.trace_segment_documents, cx.now).await?;
    let unprocessed = rejections
        .into_iter()
        .map(|rejection| UnprocessedTraceSegment {
            id: rejection.id,
            error_code: Some(rejection.error_code),
            message: Some(rejection.message),
        })
        .collect();
    Ok(PutTraceSegmentsResult { unprocessed_trace_segments: Some(unprocessed) })
}
