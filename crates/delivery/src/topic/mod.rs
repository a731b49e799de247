//! Topics: their records, attributes, policies and tags.

pub(crate) mod attributes;
pub(crate) mod policy;
mod tags;

use std::collections::BTreeMap;

use base::{AccountId, Scope, Timestamp};
use catalog::{Prefix, Record, RecordKey, Versioned};
use serde::{Deserialize, Serialize};

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;

pub(crate) use tags::{add_tags, checked_tags, remove_tags};

/// AWS: 100,000 standard topics per account (general/latest/gr/sns.html).
pub(crate) const TOPICS_MAX: usize = 100_000;
/// AWS: 256 KiB unless the topic says otherwise.
const MESSAGE_BYTES_DEFAULT: usize = 262_144;

/// What is kept of a topic; its name is in the key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub(crate) created: Timestamp,
    /// What was set, checked and as it was given.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for Topic {
    const COLLECTION: &'static str = "sns_topic";
    const VERSION: u32 = 1;
}

impl Topic {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.attribute("FifoTopic") == Some("true")
    }

    pub(crate) fn deduplicates_by_content(&self) -> bool {
        self.attribute("ContentBasedDeduplication") == Some("true")
    }

    /// Whether deduplication ids count for each message group alone.
    pub(crate) fn deduplicates_by_group(&self) -> bool {
        self.attribute("FifoThroughputScope") == Some("MessageGroup")
    }

    pub(crate) fn message_bytes_max(&self) -> usize {
        self.attribute("MaximumMessageSize")
            .and_then(|size| size.parse().ok())
            .unwrap_or(MESSAGE_BYTES_DEFAULT)
    }

    pub(crate) fn signature_version(&self) -> u8 {
        if self.attribute("SignatureVersion") == Some("2") { 2 } else { 1 }
    }
}

pub(crate) fn topic_key(scope: &Scope, name: &str) -> RecordKey {
    RecordKey::new(scope, &[name])
}

pub(crate) fn topics_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

/// Names of topics: FIFO topics have an ending of their own.
pub(crate) fn is_topic_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    (1..=256).contains(&name.len())
        && !stem.is_empty()
        && stem.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A topic that exists.
#[derive(Debug, Clone)]
pub(crate) struct FoundTopic {
    pub(crate) arn: TopicArn,
    pub(crate) record: Versioned<Topic>,
}

impl FoundTopic {
    pub(crate) fn key(&self) -> RecordKey {
        topic_key(&self.arn.scope, &self.arn.name)
    }
}

impl Sns {
    pub(crate) fn topic(&self, arn: &TopicArn) -> Result<FoundTopic, SnsError> {
        let record = self.topics.get(&topic_key(&arn.scope, &arn.name)).ok_or(SnsError::TopicMissing)?;
        Ok(FoundTopic { arn: arn.clone(), record })
    }

    /// The topic, if its policy lets `caller` do `action`.
    pub(crate) fn topic_for(
        &self,
        arn: &TopicArn,
        caller: &AccountId,
        principal: &str,
        action: &str,
    ) -> Result<FoundTopic, SnsError> {
        let found = self.topic(arn)?;
        if policy::allows(&found, caller, action) {
            return Ok(found);
        }
        // AWS: text as of IAM's refusals by resource-based policies (observed).
        Err(SnsError::NotAuthorized(format!(
            "User: {principal} is not authorized to perform: SNS:{action} on resource: {} because no \
             resource-based policy allows the SNS:{action} action",
            arn.text()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "A-b_9", "orders.fifo", &"x".repeat(256)] {
            assert!(is_topic_name(good), "{good}");
        }
        for bad in ["", ".fifo", "a.b", "a b", "ü", &"x".repeat(257), "a.fifo.fifo"] {
            assert!(!is_topic_name(bad), "{bad}");
        }
    }
}
