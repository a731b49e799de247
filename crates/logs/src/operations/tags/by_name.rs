//! The deprecated TagLogGroup, UntagLogGroup, ListTagsLogGroup.

use shapes::logs::{
    ListTagsLogGroupRequest, ListTagsLogGroupResponse, TagLogGroupRequest, UntagLogGroupRequest,
};
use smithy::Cx;

use super::{add, list, remove};
use crate::Logs;
use crate::error::LogsError;

pub(in crate::operations) async fn tag_log_group(
    cx: Cx<Logs>,
    input: TagLogGroupRequest,
) -> Result<(), LogsError> {
    match add(&cx, &input.log_group_name, &input.tags).await {
        // AWS: the deprecated operation lists no TooManyTagsException.
        Err(error @ LogsError::TooManyTags(_)) => Err(LogsError::invalid(error.to_string())),
        other => other,
    }
}

pub(in crate::operations) async fn untag_log_group(
    cx: Cx<Logs>,
    input: UntagLogGroupRequest,
) -> Result<(), LogsError> {
    remove(&cx, &input.log_group_name, &input.tags).await
}

pub(in crate::operations) async fn list_tags_log_group(
    cx: Cx<Logs>,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, LogsError> {
    Ok(ListTagsLogGroupResponse { tags: Some(list(&cx, &input.log_group_name)?) })
}
