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
    /// Whether group and stream come into being when they are missing; else the batch is refused.
    pub create: bool,
    pub events: Vec<LogEvent>,
}

/// Events of a batch that were not taken, because of their time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogRejections {
    /// More than 14 days old.
    pub too_old: usize,
    /// Older than the group keeps events.
    pub expired: usize,
    /// More than 2 hours ahead.
    pub too_new: usize,
}

impl LogRejections {
    pub fn total(&self) -> usize {
        self.too_old + self.expired + self.too_new
    }
}
