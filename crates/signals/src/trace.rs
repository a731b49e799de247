//! Trace segments, as X-Ray accepts them.
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>.

use std::fmt;
use std::str::FromStr;

use base::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A trace id: 128 bits, written `1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx` by X-Ray and as 32 hexadecimal
/// digits by W3C Trace Context. Both forms are read; X-Ray's is written, in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(u128);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a trace id: {0:?}")]
pub struct TraceIdError(pub String);

impl TraceId {
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The first 32 bits, which X-Ray SDKs set to the request's epoch seconds.
    pub const fn embedded_secs(self) -> u32 {
        (self.0 >> 96) as u32
    }

    /// 32 lower-case hexadecimal digits.
    pub fn to_w3c(self) -> String {
        format!("{:032x}", self.0)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1-{:08x}-{:024x}", self.0 >> 96, self.0 & (u128::MAX >> 32))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for TraceId {
    type Err = TraceIdError;

    fn from_str(text: &str) -> Result<Self, TraceIdError> {
        let error = || TraceIdError(text.to_owned());
        let bytes = text.as_bytes();
        let hex = |part: &[u8]| -> Option<u128> {
            part.iter().try_fold(0u128, |n, b| Some(n << 4 | u128::from(char::from(*b).to_digit(16)?)))
        };
        let bits = match bytes.len() {
            35 if bytes.starts_with(b"1-") && bytes[10] == b'-' => {
                hex(&bytes[2..10]).zip(hex(&bytes[11..])).map(|(high, low)| high << 96 | low)
            }
            32 => hex(bytes),
            _ => None,
        };
        bits.map(TraceId).ok_or_else(error)
    }
}

impl TryFrom<String> for TraceId {
    type Error = TraceIdError;
    fn try_from(text: String) -> Result<Self, TraceIdError> {
        text.parse()
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> String {
        id.to_string()
    }
}

/// One segment document (or a subsegment sent alone), validated, with the few facts the store needs
/// to find it. Everything else stays in the document.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSegment {
    pub trace_id: TraceId,
    /// The document's `id`, 64 bits.
    pub id: u64,
    pub parent_id: Option<u64>,
    /// Whether this is a document with `type: "subsegment"`, sent apart from its segment.
    pub is_lone_subsegment: bool,
    pub in_progress: bool,
    pub name: String,
    pub start_time: Timestamp,
    /// `None` while in progress.
    pub end_time: Option<Timestamp>,
    /// Earliest start of anything in the document: itself and the subsegments embedded in it.
    pub first_time: Timestamp,
    /// Latest end of anything in the document; what is unfinished counts by its start.
    pub last_time: Timestamp,
    /// Whether anything in the document is in progress.
    pub is_unfinished: bool,
    pub received: Timestamp,
    /// Compact JSON: the compiled document, as BatchGetTraces returns it.
    pub document: Bytes,
}

/// Why one document of a call was not accepted; the others are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRejection {
    /// The document's `id`, when it could be read.
    pub id: Option<String>,
    pub error_code: String,
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_and_writes_the_xray_form() {
        let xray: TraceId = "1-581CF771-a006649127e371903a2de979".parse().unwrap();
        let w3c: TraceId = "581cf771a006649127e371903a2de979".parse().unwrap();
        assert_eq!(xray, w3c);
        assert_eq!(xray.to_string(), "1-581cf771-a006649127e371903a2de979");
        assert_eq!(xray.embedded_secs(), 0x581c_f771);
        for bad in ["", "1-581cf771-a006649127e371903a2de97", "2-581cf771-a006649127e371903a2de979", "zz"] {
            assert!(bad.parse::<TraceId>().is_err(), "{bad}");
        }
    }
}
