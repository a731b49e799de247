//! Which events of a PutLogEvents batch are taken (`spec/logs-api.md` §5). Pure.

use std::ops::RangeInclusive;

use base::Timestamp;
use bytes::Bytes;
use shapes::logs::{InputLogEvent, RejectedLogEventsInfo};
use signals::LogEvent;

use super::EVENT_OVERHEAD_BYTES;
use crate::error::LogsError;

/// Bytes of a batch, and of a single event, both with overhead.
pub(crate) const BATCH_BYTES_MAX: usize = 1_048_576;
const HOUR_MILLIS: i64 = 3_600_000;
const SPAN_MILLIS_MAX: i64 = 24 * HOUR_MILLIS;
const TOO_NEW_MILLIS: i64 = 2 * HOUR_MILLIS;
const TOO_OLD_MILLIS: i64 = 14 * 24 * HOUR_MILLIS;

/// What of a batch is stored.
#[derive(Debug, PartialEq)]
pub(crate) struct Accepted {
    pub(crate) events: Vec<LogEvent>,
    pub(crate) rejected: Option<RejectedLogEventsInfo>,
}

/// The checks that need no log group: sizes, then order.
pub(crate) fn check_batch(events: &[InputLogEvent]) -> Result<(), LogsError> {
    let mut total = 0;
    for event in events {
        let size = event.message.len() + EVENT_OVERHEAD_BYTES;
        if size > BATCH_BYTES_MAX {
            return Err(LogsError::invalid(format!(
                "Log event too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}"
            )));
        }
        total += size;
    }
    if total > BATCH_BYTES_MAX {
        return Err(LogsError::invalid(format!(
            "Upload too large: {total} bytes exceeds limit of {BATCH_BYTES_MAX}"
        )));
    }
    if events.windows(2).any(|pair| pair[0].timestamp > pair[1].timestamp) {
        return Err(LogsError::invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    Ok(())
}

/// Times of events that are taken: neither too old, nor expired, nor too new.
pub(crate) fn accepted_range(now: Timestamp, visible_from: Timestamp) -> RangeInclusive<Timestamp> {
    now.saturating_sub_millis(TOO_OLD_MILLIS).max(visible_from)..=now.saturating_add_millis(TOO_NEW_MILLIS)
}

/// Takes the events that are neither too old, expired nor too new. They were checked by [`check_batch`];
/// `visible_from` is the time of the oldest event the group's retention keeps. Messages are moved, not copied.
pub(crate) fn accept(
    events: Vec<InputLogEvent>,
    now: Timestamp,
    visible_from: Timestamp,
) -> Result<Accepted, LogsError> {
    let count_before = |time: i64| events.partition_point(|event| event.timestamp < time);
    let too_old = count_before(now.saturating_sub_millis(TOO_OLD_MILLIS).as_millis());
    let expired = count_before(visible_from.as_millis());
    let too_new = count_before(now.saturating_add_millis(TOO_NEW_MILLIS).as_millis().saturating_add(1));
    let first = too_old.max(expired);
    let taken = &events[first.min(too_new)..too_new];
    if let (Some(earliest), Some(latest)) = (taken.first(), taken.last())
        && latest.timestamp - earliest.timestamp > SPAN_MILLIS_MAX
    {
        return Err(LogsError::invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    let index = |at: usize| i32::try_from(at).ok();
    let info = RejectedLogEventsInfo {
        too_old_log_event_end_index: (too_old > 0).then_some(too_old).and_then(index),
        expired_log_event_end_index: (expired > 0).then_some(expired).and_then(index),
        too_new_log_event_start_index: (too_new < events.len()).then_some(too_new).and_then(index),
    };
    let rejected = (info != RejectedLogEventsInfo::default()).then_some(info);
    let kept = too_new.saturating_sub(first);
    let stored = |event: InputLogEvent| LogEvent {
        timestamp: Timestamp::from_millis(event.timestamp),
        message: Bytes::from(event.message),
    };
    Ok(Accepted { events: events.into_iter().skip(first).take(kept).map(stored).collect(), rejected })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = HOUR_MILLIS;
    const DAY: i64 = 24 * HOUR;
    const NOW: i64 = 1_700_000_000_000;

    fn batch(times: &[i64]) -> Vec<InputLogEvent> {
        times.iter().map(|t| InputLogEvent { timestamp: NOW + t, message: format!("{t}") }).collect()
    }

    /// times → how many are kept, (too old end, expired end, too new start)
    #[test]
    fn classes_of_rejection() {
        type Row<'a> = (&'a [i64], Option<i64>, usize, [Option<i32>; 3]);
        let rows: &[Row<'_>] = &[
            (&[-HOUR, 0], None, 2, [None; 3]),
            (&[-14 * DAY, -13 * DAY - HOUR], None, 2, [None; 3]),
            (&[-14 * DAY - 1, 0], None, 1, [Some(1), None, None]),
            (&[0, 2 * HOUR], None, 2, [None; 3]),
            (&[0, 2 * HOUR + 1], None, 1, [None, None, Some(1)]),
            (&[-20 * DAY, -19 * DAY], None, 0, [Some(2), None, None]),
            (&[3 * HOUR, 4 * HOUR], None, 0, [None, None, Some(0)]),
            (&[-20 * DAY, 3 * HOUR], None, 0, [Some(1), None, Some(1)]),
            (&[-20 * DAY, -2 * DAY, -HOUR, 0, 3 * HOUR], Some(1), 2, [Some(1), Some(2), Some(4)]),
            (&[-DAY, 0], Some(1), 2, [None; 3]),
            (&[-DAY - 1, 0], Some(1), 1, [None, Some(1), None]),
            (&[-20 * DAY, 0], Some(30), 1, [Some(1), None, None]),
            (&[-31 * DAY, -20 * DAY, 0], Some(30), 1, [Some(2), Some(1), None]),
        ];
        for (times, retention_days, kept, [old, expired, new]) in rows {
            let now = Timestamp::from_millis(NOW);
            let visible_from =
                retention_days.map_or(Timestamp::MIN, |days| now.saturating_sub_millis(days * DAY));
            let accepted = accept(batch(times), now, visible_from).unwrap();
            assert_eq!(accepted.events.len(), *kept, "{times:?}");
            let info = accepted.rejected.unwrap_or_default();
            let found = [
                info.too_old_log_event_end_index,
                info.expired_log_event_end_index,
                info.too_new_log_event_start_index,
            ];
            assert_eq!(found, [*old, *expired, *new], "{times:?}");
        }
    }

    #[test]
    fn the_span_counts_accepted_events_only() {
        let now = Timestamp::from_millis(NOW);
        assert_eq!(accept(batch(&[-DAY, 0]), now, Timestamp::MIN).unwrap().events.len(), 2);
        assert!(accept(batch(&[-DAY - 1, 0]), now, Timestamp::MIN).is_err());
        assert!(accept(batch(&[-20 * DAY, 0, 3 * HOUR]), now, Timestamp::MIN).is_ok());
    }

    #[test]
    fn sizes_and_order() {
        let event = |bytes: usize| InputLogEvent { timestamp: 0, message: "x".repeat(bytes) };
        assert!(check_batch(&[event(BATCH_BYTES_MAX - 26)]).is_ok());
        let error = check_batch(&[event(BATCH_BYTES_MAX - 25)]).unwrap_err().to_string();
        assert_eq!(error, "Log event too large: 1048577 bytes exceeds limit of 1048576");
        let half = BATCH_BYTES_MAX / 2 - 26;
        assert!(check_batch(&[event(half), event(half)]).is_ok());
        let error = check_batch(&[event(half), event(half + 1)]).unwrap_err().to_string();
        assert_eq!(error, "Upload too large: 1048577 bytes exceeds limit of 1048576");
        // UTF-8 bytes count, not characters.
        let wide = InputLogEvent { timestamp: 0, message: "é".repeat(BATCH_BYTES_MAX / 2) };
        assert!(check_batch(&[wide]).is_err());
        assert!(check_batch(&batch(&[0, 0, 1])).is_ok());
        assert!(check_batch(&batch(&[1, 0])).unwrap_err().to_string().contains("chronological order"));
    }
}
