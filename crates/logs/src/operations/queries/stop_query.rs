//! StopQuery.

use shapes::logs::{StopQueryRequest, StopQueryResponse};
use smithy::Cx;

use super::find;
use crate::Logs;
use crate::error::LogsError;

pub(in crate::operations) async fn stop_query(
    cx: Cx<Logs>,
    input: StopQueryRequest,
) -> Result<StopQueryResponse, LogsError> {
    if !find(&cx, &input.query_id)?.job.cancel() {
        return Err(LogsError::invalid(format!("Query ID {} is not in a running state.", input.query_id)));
    }
    Ok(StopQueryResponse { success: Some(true) })
}
