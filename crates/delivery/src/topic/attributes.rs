//! Attributes of topics: which can be set, to what, and how they are shown.

use std::collections::BTreeMap;

use super::{FoundTopic, policy};
use crate::error::SnsError;
use crate::outbox::policy::{DeliveryPolicy, effective_topic_policy};

const DISPLAY_NAME_CHARACTERS_MAX: usize = 100;
/// Bytes of a policy or another JSON attribute.
const DOCUMENT_BYTES_MAX: usize = 30_720;
const PROTOCOLS: [&str; 5] = ["HTTP", "SQS", "Lambda", "Firehose", "Application"];

/// Checks a value. `None` means the attribute goes back to its default.
pub(crate) fn checked(name: &str, value: &str, arn: &str) -> Result<Option<String>, SnsError> {
    let refuse = |reason: &str| Err(SnsError::invalid(format!("{name} Reason: {reason}")));
    let is_flag = matches!(value, "true" | "false");
    match name {
        "DisplayName" => {
            if value.chars().count() > DISPLAY_NAME_CHARACTERS_MAX || value.chars().any(char::is_control) {
                return Err(SnsError::invalid("DisplayName"));
            }
        }
        "Policy" => {
            if value.is_empty() {
                return Ok(None);
            }
            if value.len() > DOCUMENT_BYTES_MAX {
                return refuse("Policy is too long");
            }
            policy::check(value, arn)?;
        }
        "DeliveryPolicy" => {
            if value.is_empty() {
                return Ok(None);
            }
            DeliveryPolicy::of_topic(value).map_err(|e| SnsError::invalid(format!("DeliveryPolicy: {e}")))?;
        }
        "SignatureVersion" if !matches!(value, "1" | "2") => return refuse("Must be 1 or 2"),
        "TracingConfig" if !matches!(value, "PassThrough" | "Active") => {
            return refuse("Must be PassThrough or Active");
        }
        "FifoThroughputScope" if !matches!(value, "Topic" | "MessageGroup") => {
            return refuse("Must be Topic or MessageGroup");
        }
        "FifoTopic" | "ContentBasedDeduplication" if !is_flag => return refuse("Must be true or false"),
        "MaximumMessageSize" => {
            if !value.parse::<usize>().is_ok_and(|size| (1024..=1_048_576).contains(&size)) {
                return refuse("Must be an integer from 1024 to 1048576");
            }
        }
        "ArchivePolicy" => {
            return refuse("Message archiving is not supported here");
        }
        "SignatureVersion"
        | "TracingConfig"
        | "FifoThroughputScope"
        | "FifoTopic"
        | "ContentBasedDeduplication" => {}
        "KmsMasterKeyId" if value.is_empty() => return Ok(None),
        "KmsMasterKeyId" => {}
        other if is_feedback(other) => {
            let is_fine = match other.strip_suffix("SampleRate") {
                Some(_) => value.parse::<u32>().is_ok_and(|rate| rate <= 100),
                None => value.is_empty() || value.starts_with("arn:"),
            };
            if !is_fine {
                return Err(SnsError::invalid(name.to_owned()));
            }
            if value.is_empty() {
                return Ok(None);
            }
        }
        _ => return Err(SnsError::invalid("AttributeName")),
    }
    Ok(Some(value.to_owned()))
}

/// `<Protocol>SuccessFeedbackRoleArn` and its kin.
fn is_feedback(name: &str) -> bool {
    PROTOCOLS.iter().any(|protocol| {
        matches!(
            name.strip_prefix(protocol),
            Some("SuccessFeedbackRoleArn" | "FailureFeedbackRoleArn" | "SuccessFeedbackSampleRate")
        )
    })
}

/// Subscriptions by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) confirmed: usize,
    pub(crate) pending: usize,
    pub(crate) deleted: usize,
}

/// GetTopicAttributes.
pub(crate) fn shown(topic: &FoundTopic, counts: Counts) -> BTreeMap<String, String> {
    let record = &topic.record;
    let arn = topic.arn.text();
    let mut shown = record.attributes.clone();
    let mut put = |name: &str, value: String| {
        shown.insert(name.to_owned(), value);
    };
    put("Policy", policy::text(topic));
    put("EffectiveDeliveryPolicy", effective_topic_policy(record.attribute("DeliveryPolicy")));
    put("DisplayName", record.attribute("DisplayName").unwrap_or_default().to_owned());
    put("Owner", topic.arn.scope.account.to_string());
    put("TopicArn", arn);
    put("SubscriptionsConfirmed", counts.confirmed.to_string());
    put("SubscriptionsPending", counts.pending.to_string());
    put("SubscriptionsDeleted", counts.deleted.to_string());
    if record.is_fifo() && record.attribute("ContentBasedDeduplication").is_none() {
        put("ContentBasedDeduplication", "false".to_owned());
    }
    shown
}
