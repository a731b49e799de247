//! The `cause` block: exceptions out of a span's events and status.

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Map, Value, json};

use super::attributes::Attributes;
use super::span::SpanContext;
use super::stack::{self, Trace};

pub(super) fn cause(cx: &SpanContext<'_>, status_text: &Option<String>) -> Option<Value> {
    let mut exceptions: Vec<Value> = Vec::new();
    let remote = matches!(cx.kind, SpanKind::Client | SpanKind::Producer);
    for event in &cx.span.events {
        if event.name == "exception" {
            exception(cx, event, remote, &mut exceptions);
        } else if cx.is_aws_sdk() && event.name == "HTTP request failure" {
            exceptions.extend(http_failure(cx, event, exceptions.len()));
        }
    }
    let status = cx.span.status.as_ref().filter(|status| status.code == StatusCode::Error as i32);
    if let (true, Some(status)) = (exceptions.is_empty(), status) {
        let message =
            if status.message.is_empty() { status_text.as_deref() } else { Some(status.message.as_str()) };
        if let Some(message) = message {
            let id = cx.derived_id("exception", 0);
            exceptions.push(json!({"id": id, "type": "", "message": message, "remote": remote}));
        }
    }
    (!exceptions.is_empty()).then(|| json!({"exceptions": exceptions}))
}

/// An `exception` event, with the exceptions its stack trace says caused it, each naming the next.
fn exception(cx: &SpanContext<'_>, event: &Event, remote: bool, exceptions: &mut Vec<Value>) {
    let attributes = Attributes::new(&event.attributes);
    let language = cx.resource.peek_text(&["telemetry.sdk.language"]).unwrap_or_default();
    let traces = match attributes.take_text(&["exception.stacktrace"]) {
        Some(text) => stack::parse(language, text),
        None => Vec::new(),
    };
    let mut first = Map::new();
    let id = attributes.take_text(&["aws.xray.exception.id"]).map(str::to_owned);
    first.insert("id".to_owned(), id.unwrap_or_else(|| cx.derived_id("exception", exceptions.len())).into());
    for (member, key) in [("type", "exception.type"), ("message", "exception.message")] {
        if let Some(text) = attributes.take_text(&[key]) {
            first.insert(member.to_owned(), text.into());
        }
    }
    let remote = attributes.take_flag("aws.xray.exception.remote").unwrap_or(remote);
    first.insert("remote".to_owned(), remote.into());
    for member in ["truncated", "skipped"] {
        if let Some(count) = attributes.take_integer(&[&format!("aws.xray.exception.{member}")]) {
            first.insert(member.to_owned(), count.into());
        }
    }
    if let Some(cause) = attributes.take_text(&["aws.xray.exception.cause"]) {
        first.insert("cause".to_owned(), cause.into());
    }
    let mut chain = vec![first];
    for (number, trace) in traces.into_iter().take(CHAIN_MAX).enumerate() {
        let Trace { kind, message, frames } = trace;
        if number > 0 {
            let id = cx.derived_id("exception", exceptions.len() + number);
            if let Some(previous) = chain.last_mut() {
                previous.insert("cause".to_owned(), id.clone().into());
            }
            let mut linked = Map::new();
            linked.insert("id".to_owned(), id.into());
            linked.insert("type".to_owned(), kind.into());
            linked.insert("message".to_owned(), message.into());
            chain.push(linked);
        }
        if let (false, Some(exception)) = (frames.is_empty(), chain.last_mut()) {
            let stack: Vec<Value> = frames
                .into_iter()
                .map(|frame| json!({"path": frame.path, "line": frame.line, "label": frame.label}))
                .collect();
            exception.insert("stack".to_owned(), stack.into());
        }
    }
    exceptions.extend(chain.into_iter().map(Value::Object));
}

/// A failed attempt of an AWS SDK call.
fn http_failure(cx: &SpanContext<'_>, event: &Event, number: usize) -> Option<Value> {
    let attributes = Attributes::new(&event.attributes);
    let code = attributes.take_integer(&["http.response.status_code"])?;
    let text = attributes.take_text(&["aws.http.error_message"]).unwrap_or_default();
    let seconds = event.time_unix_nano as f64 / 1e9;
    Some(json!({
        "id": cx.derived_id("exception", number),
        "type": "aws.http.error.event",
        "message": format!("{code}@{seconds:.6}@{text}"),
        "remote": true,
    }))
}

/// Linked exceptions kept of one event.
const CHAIN_MAX: usize = 32;
