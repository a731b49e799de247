//! Embedded metric format received over sockets, and sent on as log events; metrics are made of it by the server.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Generation_CloudWatch_Agent.html>.

use std::collections::BTreeMap;

use base::Timestamp;
use serde_json::{Value, json};

use crate::logs::Event;

/// Bytes of one document.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// Documents that wait for the server; more are dropped and counted.
const WAITING_MAX: usize = 50_000;
const BYTES_WAITING_MAX: usize = 16 << 20;
/// Where documents without a group go.
pub(crate) const DEFAULT_GROUP: &str = "emf_default";

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmfProblem {
    NotJson,
    NoMetadata,
    TooLong,
}

/// A document with its group and stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub(crate) log_group: String,
    pub(crate) log_stream: String,
    pub(crate) event: Event,
}

/// Reads one line; its time is now if it has none.
pub(crate) fn parse(line: &str, default_stream: &str, now: Timestamp) -> Result<Document, EmfProblem> {
    if line.len() > LINE_BYTES_MAX {
        return Err(EmfProblem::TooLong);
    }
    let mut value: Value = serde_json::from_str(line).map_err(|_| EmfProblem::NotJson)?;
    let metadata = value.get_mut("_aws").and_then(Value::as_object_mut).ok_or(EmfProblem::NoMetadata)?;
    let text = |name: &str| metadata.get(name).and_then(Value::as_str).map(str::to_owned);
    let log_group = text("LogGroupName").unwrap_or_else(|| DEFAULT_GROUP.to_owned());
    let log_stream = text("LogStreamName").unwrap_or_else(|| default_stream.to_owned());
    let given = metadata.get("Timestamp").and_then(Value::as_i64);
    let timestamp = given.unwrap_or_else(|| now.as_millis());
    let message = match given {
        Some(_) => line.to_owned(),
        None => {
            metadata.insert("Timestamp".to_owned(), json!(timestamp));
            value.to_string()
        }
    };
    Ok(Document { log_group, log_stream, event: Event { timestamp, message } })
}

/// Documents that wait for the next flush, by group and stream.
#[derive(Debug, Default)]
pub(crate) struct EmfBuffer {
    waiting: BTreeMap<(String, String), Vec<Event>>,
    count: usize,
    bytes: usize,
    pub(crate) rejected: u64,
    pub(crate) dropped: u64,
}

impl EmfBuffer {
    /// Takes the lines of a datagram or of a piece of a stream.
    pub(crate) fn receive(&mut self, text: &str, default_stream: &str, now: Timestamp) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match parse(line, default_stream, now) {
                Err(problem) => {
                    tracing::debug!(?problem, "a line is not embedded metric format");
                    self.rejected += 1;
                }
                Ok(_) if self.count >= WAITING_MAX || self.bytes >= BYTES_WAITING_MAX => self.dropped += 1,
                Ok(Document { log_group, log_stream, event }) => {
                    self.count += 1;
                    self.bytes += event.message.len();
                    self.waiting.entry((log_group, log_stream)).or_default().push(event);
                }
            }
        }
    }

    pub(crate) fn take(&mut self) -> BTreeMap<(String, String), Vec<Event>> {
        (self.count, self.bytes) = (0, 0);
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_say_where_they_go() {
        let now = Timestamp::from_millis(5000);
        let line =
            r#"{"_aws":{"Timestamp":1,"LogGroupName":"g","LogStreamName":"s","CloudWatchMetrics":[]},"x":1}"#;
        let document = parse(line, "d", now).unwrap();
        assert_eq!((document.log_group.as_str(), document.log_stream.as_str()), ("g", "s"));
        assert_eq!(document.event, Event { timestamp: 1, message: line.to_owned() });
        let document = parse(r#"{"_aws":{}}"#, "d", now).unwrap();
        assert_eq!((document.log_group.as_str(), document.log_stream.as_str()), (DEFAULT_GROUP, "d"));
        assert_eq!(document.event.message, r#"{"_aws":{"Timestamp":5000}}"#);
        assert_eq!(parse("{", "d", now), Err(EmfProblem::NotJson));
        assert_eq!(parse(r#"{"a":1}"#, "d", now), Err(EmfProblem::NoMetadata));
        let long = format!("{{\"_aws\":{{}},\"x\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(parse(&long, "d", now), Err(EmfProblem::TooLong));
    }

    #[test]
    fn good_lines_are_kept_beside_bad_ones() {
        let mut buffer = EmfBuffer::default();
        buffer.receive("{\"_aws\":{\"LogGroupName\":\"a\"}}\nbad\n{\"_aws\":{}}\n", "s", Timestamp::EPOCH);
        assert_eq!(buffer.rejected, 1);
        let groups: Vec<String> = buffer.take().into_keys().map(|(group, _)| group).collect();
        assert_eq!(groups, ["a", DEFAULT_GROUP]);
        assert!(buffer.take().is_empty());
    }
}
