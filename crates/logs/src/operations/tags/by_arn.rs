//! TagResource, UntagResource, ListTagsForResource.

use shapes::logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, TagResourceRequest, UntagResourceRequest,
};
use smithy::Cx;

use super::resources::Resource;
use super::{add, list, remove};
use crate::Logs;
use crate::error::LogsError;
use crate::group::tags;
use crate::identifier::from_resource_arn;

pub(in crate::operations) async fn tag_resource(
    cx: Cx<Logs>,
    input: TagResourceRequest,
) -> Result<(), LogsError> {
    let arn = &input.resource_arn;
    if let Some(resource) = Resource::of_arn(&cx.service, cx.scope(), arn)? {
        return resource.change(|set| tags::add(set, &input.tags, arn)).await;
    }
    let group = from_resource_arn(cx.scope(), arn)?;
    add(&cx, &group, &input.tags).await
}

pub(in crate::operations) async fn untag_resource(
    cx: Cx<Logs>,
    input: UntagResourceRequest,
) -> Result<(), LogsError> {
    let arn = &input.resource_arn;
    if let Some(resource) = Resource::of_arn(&cx.service, cx.scope(), arn)? {
        let change = |set: &mut _| {
            tags::remove(set, &input.tag_keys);
            Ok(())
        };
        return resource.change(change).await;
    }
    let group = from_resource_arn(cx.scope(), arn)?;
    remove(&cx, &group, &input.tag_keys).await
}

pub(in crate::operations) async fn list_tags_for_resource(
    cx: Cx<Logs>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, LogsError> {
    let arn = &input.resource_arn;
    if let Some(resource) = Resource::of_arn(&cx.service, cx.scope(), arn)? {
        return Ok(ListTagsForResourceResponse { tags: Some(resource.list()?) });
    }
    let group = from_resource_arn(cx.scope(), arn)?;
    Ok(ListTagsForResourceResponse { tags: Some(list(&cx, &group)?) })
}
