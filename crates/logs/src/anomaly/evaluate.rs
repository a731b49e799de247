//! One evaluation of a detector: reads what came since the last one, asks the model, keeps what it found.

use std::collections::BTreeMap;

use base::{Scope, TimeRange, Timestamp};
use catalog::{CommitError, Versioned};
use lang::filter_pattern::FilterPattern;
use signals::{Dimension, MetricDatum, MetricIdentity, MetricValue, Resolution};
use store::tables::logs::{LogRead, StoredLogEvent};

use super::model::{Finding, Message, Outcome, observe, trim};
use super::{
    ANOMALIES_MAX, Anomaly, Detector, DetectorModel, HISTOGRAM_MAX, Token, anomalies_of, anomaly_key,
    detector_key,
};
use crate::Logs;
use crate::error::LogsError;
use crate::group::{FoundGroup, name_of};

/// Messages of one evaluation; of more, the rest is passed over.
const MESSAGES_MAX: usize = 50_000;
const PAGE_EVENTS_MAX: usize = 10_000;
const PAGE_BYTES_MAX: usize = 4 << 20;
/// Characters of a message that count. AWS: LogsAnomalyDetection.html.
const CHARACTERS_MAX: usize = 1_500;
/// AWS: a detector is trained with the past two weeks.
const TRAINING_MILLIS: i64 = 14 * 86_400_000;
const DAY_MILLIS: i64 = 86_400_000;

impl Logs {
    /// Evaluates a detector; how many anomalies are new.
    pub(crate) async fn evaluate_detector(
        &self,
        scope: &Scope,
        id: &str,
        detector: &Detector,
    ) -> Result<u64, LogsError> {
        let Ok(group) = self.group(scope, &detector.group) else { return Ok(0) };
        if group.record.incarnation != detector.incarnation {
            return Ok(0);
        }
        let key = detector_key(scope, id);
        let now = self.clock.now();
        let before = self.detector_models.get(&key);
        let mut model = before.as_ref().map(|m| DetectorModel::clone(&m.record)).unwrap_or_default();
        let training = model.evaluated.is_none();
        let window = self.window(&group, detector, &mut model, training).await?;
        self.close_anomalies(scope, id, detector, &mut model, now);
        let work = move || {
            let outcome = observe(&mut model.known, &window, now, training);
            (model, outcome)
        };
        // Clustering takes a while and waits for nothing.
        let (mut model, outcome) =
            tokio::task::spawn_blocking(work).await.map_err(|error| LogsError::Internal(Box::new(error)))?;
        model.evaluated = Some(now);
        let found = self.keep_outcome_of(scope, id, detector, before, model, outcome, now).await?;
        self.forget_anomalies(scope, id).await?;
        self.count_anomalies(scope, detector, &found).await;
        Ok(found.len() as u64)
    }

    /// The messages to look at; the model's cursor moves behind them.
    async fn window(
        &self,
        group: &FoundGroup,
        detector: &Detector,
        model: &mut DetectorModel,
        training: bool,
    ) -> Result<Vec<Message>, LogsError> {
        let now = self.clock.now();
        let pattern = FilterPattern::compile(detector.pattern.as_deref().unwrap_or_default())
            .map_err(|error| LogsError::Internal(Box::new(error)))?;
        let mut messages = Vec::new();
        let mut take = |event: &StoredLogEvent| {
            let text = std::str::from_utf8(&event.message).unwrap_or("\u{fffd}");
            let text = self.shown_text(group, event.ingestion_time, text);
            if pattern.matches(&text) {
                let text = text.chars().take(CHARACTERS_MAX).collect();
                messages.push(Message { timestamp: event.position.timestamp, text });
            }
        };
        let key = group.store_key();
        let last = self.events.last_sequence(&key);
        let mut snapshot = self.events.snapshot(&[key]);
        let visible = group.visible_from(now);
        snapshot.hide_before(0, visible);
        let mut looked_at = 0;
        if training {
            let range =
                TimeRange::new(visible.max(now.saturating_sub_millis(TRAINING_MILLIS)), Timestamp::MAX);
            let mut from = None;
            while looked_at < MESSAGES_MAX {
                let read = LogRead {
                    streams: None,
                    stream_prefix: None,
                    range,
                    from,
                    descending: true,
                    limit: PAGE_EVENTS_MAX,
                    bytes_max: PAGE_BYTES_MAX,
                    must_contain: &[],
                    field_tests: &[],
                    matcher: None,
                    examine_max: usize::MAX,
                };
                let page = snapshot.read(0, &read).await?;
                page.events.iter().for_each(&mut take);
                looked_at += page.events.len();
                match page.resume {
                    Some(resume) => from = Some(resume),
                    None => break,
                }
            }
        } else {
            while looked_at < MESSAGES_MAX {
                let page = snapshot.read_accepted(0, model.cursor, PAGE_EVENTS_MAX, PAGE_BYTES_MAX).await?;
                page.events.iter().for_each(&mut take);
                looked_at += page.events.len();
                model.cursor = page.through.max(model.cursor);
                if !page.more {
                    break;
                }
            }
        }
        model.cursor = model.cursor.max(last);
        Ok(messages)
    }

    /// Patterns whose anomaly was accepted, deleted, or shown for long enough are as they should be from now on.
    fn close_anomalies(
        &self,
        scope: &Scope,
        id: &str,
        detector: &Detector,
        model: &mut DetectorModel,
        now: Timestamp,
    ) {
        for known in &mut model.known {
            let Some((anomaly, since)) = &known.anomaly else { continue };
            let record = self.anomalies.get(&anomaly_key(scope, id, anomaly));
            let is_over = now.millis_since(*since) > detector.visibility_days * DAY_MILLIS;
            if is_over || record.is_none_or(|record| record.is_baseline) {
                known.anomaly = None;
            }
        }
    }

    /// Stores model and anomalies together; the priorities of those that are new.
    #[allow(clippy::too_many_arguments, reason = "they are the parts of one evaluation")]
    async fn keep_outcome_of(
        &self,
        scope: &Scope,
        id: &str,
        detector: &Detector,
        before: Option<Versioned<DetectorModel>>,
        mut model: DetectorModel,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Vec<String>, LogsError> {
        let window = now.saturating_sub_millis(detector.frequency.millis()).as_millis();
        let mut transaction = self.catalog.transaction();
        let mut priorities = Vec::new();
        for finding in &outcome.findings {
            let anomaly_id = self.entropy.uuid().to_string();
            let anomaly = anomaly(finding, window);
            model.known[finding.known].anomaly = Some((anomaly_id.clone(), now));
            priorities.push(anomaly.priority.clone());
            transaction = transaction.insert(&self.anomalies, anomaly_key(scope, id, &anomaly_id), anomaly);
        }
        for again in &outcome.again {
            let key = anomaly_key(scope, id, &again.anomaly);
            let Some(record) = self.anomalies.get(&key) else { continue };
            let mut anomaly = Anomaly::clone(&record.record);
            anomaly.last_seen = anomaly.last_seen.max(again.last_seen);
            anomaly.histogram.insert(window, again.count);
            while anomaly.histogram.len() > HISTOGRAM_MAX {
                anomaly.histogram.pop_first();
            }
            transaction = transaction.update(&self.anomalies, key, record.version, anomaly);
        }
        trim(&mut model.known);
        let key = detector_key(scope, id);
        transaction = match before {
            Some(before) => transaction.update(&self.detector_models, key, before.version, model),
            None => transaction.insert(&self.detector_models, key, model),
        };
        match transaction.commit().await {
            Ok(_) => Ok(priorities),
            Err(CommitError::Failed(error)) => Err(error.into()),
            // The detector, or an anomaly, changed meanwhile: the next evaluation looks at the same events.
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn forget_anomalies(&self, scope: &Scope, id: &str) -> Result<(), LogsError> {
        let mut all = self.anomalies.list(&anomalies_of(scope, id), None, usize::MAX);
        all.sort_by_key(|entry| std::cmp::Reverse(entry.last_seen));
        for entry in all.iter().skip(ANOMALIES_MAX) {
            match self.anomalies.delete(entry.key.clone(), entry.value.version).await {
                Err(CommitError::Failed(error)) => return Err(error.into()),
                Ok(()) | Err(_) => {
                    tracing::debug!(anomaly = name_of(&entry.key), "an old anomaly is forgotten")
                }
            }
        }
        Ok(())
    }

    /// Publishes the number of new anomalies. It is no reason to evaluate again, so a failure is only logged.
    async fn count_anomalies(&self, scope: &Scope, detector: &Detector, priorities: &[String]) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for priority in priorities {
            *counts.entry(priority).or_default() += 1;
        }
        let name = detector.name.as_deref().unwrap_or(&detector.group);
        let dimension = |name: &str, value: &str| Dimension { name: name.into(), value: value.into() };
        let datum = |(priority, count): (&str, u64)| MetricDatum {
            metric: MetricIdentity::new(
                "AWS/Logs",
                "AnomalyCount",
                vec![dimension("LogAnomalyDetector", name), dimension("LogAnomalyPriority", priority)],
            ),
            timestamp: self.clock.now(),
            unit: "None".into(),
            resolution: Resolution::Standard,
            value: MetricValue::Single(count as f64),
        };
        let data: Vec<_> = counts.into_iter().map(datum).collect();
        if !data.is_empty()
            && let Err(error) = self.neighbours.metrics.put_metric_data(scope, data).await
        {
            tracing::warn!(%error, "the metric of an anomaly detector was not taken");
        }
    }
}

fn anomaly(finding: &Finding, window: i64) -> Anomaly {
    let pattern = &finding.pattern;
    let token = |token: &patterns::PatternToken| Token {
        text: token.text.clone(),
        gap: token.gap.map(|(kind, number)| (number, kind.name().to_owned())),
        values: token.values.clone(),
    };
    Anomaly {
        pattern_id: pattern.hash.clone(),
        pattern: pattern.text.clone(),
        regex: pattern.regex(),
        tokens: pattern.tokens.iter().map(token).collect(),
        samples: finding.samples.iter().map(|m| (m.timestamp, m.text.clone())).collect(),
        description: finding.description(),
        priority: finding.priority().to_owned(),
        first_seen: finding.first_seen,
        last_seen: finding.last_seen,
        histogram: BTreeMap::from([(window, finding.count)]),
        is_baseline: false,
        suppression: None,
    }
}
