//! Accepting messages: the message and a parcel for every subscription that wants it become durable in one
//! transaction, and only then is the publisher answered.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use base::Timestamp;
use catalog::{CommitError, RecordKey, Versioned};

use super::{Accepted, Parcel, ParcelKind, accepted_key, parcel_key};
use crate::Sns;
use crate::error::SnsError;
use crate::filter_policy::AttributeValue;
use crate::message::{FifoPlace, Message, NewMessage, message_key};
use crate::subscription::{Protocol, Subscription, place_of, subscriptions_of};
use crate::topic::FoundTopic;

/// AWS: a deduplication id counts for five minutes.
const DEDUPLICATION_WINDOW: Duration = Duration::from_secs(300);
/// An alarm may take this long to learn that its action was accepted, restarts included.
const ONCE_WINDOW: Duration = Duration::from_secs(86_400);
const TRIES_MAX: usize = 20;

/// What a publisher learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    pub(crate) message_id: String,
    pub(crate) sequence: Option<u64>,
}

/// A subscription that wants the message.
struct Receiver {
    id: String,
    dead_letter_queue: Option<String>,
}

impl Sns {
    /// Accepts a message. With `once`, an id under which it was accepted before, it is not accepted again.
    pub(crate) async fn publish(
        &self,
        topic: &FoundTopic,
        new: NewMessage,
        now: Timestamp,
        once: Option<&str>,
    ) -> Result<Published, SnsError> {
        // Groups of FIFO topics are kept in the order of acceptance, which is the order of the commits.
        let _in_turn = match new.fifo {
            Some(_) => Some(self.locks.lock(&topic.arn).await),
            None => None,
        };
        let mut topic = topic.clone();
        for _ in 0..TRIES_MAX {
            match self.try_publish(&topic, &new, now, once).await {
                Err(SnsError::Conflict) => topic = self.topic(&topic.arn)?,
                other => return other,
            }
        }
        Err(SnsError::Conflict)
    }

    async fn try_publish(
        &self,
        topic: &FoundTopic,
        new: &NewMessage,
        now: Timestamp,
        once: Option<&str>,
    ) -> Result<Published, SnsError> {
        let scope = &topic.arn.scope;
        let accepted = accepted_as(topic, new, once);
        let before = accepted.as_ref().and_then(|(key, _)| self.outbox.accepted.get(key));
        if let Some(before) = before.as_ref().filter(|before| now < before.until) {
            return Ok(Published { message_id: before.message_id.clone(), sequence: before.sequence });
        }
        let (receivers, filtered_out) = self.receivers(topic, new);
        let (message_id, sequence) = (self.entropy.uuid().to_string(), self.sequence(new).await?);
        let message = message(topic, new, now, sequence);
        let size = message.size_bytes();
        let parcels = self.parcels(topic, &message_id, &receivers, new, now, size)?;
        let mut transaction =
            self.catalog.transaction().require(&self.topics, topic.key(), topic.record.version);
        if let Some((key, window)) = accepted {
            if let Some(before) = before {
                transaction = transaction.delete(&self.outbox.accepted, key.clone(), before.version);
            }
            let record = Accepted { message_id: message_id.clone(), sequence, until: now + window };
            transaction = transaction.insert(&self.outbox.accepted, key, record);
        }
        if !parcels.is_empty() {
            transaction = transaction.insert(&self.outbox.messages, message_key(scope, &message_id), message);
        }
        for (key, parcel) in &parcels {
            transaction = transaction.insert(&self.outbox.parcels, key.clone(), parcel.clone());
        }
        match transaction.commit().await {
            Ok(_) => {}
            Err(CommitError::Missing { .. }) => return Err(SnsError::TopicMissing),
            Err(error) => return Err(error.into()),
        }
        let mut schedule = self.outbox.schedule.lock();
        parcels.iter().for_each(|(key, parcel)| schedule.add(key.clone(), parcel, size));
        drop(schedule);
        if !parcels.is_empty() {
            self.outbox.wake();
        }
        self.status.published(&topic.arn, new.size_bytes, filtered_out);
        Ok(Published { message_id, sequence })
    }

    async fn sequence(&self, new: &NewMessage) -> Result<Option<u64>, SnsError> {
        Ok(match new.fifo {
            Some(_) => Some(self.catalog.next_id("sns_sequence").await?),
            None => None,
        })
    }

    /// Confirmed subscriptions whose policy wants the message, and how many don't.
    fn receivers(&self, topic: &FoundTopic, new: &NewMessage) -> (Vec<Receiver>, u64) {
        let attributes: BTreeMap<&str, AttributeValue<'_>> = new
            .attributes
            .iter()
            .map(|(name, a)| (name.as_str(), AttributeValue { data_type: &a.data_type, text: &a.value }))
            .collect();
        let mut candidates: Vec<(RecordKey, Versioned<Subscription>)> = Vec::new();
        self.subscriptions.scan(&subscriptions_of(&topic.arn), None, |key, subscription| {
            if subscription.is_confirmed() {
                candidates.push((key.clone(), subscription.clone()));
            }
            ControlFlow::Continue(())
        });
        let (mut receivers, mut filtered_out) = (Vec::new(), 0);
        for (key, subscription) in candidates {
            let text = text_for(new, subscription.protocol);
            match self.filters.of(&key, &subscription) {
                Some(policy) if !policy.wants(&attributes, text) => filtered_out += 1,
                _ => receivers.extend(
                    place_of(&key)
                        .map(|(_, id)| Receiver { id, dead_letter_queue: subscription.dead_letter_queue() }),
                ),
            }
        }
        (receivers, filtered_out)
    }

    /// The parcels of a message, if there is room for them.
    fn parcels(
        &self,
        topic: &FoundTopic,
        message_id: &str,
        receivers: &[Receiver],
        new: &NewMessage,
        now: Timestamp,
        size: usize,
    ) -> Result<Vec<(RecordKey, Parcel)>, SnsError> {
        let scope = &topic.arn.scope;
        let limits = self.outbox.limits;
        let mut schedule = self.outbox.schedule.lock();
        let is_full = schedule.len() + receivers.len() > limits.parcels_max
            || schedule.bytes() + size > limits.bytes_max;
        if is_full && !receivers.is_empty() {
            return Err(SnsError::OutboxFull);
        }
        let mut parcels = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            let backlog = schedule.waiting_for(scope, &receiver.id);
            let kind = if backlog < limits.parcels_per_subscription_max {
                ParcelKind::Notification
            } else {
                self.status.failed(&topic.arn);
                match &receiver.dead_letter_queue {
                    Some(queue)
                        if schedule.waiting_for(scope, queue) < limits.parcels_per_subscription_max =>
                    {
                        ParcelKind::DeadLetter {
                            queue_arn: queue.clone(),
                            error_code: "BacklogExceeded".to_owned(),
                            error_message: format!("{backlog} notifications wait for this subscription"),
                            request_id: message_id.to_owned(),
                        }
                    }
                    _ => {
                        tracing::warn!(
                            topic = topic.arn.name,
                            subscription = receiver.id,
                            message_id,
                            "a notification was dropped: {backlog} wait for this subscription already"
                        );
                        continue;
                    }
                }
            };
            let parcel = Parcel {
                kind,
                message_id: message_id.to_owned(),
                topic: topic.arn.name.clone(),
                subscription_id: receiver.id.clone(),
                order: schedule.next_order(),
                group: new.fifo.as_ref().map(|(group, _)| group.clone()),
                accepted: now,
                due: now,
                attempts: 0,
                last_error: None,
            };
            parcels.push((parcel_key(scope, &parcel), parcel));
        }
        Ok(parcels)
    }

    /// Accepts a confirmation for a subscription's endpoint; the transaction is committed by the caller, who then
    /// hands the parcel to [`Sns::post`].
    pub(crate) fn confirmation_parcel(
        &self,
        topic: &FoundTopic,
        subscription_id: &str,
        kind: ParcelKind,
        now: Timestamp,
    ) -> (RecordKey, Parcel) {
        let parcel = Parcel {
            kind,
            message_id: self.entropy.uuid().to_string(),
            topic: topic.arn.name.clone(),
            subscription_id: subscription_id.to_owned(),
            order: self.outbox.schedule.lock().next_order(),
            group: None,
            accepted: now,
            due: now,
            attempts: 0,
            last_error: None,
        };
        (parcel_key(&topic.arn.scope, &parcel), parcel)
    }

    /// Schedules a parcel that is durable.
    pub(crate) fn post(&self, key: RecordKey, parcel: &Parcel) {
        self.outbox.schedule.lock().add(key, parcel, 0);
        self.outbox.wake();
    }
}

fn text_for(new: &NewMessage, protocol: Protocol) -> &str {
    new.by_protocol.get(protocol.name()).unwrap_or(&new.text)
}

/// The id the message may not be accepted under twice, and for how long.
fn accepted_as(topic: &FoundTopic, new: &NewMessage, once: Option<&str>) -> Option<(RecordKey, Duration)> {
    let (scope, name) = (&topic.arn.scope, &topic.arn.name);
    match (&new.fifo, once) {
        (_, Some(id)) => Some((accepted_key(scope, name, "once", id), ONCE_WINDOW)),
        (Some((group, id)), None) => {
            let id = if topic.record.deduplicates_by_group() { format!("{group}\n{id}") } else { id.clone() };
            Some((accepted_key(scope, name, "fifo", &id), DEDUPLICATION_WINDOW))
        }
        (None, None) => None,
    }
}

fn message(topic: &FoundTopic, new: &NewMessage, now: Timestamp, sequence: Option<u64>) -> Message {
    Message {
        topic: topic.arn.name.clone(),
        published: now,
        subject: new.subject.clone(),
        text: new.text.clone(),
        by_protocol: new.by_protocol.clone(),
        attributes: new.attributes.clone(),
        signature_version: topic.record.signature_version(),
        fifo: new.fifo.clone().zip(sequence).map(|((group_id, deduplication_id), sequence)| FifoPlace {
            group_id,
            deduplication_id,
            sequence,
        }),
    }
}
