//! What Publish and PublishBatch are given, checked before anything is kept.

use std::collections::BTreeMap;

use serde_json::Value;
use shapes::sns::MessageAttributeValue;

use super::{MessageAttribute, attributes};
use crate::error::SnsError;
use crate::topic::Topic;

const SUBJECT_CHARACTERS_MAX: usize = 100;
const ID_CHARACTERS_MAX: usize = 128;

/// The members Publish and an entry of PublishBatch have in common.
#[derive(Debug, Default)]
pub(crate) struct PublishParts {
    pub(crate) message: String,
    pub(crate) subject: Option<String>,
    pub(crate) structure: Option<String>,
    pub(crate) attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    pub(crate) group_id: Option<String>,
    pub(crate) deduplication_id: Option<String>,
}

/// A message fit to be published.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewMessage {
    pub(crate) text: String,
    pub(crate) by_protocol: BTreeMap<String, String>,
    pub(crate) subject: Option<String>,
    pub(crate) attributes: BTreeMap<String, MessageAttribute>,
    /// Group and deduplication id, for FIFO topics.
    pub(crate) fifo: Option<(String, String)>,
    /// Size of body and attributes, as quotas count it.
    pub(crate) size_bytes: usize,
}

impl NewMessage {
    pub(crate) fn checked(parts: PublishParts, topic: &Topic) -> Result<Self, SnsError> {
        let PublishParts { message, subject, structure, attributes, group_id, deduplication_id } = parts;
        if message.is_empty() {
            return Err(SnsError::invalid("Empty message"));
        }
        check_subject(subject.as_deref())?;
        let size_bytes = message.len() + attribute_bytes(attributes.as_ref());
        if size_bytes > topic.message_bytes_max() {
            return Err(SnsError::invalid("Message too long"));
        }
        let attributes = attributes::checked(attributes.unwrap_or_default())?;
        let fifo = fifo(&message, group_id, deduplication_id, topic)?;
        let (text, by_protocol) = match structure.as_deref() {
            Some("json") => structured(&message)?,
            None | Some("") => (message, BTreeMap::new()),
            Some(_) => return Err(SnsError::invalid("Message Structure - Invalid value")),
        };
        Ok(Self { text, by_protocol, subject, attributes, fifo, size_bytes })
    }
}

fn attribute_bytes(attributes: Option<&BTreeMap<String, MessageAttributeValue>>) -> usize {
    let size = |(name, value): (&String, &MessageAttributeValue)| {
        let text = value.string_value.as_ref().map_or(0, String::len);
        name.len() + value.data_type.len() + text + value.binary_value.as_ref().map_or(0, Vec::len)
    };
    attributes.map_or(0, |attributes| attributes.iter().map(size).sum())
}

/// AWS: up to 100 printable characters without line breaks (API_Publish.html).
fn check_subject(subject: Option<&str>) -> Result<(), SnsError> {
    let Some(subject) = subject else { return Ok(()) };
    let is_fine = !subject.is_empty()
        && subject.chars().count() <= SUBJECT_CHARACTERS_MAX
        && !subject.chars().any(char::is_control);
    if is_fine { Ok(()) } else { Err(SnsError::invalid("Subject")) }
}

/// The default text, and the texts of single protocols. Of a repeated key, the last one wins.
fn structured(message: &str) -> Result<(String, BTreeMap<String, String>), SnsError> {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(message) else {
        return Err(SnsError::invalid("Message Structure - JSON message body failed to parse"));
    };
    let mut texts: BTreeMap<String, String> = object
        .into_iter()
        .filter_map(|(protocol, text)| match text {
            Value::String(text) => Some((protocol, text)),
            // AWS: values that are no strings are ignored (API_Publish.html).
            _ => None,
        })
        .collect();
    match texts.remove("default") {
        Some(default) => Ok((default, texts)),
        None => Err(SnsError::invalid("Message Structure - No default entry in JSON message body")),
    }
}

fn fifo(
    message: &str,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    topic: &Topic,
) -> Result<Option<(String, String)>, SnsError> {
    if !topic.is_fifo() {
        return match deduplication_id {
            Some(_) => Err(SnsError::invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is \
                 not valid for this topic type",
            )),
            // AWS: standard topics pass a group id on to fair queues; here it changes nothing.
            None => Ok(None),
        };
    }
    let Some(group_id) = group_id else {
        return Err(SnsError::invalid("The MessageGroupId parameter is required for FIFO topics"));
    };
    let is_id = |id: &str| {
        (1..=ID_CHARACTERS_MAX).contains(&id.chars().count()) && id.bytes().all(|b| b.is_ascii_graphic())
    };
    if !is_id(&group_id) {
        return Err(SnsError::invalid("MessageGroupId"));
    }
    let deduplication_id = match deduplication_id {
        Some(id) if is_id(&id) => id,
        Some(_) => return Err(SnsError::invalid("MessageDeduplicationId")),
        None if topic.deduplicates_by_content() => content_hash(message),
        None => {
            return Err(SnsError::invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId \
                 provided explicitly",
            ));
        }
    };
    Ok(Some((group_id, deduplication_id)))
}

/// SHA-256 of the body alone (fifo-message-dedup).
fn content_hash(message: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(message.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parts: PublishParts) -> String {
        match NewMessage::checked(parts, &Topic::default()) {
            Ok(message) => format!("{} {:?}", message.text, message.by_protocol),
            Err(error) => error.to_string(),
        }
    }

    fn structured(message: &str) -> String {
        told(PublishParts {
            message: message.to_owned(),
            structure: Some("json".to_owned()),
            ..PublishParts::default()
        })
    }

    #[test]
    fn vectors_n4_to_n6() {
        let prefix = "Invalid parameter: Message Structure - ";
        assert_eq!(structured(r#"{"sqs":"x"}"#), format!("{prefix}No default entry in JSON message body"));
        assert_eq!(structured("{"), format!("{prefix}JSON message body failed to parse"));
        assert_eq!(structured(r#"{"default":1}"#), format!("{prefix}No default entry in JSON message body"));
        assert_eq!(structured(r#"{"default":"a","default":"b","http":"h","x":1}"#), r#"b {"http": "h"}"#);
        assert_eq!(told(PublishParts::default()), "Invalid parameter: Empty message");
    }

    #[test]
    fn sizes_and_subjects_have_limits() {
        let message = |length: usize| PublishParts { message: "x".repeat(length), ..PublishParts::default() };
        assert!(told(message(262_144)).starts_with('x'));
        assert_eq!(told(message(262_145)), "Invalid parameter: Message too long");
        for subject in ["", "a\nb", &"s".repeat(101)] {
            let parts = PublishParts { subject: Some(subject.to_owned()), ..message(1) };
            assert_eq!(told(parts), "Invalid parameter: Subject", "{subject:?}");
        }
    }

    #[test]
    fn deduplication_ids_are_for_fifo_topics() {
        let parts = PublishParts {
            message: "x".to_owned(),
            deduplication_id: Some("d".to_owned()),
            ..PublishParts::default()
        };
        assert!(told(parts).ends_with("not valid for this topic type"));
    }
}
