//! PublishBatch: up to ten messages, each accepted or refused by itself.

use std::collections::HashSet;

use shapes::sns::{
    BatchResultErrorEntry, PublishBatchInput, PublishBatchRequestEntry, PublishBatchResponse,
    PublishBatchResultEntry,
};
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::message::{NewMessage, PublishParts, sequence_text};
use crate::outbox::Published;
use crate::topic::FoundTopic;

const ENTRIES_MAX: usize = 10;
const ID_CHARACTERS_MAX: usize = 80;

pub(crate) async fn publish_batch(
    cx: Cx<Sns>,
    input: PublishBatchInput,
) -> Result<PublishBatchResponse, SnsError> {
    let found = topic(&cx, &input.topic_arn, "Publish")?;
    let entries = input.publish_batch_request_entries;
    check(&entries, &found)?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = entry.id.clone();
        match publish(&cx, &found, entry).await {
            Ok(published) => successful.push(PublishBatchResultEntry {
                id: Some(id),
                message_id: Some(published.message_id),
                sequence_number: published.sequence.map(sequence_text),
            }),
            Err(error) => failed.push(BatchResultErrorEntry {
                id,
                code: error.code().to_owned(),
                message: Some(error.to_string()),
                sender_fault: error.is_sender_fault(),
            }),
        }
    }
    Ok(PublishBatchResponse { successful: Some(successful), failed: Some(failed) })
}

fn check(entries: &[PublishBatchRequestEntry], topic: &FoundTopic) -> Result<(), SnsError> {
    if entries.is_empty() {
        return Err(SnsError::EmptyBatch);
    }
    if entries.len() > ENTRIES_MAX {
        return Err(SnsError::TooManyEntries);
    }
    let is_id = |id: &str| {
        (1..=ID_CHARACTERS_MAX).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !entries.iter().all(|entry| is_id(&entry.id)) {
        return Err(SnsError::InvalidEntryId);
    }
    let ids: HashSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    if ids.len() < entries.len() {
        return Err(SnsError::EntryIdsNotDistinct);
    }
    let size: usize = entries.iter().map(|entry| entry.message.len()).sum();
    if size > topic.record.message_bytes_max() {
        return Err(SnsError::BatchTooLong);
    }
    Ok(())
}

async fn publish(
    cx: &Cx<Sns>,
    topic: &FoundTopic,
    entry: PublishBatchRequestEntry,
) -> Result<Published, SnsError> {
    let parts = PublishParts {
        message: entry.message,
        subject: entry.subject,
        structure: entry.message_structure,
        attributes: entry.message_attributes,
        group_id: entry.message_group_id,
        deduplication_id: entry.message_deduplication_id,
    };
    let message = NewMessage::checked(parts, &topic.record)?;
    cx.service.publish(topic, message, cx.now, None).await
}
