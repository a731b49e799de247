//! OTLP: requests decoded from protobuf or JSON, translated to signals, and the answers OTLP clients read.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/>.

mod attributes;
mod aws;
mod cause;
mod http;
mod naming;
mod span;
mod stack;
mod traces;

use base64::Engine;
pub use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message;
use serde_json::{Value, json};

pub use traces::{Refusal, Traces, traces};

/// Largest `/v1/traces` body after decompression: 5 MB.
pub const TRACES_BODY_BYTES_MAX: usize = 5 * 1024 * 1024;

/// How a request's body is written, and so its answer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`
    Protobuf,
    /// `application/json`
    Json,
}

impl Encoding {
    /// By the `Content-Type` header, parameters ignored; `None` for a type OTLP does not have (answer 415).
    pub fn from_content_type(value: &str) -> Option<Self> {
        let essence = value.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Protobuf)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

/// A body that is not what its content type says. Answer 400.
#[derive(Debug, thiserror::Error)]
#[error("the request body cannot be decoded: {0}")]
pub struct DecodeError(String);

/// Reads the body of `/v1/traces`.
pub fn decode_traces(encoding: Encoding, body: &[u8]) -> Result<ExportTraceServiceRequest, DecodeError> {
    match encoding {
        Encoding::Protobuf => decode_protobuf(body),
        Encoding::Json => decode_json(body),
    }
}

pub fn decode_protobuf(body: &[u8]) -> Result<ExportTraceServiceRequest, DecodeError> {
    ExportTraceServiceRequest::decode(body).map_err(|error| DecodeError(error.to_string()))
}

/// Reads proto3 JSON as OTLP has it: hexadecimal ids, integer enums, unknown keys ignored.
pub fn decode_json(body: &[u8]) -> Result<ExportTraceServiceRequest, DecodeError> {
    serde_json::from_slice(body).map_err(|error| DecodeError(error.to_string()))
}

/// The body of a 200 answer to `/v1/traces`. With nothing rejected and no message it is empty (`{}`).
pub fn traces_response(encoding: Encoding, rejected_spans: u64, error_message: Option<&str>) -> Vec<u8> {
    let partial = (rejected_spans > 0 || error_message.is_some()).then(|| ExportTracePartialSuccess {
        rejected_spans: i64::try_from(rejected_spans).unwrap_or(i64::MAX),
        error_message: error_message.unwrap_or_default().to_owned(),
    });
    match encoding {
        Encoding::Protobuf => ExportTraceServiceResponse { partial_success: partial }.encode_to_vec(),
        Encoding::Json => match partial {
            None => b"{}".to_vec(),
            // 64-bit integers are written as strings in proto3 JSON.
            Some(partial) => json!({"partialSuccess": {
                "rejectedSpans": partial.rejected_spans.to_string(),
                "errorMessage": partial.error_message,
            }})
            .to_string()
            .into_bytes(),
        },
    }
}

/// The body of a failure: a `google.rpc.Status` with a gRPC code (3 is INVALID_ARGUMENT, 8
/// RESOURCE_EXHAUSTED, 14 UNAVAILABLE).
pub fn status_response(encoding: Encoding, code: i32, message: &str) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }
    match encoding {
        Encoding::Protobuf => Status { code, message: message.to_owned() }.encode_to_vec(),
        Encoding::Json => json!({"code": code, "message": message}).to_string().into_bytes(),
    }
}

/// A value as JSON: lists and key-value lists recursively, bytes in base64. JSON cannot write numbers
/// that are not finite; they become text.
fn to_json(value: Option<&Any>) -> Value {
    match value {
        None | Some(Any::StringValueStrindex(_)) => Value::Null,
        Some(Any::StringValue(text)) => Value::from(text.as_str()),
        Some(Any::BoolValue(flag)) => Value::from(*flag),
        Some(Any::IntValue(number)) => Value::from(*number),
        Some(Any::DoubleValue(number)) if number.is_finite() => Value::from(*number),
        Some(Any::DoubleValue(number)) => Value::from(number.to_string()),
        Some(Any::ArrayValue(list)) => list.values.iter().map(|v| to_json(v.value.as_ref())).collect(),
        Some(Any::KvlistValue(list)) => list
            .values
            .iter()
            .map(|pair| (pair.key.clone(), to_json(pair.value.as_ref().and_then(|v| v.value.as_ref()))))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Some(Any::BytesValue(bytes)) => Value::from(base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}
