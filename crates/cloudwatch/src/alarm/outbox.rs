//! What an alarm has still to hand over: actions and bus events, written with the change that caused them and taken
//! away when they are done, so that a crash loses none.

use base::{Scope, Timestamp};
use catalog::{Record, RecordKey};
use serde::{Deserialize, Serialize};
use signals::{AlarmAction, BusEvent};

use super::history::ContributorName;
use super::record::AlarmType;

/// Attempts at an action whose target is not available.
pub(crate) const ATTEMPTS_MAX: u32 = 5;

/// One thing to hand over; a sequence number is in the key, so that they leave in the order they came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    pub(crate) alarm: String,
    pub(crate) content: Content,
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// Not before then.
    pub(crate) due: Timestamp,
}

impl Record for Outgoing {
    const COLLECTION: &'static str = "alarm_outbox";
    const VERSION: u32 = 1;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Content {
    Action(Box<PendingAction>),
    Event(Box<BusEvent>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingAction {
    /// The same for every attempt.
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) alarm_type: AlarmType,
    pub(crate) subject: String,
    pub(crate) message: String,
    pub(crate) event: String,
    pub(crate) state_updated: Timestamp,
    pub(crate) contributor: Option<ContributorName>,
    /// Runs again while the state lasts; then only failures are worth a history item.
    pub(crate) is_repeat: bool,
}

impl PendingAction {
    pub(crate) fn to_action(&self, scope: &Scope, alarm: &str) -> AlarmAction {
        AlarmAction {
            scope: scope.clone(),
            id: self.id.clone(),
            action_arn: self.arn.clone(),
            alarm_name: alarm.to_owned(),
            subject: self.subject.clone(),
            message: self.message.clone(),
            event: self.event.clone(),
        }
    }
}

pub(crate) fn outbox_key(scope: &Scope, sequence: u64) -> RecordKey {
    RecordKey::new(scope, &[&format!("{sequence:020}")])
}

/// How long after a failed attempt the next one is made.
pub(crate) fn pause_millis(attempts: u32) -> i64 {
    // 2, 8, 32, 128 seconds.
    2000 * 4i64.pow(attempts.saturating_sub(1).min(3))
}
