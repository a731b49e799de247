//! DescribeLogStreams: streams of a group by name or by the time of their last event.

use std::ops::ControlFlow;

use base::{Timestamp, page_token};
use shapes::logs::{DescribeLogStreamsRequest, DescribeLogStreamsResponse, LogStream as Shape, OrderBy};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::event::id::digits;
use crate::group::{FoundGroup, name_of};
use crate::identifier::{named_group, stream_arn};
use crate::operations::{describe_limit, page_start};
use crate::stream::{LogStream, stream_key, streams_of};

/// A page and, if there is more, where the next one starts.
type Page = (Vec<(String, LogStream)>, Option<Vec<String>>);

pub(in crate::operations) async fn describe_log_streams(
    cx: Cx<Logs>,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, LogsError> {
    if input.log_group_name.is_some() && input.log_group_identifier.is_some() {
        // AWS: here, unlike elsewhere, the code is ValidationException (observed).
        return Err(LogsError::Validation(
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.".into(),
        ));
    }
    let name = named_group(cx.scope(), input.log_group_name, input.log_group_identifier)?;
    let by_time = input.order_by == Some(OrderBy::LastEventTime);
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    if by_time && !prefix.is_empty() {
        return Err(LogsError::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let group = cx.service.group(cx.scope(), &name)?;
    let descending = input.descending.unwrap_or(false);
    let incarnation = group.record.incarnation;
    let purpose =
        format!("DescribeLogStreams|{}|{name}|{incarnation}|{prefix}|{by_time}|{descending}", cx.scope());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let limit = describe_limit(input.limit);
    let (page, next) = if by_time {
        time_page(&cx.service, &group, start, descending, limit)?
    } else {
        name_page(&cx.service, &group, &prefix, start, descending, limit)
    };
    let next_token = next.map(|parts| {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        page_token::encode(&purpose, &parts)
    });
    let log_streams = page.iter().map(|(name, stream)| shape(&cx.service, &group, name, stream)).collect();
    Ok(DescribeLogStreamsResponse { log_streams: Some(log_streams), next_token })
}

fn name_page(
    logs: &Logs,
    group: &FoundGroup,
    prefix: &str,
    start: Option<Vec<String>>,
    descending: bool,
    limit: usize,
) -> Page {
    let from = start.as_deref().and_then(<[String]>::first);
    let from = from.map(|name| stream_key(&group.scope, &group.name, name));
    let prefix = streams_of(&group.scope, &group.name).starting_with(prefix);
    let mut page = Vec::new();
    let mut more = false;
    let visit = |key: &catalog::RecordKey, stream: &catalog::Versioned<LogStream>| {
        if page.len() == limit {
            more = true;
            return ControlFlow::Break(());
        }
        page.push((name_of(key), LogStream::clone(&stream.record)));
        ControlFlow::Continue(())
    };
    if descending {
        logs.streams.scan_back(&prefix, from.as_ref(), visit);
    } else {
        logs.streams.scan(&prefix, from.as_ref(), visit);
    }
    let next = page.last().filter(|_| more).map(|(name, _)| vec![name.clone()]);
    (page, next)
}

/// Streams without events sort as time 0; equal times by name.
fn time_page(
    logs: &Logs,
    group: &FoundGroup,
    start: Option<Vec<String>>,
    descending: bool,
    limit: usize,
) -> Result<Page, LogsError> {
    let streams = logs.streams_with_prefix(&group.scope, &group.name, "");
    let stats = logs.events.all_stream_stats(&group.store_key());
    let last_event = |name: &str| stats.get(name).map_or(Timestamp::EPOCH, |stats| stats.last_event);
    let mut ordered: Vec<_> =
        streams.into_iter().map(|(name, stream)| (last_event(&name), name, stream)).collect();
    ordered.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    if descending {
        ordered.reverse();
    }
    if let Some(start) = start {
        let [time, name] = start.as_slice() else { return Err(LogsError::bad_token()) };
        let time = Timestamp::from_millis(time.parse().map_err(|_| LogsError::bad_token())?);
        let before_start = |entry: &(Timestamp, String, LogStream)| {
            let order = (entry.0, &entry.1).cmp(&(time, name));
            if descending { order.is_ge() } else { order.is_le() }
        };
        ordered.drain(..ordered.partition_point(before_start));
    }
    let more = ordered.len() > limit;
    ordered.truncate(limit);
    let next = ordered.last().filter(|_| more);
    let next = next.map(|(time, name, _)| vec![time.as_millis().to_string(), name.clone()]);
    Ok((ordered.into_iter().map(|(_, name, stream)| (name, stream)).collect(), next))
}

fn shape(logs: &Logs, group: &FoundGroup, name: &str, stream: &LogStream) -> Shape {
    let stats = logs.events.stream_stats(&group.store_key(), name);
    Shape {
        arn: Some(stream_arn(&group.scope, &group.name, name)),
        creation_time: Some(stream.creation_time.as_millis()),
        log_stream_name: Some(name.to_owned()),
        // AWS: always 0 for streams since 2019 (API_LogStream.html).
        stored_bytes: Some(0),
        first_event_timestamp: stats.map(|s| s.first_event.as_millis()),
        last_event_timestamp: stats.map(|s| s.last_event.as_millis()),
        last_ingestion_time: stats.map(|s| s.last_ingestion.as_millis()),
        upload_sequence_token: stats.map(|s| digits(s.last_ingestion, s.events)),
    }
}
