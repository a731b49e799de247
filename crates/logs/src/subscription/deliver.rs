//! One delivery: reads on from the cursor, sends what matches, moves the cursor.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Timestamp;
use bytes::Bytes;
use lang::filter_pattern::FilterPattern;
use signals::{Dimension, MetricDatum, MetricIdentity, MetricValue, Resolution, TargetError};
use store::tables::logs::StoredLogEvent;
use tokio_util::sync::CancellationToken;

use super::payload::{self, Envelope, MessageEvent};
use super::selection::Criteria;
use super::target::{Target, TargetKind};
use super::{DeliveryCursor, Subscription, Waiting};
use crate::Logs;
use crate::error::LogsError;
use crate::event::id::event_id;
use crate::group::FoundGroup;

/// Read at once.
const PAGE_EVENTS_MAX: usize = 10_000;
const PAGE_BYTES_MAX: usize = 2 << 20;
/// Bytes of one call, but for a single message.
const CALL_BYTES_MAX: usize = 3 << 20;
/// A cursor that moved so far without a match is written all the same, so that a restart need not read it again.
const UNWRITTEN_MAX: u64 = 100_000;
/// AWS: delivery is tried for up to 24 hours (SubscriptionFilters.html).
const TRIED_MILLIS: i64 = 24 * 3_600_000;
const PAUSE_MILLIS: i64 = 1_000;
const PAUSE_MILLIS_MAX: i64 = 300_000;

/// What an activation did for one subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) events: u64,
    pub(crate) dropped: u64,
}

/// Matching events that follow one another in one stream.
#[derive(Debug, PartialEq)]
struct Run {
    stream: Arc<str>,
    events: Vec<MessageEvent>,
    /// The newest of them was accepted then.
    accepted: Timestamp,
    /// Sequence of the last of them.
    last: u64,
}

/// What one call carries.
#[derive(Debug, Default, PartialEq)]
struct Load {
    messages: Vec<(Arc<str>, Bytes)>,
    bytes: usize,
    events: u64,
    accepted: Timestamp,
    /// With this call everything up to this sequence is done.
    done: Option<u64>,
}

/// What is asked of every event.
struct Selector {
    pattern: FilterPattern,
    /// Whether fields of the pattern are sent along.
    extracts: bool,
    system_fields: BTreeMap<String, String>,
    /// Whether the group's events take part at all.
    takes_part: bool,
}

impl Logs {
    /// Delivers what is there for `subscription`. A target that is not available leaves the rest for later.
    pub(crate) async fn deliver(
        &self,
        subscription: &Subscription,
        stop: &CancellationToken,
    ) -> Result<Delivered, LogsError> {
        let id = &subscription.id;
        let Ok(group) = self.group(&id.scope, &id.group) else { return Ok(Delivered::default()) };
        let selector = self.selector(subscription, &group)?;
        let mut total = Delivered::default();
        let mut failed = None;
        for place in self.delivery_places(&group, subscription.filter.apply_on_transformed_logs) {
            while failed.is_none() && !stop.is_cancelled() {
                let now = self.clock.now();
                let mut cursor = self.subscriptions.cursor(subscription);
                let after = cursor.done.get(place.name).copied().unwrap_or(subscription.filter.after);
                let mut snapshot = self.events.snapshot(std::slice::from_ref(&place.key));
                snapshot.hide_before(0, group.visible_from(now));
                let mut page = snapshot.read_accepted(0, after, PAGE_EVENTS_MAX, PAGE_BYTES_MAX).await?;
                page.events.retain(|event| place.delivers(event.position.sequence));
                if page.through <= after {
                    break;
                }
                let runs = self.runs(&group, &page.events, &selector);
                let (done, delivered, problem) =
                    self.send(subscription, &group, runs, after, page.through, stop).await;
                total.events += delivered.events;
                total.dropped += delivered.dropped;
                failed = problem;
                if done > after {
                    cursor.done.insert(place.name.to_owned(), done);
                    let matched = delivered != Delivered::default();
                    if !self.move_cursor(subscription, cursor, matched).await? {
                        return Ok(total);
                    }
                }
                if !page.more {
                    break;
                }
            }
        }
        if !stop.is_cancelled() {
            self.note(subscription, failed);
        }
        Ok(total)
    }

    fn selector(&self, subscription: &Subscription, group: &FoundGroup) -> Result<Selector, LogsError> {
        let filter = &subscription.filter;
        let pattern =
            FilterPattern::compile(&filter.pattern).map_err(|error| LogsError::Internal(Box::new(error)))?;
        let criteria = filter.field_selection_criteria.as_deref().map(Criteria::compile).transpose();
        let criteria = criteria.map_err(|error| LogsError::Internal(Box::new(error)))?;
        let value_of = |field: &str| match field {
            "@aws.account" => Some(group.scope.account.as_str()),
            "@aws.region" => Some(group.scope.region.as_str()),
            "@source.log" => Some(group.name.as_ref()),
            _ => None,
        };
        let system = |field: &String| Some((field.clone(), value_of(field)?.to_owned()));
        Ok(Selector {
            pattern,
            extracts: filter.pattern.trim_start().starts_with('['),
            system_fields: filter.emit_system_fields.iter().filter_map(system).collect(),
            takes_part: criteria.is_none_or(|criteria| criteria.holds(&value_of)),
        })
    }

    /// The matching events, cut where the stream changes.
    fn runs(&self, group: &FoundGroup, events: &[StoredLogEvent], selector: &Selector) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        if !selector.takes_part {
            return runs;
        }
        for event in events {
            let text = std::str::from_utf8(&event.message).unwrap_or("\u{fffd}");
            let text = self.shown_text(group, event.ingestion_time, text);
            if !selector.pattern.matches(&text) {
                continue;
            }
            let mut extracted_fields = selector.system_fields.clone();
            if selector.extracts {
                let fields = selector.pattern.extract(&text).unwrap_or_default();
                let named =
                    |(name, value): (String, String)| (name.trim_start_matches('$').to_owned(), value);
                extracted_fields.extend(fields.into_iter().map(named));
            }
            let shown = MessageEvent {
                id: event_id(event.position),
                timestamp: event.position.timestamp.as_millis(),
                message: text.into_owned(),
                extracted_fields,
            };
            let sequence = event.position.sequence;
            match runs.last_mut() {
                Some(run) if run.stream == event.stream && run.events.len() < payload::EVENTS_MAX => {
                    run.events.push(shown);
                    run.accepted = run.accepted.max(event.ingestion_time);
                    run.last = sequence;
                }
                _ => runs.push(Run {
                    stream: event.stream.clone(),
                    events: vec![shown],
                    accepted: event.ingestion_time,
                    last: sequence,
                }),
            }
        }
        runs
    }

    /// Sends `runs` in order. Returns up to where everything is done, what was done, and why it went no further.
    async fn send(
        &self,
        subscription: &Subscription,
        group: &FoundGroup,
        runs: Vec<Run>,
        after: u64,
        through: u64,
        stop: &CancellationToken,
    ) -> (u64, Delivered, Option<String>) {
        let mut delivered = Delivered::default();
        if runs.is_empty() {
            return (through, delivered, None);
        }
        let id = &subscription.id;
        let target = match self.target_of(&id.scope, &subscription.filter.destination_arn) {
            Ok(target) => target,
            Err(reason) => return (after, delivered, Some(reason)),
        };
        let envelope = Envelope {
            owner: id.scope.account.as_str(),
            group: &group.name,
            stream: "",
            filter: &id.name,
            is_account_policy: id.is_account_policy,
        };
        let messages = |run: &Run| {
            let envelope = Envelope { stream: &run.stream, ..envelope };
            payload::data_messages(envelope, &run.events)
        };
        let (mut bytes, mut done, mut problem) = (0, after, None);
        for load in loads(&runs, target.kind, messages) {
            if stop.is_cancelled() {
                break;
            }
            let (events, size, end) = (load.events, load.bytes, load.done);
            match self.send_load(subscription, &target, load).await {
                Ok(true) => {
                    delivered.events += events;
                    bytes += size;
                }
                Ok(false) => delivered.dropped += events,
                Err(reason) => {
                    problem = Some(reason);
                    break;
                }
            }
            done = end.unwrap_or(done);
        }
        self.measure(subscription, target.kind, delivered, bytes).await;
        let is_finished = problem.is_none() && !stop.is_cancelled();
        (if is_finished { through } else { done }, delivered, problem)
    }

    /// Whether the target took it; `false` when it is dropped, for the target would never take it or was away for
    /// too long. An error leaves it for later.
    async fn send_load(
        &self,
        subscription: &Subscription,
        target: &Target,
        load: Load,
    ) -> Result<bool, String> {
        let id = &subscription.id;
        let call = target.call(load.messages, subscription.filter.distribution, self.entropy.as_ref());
        let error = match self.neighbours.targets.call(call).await {
            Ok(()) => return Ok(true),
            Err(error) => error,
        };
        let age = self.clock.now().millis_since(load.accepted);
        let given_up = matches!(error, TargetError::Refused(_)) || age >= TRIED_MILLIS;
        if !given_up {
            return Err(error.to_string());
        }
        tracing::warn!(
            log_group = id.group, filter = id.name, target = target.arn, events = load.events, %error,
            "events of a subscription were dropped"
        );
        Ok(false)
    }

    /// Stores how far delivery has come; `false` if the subscription is gone.
    async fn move_cursor(
        &self,
        subscription: &Subscription,
        cursor: DeliveryCursor,
        matched: bool,
    ) -> Result<bool, LogsError> {
        let (subscriptions, id) = (&self.subscriptions, &subscription.id);
        let key = id.cursor_key();
        let stored = subscriptions.cursors.get(&key);
        let behind = |(place, done): (&String, &u64)| {
            let written =
                stored.as_ref().filter(|s| s.number == cursor.number).and_then(|s| s.done.get(place));
            done.saturating_sub(written.copied().unwrap_or(subscription.filter.after))
        };
        let is_due = matched || cursor.done.iter().map(behind).max().unwrap_or_default() > UNWRITTEN_MAX;
        if is_due {
            let current = self.subscriptions_of(&id.scope, &id.group).into_iter().find(|s| s.id == *id);
            if current.is_none_or(|s| s.filter.number != cursor.number) {
                return Ok(false);
            }
            let transaction = self.catalog.transaction();
            let transaction = match stored {
                Some(stored) => {
                    transaction.update(&subscriptions.cursors, key, stored.version, cursor.clone())
                }
                None => transaction.insert(&subscriptions.cursors, key, cursor.clone()),
            };
            match transaction.commit().await {
                Ok(_) => {}
                Err(catalog::CommitError::Failed(error)) => return Err(error.into()),
                // Deleted meanwhile, with its group or alone.
                Err(_) => return Ok(false),
            }
        }
        subscriptions.remember(id, cursor);
        Ok(true)
    }

    /// Keeps when to try again, or that all is well.
    pub(crate) fn note(&self, subscription: &Subscription, failed: Option<String>) {
        let (now, id) = (self.clock.now(), &subscription.id);
        let waiting = failed.map(|reason| {
            let before = self.subscriptions.waiting(id);
            let failures = before.as_ref().map_or(0, |w| w.failures) + 1;
            let since = before.map_or(now, |w| w.since);
            let next = now.saturating_add_millis(pause_millis(failures, self.entropy.fraction()));
            Waiting { since, failures, next, reason }
        });
        self.subscriptions.set_waiting(id, waiting);
    }

    /// The service's own metrics. They are no reason to send anything twice, so a failure is only logged.
    async fn measure(
        &self,
        subscription: &Subscription,
        kind: TargetKind,
        delivered: Delivered,
        bytes: usize,
    ) {
        let id = &subscription.id;
        let dimension = |name: &str, value: &str| Dimension { name: name.into(), value: value.into() };
        let dimensions = || {
            vec![
                dimension("LogGroupName", &id.group),
                dimension("DestinationType", kind.name()),
                dimension("FilterName", &id.name),
            ]
        };
        let datum = |name: &str, unit: &str, value: f64| MetricDatum {
            metric: MetricIdentity::new("AWS/Logs", name, dimensions()),
            timestamp: self.clock.now(),
            unit: unit.into(),
            resolution: Resolution::Standard,
            value: MetricValue::Single(value),
        };
        let mut data = Vec::new();
        if delivered.events > 0 {
            data.push(datum("ForwardedLogEvents", "None", delivered.events as f64));
            data.push(datum("ForwardedBytes", "Bytes", bytes as f64));
        }
        if delivered.dropped > 0 {
            data.push(datum("DeliveryErrors", "None", delivered.dropped as f64));
        }
        if data.is_empty() {
            return;
        }
        if let Err(error) = self.neighbours.metrics.put_metric_data(&id.scope, data).await {
            tracing::warn!(%error, "metrics of a subscription were not taken");
        }
    }
}

/// How long to wait after so many failures in a row; `fraction` in `[0, 1)` spreads those that failed together.
fn pause_millis(failures: u32, fraction: f64) -> i64 {
    let full = PAUSE_MILLIS.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(PAUSE_MILLIS_MAX);
    full / 2 + (full as f64 / 2.0 * fraction) as i64
}

/// Puts the messages of runs into calls, as many into one as the kind of target takes.
fn loads(runs: &[Run], kind: TargetKind, messages: impl Fn(&Run) -> Vec<Bytes>) -> Vec<Load> {
    let mut loads: Vec<Load> = Vec::new();
    for run in runs {
        let mut messages = messages(run);
        let last = messages.pop();
        for message in messages {
            add(&mut loads, kind, run, message, None);
        }
        if let Some(message) = last {
            add(&mut loads, kind, run, message, Some(run.last));
        }
    }
    loads
}

fn add(loads: &mut Vec<Load>, kind: TargetKind, run: &Run, message: Bytes, done: Option<u64>) {
    let size = message.len();
    let fits = |load: &Load| load.messages.len() < kind.messages_max() && load.bytes + size <= CALL_BYTES_MAX;
    if !loads.last().is_some_and(fits) {
        loads.push(Load::default());
    }
    let load = loads.last_mut().expect("one was just pushed if there was none");
    load.messages.push((run.stream.clone(), message));
    load.bytes += size;
    load.accepted = load.accepted.max(run.accepted);
    if let Some(done) = done {
        load.events += run.events.len() as u64;
        load.done = Some(done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes() {
        assert_eq!([1, 2, 3, 9].map(|n| pause_millis(n, 0.0)), [500, 1_000, 2_000, 128_000]);
        assert_eq!(pause_millis(60, 0.0), 150_000);
        assert!((299_000..300_000).contains(&pause_millis(60, 0.999)));
    }

    #[test]
    fn calls_carry_whole_runs_in_order() {
        let run = |stream: &str, last| Run {
            stream: stream.into(),
            events: vec![MessageEvent {
                id: String::new(),
                timestamp: 0,
                message: String::new(),
                extracted_fields: BTreeMap::new(),
            }],
            accepted: Timestamp::from_millis(last as i64),
            last,
        };
        let runs = [run("a", 3), run("b", 7)];
        let two = |_: &Run| vec![Bytes::from_static(b"x"), Bytes::from_static(b"y")];
        let done =
            |loads: &[Load]| loads.iter().map(|l| (l.messages.len(), l.events, l.done)).collect::<Vec<_>>();
        let functions = loads(&runs, TargetKind::Function, two);
        assert_eq!(done(&functions), [(1, 0, None), (1, 1, Some(3)), (1, 0, None), (1, 1, Some(7))]);
        let streams = loads(&runs, TargetKind::DataStream, two);
        assert_eq!(done(&streams), [(4, 2, Some(7))]);
        let large = |_: &Run| vec![Bytes::from(vec![0; CALL_BYTES_MAX - 1])];
        assert_eq!(
            done(&loads(&runs, TargetKind::DeliveryStream, large)),
            [(1, 1, Some(3)), (1, 1, Some(7))]
        );
    }
}
