//! SetAlarmState: puts an alarm into a state for a while; its next evaluation may take it out again.

use shapes::cloudwatch::SetAlarmStateInput;
use smithy::Cx;

use super::change;
use crate::CloudWatch;
use crate::alarm::effects::{Acts, Effects};
use crate::alarm::error::AlarmError;
use crate::alarm::evaluate::Change;
use crate::alarm::record::{Alarm, Kind, StateValue};
use crate::alarm::suppression::{Observation, step};

pub(crate) async fn set_alarm_state(cx: Cx<CloudWatch>, input: SetAlarmStateInput) -> Result<(), AlarmError> {
    let value = StateValue::parse(input.state_value.as_str())
        .ok_or_else(|| AlarmError::invalid(format!("Invalid StateValue: {}", input.state_value.as_str())))?;
    if let Some(data) = &input.state_reason_data
        && serde_json::from_str::<serde_json::Value>(data).is_err()
    {
        return Err(AlarmError::InvalidFormat("StateReasonData is not valid JSON".to_owned()));
    }
    let cw = cx.service.clone();
    change(&cx, &input.alarm_name, |alarm, around| {
        let mut effects = Effects::none(Alarm::clone(alarm));
        // AWS: without reason data, the former ones are dropped (observed).
        let change = Change {
            value,
            reason: input.state_reason.clone(),
            reason_data: input.state_reason_data.clone(),
        };
        if alarm.state.value == value {
            // AWS: the same state again moves only the time of the update (observed).
            let state = &mut effects.alarm.state;
            (state.reason, state.reason_data, state.updated) =
                (change.reason, change.reason_data, around.now);
            state.set_at = Some(around.now);
            return Some(effects);
        }
        let acts = suppress(&cw, &mut effects.alarm, around);
        effects.enter(around, change, acts, &[]);
        effects.alarm.state.set_at = Some(around.now);
        Some(effects)
    })
    .await
}

/// The change of a composite alarm meets its suppressor as any other change does.
fn suppress(cw: &CloudWatch, alarm: &mut Alarm, around: &crate::alarm::effects::Surroundings<'_>) -> Acts {
    let Kind::Composite(composite) = &mut alarm.kind else { return Acts::Now };
    let Some(suppressor) = &composite.suppressor else { return Acts::Now };
    let key = crate::alarm::record::alarm_key(around.scope, &suppressor.name);
    let observation = Observation {
        now: around.now,
        suppressor_in_alarm: cw.alarms().alarms.get(&key).is_some_and(|a| a.state.value == StateValue::Alarm),
        changed: true,
        wait_millis: i64::from(suppressor.wait_secs) * 1000,
        extension_millis: i64::from(suppressor.extension_secs) * 1000,
    };
    let (suppression, acts) = step(composite.suppression, observation);
    composite.suppression = suppression;
    if acts { Acts::Now } else { Acts::No }
}
