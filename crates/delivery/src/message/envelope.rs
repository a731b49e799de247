//! The JSON envelopes of messages and confirmations, the text their signature covers, and Lambda's event.
//!
//! Sources: sns-message-and-json-formats, sns-verify-signature-of-message, and observed payloads.

use serde_json::{Map, Value, json};

use super::{Message, sequence_text};

/// What a signature adds to an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// `1` or `2`.
    pub(crate) version: u8,
    /// Base64.
    pub(crate) signature: String,
    pub(crate) certificate_url: String,
}

/// A notification on its way to one subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notification<'a> {
    pub(crate) message: &'a Message,
    pub(crate) message_id: &'a str,
    pub(crate) topic_arn: &'a str,
    /// The text for the subscription's protocol.
    pub(crate) text: &'a str,
    pub(crate) unsubscribe_url: &'a str,
}

impl Notification<'_> {
    fn timestamp(&self) -> String {
        self.message.published.to_iso8601_millis()
    }

    /// The text the signature covers.
    pub(crate) fn string_to_sign(&self) -> String {
        let timestamp = self.timestamp();
        let mut fields = vec![("Message", self.text), ("MessageId", self.message_id)];
        if let Some(subject) = &self.message.subject {
            fields.push(("Subject", subject));
        }
        fields.extend([("Timestamp", &*timestamp), ("TopicArn", self.topic_arn), ("Type", "Notification")]);
        lines(&fields)
    }

    /// The envelope; queues, functions and endpoints get it signed, delivery streams don't
    /// (firehose-archived-message-format-S3).
    pub(crate) fn envelope(&self, signed: Option<&Signed>) -> String {
        // AWS: line breaks separate the records of a delivery stream, so theirs have none.
        let mut json = if signed.is_some() { Members::new() } else { Members::on_one_line() };
        json.push("Type", "Notification");
        json.push("MessageId", self.message_id);
        if let Some(fifo) = &self.message.fifo {
            json.push("SequenceNumber", &sequence_text(fifo.sequence));
        }
        json.push("TopicArn", self.topic_arn);
        if let Some(subject) = &self.message.subject {
            json.push("Subject", subject);
        }
        json.push("Message", self.text);
        json.push("Timestamp", &self.timestamp());
        if let Some(signed) = signed {
            json.push("SignatureVersion", &signed.version.to_string());
            json.push("Signature", &signed.signature);
            json.push("SigningCertURL", &signed.certificate_url);
        }
        json.push("UnsubscribeURL", self.unsubscribe_url);
        if !self.message.attributes.is_empty() {
            json.push_value("MessageAttributes", &self.attributes());
        }
        json.finish()
    }

    fn attributes(&self) -> Value {
        let attribute = |(name, a): (&String, &super::MessageAttribute)| {
            (name.clone(), json!({ "Type": a.data_type, "Value": a.value }))
        };
        Value::Object(self.message.attributes.iter().map(attribute).collect::<Map<_, _>>())
    }

    /// The event a function is invoked with.
    pub(crate) fn lambda_event(&self, subscription_arn: &str, signed: &Signed) -> String {
        json!({
            "Records": [{
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription_arn,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": self.message_id,
                    "TopicArn": self.topic_arn,
                    "Subject": self.message.subject,
                    "Message": self.text,
                    "Timestamp": self.timestamp(),
                    "SignatureVersion": signed.version.to_string(),
                    "Signature": signed.signature,
                    // AWS: functions get these two spelled so.
                    "SigningCertUrl": signed.certificate_url,
                    "UnsubscribeUrl": self.unsubscribe_url,
                    "MessageAttributes": self.attributes(),
                },
            }],
        })
        .to_string()
    }
}

/// `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confirmation<'a> {
    pub(crate) kind: ConfirmationKind,
    pub(crate) message_id: &'a str,
    pub(crate) token: &'a str,
    pub(crate) topic_arn: &'a str,
    pub(crate) subscription_arn: &'a str,
    pub(crate) subscribe_url: &'a str,
    pub(crate) timestamp: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfirmationKind {
    Subscribe,
    Unsubscribe,
}

impl ConfirmationKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Subscribe => "SubscriptionConfirmation",
            Self::Unsubscribe => "UnsubscribeConfirmation",
        }
    }
}

impl Confirmation<'_> {
    fn text(&self) -> String {
        match self.kind {
            ConfirmationKind::Subscribe => format!(
                "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the \
                 SubscribeURL included in this message.",
                self.topic_arn
            ),
            ConfirmationKind::Unsubscribe => format!(
                "You have chosen to deactivate subscription {}.\nTo cancel this operation and restore the \
                 subscription, visit the SubscribeURL included in this message.",
                self.subscription_arn
            ),
        }
    }

    pub(crate) fn string_to_sign(&self) -> String {
        lines(&[
            ("Message", &self.text()),
            ("MessageId", self.message_id),
            ("SubscribeURL", self.subscribe_url),
            ("Timestamp", self.timestamp),
            ("Token", self.token),
            ("TopicArn", self.topic_arn),
            ("Type", self.kind.name()),
        ])
    }

    pub(crate) fn envelope(&self, signed: &Signed) -> String {
        let mut json = Members::new();
        json.push("Type", self.kind.name());
        json.push("MessageId", self.message_id);
        json.push("Token", self.token);
        json.push("TopicArn", self.topic_arn);
        json.push("Message", &self.text());
        json.push("SubscribeURL", self.subscribe_url);
        json.push("Timestamp", self.timestamp);
        json.push("SignatureVersion", &signed.version.to_string());
        json.push("Signature", &signed.signature);
        json.push("SigningCertURL", &signed.certificate_url);
        json.finish()
    }
}

/// Name, value, name, value: each on a line of its own, in byte order of the names.
fn lines(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        for line in [name, value] {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A JSON object whose members keep their order, laid out as AWS does: people read it in mails.
struct Members {
    text: String,
    on_one_line: bool,
}

impl Members {
    fn new() -> Self {
        Self { text: "{".to_owned(), on_one_line: false }
    }

    fn on_one_line() -> Self {
        Self { on_one_line: true, ..Self::new() }
    }

    fn push(&mut self, name: &str, value: &str) {
        self.push_value(name, &Value::from(value));
    }

    fn push_value(&mut self, name: &str, value: &Value) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        let (start, colon) = if self.on_one_line { ("", ":") } else { ("\n  ", " : ") };
        self.text.push_str(start);
        self.text.push('"');
        self.text.push_str(name);
        self.text.push('"');
        self.text.push_str(colon);
        self.text.push_str(&value.to_string());
    }

    fn finish(mut self) -> String {
        self.text.push_str(if self.on_one_line { "}" } else { "\n}" });
        self.text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base::Timestamp;

    use super::*;
    use crate::message::MessageAttribute;

    fn notification(message: &Message) -> Notification<'_> {
        Notification {
            message,
            message_id: "m",
            topic_arn: "arn:t",
            text: "hi \"there\"\n",
            unsubscribe_url: "http://x/?Action=Unsubscribe",
        }
    }

    #[test]
    fn members_come_in_aws_order_and_absent_ones_do_not_come() {
        let attribute = MessageAttribute { data_type: "String".to_owned(), value: "v".to_owned() };
        let mut message = Message {
            topic: "t".to_owned(),
            published: Timestamp::from_secs(1_704_067_200),
            subject: None,
            text: "hi \"there\"\n".to_owned(),
            by_protocol: BTreeMap::new(),
            attributes: BTreeMap::from([("k".to_owned(), attribute)]),
            signature_version: 1,
            fifo: None,
        };
        let signed =
            Signed { version: 1, signature: "c2ln".to_owned(), certificate_url: "http://x/c.pem".to_owned() };

        let text = notification(&message).envelope(Some(&signed));
        let names: Vec<&str> = text.lines().filter_map(|line| line.trim().split('"').nth(1)).collect();
        assert_eq!(
            names,
            [
                "Type",
                "MessageId",
                "TopicArn",
                "Message",
                "Timestamp",
                "SignatureVersion",
                "Signature",
                "SigningCertURL",
                "UnsubscribeURL",
                "MessageAttributes"
            ]
        );
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["Timestamp"], "2024-01-01T00:00:00.000Z");
        assert_eq!(parsed["MessageAttributes"], json!({ "k": { "Type": "String", "Value": "v" } }));
        assert_eq!(
            notification(&message).string_to_sign(),
            "Message\nhi \"there\"\n\nMessageId\nm\nTimestamp\n2024-01-01T00:00:00.000Z\nTopicArn\narn:t\nType\nNotification\n"
        );
        message.subject = Some("S".to_owned());
        assert!(notification(&message).string_to_sign().contains("MessageId\nm\nSubject\nS\nTimestamp\n"));
        let event: Value =
            serde_json::from_str(&notification(&message).lambda_event("arn:s", &signed)).unwrap();
        assert_eq!(event["Records"][0]["Sns"]["SigningCertUrl"], "http://x/c.pem");
        assert_eq!(event["Records"][0]["EventSubscriptionArn"], "arn:s");
    }
}
