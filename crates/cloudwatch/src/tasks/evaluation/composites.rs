//! Composite alarms: evaluated whenever an alarm around them may have changed, until none changes any more.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use base::task::TaskError;
use base::{Scope, Timestamp};
use catalog::Prefix;

use super::{AlarmEvaluation, Current, Mutes};
use crate::alarm::composite::{Occasion, Seen, Step, children_of, decide};
use crate::alarm::effects::{Acts, Effects};
use crate::alarm::record::{Alarm, CompositeRule, Kind, alarm_arn, alarm_key};
use crate::alarm::rule::in_cycles;

/// Rounds of one activation. An alarm of a chain changes one round after its child; cycles are not evaluated.
const ROUNDS_MAX: usize = 200;

impl AlarmEvaluation {
    /// How many composite alarms were written.
    pub(super) async fn evaluate_composites(
        &self,
        now: Timestamp,
        mutes: &mut Mutes,
    ) -> Result<u64, TaskError> {
        let mut changes = 0;
        for _ in 0..ROUNDS_MAX {
            let composites = self.composites();
            if composites.is_empty() {
                break;
            }
            let mut round = 0;
            for current in composites {
                if let Some(effects) = self.step(&current, now, mutes) {
                    round += u64::from(self.write(&current, now, effects).await?);
                }
            }
            changes += round;
            if round == 0 {
                break;
            }
        }
        Ok(changes)
    }

    /// Every composite alarm that is not part of a cycle.
    fn composites(&self) -> Vec<Current> {
        let mut by_scope: HashMap<Scope, Vec<Current>> = HashMap::new();
        self.cw.alarms().alarms.scan(&Prefix::everything(), None, |key, alarm| {
            if alarm.composite().is_some()
                && let Some(current) = Current::new(key, alarm)
            {
                by_scope.entry(current.scope.clone()).or_default().push(current);
            }
            ControlFlow::Continue(())
        });
        let mut found = Vec::new();
        for composites in by_scope.into_values() {
            let cycles: Vec<String> = {
                let children = composites
                    .iter()
                    .filter_map(|c| Some((c.name.as_str(), c.alarm.composite()?)))
                    .map(|(name, rule)| (name, rule.children.iter().map(String::as_str).collect()))
                    .collect();
                in_cycles(&children).into_iter().map(str::to_owned).collect()
            };
            found.extend(composites.into_iter().filter(|c| !cycles.contains(&c.name)));
        }
        found
    }

    fn step(&self, current: &Current, now: Timestamp, mutes: &mut Mutes) -> Option<Effects> {
        let composite = current.alarm.composite()?;
        let around = self.alarms_around(&current.scope, composite);
        let occasion = if current.alarm.created == current.alarm.configured {
            Occasion::Created
        } else {
            Occasion::Updated
        };
        let own_arn = alarm_arn(&current.scope, &current.name);
        let step = decide(composite, &current.alarm.state, &own_arn, occasion, &around, now);
        let is_same = step.change.is_none()
            && !step.acts
            && step.suppression == composite.suppression
            && composite.seen.as_ref() == Some(&step.seen);
        if is_same {
            return None;
        }
        let Step { seen, change, children, suppression, acts } = step;
        let mut effects = Effects::none(Alarm::clone(&current.alarm));
        if let Kind::Composite(rule) = &mut effects.alarm.kind {
            rule.seen = Some(seen);
            rule.suppression = suppression;
        }
        let active = mutes.of(&self.cw, &current.scope, now);
        let context = self.cw.context(&current.scope, &current.name, &current.alarm, active);
        let surroundings = self.cw.surroundings(&current.scope, &current.name, now, &context);
        match change {
            Some(change) => {
                let acts = if acts { Acts::Now } else { Acts::No };
                effects.enter(&surroundings, change, acts, &children);
            }
            None if acts => {
                let children = children_of(current.alarm.state.reason_data.as_deref());
                effects.act(&surroundings, &children, false);
            }
            None => {}
        }
        Some(effects)
    }

    /// The children and the suppressor of an alarm, those that exist.
    fn alarms_around(&self, scope: &Scope, composite: &CompositeRule) -> BTreeMap<String, Seen> {
        let names = composite.children.iter().chain(composite.suppressor.iter().map(|s| &s.name));
        let seen = |name: &String| {
            let alarm = self.cw.alarms().alarms.get(&alarm_key(scope, name))?;
            let arn = alarm_arn(scope, name);
            let seen = Seen { arn, value: alarm.state.value, transitioned: alarm.state.transitioned };
            Some((name.clone(), seen))
        };
        names.filter_map(seen).collect()
    }
}
