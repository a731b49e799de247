//! PutLogEvents: batches, and the groups and streams they need.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use serde_json::{Value, json};

use super::Event;
use crate::client::{Api, CallError};

/// Limits of a call (API_PutLogEvents.html).
const EVENTS_MAX: usize = 10_000;
const BYTES_MAX: usize = 1_048_576;
const OVERHEAD: usize = 26;
const SPAN_MILLIS: i64 = 24 * 3600 * 1000;
const TRIES: u32 = 5;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// Between further tries.
const PAUSE_LONG: Duration = Duration::from_secs(60);

/// Where events go, and what is made if it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) log_group: String,
    pub(crate) log_stream: String,
    pub(crate) log_group_class: Option<String>,
    pub(crate) retention_days: Option<i32>,
}

/// Events that fit into one call.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    events: Vec<Event>,
    bytes: usize,
    earliest: i64,
    latest: i64,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether `event` can be one of the batch.
    pub(crate) fn has_room(&self, event: &Event) -> bool {
        if self.events.is_empty() {
            return true;
        }
        let (earliest, latest) = (self.earliest.min(event.timestamp), self.latest.max(event.timestamp));
        self.events.len() < EVENTS_MAX
            && self.bytes + event.message.len() + OVERHEAD <= BYTES_MAX
            && latest.saturating_sub(earliest) < SPAN_MILLIS
    }

    pub(crate) fn push(&mut self, event: Event) {
        if self.events.is_empty() {
            (self.earliest, self.latest) = (event.timestamp, event.timestamp);
        }
        self.earliest = self.earliest.min(event.timestamp);
        self.latest = self.latest.max(event.timestamp);
        self.bytes += event.message.len() + OVERHEAD;
        self.events.push(event);
    }
}

/// Sends to one stream.
pub(crate) struct LogSender {
    api: Arc<dyn Api>,
    clock: Arc<dyn Clock>,
    target: Target,
    retention_was_put: bool,
    /// Events the server would not have: too old, too new, or against a rule.
    pub(crate) rejected: u64,
}

impl LogSender {
    pub(crate) fn new(api: Arc<dyn Api>, clock: Arc<dyn Clock>, target: Target) -> Self {
        Self { api, clock, target, retention_was_put: false, rejected: 0 }
    }

    /// Sends the batch, trying for as long as it takes: reading waits meanwhile, so nothing is lost.
    pub(crate) async fn send(&mut self, mut batch: Batch) {
        batch.events.sort_by_key(|event| event.timestamp);
        let events: Vec<Value> = batch
            .events
            .iter()
            .map(|event| json!({ "timestamp": event.timestamp, "message": event.message }))
            .collect();
        let count = events.len() as u64;
        let body = json!({
            "logGroupName": self.target.log_group,
            "logStreamName": self.target.log_stream,
            "logEvents": events,
        });
        let mut pauses: VecDeque<Duration> = (0..TRIES - 1).map(|n| PAUSE_FIRST * 2u32.pow(n)).collect();
        loop {
            match self.put(&body).await {
                Ok(answer) => {
                    self.rejected += rejected(&answer, count);
                    break;
                }
                // AWS: the same events were taken already.
                Err(error) if error.code == "DataAlreadyAcceptedException" => break,
                Err(error) if error.code == "InvalidParameterException" => {
                    tracing::warn!(%error, group = self.target.log_group, count, "log events were refused");
                    self.rejected += count;
                    break;
                }
                Err(error) => {
                    let pause = pauses.pop_front().unwrap_or(PAUSE_LONG);
                    tracing::warn!(%error, group = self.target.log_group, "log events cannot be sent now");
                    self.clock.sleep(pause).await;
                }
            }
        }
        self.put_retention().await;
    }

    /// One try, with what has to be created for it.
    async fn put(&self, body: &Value) -> Result<Value, CallError> {
        let error = match self.api.call("logs", "PutLogEvents", body).await {
            Err(error) if error.code == "ResourceNotFoundException" => error,
            other => return other,
        };
        let Target { log_group, log_stream, log_group_class, .. } = &self.target;
        let stream = json!({ "logGroupName": log_group, "logStreamName": log_stream });
        match self.create("CreateLogStream", &stream).await {
            Err(missing) if missing.code == error.code => {
                let mut group = json!({ "logGroupName": log_group });
                if let Some(class) = log_group_class {
                    group["logGroupClass"] = json!(class);
                }
                self.create("CreateLogGroup", &group).await?;
                self.create("CreateLogStream", &stream).await?;
            }
            other => other?,
        }
        self.api.call("logs", "PutLogEvents", body).await
    }

    async fn create(&self, operation: &str, body: &Value) -> Result<(), CallError> {
        match self.api.call("logs", operation, body).await {
            Ok(_) => Ok(()),
            Err(error) if error.code == "ResourceAlreadyExistsException" => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Once, when the group is sure to be there.
    async fn put_retention(&mut self) {
        let Some(days) = self.target.retention_days.filter(|_| !self.retention_was_put) else { return };
        let body = json!({ "logGroupName": self.target.log_group, "retentionInDays": days });
        match self.api.call("logs", "PutRetentionPolicy", &body).await {
            Err(error) if error.is_temporary() => {}
            Err(error) => {
                tracing::warn!(%error, "the retention could not be set");
                self.retention_was_put = true;
            }
            Ok(_) => self.retention_was_put = true,
        }
    }
}

/// How many of `count` events were not taken.
pub(crate) fn rejected(answer: &Value, count: u64) -> u64 {
    let Some(info) = answer.get("rejectedLogEventsInfo") else { return 0 };
    let index = |name: &str| info.get(name).and_then(Value::as_u64);
    // Before the first index events are too old or expired, from the last on too new.
    let old = index("tooOldLogEventEndIndex").into_iter().chain(index("expiredLogEventEndIndex")).max();
    let new = index("tooNewLogEventStartIndex").map_or(0, |start| count.saturating_sub(start));
    old.unwrap_or(0) + new
}
