//! DeleteAlarms: deletes the alarms of these names that exist; their history stays.

use std::ops::ControlFlow;

use catalog::Prefix;
use shapes::cloudwatch::DeleteAlarmsInput;
use smithy::Cx;

use super::{NAMES_MAX, TRIES_MAX};
use crate::CloudWatch;
use crate::alarm::effects::Effects;
use crate::alarm::error::AlarmError;
use crate::alarm::record::{Alarm, alarm_key};
use crate::tags::Taggable;

pub(crate) async fn delete_alarms(cx: Cx<CloudWatch>, input: DeleteAlarmsInput) -> Result<(), AlarmError> {
    let mut names = input.alarm_names;
    if names.len() > NAMES_MAX {
        return Err(AlarmError::invalid(format!("AlarmNames must have at most {NAMES_MAX} names")));
    }
    names.sort_unstable();
    names.dedup();
    check(&cx, &names)?;
    let mut deleted = 0;
    for name in &names {
        deleted += usize::from(delete(&cx, name).await?);
    }
    if deleted == 0 && !names.is_empty() {
        return Err(AlarmError::NotFound);
    }
    Ok(())
}

/// What must be so before any of them is deleted.
fn check(cx: &Cx<CloudWatch>, names: &[String]) -> Result<(), AlarmError> {
    let alarms = &cx.service.alarms().alarms;
    let is_composite = |name: &&String| {
        alarms.get(&alarm_key(cx.scope(), name)).is_some_and(|alarm| alarm.composite().is_some())
    };
    // AWS: only one composite alarm can be deleted in a call (API_DeleteAlarms).
    let composites: Vec<&String> = names.iter().filter(is_composite).collect();
    if composites.len() > 1 {
        return Err(AlarmError::invalid("Only one composite alarm can be deleted in a call"));
    }
    for name in composites {
        let mut parents = Vec::new();
        alarms.scan(&Prefix::new(cx.scope(), &[]), None, |key, alarm| {
            if alarm.composite().is_some_and(|rule| rule.children.contains(name)) {
                parents.extend(key.parts().pop());
            }
            ControlFlow::Continue(())
        });
        if !parents.is_empty() {
            return Err(AlarmError::ResourceConflict(format!(
                "The alarm {name} cannot be deleted while composite alarms depend on it: {}",
                parents.join(", ")
            )));
        }
    }
    Ok(())
}

/// Whether there was an alarm of this name.
async fn delete(cx: &Cx<CloudWatch>, name: &str) -> Result<bool, AlarmError> {
    let (cw, scope, now) = (&cx.service, cx.scope(), cx.now);
    let key = alarm_key(scope, name);
    for _ in 0..TRIES_MAX {
        let Some(alarm) = cw.alarms().alarms.get(&key) else { return Ok(false) };
        let context = cw.context(scope, name, &alarm, &Default::default());
        let mut effects = Effects::none(Alarm::clone(&alarm));
        effects.configure(&cw.surroundings(scope, name, now, &context), "deleted", None);
        let transaction = cw.catalog().transaction().delete(&cw.alarms().alarms, key.clone(), alarm.version);
        let transaction = cw.tags().remove(transaction, scope, Taggable::Alarm, name);
        let transaction =
            cw.record_effects(transaction, (scope, name, now), effects.history, effects.outgoing).await?;
        match transaction.commit().await {
            Ok(_) => {
                cw.alarms().evaluate_soon();
                cw.alarms().dispatch_soon();
                return Ok(true);
            }
            Err(error) if AlarmError::is_conflict(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(AlarmError::invalid("The alarm was changed by other requests."))
}
