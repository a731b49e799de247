//! Bus events: what EventBridge rules match and deliver.

use base::{Scope, Timestamp};
use serde::{Deserialize, Serialize};

/// An event on an event bus.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BusEvent {
    pub scope: Scope,
    /// Version 4 UUID.
    pub id: String,
    pub time: Timestamp,
    /// e.g. `aws.cloudwatch`.
    pub source: String,
    /// e.g. `CloudWatch Alarm State Change`.
    pub detail_type: String,
    pub resources: Vec<String>,
    /// A JSON object.
    pub detail: serde_json::Value,
}
