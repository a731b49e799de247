//! Log streams: create, delete, describe.

mod create_log_stream;
mod delete_log_stream;
mod describe_log_streams;

pub(super) use create_log_stream::create_log_stream;
pub(super) use delete_log_stream::delete_log_stream;
pub(super) use describe_log_streams::describe_log_streams;
