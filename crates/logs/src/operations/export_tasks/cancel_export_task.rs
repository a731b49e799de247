//! CancelExportTask: what is written stays.

use catalog::UpdateError;
use shapes::logs::CancelExportTaskRequest;
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::export::{ExportTask, Status, task_key};

pub(in crate::operations) async fn cancel_export_task(
    cx: Cx<Logs>,
    input: CancelExportTaskRequest,
) -> Result<(), LogsError> {
    let cancel = |task: &mut ExportTask| match task.status {
        Status::Pending | Status::Running => {
            task.status = Status::PendingCancel;
            Ok(())
        }
        _ => Err(LogsError::InvalidOperation(
            "The specified export task has already finished or is being cancelled.".into(),
        )),
    };
    let key = task_key(cx.scope(), &input.task_id);
    match cx.service.export_tasks.update(&key, cancel).await {
        Ok(_) => {}
        Err(UpdateError::Missing) => {
            return Err(LogsError::NotFound("The specified export task does not exist.".into()));
        }
        Err(error) => return Err(error.into()),
    }
    cx.service.wake(crate::tasks::EXPORTS);
    Ok(())
}
