//! EnableAlarmActions: turns the actions of alarms on.

use shapes::cloudwatch::EnableAlarmActionsInput;
use smithy::Cx;

use super::switch_actions;
use crate::CloudWatch;
use crate::alarm::error::AlarmError;

pub(crate) async fn enable_alarm_actions(
    cx: Cx<CloudWatch>,
    input: EnableAlarmActionsInput,
) -> Result<(), AlarmError> {
    switch_actions(cx, input.alarm_names, true).await
}
