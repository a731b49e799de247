//! SetTopicAttributes: one attribute.

use shapes::sns::SetTopicAttributesInput;
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::subscription::subscriptions_of;
use crate::topic::{Topic, attributes};

/// AWS: topics that take larger messages have at most 100 subscriptions.
const LARGE_TOPIC_SUBSCRIPTIONS_MAX: usize = 100;
const USUAL_MESSAGE_BYTES_MAX: usize = 262_144;

pub(crate) async fn set_topic_attributes(
    cx: Cx<Sns>,
    input: SetTopicAttributesInput,
) -> Result<(), SnsError> {
    let found = topic(&cx, &input.topic_arn, "SetTopicAttributes")?;
    let (name, value) = (input.attribute_name, input.attribute_value.unwrap_or_default());
    let checked = attributes::checked(&name, &value, &found.arn.text())?;
    if name == "FifoTopic" {
        return Err(SnsError::invalid("AttributeName"));
    }
    let is_for_fifo = matches!(name.as_str(), "ContentBasedDeduplication" | "FifoThroughputScope");
    if is_for_fifo && !found.record.is_fifo() {
        return Err(SnsError::invalid(
            "Attributes Reason: Content-based deduplication can only be set for FIFO topics",
        ));
    }
    let is_large = name == "MaximumMessageSize"
        && value.parse::<usize>().is_ok_and(|size| size > USUAL_MESSAGE_BYTES_MAX);
    if is_large && !fits_large_messages(&cx, &found) {
        return Err(SnsError::invalid(
            "MaximumMessageSize Reason: topics for messages above 256 KiB have at most 100 subscriptions, of SQS, \
             Lambda or Firehose only",
        ));
    }
    let change = |topic: &mut Topic| {
        match &checked {
            Some(value) => topic.attributes.insert(name.clone(), value.clone()),
            None => topic.attributes.remove(&name),
        };
        Ok::<(), SnsError>(())
    };
    cx.service.topics.update(&found.key(), change).await?;
    Ok(())
}

fn fits_large_messages(cx: &Cx<Sns>, found: &crate::topic::FoundTopic) -> bool {
    let all = cx.service.subscriptions.list(
        &subscriptions_of(&found.arn),
        None,
        crate::subscription::SUBSCRIPTIONS_MAX * 2,
    );
    let mut living = all.iter().filter(|s| !s.is_deleted());
    all.iter().filter(|s| !s.is_deleted()).count() <= LARGE_TOPIC_SUBSCRIPTIONS_MAX
        && living.all(|s| !s.protocol.is_http() && !s.protocol.is_mail())
}
