//! Hands on the minutes of one stream.

use base::{Scope, Timestamp};
use bytes::Bytes;
use signals::target::{TargetCall, TargetError, TargetPayload};
use signals::{Dist, MetricIdentity};
use store::tables::metrics::{MetricFilter, Periods};

use super::format::{Minute, StreamIdentity, append};
use super::{MINUTE_MILLIS, MetricStream};
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

/// Metrics read at once.
const METRICS_AT_ONCE: usize = 1000;
/// Minutes of one record; and bytes of one, above which the next begins.
const MINUTES_PER_MESSAGE: usize = 100;
const RECORD_BYTES: usize = 512 << 10;
/// Records of one call: Firehose takes 500 with 4 MiB together.
const RECORDS_PER_CALL: usize = 6;
/// Minutes older than this are given up: the delivery stream was away for too long.
const BACKLOG_MILLIS: i64 = 3600 * 1000;
/// Minutes handed on by one activation.
const MINUTES_AT_ONCE: usize = 10;

/// How far a stream came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) next_minute: Timestamp,
    /// Metrics handed on, counted once for each minute.
    pub(crate) handed_on: u64,
    pub(crate) failure: Option<TargetError>,
}

/// Hands on what is due of a running stream.
pub(crate) async fn deliver(
    cw: &CloudWatch,
    scope: &Scope,
    name: &str,
    stream: &MetricStream,
    now: Timestamp,
) -> Result<Progress, CloudWatchError> {
    let oldest = now.saturating_sub_millis(BACKLOG_MILLIS).floor_to(MINUTE_MILLIS);
    // A minute is due one minute after its end.
    let due = now.saturating_sub_millis(MINUTE_MILLIS).floor_to(MINUTE_MILLIS);
    let mut progress = Progress { next_minute: stream.next_minute.max(oldest), handed_on: 0, failure: None };
    for _ in 0..MINUTES_AT_ONCE {
        if progress.next_minute >= due {
            break;
        }
        match minute(cw, scope, name, stream, progress.next_minute, now).await? {
            Ok(count) => {
                progress.handed_on += count;
                progress.next_minute = progress.next_minute.saturating_add_millis(MINUTE_MILLIS);
            }
            Err(error) => {
                progress.failure = Some(error);
                break;
            }
        }
    }
    Ok(progress)
}

/// Hands on one minute, and says how many metrics it had.
async fn minute(
    cw: &CloudWatch,
    scope: &Scope,
    name: &str,
    stream: &MetricStream,
    at: Timestamp,
    now: Timestamp,
) -> Result<Result<u64, TargetError>, CloudWatchError> {
    let arn = Taggable::MetricStream.arn(scope, name);
    let identity = StreamIdentity { scope, name, arn: &arn };
    let filter = MetricFilter { active_since: at, ..MetricFilter::default() };
    let periods = Periods { start: at, end: at.saturating_add_millis(MINUTE_MILLIS), period_secs: 60 };
    let mut after: Option<MetricIdentity> = None;
    let (mut records, mut record, mut count) = (Vec::new(), Vec::new(), 0);
    loop {
        let page = cw.metrics().list(scope, &filter, after.as_ref(), METRICS_AT_ONCE).await?;
        let full = page.len() == METRICS_AT_ONCE;
        after = page.last().cloned();
        let wanted: Vec<MetricIdentity> =
            page.into_iter().filter(|metric| stream.settings.takes(metric)).collect();
        let folded = cw.metrics().fold_many::<Dist>(scope, &wanted, periods, now).await?;
        let cells = wanted.iter().zip(&folded).flat_map(|(metric, units)| {
            let dists = units.iter().flat_map(|(unit, cells)| cells.iter().map(move |(_, d)| (*unit, d)));
            dists.map(move |(unit, dist)| (metric, unit, dist))
        });
        let minutes: Vec<Minute<'_>> = cells
            .map(|(metric, unit, dist)| {
                let statistics = stream.settings.statistics_of(metric).collect();
                Minute { metric, unit, at, dist, statistics }
            })
            .collect();
        count += minutes.len() as u64;
        for chunk in minutes.chunks(MINUTES_PER_MESSAGE) {
            append(&mut record, stream.settings.format, &identity, chunk);
            if record.len() >= RECORD_BYTES {
                records.push(Bytes::from(std::mem::take(&mut record)));
            }
        }
        if !full && !record.is_empty() {
            records.push(Bytes::from(std::mem::take(&mut record)));
        }
        while records.len() >= RECORDS_PER_CALL || !full && !records.is_empty() {
            let batch = records.drain(..records.len().min(RECORDS_PER_CALL)).collect();
            let call = TargetCall {
                scope: scope.clone(),
                arn: stream.settings.firehose_arn.clone(),
                payload: TargetPayload::DeliveryStream(batch),
            };
            if let Err(error) = cw.targets().call(call).await {
                return Ok(Err(error));
            }
        }
        if !full {
            return Ok(Ok(count));
        }
    }
}
