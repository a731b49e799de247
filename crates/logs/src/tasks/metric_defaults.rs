//! `logs_metric_defaults`: publishes the default values of metric filters for minutes that had events and no match.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, TimeRange, Timestamp};
use catalog::Prefix;
use signals::{LogEvent, MetricDatum, MetricIdentity, MetricValue, Resolution, Unit};
use store::tables::logs::LogRead;
use tokio_util::sync::CancellationToken;

use crate::Logs;
use crate::error::LogsError;
use crate::group::FoundGroup;
use crate::metric_filter::defaults::Note;

/// Defaults published by one activation.
const PUBLISHED_MAX: usize = 10_000;
/// What is looked at again after a start: events of the last minutes.
const RECENT_MILLIS: i64 = 15 * 60_000;
const PAGE_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 16 << 20;

pub(super) struct MetricDefaults {
    pub(super) logs: Arc<Logs>,
    /// Whether what happened before the start was looked at.
    pub(super) recovered: AtomicBool,
}

#[async_trait]
impl Task for MetricDefaults {
    fn name(&self) -> &'static str {
        "logs_metric_defaults"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(15)
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let now = self.logs.clock.now();
        if !self.recovered.load(Ordering::Acquire) {
            self.logs.recover_unmatched(now, stop).await?;
            self.recovered.store(true, Ordering::Release);
        }
        let published = self.logs.publish_defaults(now).await?;
        Ok(Activity::new(published, format!("published {published} default values of metric filters")))
    }
}

impl Logs {
    /// Publishes what is due and was not published by anyone yet.
    async fn publish_defaults(&self, now: Timestamp) -> Result<u64, LogsError> {
        let due = self.unmatched.take_due(now, PUBLISHED_MAX);
        let mut published = 0;
        let mut left = due.into_iter();
        while let Some((note, default)) = left.next() {
            match self.publish_default(&note, default, now).await {
                Ok(done) => published += u64::from(done),
                Err(error) => {
                    self.unmatched.put_back(std::iter::once((note, default)).chain(left));
                    return Err(error);
                }
            }
        }
        Ok(published)
    }

    async fn publish_default(
        &self,
        note: &Note,
        (unit, value): (Unit, f64),
        now: Timestamp,
    ) -> Result<bool, LogsError> {
        let metrics = &self.neighbours.stored_metrics;
        let minute = TimeRange::new(note.minute, note.minute.saturating_add_millis(60_000));
        if !metrics.read(&note.scope, &note.metric, minute, now).await?.is_empty() {
            return Ok(false);
        }
        let datum = MetricDatum {
            metric: MetricIdentity::clone(&note.metric),
            timestamp: note.minute,
            unit: unit.name().into(),
            resolution: Resolution::Standard,
            value: MetricValue::Single(value),
        };
        metrics.append(&note.scope, vec![datum]).await?;
        Ok(true)
    }

    /// Notes the recent minutes without a match of all filters with a default value.
    async fn recover_unmatched(&self, now: Timestamp, stop: &CancellationToken) -> Result<(), LogsError> {
        let mut named: BTreeSet<(Scope, String)> = BTreeSet::new();
        self.metric_filters.scan(&Prefix::everything(), None, |key, filter| {
            if filter.transformation.default_value.is_some()
                && let (Some(scope), Some(group)) = (key.scope(), key.parts().into_iter().nth(2))
            {
                named.insert((scope, group));
            }
            ControlFlow::Continue(())
        });
        let groups = named.iter().filter_map(|(scope, name)| self.group(scope, name).ok());
        for group in groups {
            if stop.is_cancelled() {
                break;
            }
            self.recover_group(&group, now).await?;
        }
        Ok(())
    }

    async fn recover_group(&self, group: &FoundGroup, now: Timestamp) -> Result<(), LogsError> {
        let _appending = self.locks.appending(&group.scope, &group.name).await;
        let snapshot = self.events.snapshot(&[group.store_key()]);
        let mut from = None;
        loop {
            let read = LogRead {
                streams: None,
                stream_prefix: None,
                range: TimeRange::new(now.saturating_sub_millis(RECENT_MILLIS), Timestamp::MAX),
                from,
                descending: false,
                limit: PAGE_EVENTS,
                bytes_max: PAGE_BYTES,
                must_contain: &[],
                field_tests: &[],
                matcher: None,
                examine_max: usize::MAX,
            };
            let page = snapshot.read(0, &read).await?;
            let events: Vec<LogEvent> = page
                .events
                .into_iter()
                .map(|event| LogEvent { timestamp: event.position.timestamp, message: event.message })
                .collect();
            self.note_unmatched(group, &events, now)?;
            match page.resume {
                Some(resume) => from = Some(resume),
                None => return Ok(()),
            }
        }
    }
}
