//! CreateExportTask: checks the bucket with a test object, and leaves the rest to the task.

use base::Timestamp;
use bytes::Bytes;
use shapes::logs::{CreateExportTaskRequest, CreateExportTaskResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::export::{ExportTask, Status, object_key, task_key};
use crate::group::Class;

/// AWS: what the key of every object starts with where no prefix is given (observed).
const PREFIX: &str = "exportedlogs";
/// AWS: the object that shows that the bucket takes objects (observed).
const TEST_OBJECT: &str = "aws-logs-write-test";

pub(in crate::operations) async fn create_export_task(
    cx: Cx<Logs>,
    input: CreateExportTaskRequest,
) -> Result<CreateExportTaskResponse, LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    if input.from >= input.to {
        return Err(LogsError::invalid("Export task's from time must be before its to time."));
    }
    let group = logs.group(scope, &input.log_group_name)?;
    if group.record.class == Class::Delivery {
        return Err(LogsError::invalid("Log groups of the DELIVERY class cannot be exported."));
    }
    if input.to < group.record.creation_time.as_millis() {
        return Err(LogsError::invalid("Export task's to time must not be before the log group's creation."));
    }
    // Tasks are created one after another, so that the limit holds.
    let _creating = logs.export_gate.lock().await;
    if logs.export_tasks_of(scope).iter().any(|(_, task)| !task.status.is_final()) {
        return Err(LogsError::LimitExceeded);
    }
    let prefix = input.destination_prefix.unwrap_or_else(|| PREFIX.to_owned());
    check_bucket(logs, &input.destination, &prefix).await?;
    let id = logs.entropy.uuid().to_string();
    let task = ExportTask {
        name: input.task_name,
        incarnation: group.record.incarnation,
        group: input.log_group_name,
        stream_prefix: input.log_stream_name_prefix,
        from: Timestamp::from_millis(input.from),
        to: Timestamp::from_millis(input.to),
        bucket: input.destination,
        prefix,
        status: Status::Pending,
        message: None,
        created: cx.now,
        completed: None,
        written_through: None,
    };
    logs.export_tasks.insert(task_key(scope, &id), task).await?;
    logs.wake(crate::tasks::EXPORTS);
    Ok(CreateExportTaskResponse { task_id: Some(id) })
}

async fn check_bucket(logs: &Logs, bucket: &str, prefix: &str) -> Result<(), LogsError> {
    let buckets = &logs.neighbours.buckets;
    let refused = |error: signals::BucketError| {
        LogsError::invalid(format!("The given bucket cannot be written to: {error}"))
    };
    if !buckets.exists(bucket).await.map_err(refused)? {
        return Err(LogsError::invalid(
            "The given bucket does not exist. Please make sure the bucket is valid.",
        ));
    }
    let key = object_key(prefix, &[TEST_OBJECT]);
    let text = Bytes::from_static(b"Permission Check Successful");
    buckets.put_object(bucket, &key, text).await.map_err(refused)
}
