//! Targets: endpoints that the installation's configuration puts behind ARNs (or behind URLs that need a form of
//! their own), and the calls they take.

mod adapt;
mod calls;
pub mod config;
pub mod http;
mod sign;

use std::sync::Arc;

use async_trait::async_trait;
use base::{Clock, Scope};
use bytes::Bytes;
use signals::{TargetCall, TargetError, TargetPayload, TargetSink};

pub use config::{Target, TargetCredentials, TargetKind, TargetMap};

use self::http::{HttpAnswer, HttpCall, HttpError, HttpTransport, Trust};

/// The configured targets, and the way to reach them.
pub struct Targets {
    map: TargetMap,
    http: Arc<dyn HttpTransport>,
    clock: Arc<dyn Clock>,
    /// Measures pauses between two calls of the network.
    network_clock: Arc<dyn Clock>,
}

/// Something to tell people: what adapters for chats and pagers are given.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) subject: Option<String>,
    /// Text, or the JSON of an alarm's state change.
    pub(crate) message: String,
    /// What it comes from: an ARN.
    pub(crate) source: String,
    /// The same for every attempt to tell it.
    pub(crate) id: String,
}

/// A message for a queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueMessage {
    pub(crate) body: String,
    /// Name, data type, and text or bytes.
    pub(crate) attributes: Vec<(String, String, QueueValue)>,
    pub(crate) group_id: Option<String>,
    pub(crate) deduplication_id: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum QueueValue {
    Text(String),
    Bytes(Vec<u8>),
}

impl Targets {
    pub fn new(
        map: TargetMap,
        http: Arc<dyn HttpTransport>,
        clock: Arc<dyn Clock>,
        network_clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self { map, http, clock, network_clock })
    }

    /// The endpoint behind an ARN or a URL.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Target>> {
        self.map.find(name)
    }

    fn mapped(&self, arn: &str) -> Result<&Arc<Target>, TargetError> {
        self.find(arn).ok_or_else(|| TargetError::Unmapped(arn.to_owned()))
    }

    /// Invokes a function, or tells a chat or pager what the function would have been told.
    pub(crate) async fn invoke(
        &self,
        arn: &str,
        event: Bytes,
        note: Note,
    ) -> Result<HttpAnswer, TargetError> {
        let target = self.mapped(arn)?;
        match target.kind {
            TargetKind::Lambda => self.invoke_function(target, arn, event).await,
            TargetKind::Webhook => self.post_json(target, event).await,
            TargetKind::Slack | TargetKind::PagerDuty => self.tell(target, &note).await,
            TargetKind::Firehose => self.put_record_batch(target, arn, vec![event]).await,
            TargetKind::Kinesis => self.put_records(target, arn, vec![(note.id, event)]).await,
            TargetKind::Sqs => {
                let body = String::from_utf8_lossy(&event).into_owned();
                let message =
                    QueueMessage { body, attributes: Vec::new(), group_id: None, deduplication_id: None };
                self.send_message(target, arn, &message).await
            }
        }
    }

    /// Tells a chat or pager.
    pub(crate) async fn tell(&self, target: &Target, note: &Note) -> Result<HttpAnswer, TargetError> {
        let body = match target.kind {
            TargetKind::PagerDuty => {
                let key = target.routing_key.as_deref().unwrap_or_default();
                adapt::pagerduty_event(note, key, self.clock.now())
            }
            _ => adapt::slack_message(note, self.clock.now()),
        };
        self.post_json(target, Bytes::from(body.to_string())).await
    }

    /// Tells an endpoint that a subscription names by its URL and the configuration knows the form of.
    pub(crate) async fn tell_endpoint(
        &self,
        target: &Target,
        note: &Note,
    ) -> Result<HttpAnswer, TargetError> {
        if matches!(target.kind, TargetKind::Slack | TargetKind::PagerDuty) {
            return self.tell(target, note).await;
        }
        let is_json = serde_json::from_str::<serde_json::Value>(&note.message).is_ok_and(|v| v.is_object());
        let body = if is_json {
            note.message.clone()
        } else {
            serde_json::json!({
                "id": note.id, "source": note.source, "subject": note.subject, "message": note.message,
            })
            .to_string()
        };
        self.post_json(target, Bytes::from(body)).await
    }

    /// Sends a message to the queue behind `arn`.
    pub(crate) async fn enqueue(&self, arn: &str, message: &QueueMessage) -> Result<HttpAnswer, TargetError> {
        let target = self.mapped(arn)?;
        match target.kind {
            TargetKind::Sqs => self.send_message(target, arn, message).await,
            TargetKind::Webhook => self.post_json(target, Bytes::from(message.body.clone())).await,
            other => Err(TargetError::Refused(format!("{other:?} endpoints take no queue messages"))),
        }
    }

    /// Puts records into the delivery stream behind `arn`.
    pub(crate) async fn stream(&self, arn: &str, records: Vec<Bytes>) -> Result<HttpAnswer, TargetError> {
        let target = self.mapped(arn)?;
        match target.kind {
            TargetKind::Firehose => self.put_record_batch(target, arn, records).await,
            TargetKind::Webhook => self.post_records(target, records).await,
            other => {
                Err(TargetError::Refused(format!("{other:?} endpoints take no delivery stream records")))
            }
        }
    }

    async fn post(&self, call: HttpCall) -> Result<HttpAnswer, TargetError> {
        let answer = self.http.post(call).await.map_err(|error| match error {
            HttpError::Refused(reason) => TargetError::Refused(reason),
            HttpError::Unavailable(reason) => TargetError::Unavailable(reason),
        })?;
        if answer.is_success() {
            Ok(answer)
        } else if answer.is_retryable() {
            Err(TargetError::Unavailable(answer.describe()))
        } else {
            Err(TargetError::Refused(answer.describe()))
        }
    }

    /// A POST to an endpoint a subscription names.
    pub(crate) async fn post_to_subscriber(
        &self,
        url: url::Url,
        headers: ::http::HeaderMap,
        body: Bytes,
    ) -> Result<HttpAnswer, TargetError> {
        self.post(HttpCall { url, headers, body, trust: Trust::Subscriber }).await
    }
}

#[async_trait]
impl TargetSink for Targets {
    async fn call(&self, call: TargetCall) -> Result<(), TargetError> {
        let TargetCall { arn, payload, scope } = call;
        match payload {
            TargetPayload::Invocation(event) => {
                let message = String::from_utf8_lossy(&event).into_owned();
                let note = Note { subject: None, message, source: arn.clone(), id: scope.to_string() };
                self.invoke(&arn, event, note).await.map(drop)
            }
            TargetPayload::DeliveryStream(records) => self.stream(&arn, records).await.map(drop),
            TargetPayload::DataStream(records) => {
                let target = self.mapped(&arn)?;
                match target.kind {
                    TargetKind::Kinesis => self.put_records(target, &arn, records).await.map(drop),
                    TargetKind::Firehose | TargetKind::Webhook => {
                        self.stream(&arn, records.into_iter().map(|(_, data)| data).collect()).await.map(drop)
                    }
                    other => Err(TargetError::Refused(format!("{other:?} endpoints take no stream records"))),
                }
            }
        }
    }

    fn is_mapped(&self, arn: &str) -> bool {
        self.find(arn).is_some()
    }
}

/// The Region of an ARN, or that of `scope`.
pub(crate) fn region_of<'a>(arn: &'a str, scope: Option<&'a Scope>) -> &'a str {
    match arn.split(':').nth(3) {
        Some(region) if !region.is_empty() && arn.starts_with("arn:") => region,
        _ => scope.map_or("us-east-1", |scope| scope.region.as_str()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
