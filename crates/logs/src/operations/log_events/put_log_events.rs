//! PutLogEvents: the hot path. A look at the catalog in memory, a pass over the timestamps, the group's rules, one
//! durable append.

use std::sync::Arc;

use shapes::logs::{PutLogEventsRequest, PutLogEventsResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::event::acceptance::{Accepted, accept, check_batch};
use crate::event::{entity, id};

pub(in crate::operations) async fn put_log_events(
    cx: Cx<Logs>,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, LogsError> {
    check_batch(&input.log_events)?;
    let logs = &cx.service;
    let _appending = logs.locks.appending(cx.scope(), &input.log_group_name).await;
    let group = logs.group(cx.scope(), &input.log_group_name)?;
    logs.check_stream(&group, &input.log_stream_name)?;
    let Accepted { events, rejected } = accept(input.log_events, cx.now, group.visible_from(cx.now))?;
    let mut sequence = 0;
    if !events.is_empty() {
        let stream: Arc<str> = input.log_stream_name.into();
        let count = events.len() as u64;
        let first = logs.ingest(&group, &stream, cx.now, events).await?;
        sequence = first.sequence.saturating_add(count);
    }
    let rejected_entity_info =
        input.entity.as_ref().and_then(|entity| entity::reject(entity, group.record.class));
    Ok(PutLogEventsResponse {
        // AWS: always there and no longer needed; clients may send it back (API_PutLogEvents.html).
        next_sequence_token: Some(id::digits(cx.now, sequence)),
        rejected_entity_info,
        rejected_log_events_info: rejected,
    })
}
