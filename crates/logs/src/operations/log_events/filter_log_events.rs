//! FilterLogEvents: events of several streams whose message matches a filter pattern.

use std::sync::Arc;

use base::{Timestamp, page_token};
use lang::filter_pattern::FilterPattern;
use shapes::logs::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent};
use smithy::Cx;
use store::tables::logs::{FieldTest, FieldText, LogPosition, LogRead, StoredLogEvent};

use super::{Shown, page_limit, visible_range};
use crate::Logs;
use crate::error::LogsError;
use crate::event::{PAGE_BYTES_MAX, id};
use crate::group::FoundGroup;
use crate::identifier::named_group;

/// Messages examined by one call; a page may then be short, or empty, and the token leads on.
const EXAMINED_MAX: usize = 1_000_000;
/// 2024-01-01T00:00:00Z. AWS: reading from the tail works from this time on (API_FilterLogEvents.html).
const TAIL_FIRST: i64 = 1_704_067_200_000;

pub(in crate::operations) async fn filter_log_events(
    cx: Cx<Logs>,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, LogsError> {
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        return Err(LogsError::invalid(
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        ));
    }
    let name = named_group(cx.scope(), input.log_group_name.clone(), input.log_group_identifier.clone())?;
    let pattern = FilterPattern::compile(input.filter_pattern.as_deref().unwrap_or_default())
        .map_err(|error| LogsError::invalid(error.to_string()))?;
    let purpose = format!("FilterLogEvents|{}|{name}", cx.scope());
    let (from, descending) = start(&purpose, &input)?;
    let group = cx.service.group(cx.scope(), &name)?;
    let streams = streams(&cx.service, &group, input.log_stream_names)?;
    group.record.class.check_readable("FilterLogEvents")?;

    let matcher = |message: &str| pattern.matches(message);
    let conditions = pattern.field_conditions();
    let admits: Vec<_> = conditions
        .iter()
        .map(|condition| {
            move |text: FieldText<'_>| match text {
                FieldText::String(text) => condition.admits_text(text),
                FieldText::Literal(text) => condition.admits_literal(text),
            }
        })
        .collect();
    let paired = conditions.iter().zip(&admits);
    let tests: Vec<FieldTest<'_>> =
        paired.map(|(condition, admits)| FieldTest { path: condition.path(), admits }).collect();
    // AWS: unlike in GetLogEvents, endTime is included.
    let end = input.end_time.map(|end| end.saturating_add(1));
    let read = LogRead {
        streams: streams.as_deref(),
        stream_prefix: input.log_stream_name_prefix.as_deref(),
        range: visible_range(input.start_time, end, group.visible_from(cx.now)),
        from,
        descending,
        limit: page_limit(input.limit),
        bytes_max: PAGE_BYTES_MAX,
        must_contain: pattern.must_contain(),
        field_tests: &tests,
        matcher: if pattern.matches_everything() { None } else { Some(&matcher) },
        examine_max: EXAMINED_MAX,
    };
    let page = cx.service.events.snapshot(&[group.store_key()]).read(0, &read).await?;
    let shown = Shown::to(&cx.service, &group, input.unmask);
    let next_token = page.resume.map(|resume| token(&purpose, resume, descending));
    Ok(FilterLogEventsResponse {
        events: Some(page.events.into_iter().map(|event| shape(event, &shown)).collect()),
        next_token,
        // AWS: always empty by now.
        searched_log_streams: Some(Vec::new()),
    })
}

/// Where to go on and in which direction: on later pages the token decides both.
fn start(purpose: &str, input: &FilterLogEventsRequest) -> Result<(Option<LogPosition>, bool), LogsError> {
    if let Some(token) = &input.next_token {
        let parts = page_token::decode(purpose, token).map_err(|_| LogsError::bad_token())?;
        return parse(&parts).ok_or_else(LogsError::bad_token);
    }
    let descending = input.start_from_head == Some(false);
    if descending && input.start_time.is_none_or(|start| start < TAIL_FIRST) {
        return Err(LogsError::invalid(
            "startFromHead can be false only if startTime is 2024-01-01T00:00:00Z or later.",
        ));
    }
    Ok((None, descending))
}

fn token(purpose: &str, resume: LogPosition, descending: bool) -> String {
    let time = resume.timestamp.as_millis().to_string();
    let direction = if descending { "b" } else { "f" };
    page_token::encode(purpose, &[direction, &time, &resume.sequence.to_string()])
}

fn parse(parts: &[String]) -> Option<(Option<LogPosition>, bool)> {
    let [direction, time, sequence] = parts else { return None };
    let timestamp = Timestamp::from_millis(time.parse().ok()?);
    Some((Some(LogPosition { timestamp, sequence: sequence.parse().ok()? }), direction == "b"))
}

fn streams(
    logs: &Logs,
    group: &FoundGroup,
    names: Option<Vec<String>>,
) -> Result<Option<Vec<Arc<str>>>, LogsError> {
    let Some(names) = names else { return Ok(None) };
    for name in &names {
        logs.check_stream(group, name)?;
    }
    Ok(Some(names.into_iter().map(Arc::from).collect()))
}

fn shape(event: StoredLogEvent, shown: &Shown) -> FilteredLogEvent {
    FilteredLogEvent {
        event_id: Some(id::event_id(event.position)),
        ingestion_time: Some(event.ingestion_time.as_millis()),
        log_stream_name: Some(event.stream.as_ref().to_owned()),
        timestamp: Some(event.position.timestamp.as_millis()),
        message: Some(shown.text(event.message, event.ingestion_time)),
    }
}
