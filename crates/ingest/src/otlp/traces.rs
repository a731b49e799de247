//! `/v1/traces`: which spans are taken, and what of the request is refused.

use base::Timestamp;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::attributes::Attributes;
use super::span;
use super::{ExportTraceServiceRequest, Refusal, Rejections};

/// A request as X-Ray documents, ready for a trace sink.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Traces {
    pub documents: Vec<String>,
    /// Spans that were not taken.
    pub rejected_spans: u64,
    /// Why: the first reason, and how many more there are.
    pub error_message: Option<String>,
}

/// Translates the spans received at `now`. `indexed_attributes` become annotations of every span that has
/// them, besides those a span names itself.
pub fn traces(
    request: &ExportTraceServiceRequest,
    now: Timestamp,
    indexed_attributes: &[String],
) -> Result<Traces, Refusal> {
    check_request(request)?;
    let mut result = Traces::default();
    let mut taken = 0u64;
    let mut rejections = Rejections::default();
    let (mut earliest, mut latest) = (u64::MAX, 0);
    for resource_spans in &request.resource_spans {
        let pairs = resource_spans.resource.as_ref().map(|r| r.attributes.as_slice()).unwrap_or_default();
        let resource = Attributes::new(pairs);
        for span in resource_spans.scope_spans.iter().flat_map(|scope| &scope.spans) {
            match check_span(span, now) {
                Ok(()) => {
                    earliest = earliest.min(span.start_time_unix_nano);
                    latest = latest.max(span.start_time_unix_nano);
                    taken += 1;
                    for document in span::documents(span, &resource, indexed_attributes) {
                        result.documents.push(document.to_string());
                    }
                }
                Err(reason) => rejections.add(reason),
            }
        }
    }
    if taken > 0 && latest - earliest > SPREAD_NANOS_MAX {
        return Err(Refusal::TooFarApart("spans"));
    }
    result.rejected_spans = rejections.count;
    result.error_message = rejections.message();
    match &result.error_message {
        Some(message) if taken == 0 => Err(Refusal::AllRejected(message.clone())),
        _ => Ok(result),
    }
}

fn check_request(request: &ExportTraceServiceRequest) -> Result<(), Refusal> {
    let scopes = || request.resource_spans.iter().flat_map(|r| &r.scope_spans);
    let count: usize = scopes().map(|scope| scope.spans.len()).sum();
    if count > SPANS_MAX {
        return Err(Refusal::TooManyItems { count, what: "spans", most: SPANS_MAX });
    }
    let resources = request.resource_spans.iter().filter_map(|r| r.resource.as_ref());
    let too_large = resources.map(Message::encoded_len).any(|len| len > CONTEXT_BYTES_MAX)
        || scopes().filter_map(|s| s.scope.as_ref()).any(|s| s.encoded_len() > CONTEXT_BYTES_MAX);
    if too_large { Err(Refusal::ContextTooLarge) } else { Ok(()) }
}

fn check_span(span: &Span, now: Timestamp) -> Result<(), &'static str> {
    let is_id = |bytes: &[u8], len: usize| bytes.len() == len && bytes.iter().any(|b| *b != 0);
    if !is_id(&span.trace_id, 16) {
        return Err("invalid trace id");
    }
    if !is_id(&span.span_id, 8) {
        return Err("invalid span id");
    }
    if !matches!(span.parent_span_id.len(), 0 | 8) {
        return Err("invalid parent span id");
    }
    let millis = i64::try_from(span.start_time_unix_nano / 1_000_000).unwrap_or(i64::MAX);
    let age = now.as_millis().saturating_sub(millis);
    if !(-AHEAD_MILLIS_MAX..=AGE_MILLIS_MAX).contains(&age) {
        return Err("span start time is outside of the accepted window (14 days back to 2 hours ahead)");
    }
    let unfinished = span.end_time_unix_nano == 0 && span::is_in_progress(span);
    if span.end_time_unix_nano < span.start_time_unix_nano && !unfinished {
        return Err("span ends before it starts");
    }
    if span.encoded_len() > SPAN_BYTES_MAX {
        return Err("span is larger than 200 KB");
    }
    Ok(())
}

const SPANS_MAX: usize = 10_000;
const CONTEXT_BYTES_MAX: usize = 16 * 1024;
const SPAN_BYTES_MAX: usize = 200 * 1024;
const AGE_MILLIS_MAX: i64 = 14 * 86_400_000;
const AHEAD_MILLIS_MAX: i64 = 2 * 3_600_000;
const SPREAD_NANOS_MAX: u64 = 86_400_000_000_000;
