//! One attempt at one delivery.

use base::Timestamp;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use signals::TargetError;

use super::policy::{DEFAULT_CONTENT_TYPE, DeliveryPolicy};
use super::{Parcel, ParcelKind};
use crate::Sns;
use crate::arn::TopicArn;
use crate::mail::{self, Mail, MailError};
use crate::message::envelope::{Confirmation, ConfirmationKind, Notification, Signed};
use crate::message::{Message, message_key, sequence_text};
use crate::subscription::{Protocol, State, Subscription, subscription_arn, subscription_key};
use crate::target::{Note, QueueMessage, QueueValue, TargetKind};
use crate::topic::FoundTopic;

/// AWS: messages with more attributes are not delivered raw to queues.
const QUEUE_ATTRIBUTES_MAX: usize = 10;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The receiver has it; what it said.
    Delivered {
        status: u16,
        response: String,
    },
    /// There is nothing left to deliver, or nobody to deliver it to.
    Moot,
    Failed(Failure),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Whether the same delivery may succeed later.
    pub(crate) retryable: bool,
    /// `ClientException`, `ServerException`, `NO_RESOURCE`, …, for dead letters.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failure {
    fn permanent(code: &'static str, message: impl Into<String>) -> Attempt {
        Attempt::Failed(Self { retryable: false, code, message: message.into() })
    }
}

impl From<TargetError> for Attempt {
    fn from(error: TargetError) -> Self {
        let message = error.to_string();
        let (retryable, code) = match error {
            TargetError::Unmapped(_) => (false, "NO_RESOURCE"),
            TargetError::Refused(_) => (false, "ClientException"),
            TargetError::Unavailable(_) => (true, "ServerException"),
        };
        Self::Failed(Failure { retryable, code, message })
    }
}

impl From<MailError> for Attempt {
    fn from(error: MailError) -> Self {
        let message = error.to_string();
        match error {
            MailError::Refused(_) => Failure::permanent("ClientException", message),
            MailError::Unavailable(_) => {
                Self::Failed(Failure { retryable: true, code: "ServerException", message })
            }
        }
    }
}

/// Everything an attempt needs, looked up at its time.
pub(crate) struct Delivery {
    pub(crate) topic: FoundTopic,
    pub(crate) subscription: Subscription,
    pub(crate) parcel: Parcel,
    /// Of notifications and dead letters.
    pub(crate) message: Option<std::sync::Arc<Message>>,
}

impl Delivery {
    pub(crate) fn policy(&self) -> DeliveryPolicy {
        let topic = self.topic.record.attribute("DeliveryPolicy");
        DeliveryPolicy::effective(topic, self.subscription.attribute("DeliveryPolicy"))
    }

    fn subscription_arn(&self) -> String {
        subscription_arn(&self.topic.arn, &self.parcel.subscription_id)
    }
}

impl Sns {
    /// `None` when topic, subscription or message are gone, or the subscription is in another state.
    pub(crate) fn delivery(&self, arn: &TopicArn, parcel: &Parcel) -> Option<Delivery> {
        let topic = self.topic(arn).ok()?;
        let subscription = self.subscriptions.get(&subscription_key(arn, &parcel.subscription_id))?;
        let fits = matches!(
            (&parcel.kind, &subscription.state),
            (ParcelKind::Notification, State::Confirmed { .. })
                | (ParcelKind::DeadLetter { .. }, _)
                | (ParcelKind::SubscriptionConfirmation, State::Pending { .. })
                | (ParcelKind::UnsubscribeConfirmation, State::Deleted { .. })
        );
        let message = self.outbox.messages.get(&message_key(&arn.scope, &parcel.message_id));
        if !fits || parcel.kind.has_message() && message.is_none() {
            return None;
        }
        let (subscription, message) = (Subscription::clone(&subscription), message.map(|m| m.record));
        Some(Delivery { topic, subscription, parcel: parcel.clone(), message })
    }

    pub(crate) async fn attempt(&self, delivery: &Delivery, now: Timestamp) -> Attempt {
        match (&delivery.parcel.kind, &delivery.message) {
            (ParcelKind::Notification, Some(message)) => self.notify(delivery, message).await,
            (ParcelKind::DeadLetter { .. }, Some(message)) => self.bury(delivery, message).await,
            (ParcelKind::SubscriptionConfirmation, _) => {
                self.ask(delivery, ConfirmationKind::Subscribe, now).await
            }
            (ParcelKind::UnsubscribeConfirmation, _) => {
                self.ask(delivery, ConfirmationKind::Unsubscribe, now).await
            }
            _ => Attempt::Moot,
        }
    }

    async fn signed(&self, version: u8, text: &str) -> Result<Signed, Attempt> {
        let unsigned = |error: crate::signature::SignatureError| {
            tracing::error!(%error, "a message could not be signed");
            Attempt::Failed(Failure {
                retryable: true,
                code: "ServerException",
                message: "the message could not be signed".to_owned(),
            })
        };
        let signature = self.signer.sign(version, text).await.map_err(unsigned)?;
        let name = self.signer.certificate_name().await.map_err(unsigned)?;
        Ok(Signed { version, signature, certificate_url: format!("{}/{name}", self.public_url()) })
    }

    async fn notify(&self, delivery: &Delivery, message: &Message) -> Attempt {
        let (subscription, parcel) = (&delivery.subscription, &delivery.parcel);
        let (topic_arn, arn) = (delivery.topic.arn.text(), delivery.subscription_arn());
        let unsubscribe_url = self.unsubscribe_url(&arn);
        let notification = Notification {
            message,
            message_id: &parcel.message_id,
            topic_arn: &topic_arn,
            text: message.text_for(subscription.protocol.name()),
            unsubscribe_url: &unsubscribe_url,
        };
        let signed = async || self.signed(message.signature_version, &notification.string_to_sign()).await;
        match subscription.protocol {
            Protocol::Http | Protocol::Https => self.post_notification(delivery, &notification).await,
            Protocol::Email => {
                let body = mail::notification(notification.text, &self.unsubscribe_page(&arn));
                self.mail(delivery, message, body).await
            }
            Protocol::EmailJson => match signed().await {
                Ok(signed) => self.mail(delivery, message, notification.envelope(Some(&signed))).await,
                Err(attempt) => attempt,
            },
            Protocol::Sqs => self.enqueue_notification(delivery, &notification).await,
            Protocol::Lambda => match signed().await {
                Ok(signed) => {
                    let event = Bytes::from(notification.lambda_event(&arn, &signed));
                    let note = note(delivery, message, notification.text);
                    done(self.targets.invoke(&subscription.endpoint, event, note).await)
                }
                Err(attempt) => attempt,
            },
            Protocol::Firehose => {
                let record = if subscription.is_raw() {
                    notification.text.to_owned()
                } else {
                    notification.envelope(None)
                };
                let records = vec![Bytes::from(record + "\n")];
                done(self.targets.stream(&subscription.endpoint, records).await)
            }
        }
    }

    /// To an endpoint of its own, or in the words of a configured chat or pager.
    async fn post_notification(&self, delivery: &Delivery, notification: &Notification<'_>) -> Attempt {
        let subscription = &delivery.subscription;
        let Ok(url) = url::Url::parse(&subscription.endpoint) else {
            return Failure::permanent("ClientException", "the endpoint is no URL");
        };
        if let Some(target) = self.targets.find(&subscription.endpoint) {
            let mut target = (**target).clone();
            if target.kind != TargetKind::PagerDuty {
                target.url = url;
            }
            let note = note(delivery, notification.message, notification.text);
            return done(self.targets.tell_endpoint(&target, &note).await);
        }
        let mut headers = headers("Notification", notification.message_id, notification.topic_arn);
        put(&mut headers, "x-amz-sns-subscription-arn", &delivery.subscription_arn());
        put_content_type(&mut headers, &delivery.policy().content_type);
        let body = if subscription.is_raw() {
            put(&mut headers, "x-amz-sns-rawdelivery", "true");
            notification.text.to_owned()
        } else {
            let version = notification.message.signature_version;
            match self.signed(version, &notification.string_to_sign()).await {
                Ok(signed) => notification.envelope(Some(&signed)),
                Err(attempt) => return attempt,
            }
        };
        done(self.targets.post_to_subscriber(url, headers, body.into()).await)
    }

    async fn enqueue_notification(&self, delivery: &Delivery, notification: &Notification<'_>) -> Attempt {
        let message = match self.queue_message(delivery, notification).await {
            Ok(message) => message,
            Err(attempt) => return attempt,
        };
        if message.attributes.len() > QUEUE_ATTRIBUTES_MAX {
            let text = "raw messages with more than ten attributes cannot be delivered to a queue";
            return Failure::permanent("ClientException", text);
        }
        done(self.targets.enqueue(&delivery.subscription.endpoint, &message).await)
    }

    async fn queue_message(
        &self,
        delivery: &Delivery,
        notification: &Notification<'_>,
    ) -> Result<QueueMessage, Attempt> {
        let message = notification.message;
        let mut attributes = Vec::new();
        let body = if delivery.subscription.is_raw() {
            for (name, attribute) in &message.attributes {
                use base64::Engine as _;
                let value = if attribute.is_binary() {
                    let bytes = base64::engine::general_purpose::STANDARD.decode(&attribute.value);
                    QueueValue::Bytes(bytes.unwrap_or_default())
                } else {
                    QueueValue::Text(attribute.value.clone())
                };
                attributes.push((name.clone(), attribute.data_type.clone(), value));
            }
            notification.text.to_owned()
        } else {
            let signed = self.signed(message.signature_version, &notification.string_to_sign()).await?;
            notification.envelope(Some(&signed))
        };
        Ok(QueueMessage {
            body,
            attributes,
            group_id: message.fifo.as_ref().map(|fifo| fifo.group_id.clone()),
            deduplication_id: message.fifo.as_ref().map(|fifo| fifo.deduplication_id.clone()),
        })
    }

    /// To the dead-letter queue, as it would have been delivered, with what went wrong.
    async fn bury(&self, delivery: &Delivery, message: &Message) -> Attempt {
        let ParcelKind::DeadLetter { queue_arn, error_code, error_message, request_id } =
            &delivery.parcel.kind
        else {
            return Attempt::Moot;
        };
        let (topic_arn, arn) = (delivery.topic.arn.text(), delivery.subscription_arn());
        let unsubscribe_url = self.unsubscribe_url(&arn);
        let notification = Notification {
            message,
            message_id: &delivery.parcel.message_id,
            topic_arn: &topic_arn,
            text: message.text_for(delivery.subscription.protocol.name()),
            unsubscribe_url: &unsubscribe_url,
        };
        let mut letter = match self.queue_message(delivery, &notification).await {
            Ok(letter) => letter,
            Err(attempt) => return attempt,
        };
        let why = [("RequestID", request_id), ("ErrorCode", error_code), ("ErrorMessage", error_message)];
        // A queue takes ten attributes in all, and these matter most here.
        letter.attributes.truncate(QUEUE_ATTRIBUTES_MAX - why.len());
        for (name, text) in why {
            let value = QueueValue::Text(text.clone());
            letter.attributes.push((name.to_owned(), "String".to_owned(), value));
        }
        done(self.targets.enqueue(queue_arn, &letter).await)
    }

    /// Asks an endpoint to confirm, or offers it to come back.
    async fn ask(&self, delivery: &Delivery, kind: ConfirmationKind, now: Timestamp) -> Attempt {
        let subscription = &delivery.subscription;
        let (State::Pending { token, expires } | State::Deleted { token, expires }) = &subscription.state
        else {
            return Attempt::Moot;
        };
        if *expires <= now {
            return Attempt::Moot;
        }
        let (topic_arn, arn) = (delivery.topic.arn.text(), delivery.subscription_arn());
        let timestamp = delivery.parcel.accepted.to_iso8601_millis();
        let confirmation = Confirmation {
            kind,
            message_id: &delivery.parcel.message_id,
            token,
            topic_arn: &topic_arn,
            subscription_arn: &arn,
            subscribe_url: &self.subscribe_url(&topic_arn, token),
            timestamp: &timestamp,
        };
        if subscription.protocol == Protocol::Email {
            let (subject, body) = mail::confirmation(&topic_arn, &self.confirmation_page(&topic_arn, token));
            return self.send_mail(delivery, Some(mail::SENDER), subject, body).await;
        }
        let version = delivery.topic.record.signature_version();
        let signed = match self.signed(version, &confirmation.string_to_sign()).await {
            Ok(signed) => signed,
            Err(attempt) => return attempt,
        };
        let body = confirmation.envelope(&signed);
        match subscription.protocol {
            Protocol::EmailJson => {
                let (subject, _) = mail::confirmation(&topic_arn, "");
                self.send_mail(delivery, Some(mail::SENDER), subject, body).await
            }
            Protocol::Http | Protocol::Https => {
                let Ok(url) = url::Url::parse(&subscription.endpoint) else {
                    return Failure::permanent("ClientException", "the endpoint is no URL");
                };
                let mut headers = headers(kind.name(), &delivery.parcel.message_id, &topic_arn);
                put_content_type(&mut headers, DEFAULT_CONTENT_TYPE);
                done(self.targets.post_to_subscriber(url, headers, body.into()).await)
            }
            Protocol::Sqs => {
                let message =
                    QueueMessage { body, attributes: Vec::new(), group_id: None, deduplication_id: None };
                done(self.targets.enqueue(&subscription.endpoint, &message).await)
            }
            Protocol::Email | Protocol::Lambda | Protocol::Firehose => Attempt::Moot,
        }
    }

    async fn mail(&self, delivery: &Delivery, message: &Message, body: String) -> Attempt {
        let name = delivery.topic.record.attribute("DisplayName").filter(|name| !name.is_empty());
        let subject = message.subject.clone().unwrap_or_else(|| "AWS Notification Message".to_owned());
        self.send_mail(delivery, name, subject, body).await
    }

    async fn send_mail(
        &self,
        delivery: &Delivery,
        name: Option<&str>,
        subject: String,
        body: String,
    ) -> Attempt {
        let Some(transport) = &self.mail else {
            return Failure::permanent("NO_RESOURCE", "no mail server is configured");
        };
        let mail = Mail {
            to: delivery.subscription.endpoint.clone(),
            from_name: name.map(str::to_owned),
            subject,
            body,
            date: delivery.parcel.accepted,
            id: format!("{}.{}", delivery.parcel.message_id, delivery.parcel.subscription_id),
        };
        match transport.send(mail).await {
            Ok(response) => Attempt::Delivered { status: 250, response },
            Err(error) => error.into(),
        }
    }
}

fn note(delivery: &Delivery, message: &Message, text: &str) -> Note {
    Note {
        subject: message.subject.clone(),
        message: text.to_owned(),
        source: delivery.topic.arn.text(),
        id: delivery.parcel.message_id.clone(),
    }
}

fn done(result: Result<crate::target::http::HttpAnswer, TargetError>) -> Attempt {
    match result {
        Ok(answer) => {
            let response = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            Attempt::Delivered { status: answer.status, response }
        }
        Err(error) => error.into(),
    }
}

fn headers(kind: &str, message_id: &str, topic_arn: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static("Amazon Simple Notification Service Agent"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip,deflate"));
    put(&mut headers, "x-amz-sns-message-type", kind);
    put(&mut headers, "x-amz-sns-message-id", message_id);
    put(&mut headers, "x-amz-sns-topic-arn", topic_arn);
    headers
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

fn put_content_type(headers: &mut HeaderMap, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(CONTENT_TYPE, value);
    }
}

/// AWS's spelling of a FIFO message's place, for logs.
pub(crate) fn sequence_of(message: &Message) -> Option<String> {
    message.fifo.as_ref().map(|fifo| sequence_text(fifo.sequence))
}
