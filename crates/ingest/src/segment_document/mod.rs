//! X-Ray segment documents: the checks PutTraceSegments makes, the compiled form that is kept, and the
//! typed view that summaries are made of.
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html>. AWS documents
//! neither the order of the checks nor most error codes; `InvalidTraceId`, `MissingId` and `InvalidName`
//! have been seen in public logs, the others follow their pattern.

mod compile;
mod rules;
mod view;

use base::Timestamp;
use bytes::Bytes;
use signals::{SegmentRejection, TraceId, TraceSegment};

use compile::{Compiled, Facts, Found, Moment, NotCompiled};
pub use view::{
    AnnotationValue, Aws, Cause, CauseDetails, Ec2, Ecs, Entity, ExceptionRecord, Http, HttpRequest,
    HttpResponse, Namespace, ViewError,
};

/// Longest document, in bytes of UTF-8: X-Ray's quota.
pub const DOCUMENT_BYTES_MAX: usize = 65_536;

/// Rules that an installation may set.
#[derive(Debug, Clone, Copy, Default)]
pub struct SegmentRules {
    /// Refuse trace ids whose embedded time is older than 30 days or more than 5 minutes ahead. AWS once
    /// did; its documentation now says the time is not validated.
    pub strict_trace_time: bool,
}

/// Checks and compiles one document. The first failed check, in X-Ray's order, is the answer.
pub fn parse(text: &str, received: Timestamp, rules: SegmentRules) -> Result<TraceSegment, SegmentRejection> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(rejection("SegmentTooLarge", None, false));
    }
    let compiled = match compile::compile(text, received) {
        Ok(compiled) => compiled,
        Err(NotCompiled::Syntax) => return Err(rejection("ParseError", None, false)),
        // AWS: an array as document is answered as an object without id would be.
        Err(NotCompiled::Array) => return Err(rejection("MissingId", None, false)),
    };
    let Compiled { facts, document } = compiled;
    match check(&facts, received, rules) {
        Ok(checked) => {
            let extent = facts.extent();
            Ok(TraceSegment {
                trace_id: checked.trace_id,
                id: checked.id,
                parent_id: checked.parent_id,
                is_lone_subsegment: facts.subsegment,
                in_progress: checked.end_time.is_none(),
                name: checked.name.to_owned(),
                start_time: checked.start_time,
                end_time: checked.end_time,
                // Embedded times were checked like the segment's own, so they fit.
                first_time: Timestamp::from_secs_f64(extent.first).unwrap_or(checked.start_time),
                last_time: Timestamp::from_secs_f64(extent.last).unwrap_or(checked.start_time),
                is_unfinished: extent.unfinished,
                received,
                document: Bytes::from(document),
            })
        }
        Err(code) => {
            let id = if let Found::Text(id) = &facts.id { Some(id.to_string()) } else { None };
            Err(rejection(code, id, facts.subsegment))
        }
    }
}

struct Checked<'a> {
    id: u64,
    trace_id: TraceId,
    parent_id: Option<u64>,
    name: &'a str,
    start_time: Timestamp,
    end_time: Option<Timestamp>,
}

fn check<'a>(
    facts: &'a Facts<'_>,
    received: Timestamp,
    rules: SegmentRules,
) -> Result<Checked<'a>, &'static str> {
    let id = check_id(&facts.id)?;
    let trace_id = match &facts.trace_id {
        Found::Absent => return Err("MissingTraceId"),
        // The 32-digit form is for reading; a document must carry X-Ray's own.
        Found::Text(text) if text.len() == 35 => text.parse::<TraceId>().map_err(|_| "InvalidTraceId")?,
        _ => return Err("InvalidTraceId"),
    };
    if rules.strict_trace_time {
        let age_secs = received.as_secs() - i64::from(trace_id.embedded_secs());
        if !(-300..=30 * 86_400).contains(&age_secs) {
            return Err("InvalidTraceId");
        }
    }
    let (name, start_time, end_time) = check_body(facts, received)?;
    let parent_id = match &facts.parent_id {
        Found::Absent if facts.subsegment => return Err("MissingParentId"),
        Found::Absent => None,
        Found::Text(text) => Some(parse_id(text).ok_or("InvalidParentId")?),
        Found::Wrong => return Err("InvalidParentId"),
    };
    Ok(Checked { id, trace_id, parent_id, name, start_time, end_time })
}

/// The checks that embedded subsegments undergo too.
pub(crate) fn check_embedded(facts: &Facts<'_>, received: Timestamp) -> Result<(), &'static str> {
    check_id(&facts.id)?;
    check_body(facts, received).map(|_| ())
}

fn check_id(id: &Found<'_>) -> Result<u64, &'static str> {
    match id {
        Found::Absent => Err("MissingId"),
        Found::Text(text) => parse_id(text).ok_or("InvalidId"),
        Found::Wrong => Err("InvalidId"),
    }
}

fn check_body<'a>(
    facts: &'a Facts<'_>,
    received: Timestamp,
) -> Result<(&'a str, Timestamp, Option<Timestamp>), &'static str> {
    let name = match &facts.name {
        Found::Absent => return Err("MissingName"),
        Found::Text(name) if is_legal_name(name) => name.as_ref(),
        _ => return Err("InvalidName"),
    };
    let start_secs = match facts.start_time {
        Moment::Absent => return Err("MissingStartTime"),
        Moment::Wrong => return Err("InvalidStartTime"),
        Moment::At(secs) => secs,
    };
    let latest = received.as_secs_f64() + START_AHEAD_SECS_MAX;
    if !(0.0..=latest).contains(&start_secs) {
        return Err("InvalidStartTime");
    }
    let start_time = Timestamp::from_secs_f64(start_secs).ok_or("InvalidStartTime")?;
    let end_time = match facts.end_time {
        Moment::Absent if facts.in_progress => None,
        Moment::Absent => return Err("MissingEndTime"),
        Moment::At(secs) if secs >= start_secs => {
            Some(Timestamp::from_secs_f64(secs).ok_or("InvalidEndTime")?)
        }
        _ => return Err("InvalidEndTime"),
    };
    Ok((name, start_time, end_time))
}

/// 16 hexadecimal digits as a number.
pub fn parse_id(text: &str) -> Option<u64> {
    (text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

/// Whether `c` may stand in a segment's name.
pub(crate) fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, ' ' | '_' | '.' | ':' | '/' | '%' | '&' | '#' | '=' | '+' | '\\' | '-' | '@')
        || (!c.is_ascii() && (c.is_alphanumeric() || c.is_whitespace()))
        || (c.is_ascii() && c.is_whitespace())
}

fn is_legal_name(name: &str) -> bool {
    !name.is_empty()
        && (name.len() <= NAME_CHARS_MAX || name.chars().count() <= NAME_CHARS_MAX)
        && name.chars().all(is_name_character)
}

/// AWS: the two message forms differ; both were seen in public logs.
fn rejection(code: &str, id: Option<String>, subsegment: bool) -> SegmentRejection {
    let message = if subsegment {
        format!("Invalid subsegment. ErrorCode: {code}, Cause: null")
    } else {
        format!("Invalid segment. ErrorCode: {code}")
    };
    SegmentRejection { id, error_code: code.to_owned(), message }
}

pub(crate) const NAME_CHARS_MAX: usize = 200;
const START_AHEAD_SECS_MAX: f64 = 300.0;

#[cfg(test)]
mod tests;
