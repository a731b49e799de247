//! DescribeExportTasks: newest first, one by its id, or those of one status.

use base::page_token;
use shapes::logs::{
    DescribeExportTasksRequest, DescribeExportTasksResponse, ExportTask as Shape, ExportTaskExecutionInfo,
    ExportTaskStatus,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::export::ExportTask;
use crate::operations::{describe_limit, page_start};

pub(in crate::operations) async fn describe_export_tasks(
    cx: Cx<Logs>,
    input: DescribeExportTasksRequest,
) -> Result<DescribeExportTasksResponse, LogsError> {
    if input.task_id.is_some() && input.status_code.is_some() {
        return Err(LogsError::invalid("taskId and statusCode are mutually exclusive parameters."));
    }
    let status = input.status_code.as_ref().map_or("", |code| code.as_str());
    let id = input.task_id.as_deref().unwrap_or_default();
    let purpose = format!("DescribeExportTasks|{}|{id}|{status}", cx.scope());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let mut tasks = cx.service.export_tasks_of(cx.scope());
    tasks.retain(|(task_id, task)| {
        (id.is_empty() || task_id == id) && (status.is_empty() || task.status.shape().as_str() == status)
    });
    if let Some([created, last]) = start.as_deref() {
        let created: i64 = created.parse().map_err(|_| LogsError::bad_token())?;
        tasks.retain(|(id, task)| (task.created.as_millis(), id) < (created, last));
    }
    let limit = describe_limit(input.limit);
    let more = tasks.len() > limit;
    tasks.truncate(limit);
    let next_token = tasks
        .last()
        .filter(|_| more)
        .map(|(id, task)| page_token::encode(&purpose, &[&task.created.as_millis().to_string(), id]));
    let shapes = tasks.iter().map(|(id, task)| shape(id, task)).collect();
    Ok(DescribeExportTasksResponse { export_tasks: Some(shapes), next_token })
}

fn shape(id: &str, task: &ExportTask) -> Shape {
    let task = task.clone();
    Shape {
        task_id: Some(id.to_owned()),
        task_name: task.name,
        log_group_name: Some(task.group),
        from: Some(task.from.as_millis()),
        to: Some(task.to.as_millis()),
        destination: Some(task.bucket),
        destination_prefix: Some(task.prefix),
        status: Some(ExportTaskStatus { code: Some(task.status.shape()), message: task.message }),
        execution_info: Some(ExportTaskExecutionInfo {
            creation_time: Some(task.created.as_millis()),
            completion_time: task.completed.map(|at| at.as_millis()),
        }),
    }
}
