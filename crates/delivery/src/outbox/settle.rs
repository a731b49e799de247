//! What follows from an attempt: the parcel is done, waits for another, or becomes a dead letter.

use std::time::Duration;

use base::{Scope, Timestamp};
use catalog::{CommitError, RecordKey, Versioned};

use super::deliver::{Attempt, Delivery, Failure};
use super::policy::RetryPolicy;
use super::{Parcel, ParcelKind, parcel_key};
use crate::Sns;
use crate::arn::TopicArn;
use crate::message::message_key;
use crate::subscription::Protocol;

/// A parcel whose end could not be written down is taken up again after this.
const UNWRITTEN_PAUSE: Duration = Duration::from_secs(5);

/// What becomes of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Done,
    Again {
        due: Timestamp,
    },
    /// Given up; with a queue, what it tells.
    Dead {
        letter: Option<ParcelKind>,
    },
}

/// How long deliveries that AWS would repeat for days are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLimits {
    /// Queues, functions and delivery streams.
    pub services: Duration,
    pub mail: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self { services: Duration::from_secs(3600), mail: Duration::from_secs(6 * 3600) }
    }
}

fn fate(delivery: &Delivery, failure: &Failure, limits: RetryLimits, now: Timestamp) -> Fate {
    let protocol = match delivery.parcel.kind {
        ParcelKind::DeadLetter { .. } => Protocol::Sqs,
        _ => delivery.subscription.protocol,
    };
    let (policy, life) = match protocol {
        Protocol::Http | Protocol::Https => (delivery.policy().retry, Duration::MAX),
        Protocol::Email | Protocol::EmailJson => (RetryPolicy::of_mail(), limits.mail),
        Protocol::Sqs | Protocol::Lambda | Protocol::Firehose => {
            (RetryPolicy::of_services(), limits.services)
        }
    };
    let age = u64::try_from(now.millis_since(delivery.parcel.accepted)).unwrap_or(0);
    let may_retry = failure.retryable && Duration::from_millis(age) < life;
    // The attempt that failed was number `attempts + 1`, so the next is retry `attempts + 1`.
    match policy.delay_before(delivery.parcel.attempts + 1).filter(|_| may_retry) {
        Some(delay) => Fate::Again { due: now + delay },
        None => Fate::Dead { letter: letter(delivery, failure) },
    }
}

fn letter(delivery: &Delivery, failure: &Failure) -> Option<ParcelKind> {
    if delivery.parcel.kind != ParcelKind::Notification {
        return None;
    }
    delivery.subscription.dead_letter_queue().map(|queue_arn| ParcelKind::DeadLetter {
        queue_arn,
        error_code: failure.code.to_owned(),
        error_message: failure.message.clone(),
        request_id: delivery.parcel.message_id.clone(),
    })
}

impl Sns {
    /// Keeps what follows a parcel that was taken to the pace its policy allows.
    pub(crate) fn pace(&self, key: &RecordKey, parcel: &Parcel) {
        let Some(scope) = key.scope() else { return };
        let delivery = self.delivery(&TopicArn::new(&scope, &parcel.topic), parcel);
        if let Some(rate) = delivery.and_then(|delivery| delivery.policy().receives_per_second_max) {
            let gap = Duration::from_millis(1000 / u64::from(rate.max(1)));
            self.outbox.schedule.lock().throttle(key, self.clock.now() + gap);
        }
    }

    /// Delivers one parcel that was taken from the outbox, and writes down how it went.
    pub(crate) async fn deliver(&self, key: RecordKey, parcel: Versioned<Parcel>) {
        let Some(scope) = key.scope() else { return };
        let arn = TopicArn::new(&scope, &parcel.topic);
        let now = self.clock.now();
        let delivery = self.delivery(&arn, &parcel);
        let attempt = match &delivery {
            Some(delivery) => self.attempt(delivery, now).await,
            None => Attempt::Moot,
        };
        let now = self.clock.now();
        let fate = match (&attempt, &delivery) {
            (Attempt::Failed(failure), Some(delivery)) => fate(delivery, failure, self.retry_limits, now),
            _ => Fate::Done,
        };
        if let Some(delivery) = &delivery {
            self.note(delivery, &attempt, &fate, now);
        }
        self.settle(&scope, key, parcel, &attempt, fate, now).await;
    }

    /// Figures, status logs, and a line for the operator.
    fn note(&self, delivery: &Delivery, attempt: &Attempt, fate: &Fate, now: Timestamp) {
        let arn = &delivery.topic.arn;
        let is_dead = matches!(fate, Fate::Dead { .. });
        match (&delivery.parcel.kind, attempt) {
            (ParcelKind::Notification, Attempt::Delivered { .. }) => self.status.delivered(arn),
            (ParcelKind::Notification, Attempt::Failed(_)) if is_dead => self.status.failed(arn),
            (ParcelKind::DeadLetter { .. }, Attempt::Delivered { .. }) => self.status.redriven(arn, true),
            (ParcelKind::DeadLetter { .. }, Attempt::Failed(_)) if is_dead => {
                self.status.redriven(arn, false)
            }
            _ => {}
        }
        if delivery.parcel.kind == ParcelKind::Notification && (is_dead || *fate == Fate::Done) {
            self.status.log(delivery, attempt, now, self.entropy.as_ref());
        }
        if let Attempt::Failed(failure) = attempt {
            let (topic, subscription) = (arn.name.as_str(), delivery.parcel.subscription_id.as_str());
            let (protocol, attempts) = (delivery.subscription.protocol.name(), delivery.parcel.attempts + 1);
            let reason = failure.message.as_str();
            if is_dead {
                tracing::warn!(topic, subscription, protocol, attempts, reason, "a delivery was given up");
            } else {
                tracing::debug!(topic, subscription, protocol, attempts, reason, "a delivery failed");
            }
        }
    }

    async fn settle(
        &self,
        scope: &Scope,
        key: RecordKey,
        parcel: Versioned<Parcel>,
        attempt: &Attempt,
        fate: Fate,
        now: Timestamp,
    ) {
        let lane = self.outbox.schedule.lock().lane_of(&key);
        let Some(lane) = lane else { return };
        let succeeded = !matches!(attempt, Attempt::Failed(Failure { retryable: true, .. }));
        let written = match &fate {
            Fate::Again { due } => self.write_again(&key, &parcel, attempt, *due).await,
            Fate::Done => self.write_end(scope, &key, &parcel, None, now).await,
            Fate::Dead { letter } => self.write_end(scope, &key, &parcel, letter.clone(), now).await,
        };
        let again = match (&fate, &written) {
            // Removed with its topic meanwhile, or by a second hand: there is nothing left to do.
            (
                _,
                Err(CommitError::Missing { .. } | CommitError::Conflict { .. } | CommitError::Exists { .. }),
            ) => None,
            (_, Err(CommitError::Failed(error))) => {
                tracing::error!(%error, "the end of a delivery could not be kept; it may be repeated");
                Some((now + UNWRITTEN_PAUSE, parcel.order))
            }
            (Fate::Again { due }, Ok(())) => Some((*due, parcel.order)),
            (_, Ok(())) => None,
        };
        self.outbox.schedule.lock().finish(&lane, &key, again, succeeded);
    }

    async fn write_again(
        &self,
        key: &RecordKey,
        parcel: &Versioned<Parcel>,
        attempt: &Attempt,
        due: Timestamp,
    ) -> Result<(), CommitError> {
        let last_error = match attempt {
            Attempt::Failed(failure) => Some(failure.message.chars().take(500).collect()),
            _ => None,
        };
        let record = Parcel { due, attempts: parcel.attempts + 1, last_error, ..Parcel::clone(parcel) };
        let transaction = self.catalog.transaction();
        transaction.update(&self.outbox.parcels, key.clone(), parcel.version, record).commit().await.map(drop)
    }

    /// Removes a parcel, and its message with the last one; a dead letter takes its place.
    async fn write_end(
        &self,
        scope: &Scope,
        key: &RecordKey,
        parcel: &Versioned<Parcel>,
        letter: Option<ParcelKind>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let mut transaction =
            self.catalog.transaction().delete(&self.outbox.parcels, key.clone(), parcel.version);
        if let Some(kind) = letter {
            let letter = Parcel {
                kind,
                accepted: now,
                due: now,
                attempts: 0,
                last_error: None,
                ..Parcel::clone(parcel)
            };
            let letter_key = parcel_key(scope, &letter);
            transaction.insert(&self.outbox.parcels, letter_key.clone(), letter.clone()).commit().await?;
            let mut schedule = self.outbox.schedule.lock();
            // The letter holds the message from here on.
            schedule.add(letter_key, &letter, 0);
            schedule.release(scope, &parcel.message_id);
            return Ok(());
        }
        if !parcel.kind.has_message() {
            return transaction.commit().await.map(drop);
        }
        let message_key = message_key(scope, &parcel.message_id);
        let message = self.outbox.messages.get(&message_key);
        let is_last = self.outbox.schedule.lock().release(scope, &parcel.message_id);
        let size = message.as_ref().map_or(0, |message| message.size_bytes());
        if let Some(message) = message.filter(|_| is_last) {
            transaction = transaction.delete(&self.outbox.messages, message_key, message.version);
        }
        let written = transaction.commit().await.map(drop);
        if let Err(CommitError::Failed(_)) = &written {
            self.outbox.schedule.lock().hold(scope, &parcel.message_id, size);
        }
        written
    }
}
