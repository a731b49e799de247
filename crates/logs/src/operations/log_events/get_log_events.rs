//! GetLogEvents: one stream, page by page, in either direction.

use std::sync::Arc;

use base::Timestamp;
use shapes::logs::{GetLogEventsRequest, GetLogEventsResponse, OutputLogEvent};
use smithy::Cx;
use store::tables::logs::{LogRead, StoredLogEvent};

use super::{Shown, page_limit, visible_range};
use crate::Logs;
use crate::error::LogsError;
use crate::event::PAGE_BYTES_MAX;
use crate::event::boundary::{Boundary, Direction};
use crate::identifier::named_group;

pub(in crate::operations) async fn get_log_events(
    cx: Cx<Logs>,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, LogsError> {
    let name = named_group(cx.scope(), input.log_group_name, input.log_group_identifier)?;
    // AWS: the token's letter decides; a forward token with startFromHead=false is documented as misuse.
    let (incoming, direction) = match &input.next_token {
        Some(token) => {
            let (boundary, direction) = Boundary::from_token(token)?;
            (Some(boundary), direction)
        }
        None if input.start_from_head == Some(true) => (None, Direction::Forward),
        None => (None, Direction::Backward),
    };
    let group = cx.service.group(cx.scope(), &name)?;
    cx.service.check_stream(&group, &input.log_stream_name)?;
    group.record.class.check_readable("GetLogEvents")?;

    let backward = direction == Direction::Backward;
    let streams = [Arc::from(input.log_stream_name)];
    let mut read = LogRead {
        streams: Some(&streams),
        stream_prefix: None,
        range: visible_range(input.start_time, input.end_time, group.visible_from(cx.now)),
        from: incoming.map(|b| if backward { b.start_before() } else { b.start_after() }),
        descending: backward,
        limit: page_limit(input.limit),
        bytes_max: PAGE_BYTES_MAX,
        must_contain: &[],
        field_tests: &[],
        matcher: None,
        examine_max: usize::MAX,
    };
    let snapshot = cx.service.events.snapshot(&[group.store_key()]);
    let mut page = snapshot.read(0, &read).await?;
    // An empty page must mean that there is nothing: clients stop there.
    while let (true, Some(resume)) = (page.events.is_empty(), page.resume) {
        read.from = Some(resume);
        page = snapshot.read(0, &read).await?;
    }
    let mut events = page.events;
    if backward {
        events.reverse();
    }
    let start = Boundary::at(Timestamp::from_millis(input.start_time.unwrap_or(0)));
    let shown = Shown::to(&cx.service, &group, input.unmask);
    Ok(response(events, incoming.unwrap_or(start), &shown))
}

/// The page, oldest event first, with the tokens of its two ends; both of an empty page lead to where it was sought.
fn response(events: Vec<StoredLogEvent>, incoming: Boundary, shown: &Shown) -> GetLogEventsResponse {
    let forward = events.last().map_or(incoming, |event| Boundary::after(event.position));
    let backward = events.first().map_or(incoming, |event| Boundary::before(event.position));
    let shape = |event: StoredLogEvent| OutputLogEvent {
        timestamp: Some(event.position.timestamp.as_millis()),
        ingestion_time: Some(event.ingestion_time.as_millis()),
        message: Some(shown.text(event.message, event.ingestion_time)),
    };
    GetLogEventsResponse {
        events: Some(events.into_iter().map(shape).collect()),
        next_forward_token: Some(forward.token(Direction::Forward)),
        next_backward_token: Some(backward.token(Direction::Backward)),
    }
}
