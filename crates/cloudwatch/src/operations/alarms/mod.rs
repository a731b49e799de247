//! Alarms: what the operations on them share.

mod actions;
pub(crate) mod metrics_list;
mod shape;

pub(crate) mod delete_alarms;
pub(crate) mod describe_alarm_contributors;
pub(crate) mod describe_alarm_history;
pub(crate) mod describe_alarms;
pub(crate) mod describe_alarms_for_metric;
pub(crate) mod disable_alarm_actions;
pub(crate) mod enable_alarm_actions;
pub(crate) mod put_composite_alarm;
pub(crate) mod put_metric_alarm;
pub(crate) mod set_alarm_state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use catalog::Versioned;
use shapes::cloudwatch::{ActionConfiguration, Tag};
use smithy::Cx;

use crate::CloudWatch;
use crate::alarm::effects::Effects;
use crate::alarm::error::AlarmError;
use crate::alarm::record::{Alarm, TagsPropagation, alarm_key};
use crate::tags::{self, Taggable};

/// Tries of an operation that meets other changes of the same alarm.
const TRIES_MAX: usize = 100;
/// Names in a call.
const NAMES_MAX: usize = 100;

/// What all kinds of alarms are configured by.
pub(super) struct Common {
    pub(super) description: Option<String>,
    pub(super) actions_enabled: Option<bool>,
    pub(super) ok_actions: Option<Vec<String>>,
    pub(super) alarm_actions: Option<Vec<String>>,
    pub(super) insufficient_data_actions: Option<Vec<String>>,
}

/// AWS: a name has no ASCII control characters (API_PutMetricAlarm).
fn check_name(name: &str) -> Result<(), AlarmError> {
    if name.chars().any(|c| c.is_ascii_control()) {
        return Err(AlarmError::invalid("AlarmName must not contain ASCII control characters"));
    }
    Ok(())
}

fn propagation(configuration: Option<&ActionConfiguration>) -> Result<Option<TagsPropagation>, AlarmError> {
    let Some(given) = configuration.and_then(|c| c.alarm_tags_propagation.as_ref()) else { return Ok(None) };
    if given.included_tag_keys.is_some() && given.excluded_tag_keys.is_some() {
        return Err(AlarmError::invalid(
            "The parameters IncludedTagKeys and ExcludedTagKeys are mutually exclusive and you have specified both.",
        ));
    }
    for (member, keys) in
        [("IncludedTagKeys", &given.included_tag_keys), ("ExcludedTagKeys", &given.excluded_tag_keys)]
    {
        if keys.as_ref().is_some_and(|keys| keys.is_empty() || keys.len() > 50) {
            return Err(AlarmError::invalid(format!("{member} must have 1 to 50 tag keys")));
        }
    }
    Ok(Some(TagsPropagation {
        enabled: given.enabled,
        included: given.included_tag_keys.clone(),
        excluded: given.excluded_tag_keys.clone(),
    }))
}

/// Tags of a new alarm.
fn tags_of(tags: Option<&[Tag]>) -> Result<BTreeMap<String, String>, AlarmError> {
    Ok(tags::of_request(tags).map_err(crate::CloudWatchError::into_validation)?)
}

/// Puts an alarm: `make` gives the whole alarm from the one there is, or says what is wrong. Tags are used when the
/// alarm is created.
async fn put(
    cx: &Cx<CloudWatch>,
    name: &str,
    tags: BTreeMap<String, String>,
    make: impl Fn(Option<&Alarm>, u64) -> Result<Alarm, AlarmError>,
) -> Result<(), AlarmError> {
    let (cw, scope, now) = (&cx.service, cx.scope(), cx.now);
    let key = alarm_key(scope, name);
    let mutes = cw.alarms().active_mutes(scope, now);
    for _ in 0..TRIES_MAX {
        let before = cw.alarms().alarms.get(&key);
        let incarnation = match &before {
            Some(before) => before.incarnation,
            None => cw.catalog().next_id("alarm_incarnation").await?,
        };
        let alarm = make(before.as_deref(), incarnation)?;
        let context = cw.context(scope, name, &alarm, &mutes);
        let around = cw.surroundings(scope, name, now, &context);
        let mut effects = Effects::none(alarm);
        let verb = if before.is_some() { "updated" } else { "created" };
        effects.configure(&around, verb, before.as_deref());
        let Effects { alarm, history, outgoing } = effects;
        let transaction = cw.catalog().transaction();
        let transaction = match &before {
            Some(before) => transaction.update(&cw.alarms().alarms, key.clone(), before.version, alarm),
            None => {
                let transaction = transaction.insert(&cw.alarms().alarms, key.clone(), alarm);
                cw.tags().put(transaction, scope, Taggable::Alarm, name, tags.clone())
            }
        };
        let transaction = cw.record_effects(transaction, (scope, name, now), history, outgoing).await?;
        match transaction.commit().await {
            Ok(_) => {
                cw.alarms().evaluate_soon();
                cw.alarms().dispatch_soon();
                return Ok(());
            }
            Err(error) if AlarmError::is_conflict(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AlarmError::invalid("The alarm was changed by other requests."))
}

/// Changes an alarm that is there, again where another change was faster; `None` where `change` wants none.
async fn change(
    cx: &Cx<CloudWatch>,
    name: &str,
    change: impl Fn(&Versioned<Alarm>, &crate::alarm::effects::Surroundings<'_>) -> Option<Effects>,
) -> Result<(), AlarmError> {
    let (cw, scope, now) = (&cx.service, cx.scope(), cx.now);
    let mutes = cw.alarms().active_mutes(scope, now);
    for _ in 0..TRIES_MAX {
        let Some(alarm) = cw.alarms().alarms.get(&alarm_key(scope, name)) else {
            return Err(AlarmError::NotFound);
        };
        let context = cw.context(scope, name, &alarm, &mutes);
        let around = cw.surroundings(scope, name, now, &context);
        let Some(effects) = change(&alarm, &around) else { return Ok(()) };
        match cw.write_alarm(scope, name, now, alarm.version, effects).await {
            Ok(()) => {
                cw.alarms().evaluate_soon();
                return Ok(());
            }
            Err(error) if AlarmError::is_conflict(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AlarmError::invalid("The alarm was changed by other requests."))
}

/// Turns the actions of alarms on or off; names without an alarm are left away.
async fn switch_actions(cx: Cx<CloudWatch>, names: Vec<String>, enabled: bool) -> Result<(), AlarmError> {
    if names.len() > NAMES_MAX {
        return Err(AlarmError::invalid(format!("AlarmNames must have at most {NAMES_MAX} names")));
    }
    for name in names {
        let switched = change(&cx, &name, |alarm, around| {
            if alarm.actions_enabled == enabled {
                return None;
            }
            let mut effects = Effects::none(Alarm::clone(alarm));
            effects.alarm.actions_enabled = enabled;
            effects.alarm.configured = around.now;
            effects.configure(around, "updated", Some(alarm));
            Some(effects)
        });
        match switched.await {
            Ok(()) | Err(AlarmError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
