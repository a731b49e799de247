//! One message of an event stream and its frame.

use super::header::{self, HeaderValue};

pub const PAYLOAD_BYTES_MAX: usize = 24 * 1024 * 1024;
pub const HEADERS_BYTES_MAX: usize = 128 * 1024;

/// Total length, headers length and their checksum.
const PRELUDE_BYTES: usize = 12;
/// Everything that is neither headers nor payload.
const OVERHEAD_BYTES: usize = 16;

/// Why bytes are no frame, or a message cannot be framed. A stream cannot continue behind one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the frame's lengths contradict one another or exceed the limits")]
    Length,
    #[error("the frame's checksum is wrong")]
    Checksum,
    #[error("malformed header")]
    Header,
}

/// A message: headers that say what it is, and a payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    pub headers: Vec<(String, HeaderValue)>,
    pub payload: Vec<u8>,
}

impl Message {
    /// An event of a JSON service; `event_type` is the union's member.
    pub fn event(event_type: &str, json: Vec<u8>) -> Self {
        let headers =
            [(":message-type", "event"), (":event-type", event_type), (":content-type", "application/json")];
        Self::with(&headers, json)
    }

    /// The first message of a stream: the output's members outside the stream.
    pub fn initial_response(json: Vec<u8>) -> Self {
        // AWS: of the protocol's own type, unlike the events that follow.
        let headers = [
            (":message-type", "event"),
            (":event-type", "initial-response"),
            (":content-type", "application/x-amz-json-1.1"),
        ];
        Self::with(&headers, json)
    }

    /// An exception of the model; `exception_type` is the union's member.
    pub fn exception(exception_type: &str, json: Vec<u8>) -> Self {
        let headers = [
            (":message-type", "exception"),
            (":exception-type", exception_type),
            (":content-type", "application/json"),
        ];
        Self::with(&headers, json)
    }

    /// A failure that the model does not know.
    pub fn error(code: &str, message: &str) -> Self {
        let headers = [(":message-type", "error"), (":error-code", code), (":error-message", message)];
        Self::with(&headers, Vec::new())
    }

    fn with(headers: &[(&str, &str)], payload: Vec<u8>) -> Self {
        let owned =
            |(name, value): &(&str, &str)| ((*name).to_owned(), HeaderValue::String((*value).to_owned()));
        Self { headers: headers.iter().map(owned).collect(), payload }
    }

    pub fn header(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// Appends the message's frame; on failure `out` is as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            header::push(&mut headers, name, value)?;
        }
        if headers.len() > HEADERS_BYTES_MAX || self.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(FrameError::Length);
        }
        let total = OVERHEAD_BYTES + headers.len() + self.payload.len();
        out.reserve(total);
        let start = out.len();
        out.extend_from_slice(&(total as u32).to_be_bytes());
        out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        let prelude = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&prelude.to_be_bytes());
        out.extend_from_slice(&headers);
        out.extend_from_slice(&self.payload);
        let checksum = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&checksum.to_be_bytes());
        Ok(())
    }
}

/// Takes frames out of bytes as they arrive.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where the next frame starts.
    start: usize,
}

impl Decoder {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message, or `None` until more bytes have come.
    pub fn next_message(&mut self) -> Result<Option<Message>, FrameError> {
        let available = &self.buffer[self.start..];
        let Some(prelude) = available.first_chunk::<PRELUDE_BYTES>() else { return Ok(None) };
        let total = be_u32(&prelude[0..4]) as usize;
        let headers = be_u32(&prelude[4..8]) as usize;
        // The checksum first: the lengths of a damaged prelude mean nothing.
        if crc32fast::hash(&prelude[..8]) != be_u32(&prelude[8..12]) {
            return Err(FrameError::Checksum);
        }
        let payload = total.checked_sub(OVERHEAD_BYTES).and_then(|rest| rest.checked_sub(headers));
        if headers > HEADERS_BYTES_MAX || payload.is_none_or(|length| length > PAYLOAD_BYTES_MAX) {
            return Err(FrameError::Length);
        }
        let Some(frame) = available.get(..total) else { return Ok(None) };
        let (content, checksum) = frame.split_at(total - 4);
        if crc32fast::hash(content) != be_u32(checksum) {
            return Err(FrameError::Checksum);
        }
        let (headers, payload) = content[PRELUDE_BYTES..].split_at(headers);
        let message = Message { headers: header::parse(headers)?, payload: payload.to_vec() };
        self.start += total;
        Ok(Some(message))
    }
}

/// Callers pass four bytes.
fn be_u32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of `spec/protocols.md` §11.
    #[test]
    fn an_empty_message_is_sixteen_bytes() {
        let mut out = Vec::new();
        Message::default().encode(&mut out).unwrap();
        let expected = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(out, expected);
    }

    #[test]
    fn messages_come_back_however_the_bytes_are_cut() {
        let all = [
            Message::initial_response(b"{}".to_vec()),
            Message::event("sessionStart", br#"{"a":1}"#.to_vec()),
            Message::exception("SessionTimeoutException", b"{}".to_vec()),
            Message::error("InternalFailure", "failed"),
            Message {
                headers: vec![
                    ("t".to_owned(), HeaderValue::Boolean(true)),
                    ("f".to_owned(), HeaderValue::Boolean(false)),
                    ("b".to_owned(), HeaderValue::Byte(-1)),
                    ("s".to_owned(), HeaderValue::Short(-2)),
                    ("i".to_owned(), HeaderValue::Integer(-3)),
                    ("l".to_owned(), HeaderValue::Long(-4)),
                    ("y".to_owned(), HeaderValue::Bytes(vec![1, 2, 3])),
                    ("time".to_owned(), HeaderValue::Timestamp(base::Timestamp::from_millis(5))),
                    ("u".to_owned(), HeaderValue::Uuid([7; 16])),
                ],
                payload: vec![9; 1000],
            },
        ];
        let mut bytes = Vec::new();
        for message in &all {
            message.encode(&mut bytes).unwrap();
        }
        for size in [1, 7, 64, bytes.len()] {
            let mut decoder = Decoder::new();
            let mut found = Vec::new();
            for chunk in bytes.chunks(size) {
                decoder.feed(chunk);
                while let Some(message) = decoder.next_message().unwrap() {
                    found.push(message);
                }
            }
            assert_eq!(found, all);
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        Message::event("x", b"{}".to_vec()).encode(&mut bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let mut decoder = Decoder::new();
            decoder.feed(&damaged);
            assert!(decoder.next_message().is_err(), "bit {bit}");
        }
    }

    #[test]
    fn names_and_payloads_have_limits() {
        let long = Message { headers: vec![("x".repeat(256), HeaderValue::Byte(1))], payload: vec![] };
        assert_eq!(long.encode(&mut Vec::new()), Err(FrameError::Header));
        let large = Message { headers: vec![], payload: vec![0; PAYLOAD_BYTES_MAX + 1] };
        assert_eq!(large.encode(&mut Vec::new()), Err(FrameError::Length));
    }
}
