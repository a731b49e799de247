//! Metric alarms: read many, decide each, write what changes.

use base::Timestamp;
use base::task::TaskError;
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;

use super::{AlarmEvaluation, Current, Mutes, WRITES_MAX};
use crate::alarm::contributor::evaluate_all;
use crate::alarm::effects::{Acts, Effects};
use crate::alarm::evaluate::evaluate;
use crate::alarm::metric_rule::MetricRule;
use crate::alarm::reason;
use crate::alarm::record::{Alarm, EvaluationState, Kind};
use crate::alarm::values::{self, Values, Wanted};
use crate::alarm::warm_up::{Progress, progress};

/// Alarms whose values are in memory at the same time.
const CHUNK: usize = 2000;

impl AlarmEvaluation {
    /// Evaluates what is due: how many alarms, and how many of them changed.
    pub(super) async fn evaluate_metric_alarms(
        &self,
        now: Timestamp,
        mutes: &mut Mutes,
        stop: &CancellationToken,
    ) -> Result<(usize, u64), TaskError> {
        let due = self.due(now);
        let mut changed = 0;
        for chunk in due.chunks(CHUNK) {
            if stop.is_cancelled() {
                break;
            }
            let wanted: Vec<Wanted<'_>> =
                chunk.iter().filter_map(|(current, edge)| wanted(current, *edge)).collect();
            let found = values::read(&self.cw, &wanted, now).await;
            let mut writes = Vec::new();
            for ((current, edge), values) in chunk.iter().zip(found) {
                match self.decide(current, values, now, mutes) {
                    Some(effects) => writes.push((current, *edge, effects)),
                    None => self.remember(current, *edge),
                }
            }
            let writes: Vec<_> = writes
                .into_iter()
                .map(|(current, edge, effects)| self.write_evaluated(current, edge, effects, now).boxed())
                .collect();
            let written: Vec<bool> =
                futures::stream::iter(writes).buffer_unordered(WRITES_MAX).try_collect().await?;
            changed += written.into_iter().filter(|written| *written).count() as u64;
        }
        Ok((due.len(), changed))
    }

    async fn write_evaluated(
        &self,
        current: &Current,
        edge: Timestamp,
        effects: Effects,
        now: Timestamp,
    ) -> Result<bool, TaskError> {
        let written = self.write(current, now, effects).await?;
        if written {
            self.remember(current, edge);
        }
        Ok(written)
    }

    /// What is to be written of an alarm with these values; `None` if nothing.
    fn decide(
        &self,
        current: &Current,
        values: Values,
        now: Timestamp,
        mutes: &mut Mutes,
    ) -> Option<Effects> {
        let mut effects = Effects::none(Alarm::clone(&current.alarm));
        let rule = current.alarm.metric()?;
        let evaluation = match &values {
            Values::Failed(state, _) => Some(*state),
            Values::Many { is_partial: true, .. } => Some(EvaluationState::PartialData),
            _ => None,
        };
        let mut changed = effects.alarm.state.evaluation != evaluation;
        effects.alarm.state.evaluation = evaluation;
        let active = mutes.of(&self.cw, &current.scope, now);
        let context = self.cw.context(&current.scope, &current.name, &current.alarm, active);
        let around = self.cw.surroundings(&current.scope, &current.name, now, &context);
        let state = current.alarm.state.value;
        match values {
            Values::One(slots) => {
                match progress(rule, current.alarm.created, &slots, now) {
                    Progress::Warming => return changed.then_some(effects),
                    Progress::Ends => {
                        end_warm_up(&mut effects.alarm);
                        changed = true;
                    }
                    Progress::None => {}
                }
                if let Some(change) = evaluate(rule, &slots, state, now) {
                    effects.enter(&around, change, Acts::Now, &[]);
                    changed = true;
                }
            }
            Values::Many { series, .. } => {
                let slots = series.first().map_or(&[][..], |series| &series.slots);
                match progress(rule, current.alarm.created, slots, now) {
                    Progress::Warming => return changed.then_some(effects),
                    Progress::Ends => {
                        end_warm_up(&mut effects.alarm);
                        changed = true;
                    }
                    Progress::None => {}
                }
                let outcome = evaluate_all(rule, series, &current.alarm.state.contributors, state, now);
                if !outcome.changes.is_empty() || outcome.alarm.is_some() {
                    effects.contribute(&around, outcome);
                    changed = true;
                }
            }
            // AWS: a configuration that cannot be evaluated is told in the reason, without a change of state
            // (alarm-evaluation, evaluation states).
            Values::Failed(EvaluationState::Error, message) => {
                let reason = reason::clip(message);
                if effects.alarm.state.reason != reason {
                    effects.alarm.state.reason = reason;
                    effects.alarm.state.reason_data = None;
                    effects.alarm.state.updated = now;
                    changed = true;
                }
            }
            Values::Failed(..) => {}
        }
        changed.then_some(effects)
    }
}

fn wanted(current: &Current, edge: Timestamp) -> Option<Wanted<'_>> {
    let rule: &MetricRule = current.alarm.metric()?;
    Some(Wanted { scope: &current.scope, rule, edge })
}

fn end_warm_up(alarm: &mut Alarm) {
    if let Kind::Metric(rule) = &mut alarm.kind
        && let Some(warm_up) = &mut rule.warm_up
    {
        warm_up.ended = true;
    }
}
