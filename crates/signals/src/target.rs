//! Targets outside the server: what alarms, subscription filters and topics hand over, and to whom.
//!
//! A target is named by an ARN (a Lambda function, a queue, a delivery stream, …) which the installation's
//! configuration maps to a URL. An ARN without a mapping is an error with a name, never silence.

use async_trait::async_trait;
use base::Scope;
use bytes::Bytes;

/// What a target of this kind takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPayload {
    /// One asynchronous invocation of a function with this JSON event.
    Invocation(Bytes),
    /// Records for a delivery stream (Firehose-shaped).
    DeliveryStream(Vec<Bytes>),
    /// Records with their partition keys for a Kinesis-compatible stream.
    DataStream(Vec<(String, Bytes)>),
}

/// One call to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetCall {
    /// On whose behalf.
    pub scope: Scope,
    /// ARN of the target as the resource that names it has it.
    pub arn: String,
    pub payload: TargetPayload,
}

/// Why a target did not take a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The configuration maps this ARN to nothing; waiting does not help, configuring does.
    #[error("no endpoint is configured for {0}")]
    Unmapped(String),
    /// The target refused the call itself; the same call would be refused again.
    #[error("the target refused: {0}")]
    Refused(String),
    /// The target could not be reached, or was busy or failing; the call may be made again.
    #[error("the target is not available: {0}")]
    Unavailable(String),
}

/// Calls targets, once and now: who needs a retry keeps its own durable place to resume from.
#[async_trait]
pub trait TargetSink: Send + Sync {
    /// `Ok` when the target has taken everything.
    async fn call(&self, call: TargetCall) -> Result<(), TargetError>;

    /// Whether the configuration maps this ARN to an endpoint.
    fn is_mapped(&self, arn: &str) -> bool;
}

/// An action of an alarm whose state changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmAction {
    /// Account and Region of the alarm.
    pub scope: Scope,
    /// The same for every attempt at the same action of the same state change.
    pub id: String,
    /// ARN of the action: a topic, a function, `arn:aws:automate:…`, `arn:aws:ssm:…`, a scaling policy.
    pub action_arn: String,
    pub alarm_name: String,
    /// Subject of the notification, for topics.
    pub subject: String,
    /// Body of the notification, for topics: the JSON text AWS publishes.
    pub message: String,
    /// The event functions and other endpoints get: the JSON text AWS invokes them with.
    pub event: String,
}

/// Takes actions of alarms.
#[async_trait]
pub trait AlarmActionSink: Send + Sync {
    /// `Ok` when the action is durably accepted (a topic's message) or done (an endpoint's call). An error is
    /// shown as the failed action it is in the alarm's history; [`TargetError::Unavailable`] may be tried again.
    async fn act(&self, action: AlarmAction) -> Result<(), TargetError>;
}

/// Why an object did not reach a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BucketError {
    /// The configuration has no bucket of this name, or there is none at its end.
    #[error("there is no bucket {0}")]
    Missing(String),
    /// The bucket refused the object; the same call would be refused again.
    #[error("the bucket refused: {0}")]
    Refused(String),
    /// The bucket could not be reached, or was busy or failing; the call may be made again.
    #[error("the bucket is not available: {0}")]
    Unavailable(String),
}

/// Buckets exports are written to, by the names the installation's configuration gives them.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// Whether the bucket is configured and answers.
    async fn exists(&self, bucket: &str) -> Result<bool, BucketError>;

    /// Writes an object, replacing one of the same key. Durable at the bucket when it returns.
    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), BucketError>;
}
