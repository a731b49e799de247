//! TagResource, UntagResource, ListTagsForResource.

use shapes::cloudwatch::{
    ListTagsForResourceInput, ListTagsForResourceOutput, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use smithy::Cx;

use crate::tags::{self, Taggable};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn tag_resource(
    cx: Cx<CloudWatch>,
    input: TagResourceInput,
) -> Result<TagResourceOutput, CloudWatchError> {
    let (kind, name) = tags::resource_of_arn(cx.scope(), &input.resource_arn)?;
    if !tags::exists(&cx.service, cx.scope(), kind, &name) {
        return Err(tags::missing(kind, &input.resource_arn));
    }
    cx.service.tags().change(cx.scope(), kind, &name, |set| tags::add(set, &input.tags)).await?;
    Ok(TagResourceOutput::default())
}

pub(crate) async fn untag_resource(
    cx: Cx<CloudWatch>,
    input: UntagResourceInput,
) -> Result<UntagResourceOutput, CloudWatchError> {
    let (kind, name) = tags::resource_of_arn(cx.scope(), &input.resource_arn)?;
    if !tags::exists(&cx.service, cx.scope(), kind, &name) {
        return Err(tags::missing(kind, &input.resource_arn));
    }
    let remove = |set: &mut std::collections::BTreeMap<String, String>| {
        set.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    };
    cx.service.tags().change(cx.scope(), kind, &name, remove).await?;
    Ok(UntagResourceOutput::default())
}

pub(crate) async fn list_tags_for_resource(
    cx: Cx<CloudWatch>,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, CloudWatchError> {
    let (kind, name) = tags::resource_of_arn(cx.scope(), &input.resource_arn)?;
    // AWS: an alarm that was deleted has no tags rather than being unknown (observed).
    if kind != Taggable::Alarm && !tags::exists(&cx.service, cx.scope(), kind, &name) {
        return Err(tags::missing(kind, &input.resource_arn));
    }
    let tags = tags::shapes(cx.service.tags().get(cx.scope(), kind, &name));
    Ok(ListTagsForResourceOutput { tags: Some(tags) })
}
