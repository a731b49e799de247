//! The alarms of this server and everything written about them.
//!
//! Invariant: a change of an alarm, its history items and what it has to hand over are one transaction. So a change
//! happens once, with all its consequences or with none, also across a crash.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use base::task::TaskSignal;
use base::{Scope, Timestamp};
use catalog::{Catalog, CatalogError, Collection, CommitError, Prefix, Transaction};
use signals::{AlarmActionSink, BusSink};

use super::effects::{Effects, Surroundings};
use super::history::{HistoryItem, history_key};
use super::mute::{MuteRule, MuteStatus, mute_rule_key};
use super::outbox::{Outgoing, outbox_key};
use super::record::{Alarm, alarm_key};
use crate::CloudWatch;
use crate::tags::Taggable;

/// Who takes what alarms hand over.
#[derive(Clone)]
pub struct AlarmOutlets {
    pub actions: Arc<dyn AlarmActionSink>,
    /// May be empty: then no bus events are made.
    pub bus: Vec<Arc<dyn BusSink>>,
}

/// Alarms, their history, what they have still to hand over, and mute rules.
pub(crate) struct Alarms {
    pub(crate) alarms: Collection<Alarm>,
    pub(crate) history: Collection<HistoryItem>,
    pub(crate) outbox: Collection<Outgoing>,
    pub(crate) mutes: Collection<MuteRule>,
    pub(crate) outlets: AlarmOutlets,
    pub(crate) evaluation: OnceLock<TaskSignal>,
    pub(crate) dispatch: OnceLock<TaskSignal>,
}

/// Active mute rules by the alarm they cover.
pub(crate) type ActiveMutes = HashMap<String, Vec<String>>;

impl Alarms {
    pub(crate) fn new(catalog: &Catalog, outlets: AlarmOutlets) -> Result<Self, CatalogError> {
        Ok(Self {
            alarms: catalog.collection()?,
            history: catalog.collection()?,
            outbox: catalog.collection()?,
            mutes: catalog.collection()?,
            outlets,
            evaluation: OnceLock::new(),
            dispatch: OnceLock::new(),
        })
    }

    pub(crate) fn has_alarm(&self, scope: &Scope, name: &str) -> bool {
        self.alarms.contains(&alarm_key(scope, name))
    }

    pub(crate) fn has_mute_rule(&self, scope: &Scope, name: &str) -> bool {
        self.mutes.contains(&mute_rule_key(scope, name))
    }

    /// Has alarms looked at soon.
    pub(crate) fn evaluate_soon(&self) {
        if let Some(signal) = self.evaluation.get() {
            signal.activate();
        }
    }

    /// Has the outbox emptied soon.
    pub(crate) fn dispatch_soon(&self) {
        if let Some(signal) = self.dispatch.get() {
            signal.activate();
        }
    }

    /// The mute rules of a scope that are active at `now`, by alarm.
    pub(crate) fn active_mutes(&self, scope: &Scope, now: Timestamp) -> ActiveMutes {
        let mut active = ActiveMutes::new();
        self.mutes.scan(&Prefix::new(scope, &[]), None, |key, rule| {
            if rule.status(now) == MuteStatus::Active {
                let name = key.parts().pop().unwrap_or_default();
                for target in &rule.targets {
                    active.entry(target.clone()).or_default().push(name.clone());
                }
            }
            ControlFlow::Continue(())
        });
        active
    }
}

/// What surrounds one alarm, looked up.
pub(crate) struct Context {
    pub(crate) mutes: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl CloudWatch {
    pub(crate) fn context(&self, scope: &Scope, name: &str, alarm: &Alarm, mutes: &ActiveMutes) -> Context {
        let tags = match &alarm.tags_propagation {
            Some(propagation) if propagation.enabled => {
                propagation.select(self.tags().get(scope, Taggable::Alarm, name))
            }
            _ => BTreeMap::new(),
        };
        Context { mutes: mutes.get(name).cloned().unwrap_or_default(), tags }
    }

    pub(crate) fn surroundings<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'a str,
        now: Timestamp,
        context: &'a Context,
    ) -> Surroundings<'a> {
        Surroundings {
            scope,
            name,
            now,
            mutes: &context.mutes,
            tags: &context.tags,
            has_bus: !self.alarms().outlets.bus.is_empty(),
            entropy: self.entropy().as_ref(),
        }
    }

    /// Adds history and outgoing things of a change to the transaction that makes it.
    pub(crate) async fn record_effects(
        &self,
        mut transaction: Transaction,
        around: (&Scope, &str, Timestamp),
        history: Vec<HistoryItem>,
        outgoing: Vec<Outgoing>,
    ) -> Result<Transaction, CatalogError> {
        let (scope, name, now) = around;
        for item in history {
            let sequence = self.next_sequence().await?;
            transaction =
                transaction.insert(&self.alarms().history, history_key(scope, name, now, sequence), item);
        }
        for item in outgoing {
            let sequence = self.next_sequence().await?;
            transaction = transaction.insert(&self.alarms().outbox, outbox_key(scope, sequence), item);
        }
        Ok(transaction)
    }

    /// Writes a changed alarm over the version it was decided on, with all that comes with the change.
    pub(crate) async fn write_alarm(
        &self,
        scope: &Scope,
        name: &str,
        now: Timestamp,
        version: u64,
        effects: Effects,
    ) -> Result<(), CommitError> {
        let Effects { alarm, history, outgoing } = effects;
        let hands_over = !outgoing.is_empty();
        let transaction = self.catalog().transaction().update(
            &self.alarms().alarms,
            alarm_key(scope, name),
            version,
            alarm,
        );
        self.record_effects(transaction, (scope, name, now), history, outgoing).await?.commit().await?;
        if hands_over {
            self.alarms().dispatch_soon();
        }
        Ok(())
    }

    /// Orders items of the same moment.
    async fn next_sequence(&self) -> Result<u64, CatalogError> {
        self.catalog().next_id("alarm_sequence").await
    }
}
