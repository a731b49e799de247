//! The records of the outbox.

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};

/// One delivery that is still to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parcel {
    pub(crate) kind: ParcelKind,
    pub(crate) message_id: String,
    /// Name of the topic.
    pub(crate) topic: String,
    pub(crate) subscription_id: String,
    /// Order of acceptance, increasing.
    pub(crate) order: u64,
    /// Parcels of one group of one subscription are delivered in order, one at a time.
    pub(crate) group: Option<String>,
    pub(crate) accepted: Timestamp,
    /// Not before this time.
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ParcelKind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
    /// A notification that could not be delivered, on its way to a queue.
    DeadLetter {
        queue_arn: String,
        error_code: String,
        error_message: String,
        request_id: String,
    },
}

impl ParcelKind {
    /// Whether it carries a published message.
    pub(crate) fn has_message(&self) -> bool {
        matches!(self, Self::Notification | Self::DeadLetter { .. })
    }

    fn key(&self) -> &'static str {
        match self {
            Self::Notification => "n",
            Self::SubscriptionConfirmation => "s",
            Self::UnsubscribeConfirmation => "u",
            Self::DeadLetter { .. } => "d",
        }
    }
}

impl Record for Parcel {
    const COLLECTION: &'static str = "sns_parcel";
    const VERSION: u32 = 1;
}

pub(crate) fn parcel_key(scope: &Scope, parcel: &Parcel) -> RecordKey {
    RecordKey::new(scope, &[&parcel.message_id, &parcel.subscription_id, parcel.kind.key()])
}

/// A message that was accepted under an id its publisher may use again: by FIFO deduplication, or by an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) message_id: String,
    pub(crate) sequence: Option<u64>,
    /// From then on the id is free again.
    pub(crate) until: Timestamp,
}

impl Record for Accepted {
    const COLLECTION: &'static str = "sns_accepted";
    const VERSION: u32 = 1;
}

/// `kind` tells the users of ids apart.
pub(crate) fn accepted_key(scope: &Scope, topic: &str, kind: &str, id: &str) -> RecordKey {
    RecordKey::new(scope, &[topic, kind, id])
}
