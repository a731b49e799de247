//! Delivery status: figures in namespace `AWS/SNS`, and the log events a topic's feedback attributes ask for.
//!
//! Both are collected here and handed on by a task; what a crash loses of them is a few seconds' worth.
//! Sources: sns-monitoring-using-cloudwatch, sns-topic-attributes (delivery status logs).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::{Clock, Entropy, Scope, Timestamp};
use md5::{Digest as _, Md5};
use parking_lot::Mutex;
use serde_json::json;
use signals::{
    Dimension, Dist, LogBatch, LogEvent, LogSink, MetricDatum, MetricIdentity, MetricSink, MetricValue,
    Resolution, SinkError,
};

use crate::arn::TopicArn;
use crate::outbox::deliver::{Attempt, Delivery, sequence_of};

/// Topics whose figures wait to be handed on.
const TOPICS_MAX: usize = 100_000;
/// Log events that wait; beyond it they are lost, and counted.
const EVENTS_MAX: usize = 20_000;

/// Topic, name of the metric, and minute.
type FigureKey = (TopicArn, &'static str, Timestamp);

pub(crate) struct Status {
    clock: Arc<dyn Clock>,
    figures: Mutex<HashMap<FigureKey, Dist>>,
    logs: Mutex<Logs>,
}

#[derive(Default)]
struct Logs {
    events: BTreeMap<(Scope, String), Vec<LogEvent>>,
    count: usize,
    lost: u64,
}

impl Status {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, figures: Mutex::default(), logs: Mutex::default() }
    }

    pub(crate) fn published(&self, topic: &TopicArn, size_bytes: usize, filtered_out: u64) {
        self.add(topic, "NumberOfMessagesPublished", 1.0);
        self.add(topic, "PublishSize", size_bytes as f64);
        if filtered_out > 0 {
            self.add(topic, "NumberOfNotificationsFilteredOut", filtered_out as f64);
        }
    }

    pub(crate) fn delivered(&self, topic: &TopicArn) {
        self.add(topic, "NumberOfNotificationsDelivered", 1.0);
    }

    pub(crate) fn failed(&self, topic: &TopicArn) {
        self.add(topic, "NumberOfNotificationsFailed", 1.0);
    }

    pub(crate) fn redriven(&self, topic: &TopicArn, succeeded: bool) {
        let name = if succeeded {
            "NumberOfNotificationsRedrivenToDlq"
        } else {
            "NumberOfNotificationsFailedToRedriveToDlq"
        };
        self.add(topic, name, 1.0);
    }

    fn add(&self, topic: &TopicArn, name: &'static str, value: f64) {
        let minute = self.clock.now().floor_to(60_000);
        let mut figures = self.figures.lock();
        let has_room = figures.len() < TOPICS_MAX;
        match figures.get_mut(&(topic.clone(), name, minute)) {
            Some(dist) => dist.add(value, 1.0),
            None if has_room => {
                figures.insert((topic.clone(), name, minute), Dist::single(value));
            }
            None => {}
        }
    }

    /// Writes down the end of a delivery, where the topic asks for it.
    pub(crate) fn log(&self, delivery: &Delivery, attempt: &Attempt, now: Timestamp, entropy: &dyn Entropy) {
        let Some(protocol) = delivery.subscription.protocol.feedback() else { return };
        let topic = &delivery.topic;
        let attribute = |name: &str| topic.record.attribute(&format!("{protocol}{name}"));
        let (succeeded, status, response) = match attempt {
            Attempt::Delivered { status, response } => (true, Some(*status), response.as_str()),
            Attempt::Failed(failure) => (false, None, failure.message.as_str()),
            Attempt::Moot => return,
        };
        let is_wanted = if succeeded {
            let rate = attribute("SuccessFeedbackSampleRate").and_then(|rate| rate.parse().ok());
            attribute("SuccessFeedbackRoleArn").is_some()
                && entropy.fraction() * 100.0 < rate.unwrap_or(100.0)
        } else {
            attribute("FailureFeedbackRoleArn").is_some()
        };
        if !is_wanted {
            return;
        }
        let published = delivery.message.as_ref().map_or(delivery.parcel.accepted, |m| m.published);
        let md5 = delivery.message.as_ref().map(|message| {
            let digest = Md5::digest(message.text.as_bytes());
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        });
        let event = json!({
            "notification": {
                "messageMD5Sum": md5,
                "messageId": delivery.parcel.message_id,
                "topicArn": topic.arn.text(),
                "timestamp": published.to_iso8601_millis().replace('T', " ").trim_end_matches('Z'),
                "sequenceNumber": delivery.message.as_deref().and_then(sequence_of),
            },
            "delivery": {
                "deliveryId": entropy.uuid().to_string(),
                "destination": delivery.subscription.shown_endpoint(),
                "providerResponse": response,
                "dwellTimeMs": now.millis_since(published),
                "attempts": delivery.parcel.attempts + 1,
                "statusCode": status,
            },
            "status": if succeeded { "SUCCESS" } else { "FAILURE" },
        });
        let scope = &topic.arn.scope;
        let failure = if succeeded { "" } else { "/Failure" };
        let group = format!("sns/{}/{}/{}{failure}", scope.region, scope.account, topic.arn.name);
        let mut logs = self.logs.lock();
        if logs.count >= EVENTS_MAX {
            logs.lost += 1;
            return;
        }
        logs.count += 1;
        let event = LogEvent::new(now, event.to_string());
        logs.events.entry((scope.clone(), group)).or_default().push(event);
    }

    /// Hands everything on; what isn't taken waits for the next time.
    pub(crate) async fn hand_on(
        &self,
        metrics: &dyn MetricSink,
        logs: &dyn LogSink,
    ) -> Result<u64, SinkError> {
        let figures = std::mem::take(&mut *self.figures.lock());
        let mut by_scope: BTreeMap<Scope, Vec<(FigureKey, Dist)>> = BTreeMap::new();
        for (key, dist) in figures {
            by_scope.entry(key.0.scope.clone()).or_default().push((key, dist));
        }
        let mut handed = 0;
        let mut failure = None;
        for (scope, figures) in by_scope {
            let data = figures.iter().map(|(key, dist)| datum(key, dist)).collect();
            match metrics.put_metric_data(&scope, data).await {
                Ok(()) => handed += figures.len() as u64,
                Err(error) => {
                    self.take_back(figures);
                    failure = Some(error);
                }
            }
        }
        let Logs { events, lost, .. } = std::mem::take(&mut *self.logs.lock());
        if lost > 0 {
            tracing::warn!(lost, "delivery status events were lost: too many waited");
        }
        for ((scope, log_group), events) in events {
            handed += events.len() as u64;
            let log_stream = "delivery-status".to_owned();
            if let Err(error) =
                logs.put_log_batch(LogBatch { scope, log_group, log_stream, events, create: true }).await
            {
                failure = Some(error);
            }
        }
        failure.map_or(Ok(handed), Err)
    }

    fn take_back(&self, figures: Vec<(FigureKey, Dist)>) {
        let mut kept = self.figures.lock();
        for (key, dist) in figures {
            let has_room = kept.len() < TOPICS_MAX;
            match kept.get_mut(&key) {
                Some(newer) => newer.merge(&dist),
                None if has_room => {
                    kept.insert(key, dist);
                }
                None => {}
            }
        }
    }
}

fn datum((topic, name, minute): &FigureKey, dist: &Dist) -> MetricDatum {
    let dimension = Dimension { name: "TopicName".into(), value: topic.name.as_str().into() };
    MetricDatum {
        metric: MetricIdentity::new("AWS/SNS", name, vec![dimension]),
        timestamp: *minute,
        unit: if *name == "PublishSize" { "Bytes" } else { "Count" }.into(),
        resolution: Resolution::Standard,
        value: MetricValue::Distribution(dist.clone()),
    }
}
