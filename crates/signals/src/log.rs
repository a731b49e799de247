//! Log events, as the Logs service accepts them.

use base::{Scope, Timestamp};
use bytes::Bytes;

/// One log event before it has a place in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// When the producer says it happened.
    pub timestamp: Timestamp,
    /// UTF-8, byte for byte what the producer sent. Holders must only build it from valid UTF-8.
    pub message: Bytes,
}

impl LogEvent {
    pub fn new(timestamp: Timestamp, message: impl Into<String>) -> Self {
        Self { timestamp, message: Bytes::from(message.into()) }
    }

    /// The message as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.message).unwrap_or("\u{fffd}")
    }
}

/// Events for one log stream, in the order the producer sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogBatch {
    pub scope: Scope,
    pub log_group: String,
    pub log_stream: String,
    pub events: Vec<LogEvent>,
}
