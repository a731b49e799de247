//! What targets of subscriptions get: a gzip-compressed JSON document (`spec/filter-patterns.md` §9). Pure.

use std::collections::BTreeMap;
use std::io::Write;

use base::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::target::TargetKind;

/// A message larger than this is split while it has more than one event: with base64 it stays within what a
/// record of a data stream (1 MiB), of a delivery stream (1,000 KiB) and an asynchronous invocation may have.
const COMPRESSED_BYTES_MAX: usize = 700 << 10;
/// Events of one message.
pub(crate) const EVENTS_MAX: usize = 10_000;

/// Events of one log stream, in order.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message<'a> {
    message_type: &'static str,
    owner: &'a str,
    log_group: &'a str,
    log_stream: &'a str,
    subscription_filters: Vec<&'a str>,
    log_events: &'a [MessageEvent],
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_level: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageEvent {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) extracted_fields: BTreeMap<String, String>,
}

/// Whom the events are of, and for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    pub(crate) owner: &'a str,
    pub(crate) group: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) filter: &'a str,
    pub(crate) is_account_policy: bool,
}

/// The compressed messages that carry `events`: one, or several where one would be too large.
pub(crate) fn data_messages(envelope: Envelope<'_>, events: &[MessageEvent]) -> Vec<Bytes> {
    let message = Message {
        message_type: "DATA_MESSAGE",
        owner: envelope.owner,
        log_group: envelope.group,
        log_stream: envelope.stream,
        subscription_filters: vec![envelope.filter],
        log_events: events,
        policy_level: envelope.is_account_policy.then_some("ACCOUNT_LEVEL_POLICY"),
    };
    let compressed = compress(&message);
    if compressed.len() <= COMPRESSED_BYTES_MAX || events.len() < 2 {
        return vec![compressed];
    }
    let (first, second) = events.split_at(events.len() / 2);
    let mut messages = data_messages(envelope, first);
    messages.extend(data_messages(envelope, second));
    messages
}

/// What a stream is sent to see whether it takes records.
pub(crate) fn control_message(kind: TargetKind, now: Timestamp) -> Bytes {
    let event = MessageEvent {
        id: String::new(),
        timestamp: now.as_millis(),
        message: format!("CWL CONTROL MESSAGE: Checking health of destination {}.", kind.name()),
        extracted_fields: BTreeMap::new(),
    };
    compress(&Message {
        message_type: "CONTROL_MESSAGE",
        owner: "CloudwatchLogs",
        log_group: "",
        log_stream: "",
        subscription_filters: Vec::new(),
        log_events: &[event],
        policy_level: None,
    })
}

/// The event a function is invoked with.
pub(crate) fn invocation(message: &Bytes) -> Bytes {
    // Base64 needs no escape in JSON.
    format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, STANDARD.encode(message)).into()
}

fn compress(message: &Message<'_>) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut encoder, message)
        .expect("strings and numbers are JSON, and memory takes bytes");
    encoder.flush().and_then(|()| encoder.finish()).expect("memory takes bytes").into()
}

#[cfg(test)]
pub(crate) fn decompress(message: &[u8]) -> serde_json::Value {
    serde_json::from_reader(flate2::read::GzDecoder::new(message)).unwrap()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn envelope<'a>() -> Envelope<'a> {
        Envelope { owner: "111111111111", group: "g", stream: "s", filter: "f", is_account_policy: false }
    }

    fn event(id: &str, message: String) -> MessageEvent {
        MessageEvent { id: id.to_owned(), timestamp: 1, message, extracted_fields: BTreeMap::new() }
    }

    #[test]
    fn a_message_is_what_consumers_know() {
        let messages = data_messages(envelope(), &[event("01", "a \"b\"\n".to_owned())]);
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        let expected = json!({
            "messageType": "DATA_MESSAGE", "owner": "111111111111", "logGroup": "g", "logStream": "s",
            "subscriptionFilters": ["f"],
            "logEvents": [{"id": "01", "timestamp": 1, "message": "a \"b\"\n"}],
        });
        assert_eq!(decompress(message), expected);
        let invocation: serde_json::Value = serde_json::from_slice(&invocation(message)).unwrap();
        let data = invocation["awslogs"]["data"].as_str().unwrap();
        assert_eq!(STANDARD.decode(data).unwrap(), message.as_ref());

        let policy = Envelope { is_account_policy: true, ..envelope() };
        let message = decompress(&data_messages(policy, &[event("1", "x".to_owned())])[0]);
        assert_eq!(message["policyLevel"], "ACCOUNT_LEVEL_POLICY");
        let control = decompress(&control_message(TargetKind::DeliveryStream, Timestamp::from_millis(5)));
        assert_eq!(control["messageType"], "CONTROL_MESSAGE");
        assert_eq!(control["logEvents"][0]["timestamp"], 5);
    }

    /// Text that hardly compresses.
    fn noise(length: usize, mut state: u64) -> String {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b' ' + (state >> 57) as u8 % 95)
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn what_is_too_large_is_split_and_a_single_event_is_not() {
        let events: Vec<_> = (0..8).map(|n| event(&n.to_string(), noise(200_000, n))).collect();
        let messages = data_messages(envelope(), &events);
        assert!(messages.len() > 1 && messages.iter().all(|m| m.len() <= COMPRESSED_BYTES_MAX));
        let ids: Vec<String> = messages
            .iter()
            .flat_map(|m| decompress(m)["logEvents"].as_array().unwrap().clone())
            .map(|e| e["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, ["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(data_messages(envelope(), &[event("1", noise(1_000_000, 3))]).len(), 1);
    }
}
