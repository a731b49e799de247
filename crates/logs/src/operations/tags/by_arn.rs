//! TagResource, UntagResource, ListTagsForResource.

use shapes::logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, UntagResourceRequest,
};
use smithy::Cx;

use super::{add, list, remove};
use crate::Logs;
use crate::error::LogsError;
use crate::identifier::from_resource_arn;

pub(in crate::operations) async fn tag_resource(
    cx: Cx<Logs>,
    input: TagResourceRequest,
) -> Result<(), LogsError> {
    let group = from_resource_arn(cx.scope(), &input.resource_arn)?;
    add(&cx, &group, &input.tags).await
}

pub(in crate::operations) async fn untag_resource(
    cx: Cx<Logs>,
    input: UntagResourceRequest,
) -> Result<(), LogsError> {
    let group = from_resource_arn(cx.scope(), &input.resource_arn)?;
    remove(&cx, &group, &input.tag_keys).await
}

pub(in crate::operations) async fn list_tags_for_resource(
    cx: Cx<Logs>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, LogsError> {
    let group = from_resource_arn(cx.scope(), &input.resource_arn)?;
    Ok(ListTagsForResourceResponse { tags: Some(list(&cx, &group)?) })
}
