//! A published message as it is kept until its last delivery is over.

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};

/// A message some subscriber has yet to get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) published: Timestamp,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    /// Texts for single protocols (`MessageStructure` `json`).
    #[serde(default)]
    pub(crate) by_protocol: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, MessageAttribute>,
    /// 1 or 2, as the topic had it.
    pub(crate) signature_version: u8,
    pub(crate) fifo: Option<FifoPlace>,
}

/// Where a message of a FIFO topic stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FifoPlace {
    pub(crate) group_id: String,
    pub(crate) deduplication_id: String,
    pub(crate) sequence: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MessageAttribute {
    pub(crate) data_type: String,
    /// Text, or base64 of a binary value.
    pub(crate) value: String,
}

impl MessageAttribute {
    pub(crate) fn is_binary(&self) -> bool {
        self.data_type.starts_with("Binary")
    }
}

impl Record for Message {
    const COLLECTION: &'static str = "sns_message";
    const VERSION: u32 = 1;
}

impl Message {
    /// The text for subscribers of a protocol.
    pub(crate) fn text_for(&self, protocol: &str) -> &str {
        self.by_protocol.get(protocol).unwrap_or(&self.text)
    }

    /// What it takes in memory, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        let pairs = self.by_protocol.iter().map(|(name, text)| name.len() + text.len());
        let attributes =
            self.attributes.iter().map(|(name, a)| name.len() + a.data_type.len() + a.value.len());
        self.text.len()
            + self.subject.as_ref().map_or(0, String::len)
            + pairs.chain(attributes).sum::<usize>()
            + 256
    }
}

/// AWS's sequence numbers have twenty digits.
pub(crate) fn sequence_text(sequence: u64) -> String {
    format!("1{sequence:019}")
}

pub(crate) fn message_key(scope: &Scope, id: &str) -> RecordKey {
    RecordKey::new(scope, &[id])
}
