//! Which ARNs an alarm's actions may be.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html>, actions.

use std::collections::BTreeSet;

use base::{Arn, Scope};

use super::Common;
use crate::alarm::error::AlarmError;
use crate::alarm::metric_rule::{MetricRule, Source, Threshold};
use crate::alarm::record::Kind;

/// Actions of one state.
const ACTIONS_MAX: usize = 5;

/// Checks the actions of all states of an alarm of this kind.
pub(super) fn check(scope: &Scope, common: &Common, kind: &Kind) -> Result<(), AlarmError> {
    let lists = [
        ("OKActions", &common.ok_actions),
        ("AlarmActions", &common.alarm_actions),
        ("InsufficientDataActions", &common.insufficient_data_actions),
    ];
    for (member, actions) in lists {
        let actions = actions.as_deref().unwrap_or_default();
        if actions.len() > ACTIONS_MAX {
            return Err(AlarmError::invalid(format!("{member} must have at most {ACTIONS_MAX} actions")));
        }
        if actions.iter().collect::<BTreeSet<_>>().len() < actions.len() {
            return Err(AlarmError::invalid(format!("{member} must not name an action twice")));
        }
        for action in actions {
            check_action(scope, member, action, kind)?;
        }
    }
    Ok(())
}

/// What kind of action an ARN is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Topic,
    Function,
    Scaling,
    Instance,
    OpsItem,
    Incident,
    Investigation,
}

fn check_action(scope: &Scope, member: &str, action: &str, kind: &Kind) -> Result<(), AlarmError> {
    let arn = Arn::parse(action).map_err(|_| AlarmError::invalid(format!("Invalid arn syntax: {action}")))?;
    let service = match arn.service.as_str() {
        "sns" => Service::Topic,
        "lambda" if arn.resource.starts_with("function:") => Service::Function,
        "autoscaling" | "application-autoscaling" => Service::Scaling,
        "automate" if arn.account == "ec2" => Service::Instance,
        "swf" if arn.resource.starts_with("action/actions/AWS_EC2") => Service::Instance,
        "ssm" if arn.resource.starts_with("opsitem:") => Service::OpsItem,
        "ssm-incidents" if arn.resource.starts_with("response-plan/") => Service::Incident,
        "aiops" if arn.resource.starts_with("investigation-group") => Service::Investigation,
        _ => return Err(AlarmError::invalid(format!("Invalid action in {member}: {action}"))),
    };
    let region = scope.region.as_str();
    if !arn.region.is_empty() && arn.region != region {
        return Err(AlarmError::invalid(format!(
            "Invalid region {} specified. Only {region} is supported.",
            arn.region
        )));
    }
    let only_on_alarm = matches!(service, Service::OpsItem | Service::Incident | Service::Investigation);
    if only_on_alarm && member != "AlarmActions" {
        return Err(AlarmError::invalid(format!("The action {action} is only supported in AlarmActions")));
    }
    let refused = match kind {
        Kind::Composite(_) => match service {
            Service::Scaling | Service::Instance => Some("composite alarms"),
            _ => None,
        },
        Kind::Metric(rule) => match service {
            Service::Instance if !has_instance(rule) => Some("alarms without an InstanceId dimension"),
            Service::Scaling if matches!(rule.threshold, Threshold::Band(_)) => {
                Some("anomaly detection alarms")
            }
            _ => None,
        },
    };
    match refused {
        Some(what) => Err(AlarmError::invalid(format!("The action {action} is not supported for {what}"))),
        None => Ok(()),
    }
}

/// AWS: EC2 actions need an alarm on one metric with the instance's dimension (UsingAlarmActions).
fn has_instance(rule: &MetricRule) -> bool {
    match &rule.source {
        Source::Metric(metric) => metric.dimensions.iter().any(|(name, _)| name == "InstanceId"),
        Source::Queries(_) => false,
    }
}
