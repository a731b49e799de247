//! `alarm_evaluation`: evaluates the alarms that are due and writes what changes.
//!
//! Which evaluations were made is only remembered here: after a restart every alarm is evaluated at once, on the same
//! values, and comes to the same state.

mod composites;
mod metric_alarms;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::{Prefix, RecordKey, Versioned};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::CloudWatch;
use crate::alarm::book::ActiveMutes;
use crate::alarm::effects::{Effects, repeats};
use crate::alarm::record::{Alarm, Kind, StateValue};
use crate::alarm::{composite, slots};

/// Alarms written at the same time; they share durable commits.
const WRITES_MAX: usize = 256;
/// How often withheld and repeated actions are looked at.
const MINUTE_MILLIS: i64 = 60_000;

pub(crate) struct AlarmEvaluation {
    cw: Arc<CloudWatch>,
    memory: Mutex<Memory>,
}

/// What earlier activations did.
#[derive(Default)]
struct Memory {
    /// What each metric alarm was last evaluated at.
    evaluated: HashMap<RecordKey, Evaluated>,
    /// When actions that repeat last ran.
    repeated: HashMap<RecordKey, Timestamp>,
    next: Option<Timestamp>,
}

/// An evaluation need not be made twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Evaluated {
    edge: Timestamp,
    incarnation: u64,
    configured: Timestamp,
}

/// An alarm as it was read.
#[derive(Clone)]
struct Current {
    key: RecordKey,
    scope: Scope,
    name: String,
    alarm: Versioned<Alarm>,
}

impl Current {
    fn new(key: &RecordKey, alarm: &Versioned<Alarm>) -> Option<Self> {
        let name = key.parts().pop()?;
        Some(Self { key: key.clone(), scope: key.scope()?, name, alarm: alarm.clone() })
    }
}

/// Active mute rules, looked up once for each scope and activation.
#[derive(Default)]
struct Mutes(HashMap<Scope, ActiveMutes>);

impl Mutes {
    fn of(&mut self, cw: &CloudWatch, scope: &Scope, now: Timestamp) -> &ActiveMutes {
        self.0.entry(scope.clone()).or_insert_with(|| cw.alarms().active_mutes(scope, now))
    }
}

impl AlarmEvaluation {
    pub(crate) fn new(cw: Arc<CloudWatch>) -> Self {
        Self { cw, memory: Mutex::default() }
    }

    /// The metric alarms whose evaluation at `now` was not made yet.
    fn due(&self, now: Timestamp) -> Vec<(Current, Timestamp)> {
        let mut due = Vec::new();
        let mut memory = self.memory.lock();
        let mut evaluated = HashMap::with_capacity(memory.evaluated.len());
        self.cw.alarms().alarms.scan(&Prefix::everything(), None, |key, alarm| {
            if let Kind::Metric(rule) = &alarm.kind {
                let edge = slots::edge(rule, now);
                let this = Evaluated { edge, incarnation: alarm.incarnation, configured: alarm.configured };
                let is_held = || alarm.state.set_at.is_some_and(|at| slots::edge(rule, at) == edge);
                match memory.evaluated.remove(key) {
                    Some(last) if last == this => _ = evaluated.insert(key.clone(), last),
                    _ if is_held() => _ = evaluated.insert(key.clone(), this),
                    _ => due.extend(Current::new(key, alarm).map(|current| (current, edge))),
                }
            }
            ControlFlow::Continue(())
        });
        // Alarms that are gone are forgotten.
        memory.evaluated = evaluated;
        due
    }

    fn remember(&self, current: &Current, edge: Timestamp) {
        let Alarm { incarnation, configured, .. } = *current.alarm;
        self.memory.lock().evaluated.insert(current.key.clone(), Evaluated { edge, incarnation, configured });
    }

    /// Writes a changed alarm. A conflict means that somebody else changed it: the next activation looks again.
    async fn write(&self, current: &Current, now: Timestamp, effects: Effects) -> Result<bool, TaskError> {
        let Current { scope, name, alarm, .. } = current;
        match self.cw.write_alarm(scope, name, now, alarm.version, effects).await {
            Ok(()) => Ok(true),
            Err(catalog::CommitError::Failed(error)) => Err(error.into()),
            Err(_) => {
                self.cw.alarms().evaluate_soon();
                Ok(false)
            }
        }
    }

    /// Runs actions that a mute rule withheld and no longer does.
    async fn unmute(&self, now: Timestamp, mutes: &mut Mutes) -> Result<u64, TaskError> {
        let mut changes = 0;
        for current in self.select(|alarm| alarm.withheld) {
            let active = mutes.of(&self.cw, &current.scope, now);
            let context = self.cw.context(&current.scope, &current.name, &current.alarm, active);
            if !context.mutes.is_empty() {
                continue;
            }
            let around = self.cw.surroundings(&current.scope, &current.name, now, &context);
            let mut effects = Effects::none(Alarm::clone(&current.alarm));
            effects.alarm.withheld = false;
            // AWS: what runs after a mute window are the actions of alarms in ALARM (API_DeleteAlarmMuteRule).
            if effects.alarm.state.value == StateValue::Alarm {
                let children = composite::children_of(current.alarm.state.reason_data.as_deref());
                effects.act(&around, &children, true);
            }
            changes += u64::from(self.write(&current, now, effects).await?);
        }
        Ok(changes)
    }

    /// Runs actions that are repeated as long as a state lasts.
    async fn repeat(&self, now: Timestamp, mutes: &mut Mutes) -> Result<u64, TaskError> {
        let is_repeating = |alarm: &Alarm| {
            alarm.actions_enabled && alarm.actions_of(alarm.state.value).iter().any(|arn| repeats(arn))
        };
        let mut changes = 0;
        let mut repeated = HashMap::new();
        for current in self.select(is_repeating) {
            let last = self.memory.lock().repeated.get(&current.key).copied();
            // Beginning with the first full minute after the state was entered.
            let last = last.unwrap_or(now).max(current.alarm.state.transitioned);
            if now.millis_since(last) < MINUTE_MILLIS {
                repeated.insert(current.key, last);
                continue;
            }
            repeated.insert(current.key.clone(), now);
            let active = mutes.of(&self.cw, &current.scope, now);
            let context = self.cw.context(&current.scope, &current.name, &current.alarm, active);
            let around = self.cw.surroundings(&current.scope, &current.name, now, &context);
            let mut effects = Effects::none(Alarm::clone(&current.alarm));
            effects.repeat(&around);
            let place = (&current.scope, current.name.as_str(), now);
            let transaction = self.cw.catalog().transaction();
            let outgoing = effects.outgoing;
            changes += outgoing.len() as u64;
            self.cw.record_effects(transaction, place, Vec::new(), outgoing).await?.commit().await?;
            self.cw.alarms().dispatch_soon();
        }
        self.memory.lock().repeated = repeated;
        Ok(changes)
    }

    fn select(&self, wanted: impl Fn(&Alarm) -> bool) -> Vec<Current> {
        let mut found = Vec::new();
        self.cw.alarms().alarms.scan(&Prefix::everything(), None, |key, alarm| {
            if wanted(alarm) {
                found.extend(Current::new(key, alarm));
            }
            ControlFlow::Continue(())
        });
        found
    }

    /// When there is next something to do, if nothing changes; `None` if there never is.
    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut at_latest = |at: Timestamp| next = Some(next.map_or(at, |next| next.min(at)));
        self.cw.alarms().alarms.scan(&Prefix::everything(), None, |_, alarm| {
            match &alarm.kind {
                Kind::Metric(rule) => at_latest(slots::next_edge(rule, now)),
                Kind::Composite(composite) => {
                    composite.suppression.until().into_iter().for_each(&mut at_latest)
                }
            }
            let repeats_now = || alarm.actions_of(alarm.state.value).iter().any(|arn| repeats(arn));
            if alarm.withheld || repeats_now() {
                at_latest(now.floor_to(MINUTE_MILLIS).saturating_add_millis(MINUTE_MILLIS));
            }
            ControlFlow::Continue(())
        });
        next
    }
}

#[async_trait]
impl Task for AlarmEvaluation {
    fn name(&self) -> &'static str {
        "alarm_evaluation"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        self.memory.lock().next
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let now = self.cw.clock().now();
        let mut mutes = Mutes::default();
        // Where a step fails, the next activation begins with what is left of it.
        self.memory.lock().next = Some(now);
        let (evaluated, mut changes) = self.evaluate_metric_alarms(now, &mut mutes, stop).await?;
        changes += self.evaluate_composites(now, &mut mutes).await?;
        changes += self.unmute(now, &mut mutes).await?;
        changes += self.repeat(now, &mut mutes).await?;
        self.memory.lock().next = self.next(now);
        Ok(Activity::new(changes, format!("evaluated {evaluated} alarms, {changes} changes")))
    }
}
