//! Tags of topics.

use catalog::UpdateError;
use shapes::sns::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use smithy::Cx;

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::topic::{Topic, add_tags, checked_tags, remove_tags, topic_key};

pub(crate) async fn tag_resource(
    cx: Cx<Sns>,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, SnsError> {
    let new = checked_tags(&input.tags)?;
    change(&cx, &input.resource_arn, |topic| add_tags(&mut topic.tags, &new)).await?;
    Ok(TagResourceResponse {})
}

pub(crate) async fn untag_resource(
    cx: Cx<Sns>,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, SnsError> {
    change(&cx, &input.resource_arn, |topic| {
        remove_tags(&mut topic.tags, &input.tag_keys);
        Ok(())
    })
    .await?;
    Ok(UntagResourceResponse {})
}

pub(crate) async fn list_tags_for_resource(
    cx: Cx<Sns>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, SnsError> {
    let arn = own(&cx, &input.resource_arn)?;
    let topic = cx.service.topics.get(&topic_key(&arn.scope, &arn.name)).ok_or(SnsError::ResourceMissing)?;
    let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
    Ok(ListTagsForResourceResponse { tags: Some(topic.tags.iter().map(tag).collect()) })
}

/// Tags are for the topic's own account.
fn own(cx: &Cx<Sns>, arn: &str) -> Result<TopicArn, SnsError> {
    let arn = TopicArn::parse(arn, Some(&cx.scope().region)).map_err(|_| SnsError::invalid("ResourceArn"))?;
    if arn.scope != *cx.scope() {
        return Err(SnsError::ResourceMissing);
    }
    Ok(arn)
}

async fn change(
    cx: &Cx<Sns>,
    arn: &str,
    apply: impl FnMut(&mut Topic) -> Result<(), SnsError>,
) -> Result<(), SnsError> {
    let arn = own(cx, arn)?;
    match cx.service.topics.update(&topic_key(&arn.scope, &arn.name), apply).await {
        Ok(_) => Ok(()),
        Err(UpdateError::Missing) => Err(SnsError::ResourceMissing),
        Err(error) => Err(error.into()),
    }
}
