//! CreateTopic: a new topic, or the ARN of one that is the same already.

use std::collections::BTreeMap;

use catalog::CommitError;
use shapes::sns::{CreateTopicInput, CreateTopicResponse};
use smithy::Cx;

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::topic::{TOPICS_MAX, Topic, attributes, checked_tags, is_topic_name, topic_key, topics_of};

pub(crate) async fn create_topic(
    cx: Cx<Sns>,
    input: CreateTopicInput,
) -> Result<CreateTopicResponse, SnsError> {
    if !is_topic_name(&input.name) {
        return Err(SnsError::invalid("Topic Name"));
    }
    if input.data_protection_policy.as_ref().is_some_and(|policy| !policy.is_empty()) {
        return Err(SnsError::invalid("DataProtectionPolicy Reason: data protection is not supported here"));
    }
    let arn = TopicArn::new(cx.scope(), &input.name);
    let given = input.attributes.unwrap_or_default();
    let attributes = checked_attributes(&given, &arn)?;
    let tags = input.tags.as_deref().map(checked_tags).transpose()?;
    let key = topic_key(cx.scope(), &input.name);
    let answer = CreateTopicResponse { topic_arn: Some(arn.text()) };
    for _ in 0..2 {
        if let Some(existing) = cx.service.topics.get(&key) {
            check_same(&existing, &given, &attributes, tags.as_ref())?;
            return Ok(answer);
        }
        if cx.service.topics.count(&topics_of(cx.scope())) >= TOPICS_MAX {
            return Err(SnsError::TooManyTopics(TOPICS_MAX));
        }
        let topic =
            Topic { created: cx.now, attributes: attributes.clone(), tags: tags.clone().unwrap_or_default() };
        match cx.service.topics.insert(key.clone(), topic).await {
            Ok(_) => return Ok(answer),
            Err(CommitError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(SnsError::Conflict)
}

fn checked_attributes(
    given: &BTreeMap<String, String>,
    arn: &TopicArn,
) -> Result<BTreeMap<String, String>, SnsError> {
    let mut attributes = BTreeMap::new();
    let text = arn.text();
    for (name, value) in given {
        let checked = attributes::checked(name, value, &text).map_err(|error| match error {
            SnsError::InvalidParameter(text) if text == "AttributeName" => {
                SnsError::invalid(format!("Attributes Reason: Unknown attribute {name}"))
            }
            other => other,
        })?;
        if let Some(value) = checked {
            attributes.insert(name.clone(), value);
        }
    }
    let is_fifo = attributes.get("FifoTopic").map(String::as_str) == Some("true");
    if is_fifo != arn.name.ends_with(".fifo") {
        // AWS: the ending and the attribute belong together (API_CreateTopic.html).
        return Err(if is_fifo {
            SnsError::invalid(
                "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.",
            )
        } else {
            SnsError::invalid("Topic Name")
        });
    }
    if !is_fifo && attributes.get("ContentBasedDeduplication").map(String::as_str) == Some("true") {
        return Err(SnsError::invalid(
            "Attributes Reason: Content-based deduplication can only be set for FIFO topics",
        ));
    }
    if !is_fifo {
        attributes.remove("FifoTopic");
    }
    Ok(attributes)
}

fn check_same(
    existing: &Topic,
    given: &BTreeMap<String, String>,
    attributes: &BTreeMap<String, String>,
    tags: Option<&BTreeMap<String, String>>,
) -> Result<(), SnsError> {
    let is_same = |name: &String| existing.attributes.get(name) == attributes.get(name);
    if !given.keys().all(is_same) {
        return Err(SnsError::invalid("Attributes Reason: Topic already exists with different attributes"));
    }
    if tags.is_some_and(|tags| *tags != existing.tags) {
        return Err(SnsError::invalid("Tags Reason: Topic already exists with different tags"));
    }
    Ok(())
}
