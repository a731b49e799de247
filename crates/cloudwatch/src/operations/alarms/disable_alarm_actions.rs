//! DisableAlarmActions: turns the actions of alarms off.

use shapes::cloudwatch::DisableAlarmActionsInput;
use smithy::Cx;

use super::switch_actions;
use crate::CloudWatch;
use crate::alarm::error::AlarmError;

pub(crate) async fn disable_alarm_actions(
    cx: Cx<CloudWatch>,
    input: DisableAlarmActionsInput,
) -> Result<(), AlarmError> {
    switch_actions(cx, input.alarm_names, false).await
}
