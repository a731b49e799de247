//! CreateLogStream.

use shapes::logs::CreateLogStreamRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;

pub(in crate::operations) async fn create_log_stream(
    cx: Cx<Logs>,
    input: CreateLogStreamRequest,
) -> Result<(), LogsError> {
    cx.service.create_stream(cx.scope(), &input.log_group_name, &input.log_stream_name, cx.now).await
}
