//! GetTopicAttributes.

use shapes::sns::{GetTopicAttributesInput, GetTopicAttributesResponse};
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::topic::attributes;

pub(crate) async fn get_topic_attributes(
    cx: Cx<Sns>,
    input: GetTopicAttributesInput,
) -> Result<GetTopicAttributesResponse, SnsError> {
    let found = topic(&cx, &input.topic_arn, "GetTopicAttributes")?;
    let shown = attributes::shown(&found, cx.service.counts(&found.arn));
    Ok(GetTopicAttributesResponse { attributes: Some(shown) })
}
