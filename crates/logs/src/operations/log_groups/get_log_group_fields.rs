//! GetLogGroupFields: which fields a sample of the group's events has.

use std::collections::HashMap;

use base::{TimeRange, Timestamp};
use shapes::logs::{GetLogGroupFieldsRequest, GetLogGroupFieldsResponse, LogGroupField};
use smithy::Cx;
use store::tables::logs::LogRead;

use crate::Logs;
use crate::error::LogsError;
use crate::event::fields;
use crate::identifier::named_group;

/// AWS: around the time that is named, or of the last 15 minutes (API_GetLogGroupFields.html).
const AROUND_MILLIS: i64 = 8 * 60_000;
const RECENT_MILLIS: i64 = 15 * 60_000;
/// Events looked at, and their bytes.
const SAMPLE_EVENTS: usize = 1000;
const SAMPLE_BYTES: usize = 8 << 20;
/// Found in every event.
const SYSTEM: [&str; 5] = ["@message", "@timestamp", "@logStream", "@log", "@ingestionTime"];

pub(in crate::operations) async fn get_log_group_fields(
    cx: Cx<Logs>,
    input: GetLogGroupFieldsRequest,
) -> Result<GetLogGroupFieldsResponse, LogsError> {
    let name = named_group(cx.scope(), input.log_group_name, input.log_group_identifier)?;
    let group = cx.service.group(cx.scope(), &name)?;
    let range = match input.time.map(Timestamp::from_secs) {
        Some(time) => TimeRange::new(
            time.saturating_sub_millis(AROUND_MILLIS),
            time.saturating_add_millis(AROUND_MILLIS + 1),
        ),
        None => TimeRange::new(cx.now.saturating_sub_millis(RECENT_MILLIS), Timestamp::MAX),
    };
    let sources = cx.service.query_sources(&group);
    let keys: Vec<_> = sources.iter().map(|(key, _)| key.clone()).collect();
    let mut snapshot = cx.service.events.snapshot(&keys);
    let (mut events, mut counts) = (0_usize, HashMap::<String, usize>::new());
    for (index, (_, hidden)) in sources.iter().enumerate() {
        snapshot.hide_before(index, group.visible_from(cx.now));
        snapshot.hide_accepted(index, hidden);
        let read = LogRead {
            streams: None,
            stream_prefix: None,
            range,
            from: None,
            descending: true,
            limit: SAMPLE_EVENTS,
            bytes_max: SAMPLE_BYTES,
            must_contain: &[],
            field_tests: &[],
            matcher: None,
            examine_max: usize::MAX,
        };
        for event in snapshot.read(index, &read).await?.events {
            events += 1;
            let message = String::from_utf8_lossy(&event.message);
            let mut names: Vec<String> =
                fields::discover(&message).into_iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        }
    }
    if events > 0 {
        counts.extend(SYSTEM.map(|name| (name.to_owned(), events)));
    }
    let percent = |count: usize| i32::try_from(count * 100 / events.max(1)).unwrap_or(100);
    let mut found: Vec<(i32, String)> =
        counts.into_iter().map(|(name, count)| (percent(count), name)).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let shape = |(percent, name)| LogGroupField { name: Some(name), percent: Some(percent) };
    Ok(GetLogGroupFieldsResponse { log_group_fields: Some(found.into_iter().map(shape).collect()) })
}
