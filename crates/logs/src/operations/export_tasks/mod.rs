//! Export tasks: create, describe, cancel.

mod cancel_export_task;
mod create_export_task;
mod describe_export_tasks;

pub(super) use cancel_export_task::cancel_export_task;
pub(super) use create_export_task::create_export_task;
pub(super) use describe_export_tasks::describe_export_tasks;
