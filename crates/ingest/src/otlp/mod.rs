//! OTLP: requests decoded from protobuf or JSON, translated to signals, and the answers OTLP clients read.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/>.

/// The gRPC services of the collector, for a server to implement.
pub mod grpc {
    pub use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
        LogsService, LogsServiceServer,
    };
    pub use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
        MetricsService, MetricsServiceServer,
    };
    pub use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
        TraceService, TraceServiceServer,
    };
}

mod attributes;
mod aws;
mod cause;
mod http;
mod logs;
mod metrics;
mod naming;
mod span;
mod stack;
mod traces;

use base64::Engine;
pub use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
pub use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
pub use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message;
use serde_json::{Value, json};

pub use logs::{Logs, logs};
pub use metrics::{CumulativeState, MetricOptions, Metrics, metrics};
pub use traces::{Traces, traces};

/// Largest `/v1/traces` body after decompression: 5 MB.
pub const TRACES_BODY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Largest `/v1/metrics` body after decompression: 1 MB.
pub const METRICS_BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest `/v1/logs` body after decompression: 1 MB of events may need more to say it.
pub const LOGS_BODY_BYTES_MAX: usize = 5 * 1024 * 1024;

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

/// A request of one of the signals.
pub trait ExportRequest: Message + Default + serde::de::DeserializeOwned {}

impl ExportRequest for ExportTraceServiceRequest {}
impl ExportRequest for ExportLogsServiceRequest {}
impl ExportRequest for ExportMetricsServiceRequest {}

/// Reads a request's body. JSON is proto3 JSON as OTLP has it: hexadecimal ids, integer enums, unknown keys ignored.
pub fn decode<R: ExportRequest>(encoding: Encoding, body: &[u8]) -> Result<R, DecodeError> {
    match encoding {
        Encoding::Protobuf => R::decode(body).map_err(|error| DecodeError(error.to_string())),
        Encoding::Json => serde_json::from_slice(body).map_err(|error| DecodeError(error.to_string())),
    }
}

/// What a client is told of an accepted request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    pub rejected: u64,
    pub error_message: Option<String>,
}

impl Outcome {
    /// Whether there is anything to say.
    pub fn is_full(&self) -> bool {
        self.rejected == 0 && self.error_message.is_none()
    }

    fn count(&self) -> i64 {
        i64::try_from(self.rejected).unwrap_or(i64::MAX)
    }

    fn message(&self) -> String {
        self.error_message.clone().unwrap_or_default()
    }

    pub fn of_traces(&self) -> ExportTraceServiceResponse {
        let partial =
            ExportTracePartialSuccess { rejected_spans: self.count(), error_message: self.message() };
        ExportTraceServiceResponse { partial_success: (!self.is_full()).then_some(partial) }
    }

    pub fn of_logs(&self) -> ExportLogsServiceResponse {
        let (rejected_log_records, error_message) = (self.count(), self.message());
        let partial = ExportLogsPartialSuccess { rejected_log_records, error_message };
        ExportLogsServiceResponse { partial_success: (!self.is_full()).then_some(partial) }
    }

    pub fn of_metrics(&self) -> ExportMetricsServiceResponse {
        let (rejected_data_points, error_message) = (self.count(), self.message());
        let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message };
        ExportMetricsServiceResponse { partial_success: (!self.is_full()).then_some(partial) }
    }

    /// The same as proto3 JSON, where `counter` is the member that counts what was rejected. 64-bit integers are
    /// written as strings there.
    pub fn to_json(&self, counter: &str) -> Value {
        if self.is_full() {
            return json!({});
        }
        json!({"partialSuccess": {counter: self.count().to_string(), "errorMessage": self.message()}})
    }
}

/// Why the whole request is refused; nothing of it is taken. Answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the request has {count} {what}, more than {most}")]
    TooManyItems { count: usize, what: &'static str, most: usize },
    #[error("a resource or scope is larger than 16384 bytes")]
    ContextTooLarge,
    #[error("the request has {0} bytes of log events, more than 1048576")]
    TooLarge(usize),
    #[error("the {0} of a request must not be more than 24 hours apart")]
    TooFarApart(&'static str),
    #[error("{0}")]
    AllRejected(String),
}

/// Items that are not taken while the others are.
#[derive(Default)]
struct Rejections {
    first: Option<&'static str>,
    count: u64,
}

impl Rejections {
    fn add(&mut self, reason: &'static str) {
        self.first.get_or_insert(reason);
        self.count += 1;
    }

    fn message(&self) -> Option<String> {
        let first = self.first?;
        Some(if self.count > 1 { format!("{first} (+{} more)", self.count - 1) } else { first.to_owned() })
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
