//! `alarm_dispatch`: hands over actions and events of alarms, in the order of each alarm, and writes how it went.
//!
//! What was handed over and not yet written as such when the server stopped is handed over again: the sinks know an
//! action by its id and an event by its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::{Activity, Task, TaskError};
use base::{Scope, Timestamp};
use catalog::{CommitError, Entry, Prefix};
use futures::StreamExt;
use signals::{SinkError, TargetError};
use std::ops::ControlFlow;
use tokio_util::sync::CancellationToken;

use crate::CloudWatch;
use crate::alarm::history;
use crate::alarm::outbox::{ATTEMPTS_MAX, Content, Outgoing, PendingAction, pause_millis};

/// Things looked at in one round.
const ROUND_MAX: usize = 2000;
/// Alarms served at the same time.
const ALARMS_AT_ONCE: usize = 64;

pub(crate) struct AlarmDispatch {
    pub(crate) cw: Arc<CloudWatch>,
}

#[async_trait]
impl Task for AlarmDispatch {
    fn name(&self) -> &'static str {
        "alarm_dispatch"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }

    fn next_activation(&self) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        self.cw.alarms().outbox.scan(&Prefix::everything(), None, |_, outgoing| {
            next = Some(next.map_or(outgoing.due, |next| next.min(outgoing.due)));
            ControlFlow::Continue(())
        });
        next
    }

    async fn activate(&self, stop: &CancellationToken) -> Result<Activity, TaskError> {
        let mut done = 0;
        let mut after = None;
        while !stop.is_cancelled() {
            let round = self.cw.alarms().outbox.list(&Prefix::everything(), after.as_ref(), ROUND_MAX);
            let Some(last) = round.last() else { break };
            after = Some(last.key.clone());
            let mut by_alarm: BTreeMap<(String, String), Vec<Entry<Outgoing>>> = BTreeMap::new();
            for entry in round {
                let Some(scope) = entry.key.scope() else { continue };
                by_alarm.entry((scope.to_string(), entry.alarm.clone())).or_default().push(entry);
            }
            let results: Vec<Result<u64, TaskError>> = futures::stream::iter(by_alarm.into_values())
                .map(|entries| self.serve(entries, stop))
                .buffer_unordered(ALARMS_AT_ONCE)
                .collect()
                .await;
            for result in results {
                done += result?;
            }
        }
        Ok(Activity::new(done, format!("handed over {done} actions and events")))
    }
}

impl AlarmDispatch {
    /// Hands over what one alarm has, in order.
    async fn serve(&self, entries: Vec<Entry<Outgoing>>, stop: &CancellationToken) -> Result<u64, TaskError> {
        let mut done = 0;
        for entry in entries {
            let now = self.cw.clock().now();
            let Some(scope) = entry.key.scope().filter(|_| !stop.is_cancelled()) else { break };
            if entry.due > now {
                continue;
            }
            let is_done = match &entry.content {
                Content::Action(action) => self.act(&entry, &scope, action).await?,
                Content::Event(event) => {
                    let mut failed = None;
                    for sink in &self.cw.alarms().outlets.bus {
                        failed = sink.put_bus_events(vec![(**event).clone()]).await.err().or(failed);
                    }
                    self.event_done(&entry, failed).await?
                }
            };
            done += u64::from(is_done);
        }
        Ok(done)
    }

    async fn act(
        &self,
        entry: &Entry<Outgoing>,
        scope: &Scope,
        action: &PendingAction,
    ) -> Result<bool, TaskError> {
        let outcome = self.cw.alarms().outlets.actions.act(action.to_action(scope, &entry.alarm)).await;
        if matches!(outcome, Err(TargetError::Unavailable(_)))
            && !action.is_repeat
            && entry.attempts + 1 < ATTEMPTS_MAX
        {
            return self.again(entry).await;
        }
        let error = outcome.err().map(|error| error.to_string());
        let now = self.cw.clock().now();
        let item = history::action(
            action.alarm_type,
            &action.arn,
            action.state_updated,
            &action.message,
            action.contributor.clone(),
            error.as_deref(),
        );
        if let Some(error) = &error {
            tracing::warn!(alarm = entry.alarm, action = action.arn, error, "an alarm's action failed");
        }
        let history = if action.is_repeat { Vec::new() } else { vec![item] };
        let alarms = self.cw.alarms();
        let transaction =
            self.cw.catalog().transaction().delete(&alarms.outbox, entry.key.clone(), entry.value.version);
        let place = (scope, entry.alarm.as_str(), now);
        let transaction = self.cw.record_effects(transaction, place, history, Vec::new()).await?;
        settled(transaction.commit().await.map(|_| ()))
    }

    async fn event_done(
        &self,
        entry: &Entry<Outgoing>,
        failed: Option<SinkError>,
    ) -> Result<bool, TaskError> {
        match failed {
            Some(error) if !matches!(error, SinkError::Rejected(_)) => {
                tracing::warn!(alarm = entry.alarm, %error, "an alarm's event was not taken");
                self.again(entry).await
            }
            Some(error) => {
                tracing::error!(alarm = entry.alarm, %error, "an alarm's event was refused");
                self.remove(entry).await
            }
            None => self.remove(entry).await,
        }
    }

    async fn remove(&self, entry: &Entry<Outgoing>) -> Result<bool, TaskError> {
        settled(self.cw.alarms().outbox.delete(entry.key.clone(), entry.value.version).await)
    }

    /// Puts off to a later attempt.
    async fn again(&self, entry: &Entry<Outgoing>) -> Result<bool, TaskError> {
        let attempts = entry.attempts.saturating_add(1);
        let due = self.cw.clock().now().saturating_add_millis(pause_millis(attempts));
        let outgoing = Outgoing { attempts, due, ..Outgoing::clone(entry) };
        let outbox = &self.cw.alarms().outbox;
        let transaction =
            self.cw.catalog().transaction().update(outbox, entry.key.clone(), entry.value.version, outgoing);
        settled(transaction.commit().await.map(|_| ()))?;
        Ok(false)
    }
}

/// Whether it was written; a conflict means that the alarm was deleted meanwhile.
fn settled(result: Result<(), CommitError>) -> Result<bool, TaskError> {
    match result {
        Ok(()) => Ok(true),
        Err(CommitError::Failed(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}
