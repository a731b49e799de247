//! DeleteLogStream: the stream and its events.

use std::sync::Arc;

use catalog::CommitError;
use shapes::logs::DeleteLogStreamRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::stream::stream_key;

pub(in crate::operations) async fn delete_log_stream(
    cx: Cx<Logs>,
    input: DeleteLogStreamRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let _deleting = logs.locks.deleting(scope, &input.log_group_name).await;
    let group = logs.group(scope, &input.log_group_name)?;
    let key = stream_key(scope, &group.name, &input.log_stream_name);
    let stream = logs.streams.get(&key).ok_or(LogsError::StreamMissing)?;
    if group.record.deletion_protection {
        return Err(LogsError::Validation(
            "The log stream cannot be deleted because deletion protection is enabled for its log group."
                .into(),
        ));
    }
    // Events first: a stream of this name that is created later must start empty, also after a crash in between.
    let name: Arc<str> = input.log_stream_name.into();
    for place in logs.all_store_keys(&group) {
        logs.events.delete_stream(&place, &name).await?;
    }
    match logs.streams.delete(key, stream.version).await {
        Ok(()) | Err(CommitError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
