//! Bytes of a file become events.

use base::Timestamp;

use super::{Event, Rules};

/// Bytes of one event's text, leaving room for its overhead and the mark below.
const EVENT_BYTES_MAX: usize = 1_048_576 - 200;
const TRUNCATED: &str = "[Truncated...]";
/// An event that may go on waits so long for more.
const IDLE_MILLIS: u64 = 5000;

/// An event and the byte of the file after it. `event` is `None` for what is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) event: Option<Event>,
    pub(crate) end: u64,
}

/// Cuts one file into events.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// Bytes of a line that has not ended.
    line: Vec<u8>,
    /// How much of a line was thrown away because it is too long.
    line_cut: bool,
    /// The event that may still go on.
    pending: Option<Pending>,
    /// Where the next byte will be.
    position: u64,
    /// Of the last event with a time of its own.
    last_timestamp: Option<i64>,
    /// When bytes last arrived.
    last_data: Timestamp,
    /// Lines and pieces of lines thrown away for their length.
    pub(crate) cut: u64,
}

#[derive(Debug)]
struct Pending {
    text: String,
    timestamp: i64,
    end: u64,
    is_full: bool,
}

impl Assembler {
    pub(crate) fn new(position: u64, last_timestamp: Option<i64>, now: Timestamp) -> Self {
        Self {
            line: Vec::new(),
            line_cut: false,
            pending: None,
            position,
            last_timestamp,
            last_data: now,
            cut: 0,
        }
    }

    pub(crate) fn last_timestamp(&self) -> Option<i64> {
        self.last_timestamp
    }

    /// Takes what was read next.
    pub(crate) fn feed(&mut self, bytes: &[u8], rules: &Rules, now: Timestamp) -> Vec<Piece> {
        let mut pieces = Vec::new();
        self.last_data = now;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.position += part.len() as u64;
            let (text, has_end) = match part.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (part, false),
            };
            let room = EVENT_BYTES_MAX.saturating_sub(self.line.len());
            self.line_cut |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            if has_end {
                self.end_line(rules, now, &mut pieces);
            }
        }
        pieces
    }

    /// What there is, if nothing came for a while: the event is over, and so is an unfinished line.
    pub(crate) fn idle(&mut self, rules: &Rules, now: Timestamp) -> Vec<Piece> {
        let waits = !self.line.is_empty() || self.pending.is_some();
        if !waits || now.millis_since(self.last_data) < IDLE_MILLIS as i64 {
            return Vec::new();
        }
        self.finish(rules, now)
    }

    /// Everything that is left, because nothing will follow.
    pub(crate) fn finish(&mut self, rules: &Rules, now: Timestamp) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.line.is_empty() {
            self.end_line(rules, now, &mut pieces);
        }
        pieces.extend(self.complete(rules));
        pieces
    }

    fn end_line(&mut self, rules: &Rules, now: Timestamp, pieces: &mut Vec<Piece>) {
        let mut bytes = std::mem::take(&mut self.line);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if std::mem::take(&mut self.line_cut) {
            text.push_str(TRUNCATED);
            self.cut += 1;
        }
        let goes_on = self.pending.is_some() && !text.is_empty() && !rules.starts_event(&text);
        if goes_on && let Some(pending) = &mut self.pending {
            pending.end = self.position;
            if pending.is_full || pending.text.len() + 1 + text.len() > EVENT_BYTES_MAX {
                pending.is_full = true;
                self.cut += 1;
            } else {
                pending.text.push('\n');
                pending.text.push_str(&text);
            }
            return;
        }
        // Empty lines are not sent, and are no part of an event.
        if text.is_empty() {
            match &mut self.pending {
                Some(pending) => pending.end = self.position,
                None => pieces.push(Piece { event: None, end: self.position }),
            }
            return;
        }
        pieces.extend(self.complete(rules));
        let found = rules.timestamp.as_ref().and_then(|format| format.find(&text, now));
        let timestamp = match found {
            Some((at, place)) => {
                if rules.trim_timestamp {
                    text.replace_range(place, "");
                }
                self.last_timestamp = Some(at);
                at
            }
            None => match (&rules.timestamp, self.last_timestamp) {
                (Some(_), Some(last)) => last,
                _ => now.as_millis(),
            },
        };
        self.pending = Some(Pending { text, timestamp, end: self.position, is_full: false });
    }

    fn complete(&mut self, rules: &Rules) -> Option<Piece> {
        let Pending { text, timestamp, end, .. } = self.pending.take()?;
        let event = rules.passes(&text).then_some(Event { timestamp, message: text });
        Some(Piece { event, end })
    }
}
