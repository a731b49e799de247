//! The way of accepted events into the store: what is derived from them becomes durable with them, or not at all.

mod rules;
mod usage;

use std::borrow::Cow;
use std::sync::Arc;

use base::Timestamp;
use bytes::Bytes;
use ingest::emf::{self, Extraction, Reading};
use signals::{Dist, LogEvent, MetricDatum, MetricValue, Resolution, Unit};
use store::StoreError;
use store::tables::logs::{LogGroupKey, LogPosition};
use store::tables::metrics::MetricBatch;

use crate::Logs;
use crate::data_protection::Masker;
use crate::error::LogsError;
use crate::group::FoundGroup;
use crate::metric_filter::Sample;
use crate::transformer::Origin;

pub(crate) use rules::{GroupRules, RuleCache};
pub(crate) use usage::{Counts, Usage};

/// Events appended at once.
pub(crate) const APPEND_EVENTS_MAX: usize = 10_000;
/// Metric data of one append; embedded metrics beyond them count as errors.
const APPEND_DATA_MAX: usize = 50_000;

/// What was derived from a batch of events.
struct Derived {
    metrics: MetricBatch,
    /// Filters with a default value and minutes in which they had events and no match.
    unmatched: Vec<(usize, Timestamp)>,
    embedded: Embedded,
}

/// What was wrong with embedded metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Embedded {
    pub(crate) parsing_errors: usize,
    pub(crate) validation_errors: usize,
}

impl Logs {
    /// Stores accepted events of a stream, at most [`APPEND_EVENTS_MAX`], in order of time, with all that the
    /// group's rules make of them. Durable when it returns; the position is that of the first event. The group's
    /// lock for appending must be held.
    pub(crate) async fn ingest(
        &self,
        group: &FoundGroup,
        stream: &Arc<str>,
        now: Timestamp,
        events: Vec<LogEvent>,
    ) -> Result<LogPosition, LogsError> {
        let key = group.store_key();
        let rules = self.rules_of(group, &key);
        let transformed = transform(&rules, &key, stream, &events);
        let Derived { metrics, unmatched, embedded } = derive(&rules, &key, &events, &transformed, now)?;
        if let Some((_, place)) = &rules.transformer {
            // First, so that no event is hidden from Insights in favour of one that is not there. If the server stops
            // in between, the request was not acknowledged.
            let copies = events.iter().zip(transformed).map(|(event, transformed)| LogEvent {
                timestamp: event.timestamp,
                message: transformed.map_or_else(|| event.message.clone(), Bytes::from),
            });
            self.events.append(place, stream, now, copies.collect()).await?;
        }
        let count = events.len() as u64;
        let bytes = events.iter().map(|event| event.message.len() as u64).sum();
        let first = self.events.append_with_metrics(&key, stream, now, events, metrics).await?;
        self.wake_subscriptions(group);
        for (filter, minute) in unmatched {
            if let Some(default) = rules.filters[filter].default() {
                self.unmatched.note(&key.scope, default, minute, now);
            }
        }
        let counts = Counts {
            events: count,
            bytes,
            parsing_errors: embedded.parsing_errors as u64,
            validation_errors: embedded.validation_errors as u64,
        };
        self.usage.note(&key.scope, &key.name, now, counts);
        Ok(first)
    }

    /// As it is derived on the way in: minutes without a match of the group's filters with a default value.
    pub(crate) fn note_unmatched(
        &self,
        group: &FoundGroup,
        events: &[LogEvent],
        now: Timestamp,
    ) -> Result<(), LogsError> {
        let key = group.store_key();
        let rules = self.rules_of(group, &key);
        let transformed = transform(&rules, &key, "", events);
        for (filter, minute) in derive(&rules, &key, events, &transformed, now)?.unmatched {
            if let Some(default) = rules.filters[filter].default() {
                // They grow no more, or were noted by whoever ingested what made them grow.
                self.unmatched.note(&key.scope, default, minute, minute);
            }
        }
        Ok(())
    }
}

/// What the transformer makes of events, one by one; empty if the group has none.
fn transform(
    rules: &GroupRules,
    group: &LogGroupKey,
    stream: &str,
    events: &[LogEvent],
) -> Vec<Option<String>> {
    let Some((transformer, _)) = &rules.transformer else { return Vec::new() };
    let (account, region) = (group.scope.account.as_str(), group.scope.region.as_str());
    let origin = Origin { account, region, group: &group.name, stream };
    events.iter().map(|event| transformer.apply(event.text(), origin)).collect()
}

/// Runs the rules over events in order of time. Pure.
fn derive(
    rules: &GroupRules,
    group: &LogGroupKey,
    events: &[LogEvent],
    transformed: &[Option<String>],
    now: Timestamp,
) -> Result<Derived, StoreError> {
    let mut metrics = MetricBatch::new(&group.scope, 0);
    let mut unmatched = Vec::new();
    let mut embedded = Embedded::default();
    if !rules.filters.is_empty() {
        let transformed = transformed.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        // Metric filters see what may be seen.
        let mask = Masking { masker: rules.masker.as_deref(), now };
        let samples: Vec<Sample<'_>> = events
            .iter()
            .zip(transformed)
            .map(|(event, transformed)| sample(event, transformed, &mask))
            .collect();
        for (index, filter) in rules.filters.iter().enumerate() {
            let with_default = filter.default().is_some();
            filter.run(&samples, &mut metrics, |minute| {
                if with_default {
                    unmatched.push((index, minute));
                }
            })?;
        }
    }
    if let Some(masker) = &rules.masker {
        push_findings(&mut metrics, group, events, masker, now)?;
    }
    if rules.reads_emf {
        for event in events {
            let room = APPEND_DATA_MAX.saturating_sub(metrics.len()).min(emf::DATA_MAX);
            let reading = Reading { now, skip_prefix: rules.skips_prefix, data_max: room };
            match emf::metrics_of(event.text(), reading) {
                Extraction::Foreign => {}
                Extraction::Unparsable => embedded.parsing_errors += 1,
                Extraction::Metrics { data, errors } => {
                    embedded.validation_errors += errors;
                    data.into_iter().try_for_each(|datum| push(&mut metrics, datum))?;
                }
            }
        }
    }
    Ok(Derived { metrics, unmatched, embedded })
}

fn sample<'a>(event: &'a LogEvent, transformed: Option<&'a str>, mask: &Masking<'_>) -> Sample<'a> {
    Sample {
        timestamp: event.timestamp,
        message: mask.shown(event.text()),
        transformed: transformed.map(|text| mask.shown(text)),
    }
}

/// How texts ingested now are shown to metric filters.
struct Masking<'r> {
    masker: Option<&'r Masker>,
    now: Timestamp,
}

impl Masking<'_> {
    fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.masker.map_or(Cow::Borrowed(text), |masker| masker.mask(self.now, text))
    }
}

/// One datum for each minute with events that hold something sensitive.
fn push_findings(
    batch: &mut MetricBatch,
    group: &LogGroupKey,
    events: &[LogEvent],
    masker: &Masker,
    now: Timestamp,
) -> Result<(), StoreError> {
    for minute in events.chunk_by(|a, b| a.timestamp.floor_to(60_000) == b.timestamp.floor_to(60_000)) {
        let found = minute.iter().filter(|event| masker.finds(now, event.text())).count();
        if found > 0 {
            // AWS: of namespace AWS/Logs (CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html).
            let dimensions = [("DataProtectionOperation", "Audit"), ("LogGroupName", &*group.name)];
            let value = MetricValue::Distribution(Dist::constant(1.0, found as f64));
            let at = (minute[0].timestamp, Resolution::Standard);
            batch.push("AWS/Logs", "LogEventsWithFindings", dimensions.into_iter(), at, Unit::NONE, value)?;
        }
    }
    Ok(())
}

fn push(batch: &mut MetricBatch, datum: MetricDatum) -> Result<(), StoreError> {
    let MetricDatum { metric, timestamp, unit, resolution, value } = datum;
    let unit = Unit::by_name(&unit).unwrap_or(Unit::NONE);
    let dimensions = metric.dimensions.iter().map(|d| (&*d.name, &*d.value));
    batch.push(&metric.namespace, &metric.name, dimensions, (timestamp, resolution), unit, value)
}
