//! `/v1/logs`: log records as log events, each message one JSON object.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html> and
//! <https://opentelemetry.io/docs/specs/otel/logs/data-model/>.

use base::Timestamp;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use serde::Serialize;
use serde_json::{Map, Value};
use signals::LogEvent;

use super::{ExportLogsServiceRequest, Refusal, Rejections, to_json};

/// Log records of one request.
const RECORDS_MAX: usize = 10_000;
/// Bytes of a resource or a scope.
const CONTEXT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of one event with the 26 that are counted for each, and of all of a request.
const EVENT_BYTES_MAX: usize = 1_048_576;
const EVENT_OVERHEAD_BYTES: usize = 26;
const SPREAD_MILLIS_MAX: i64 = 24 * 3_600_000;

/// A request as log events, in the order they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Logs {
    pub events: Vec<LogEvent>,
    /// Records that were not taken.
    pub rejected: u64,
    /// Why: the first reason, and how many more there are.
    pub error_message: Option<String>,
}

/// Translates the records received at `now`. Whether their times are acceptable is for the sink to say; that they
/// are not more than 24 hours apart is checked here.
pub fn logs(request: &ExportLogsServiceRequest, now: Timestamp) -> Result<Logs, Refusal> {
    let scopes = || request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    let count: usize = scopes().map(|scope| scope.log_records.len()).sum();
    if count > RECORDS_MAX {
        return Err(Refusal::TooManyItems { count, what: "log records", most: RECORDS_MAX });
    }
    let resources = request.resource_logs.iter().filter_map(|resource| resource.resource.as_ref());
    if resources.map(Message::encoded_len).any(|length| length > CONTEXT_BYTES_MAX)
        || scopes().filter_map(|s| s.scope.as_ref()).any(|scope| scope.encoded_len() > CONTEXT_BYTES_MAX)
    {
        return Err(Refusal::ContextTooLarge);
    }
    let mut result = Logs::default();
    let (mut rejections, mut total) = (Rejections::default(), 0);
    for resource_logs in &request.resource_logs {
        let resource = resource_logs
            .resource
            .as_ref()
            .map(|resource| Context { attributes: object(&resource.attributes), ..Context::default() });
        let resource = resource.filter(|resource| !resource.attributes.is_empty());
        for scope_logs in &resource_logs.scope_logs {
            let scope = scope_logs.scope.as_ref().and_then(Context::of_scope);
            for record in &scope_logs.log_records {
                let event = event(record, resource.as_ref(), scope.as_ref(), now);
                let size = event.message.len() + EVENT_OVERHEAD_BYTES;
                if size > EVENT_BYTES_MAX {
                    rejections.add("log record is larger than 1 MB");
                    continue;
                }
                total += size;
                result.events.push(event);
            }
        }
    }
    if total > EVENT_BYTES_MAX {
        return Err(Refusal::TooLarge(total));
    }
    let times = || result.events.iter().map(|event| event.timestamp.as_millis());
    if let (Some(earliest), Some(latest)) = (times().min(), times().max())
        && latest.saturating_sub(earliest) > SPREAD_MILLIS_MAX
    {
        return Err(Refusal::TooFarApart("log records"));
    }
    result.rejected = rejections.count;
    result.error_message = rejections.message();
    match &result.error_message {
        Some(message) if result.events.is_empty() => Err(Refusal::AllRejected(message.clone())),
        _ => Ok(result),
    }
}

/// A record as it is stored; what is empty is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a Context>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a Context>,
    #[serde(skip_serializing_if = "is_zero")]
    time_unix_nano: u64,
    #[serde(skip_serializing_if = "is_zero")]
    observed_time_unix_nano: u64,
    #[serde(skip_serializing_if = "is_none")]
    severity_number: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    severity_text: &'a str,
    #[serde(skip_serializing_if = "Value::is_null")]
    body: Value,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(skip_serializing_if = "is_unset")]
    flags: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    trace_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    span_id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    event_name: &'a str,
    #[serde(skip_serializing_if = "is_unset")]
    dropped_attributes_count: u32,
}

/// A resource or an instrumentation scope.
#[derive(Default, Serialize)]
struct Context {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
}

impl Context {
    fn of_scope(scope: &InstrumentationScope) -> Option<Self> {
        let context = Self {
            name: scope.name.clone(),
            version: scope.version.clone(),
            attributes: object(&scope.attributes),
        };
        let is_empty = context.name.is_empty() && context.version.is_empty() && context.attributes.is_empty();
        (!is_empty).then_some(context)
    }
}

fn event(
    record: &LogRecord,
    resource: Option<&Context>,
    scope: Option<&Context>,
    now: Timestamp,
) -> LogEvent {
    let stored = Stored {
        resource,
        scope,
        time_unix_nano: record.time_unix_nano,
        observed_time_unix_nano: record.observed_time_unix_nano,
        severity_number: record.severity_number,
        severity_text: &record.severity_text,
        body: to_json(record.body.as_ref().and_then(|body| body.value.as_ref())),
        attributes: object(&record.attributes),
        flags: record.flags,
        trace_id: hex::encode(&record.trace_id),
        span_id: hex::encode(&record.span_id),
        event_name: &record.event_name,
        dropped_attributes_count: record.dropped_attributes_count,
    };
    let nanos = [record.time_unix_nano, record.observed_time_unix_nano].into_iter().find(|nanos| *nanos > 0);
    let timestamp = match nanos.and_then(|nanos| i64::try_from(nanos / 1_000_000).ok()) {
        Some(millis) => Timestamp::from_millis(millis),
        None => now,
    };
    // Keys are text and numbers finite: writing such a value cannot fail.
    LogEvent::new(timestamp, serde_json::to_string(&stored).unwrap_or_default())
}

/// Attributes as an object; of a repeated key the last value counts.
fn object(attributes: &[KeyValue]) -> Map<String, Value> {
    let value = |pair: &KeyValue| to_json(pair.value.as_ref().and_then(|value| value.value.as_ref()));
    attributes.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_zero(nanos: &u64) -> bool {
    *nanos == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_none(number: &i32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
fn is_unset(number: &u32) -> bool {
    *number == 0
}
