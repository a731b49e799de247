//! What a change of an alarm brings with it: history items, actions and events. Decided here, written by `book`.

use std::collections::BTreeMap;

use base::{Entropy, Scope, Timestamp};
use signals::BusEvent;

use super::contributor::{ContributorChange, Outcome};
use super::evaluate::Change;
use super::event;
use super::history::{self, ContributorName, HistoryItem};
use super::message::{self, Child, Notice};
use super::outbox::{Content, Outgoing, PendingAction};
use super::record::{Alarm, State, StateValue, alarm_arn};

/// What surrounds an alarm when it changes.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) name: &'a str,
    pub(crate) now: Timestamp,
    /// Names of the active mute rules that cover the alarm.
    pub(crate) mutes: &'a [String],
    /// Tags that go with notifications.
    pub(crate) tags: &'a BTreeMap<String, String>,
    /// Whether anybody takes bus events.
    pub(crate) has_bus: bool,
    pub(crate) entropy: &'a dyn Entropy,
}

/// A changed alarm and what is to be written with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effects {
    pub(crate) alarm: Alarm,
    pub(crate) history: Vec<HistoryItem>,
    pub(crate) outgoing: Vec<Outgoing>,
}

/// Whether the actions of an entered state run, as far as the alarm's kind decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acts {
    Now,
    /// Suppressed, warming up, or not this alarm's to run.
    No,
}

impl Effects {
    /// No change yet.
    pub(crate) fn none(alarm: Alarm) -> Self {
        Self { alarm, history: Vec::new(), outgoing: Vec::new() }
    }

    /// The alarm enters another state.
    pub(crate) fn enter(
        &mut self,
        around: &Surroundings<'_>,
        change: Change,
        acts: Acts,
        children: &[Child],
    ) {
        let before = self.alarm.state.clone();
        let state = &mut self.alarm.state;
        state.updated = around.now;
        state.set_at = None;
        if state.value != change.value {
            state.transitioned = around.now;
            state.previous = state.value;
        }
        state.value = change.value;
        state.reason = change.reason;
        state.reason_data = change.reason_data;
        self.history.push(history::state_update(self.alarm.alarm_type(), &before, &self.alarm.state));
        self.state_event(around, &before, children);
        match acts {
            Acts::Now => self.act(around, children, false),
            Acts::No => self.alarm.withheld = false,
        }
    }

    /// Runs the actions of the current state, or notes that a mute rule withholds them.
    pub(crate) fn act(&mut self, around: &Surroundings<'_>, children: &[Child], after_mute: bool) {
        self.alarm.withheld = !around.mutes.is_empty();
        if self.alarm.withheld {
            return;
        }
        let state = self.alarm.state.clone();
        let before = State { value: state.previous, reason_data: None, ..state.clone() };
        let notice = self.notice(around, &state, state.previous, children, after_mute, None);
        let actions = self.actions(around, &notice, &before, None);
        self.outgoing.extend(actions);
    }

    /// The contributors of the alarm change, and the alarm with them.
    pub(crate) fn contribute(&mut self, around: &Surroundings<'_>, outcome: Outcome) {
        let before = self.alarm.state.clone();
        for change in &outcome.changes {
            self.history.push(history::contributor_update(change));
            let state = State {
                value: change.change.value,
                reason: change.change.reason.clone(),
                reason_data: change.change.reason_data.clone(),
                updated: around.now,
                transitioned: around.now,
                previous: change.from,
                set_at: None,
                evaluation: None,
                contributors: BTreeMap::new(),
            };
            self.contributor_effects(around, change, &state, &before);
        }
        self.alarm.state.contributors = outcome.contributors;
        if let Some(change) = outcome.alarm {
            // AWS: for alarms on several series, the actions are those of contributors (alarm-data-queries).
            self.enter(around, change, Acts::No, &[]);
        }
        if !around.mutes.is_empty() && !outcome.changes.is_empty() {
            self.alarm.withheld = true;
        }
    }

    fn contributor_effects(
        &mut self,
        around: &Surroundings<'_>,
        change: &ContributorChange,
        state: &State,
        before: &State,
    ) {
        let was =
            State { value: change.from, reason_data: None, contributors: BTreeMap::new(), ..before.clone() };
        let mut outgoing = Vec::new();
        {
            let notice = self.notice(around, state, change.from, &[], false, Some(change));
            if around.has_bus {
                let detail = event::state_change(&notice, &was, &uuid(around), around.mutes);
                outgoing.push(bus_event(around, event::CONTRIBUTOR_STATE_CHANGE, detail));
            }
            if around.mutes.is_empty() {
                outgoing.extend(self.actions(around, &notice, &was, Some(change)));
            }
        }
        self.outgoing.extend(outgoing);
    }

    /// The alarm was created, updated or deleted.
    pub(crate) fn configure(&mut self, around: &Surroundings<'_>, verb: &str, before: Option<&Alarm>) {
        let id = uuid(around);
        let configuration = event::full(around.name, &self.alarm, &id);
        self.history.push(history::configuration_update(
            self.alarm.alarm_type(),
            around.name,
            verb,
            configuration,
        ));
        if around.has_bus {
            let operation = verb.trim_end_matches('d');
            let detail = event::configuration_change(around.name, operation, &self.alarm, before, &id);
            self.outgoing.push(bus_event(around, event::CONFIGURATION_CHANGE, detail));
        }
    }

    /// Actions that run again while a state lasts.
    pub(crate) fn repeat(&mut self, around: &Surroundings<'_>) {
        if !around.mutes.is_empty() {
            return;
        }
        let state = self.alarm.state.clone();
        let notice = self.notice(around, &state, state.value, &[], false, None);
        let mut actions = self.actions(around, &notice, &state, None);
        actions.retain_mut(|outgoing| match &mut outgoing.content {
            Content::Action(action) => {
                action.is_repeat = true;
                repeats(&action.arn)
            }
            Content::Event(_) => false,
        });
        self.outgoing.extend(actions);
    }

    fn notice<'a>(
        &'a self,
        around: &'a Surroundings<'_>,
        state: &'a State,
        old: StateValue,
        children: &'a [Child],
        after_mute: bool,
        contributor: Option<&'a ContributorChange>,
    ) -> Notice<'a> {
        Notice {
            scope: around.scope,
            name: around.name,
            alarm: &self.alarm,
            state,
            old,
            after_mute,
            contributor,
            children,
            tags: around.tags,
        }
    }

    fn state_event(&mut self, around: &Surroundings<'_>, before: &State, children: &[Child]) {
        if around.has_bus {
            let state = &self.alarm.state;
            let notice = self.notice(around, state, before.value, children, false, None);
            let detail = event::state_change(&notice, before, &uuid(around), around.mutes);
            let event = bus_event(around, event::STATE_CHANGE, detail);
            self.outgoing.push(event);
        }
    }

    fn actions(
        &self,
        around: &Surroundings<'_>,
        notice: &Notice<'_>,
        before: &State,
        contributor: Option<&ContributorChange>,
    ) -> Vec<Outgoing> {
        let arns = self.alarm.actions_of(notice.state.value);
        if !self.alarm.actions_enabled || arns.is_empty() {
            return Vec::new();
        }
        let (subject, message) = (message::subject(notice), message::text(notice));
        let event = event::invocation(notice, before, &uuid(around));
        let action = |arn: &String| {
            let action = PendingAction {
                id: uuid(around),
                arn: arn.clone(),
                alarm_type: self.alarm.alarm_type(),
                subject: subject.clone(),
                message: message.clone(),
                event: event.clone(),
                state_updated: notice.state.updated,
                contributor: contributor
                    .map(|c| ContributorName { id: c.id.clone(), attributes: c.attributes.clone() }),
                is_repeat: false,
            };
            outgoing(around, Content::Action(Box::new(action)))
        };
        arns.iter().map(action).collect()
    }
}

/// AWS: Auto Scaling actions are invoked every minute as long as the alarm stays in the state (alarm-actions).
pub(crate) fn repeats(arn: &str) -> bool {
    arn.split(':').nth(2).is_some_and(|service| matches!(service, "autoscaling" | "application-autoscaling"))
}

fn uuid(around: &Surroundings<'_>) -> String {
    around.entropy.uuid().to_string()
}

fn outgoing(around: &Surroundings<'_>, content: Content) -> Outgoing {
    Outgoing { alarm: around.name.to_owned(), content, attempts: 0, due: around.now }
}

fn bus_event(around: &Surroundings<'_>, detail_type: &str, detail: serde_json::Value) -> Outgoing {
    let event = BusEvent {
        scope: around.scope.clone(),
        id: uuid(around),
        time: around.now,
        source: event::SOURCE.to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![alarm_arn(around.scope, around.name)],
        detail,
    };
    outgoing(around, Content::Event(Box::new(event)))
}
