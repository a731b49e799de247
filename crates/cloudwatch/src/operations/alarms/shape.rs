//! Alarms as the API shows them.

use base::Scope;
use shapes::cloudwatch::{
    ActionConfiguration, ActionsSuppressedBy, AlarmTagsPropagation, CompositeAlarm, EvaluationWindow,
    MetricAlarm, SlidingWindow, StandardUnit, Statistic, WallClockWindow, WarmUpConfiguration,
};

use super::metrics_list::{dimensions, given};
use crate::alarm::metric_rule::{MetricRule, Source, Threshold, Window};
use crate::alarm::record::{Alarm, CompositeRule, TagsPropagation, alarm_arn};

/// AWS: lists are always there, other members only where they were given (observed).
pub(super) fn metric_alarm(scope: &Scope, name: &str, alarm: &Alarm, rule: &MetricRule) -> MetricAlarm {
    let mut shape = MetricAlarm {
        action_configuration: configuration(alarm.tags_propagation.as_ref()),
        actions_enabled: Some(alarm.actions_enabled),
        alarm_actions: Some(alarm.alarm_actions.clone()),
        alarm_arn: Some(alarm_arn(scope, name)),
        alarm_configuration_updated_timestamp: Some(alarm.configured),
        alarm_description: alarm.description.clone(),
        alarm_name: Some(name.to_owned()),
        comparison_operator: Some(rule.comparison.as_str().into()),
        datapoints_to_alarm: rule.datapoints_to_alarm.and_then(|m| i32::try_from(m).ok()),
        dimensions: Some(Vec::new()),
        evaluate_low_sample_count_percentile: rule.low_samples.map(|low| low.as_str().to_owned()),
        evaluation_periods: i32::try_from(rule.evaluation_periods).ok(),
        evaluation_state: alarm.state.evaluation.map(|state| state.as_str().into()),
        evaluation_window: rule.window.as_ref().map(window),
        insufficient_data_actions: Some(alarm.insufficient_data_actions.clone()),
        ok_actions: Some(alarm.ok_actions.clone()),
        state_reason: Some(alarm.state.reason.clone()),
        state_reason_data: alarm.state.reason_data.clone(),
        state_transitioned_timestamp: Some(alarm.state.transitioned),
        state_updated_timestamp: Some(alarm.state.updated),
        state_value: Some(alarm.state.value.as_str().into()),
        treat_missing_data: rule.missing.map(|missing| missing.as_str().to_owned()),
        warm_up_configuration: rule.warm_up.map(|warm_up| WarmUpConfiguration {
            only_start_evaluating_after_warm_up_period_ends: warm_up.strict,
            warm_up_period_duration_in_minutes: warm_up.minutes,
        }),
        ..MetricAlarm::default()
    };
    match &rule.threshold {
        Threshold::Static(threshold) => shape.threshold = Some(*threshold),
        Threshold::Band(id) => shape.threshold_metric_id = Some(id.clone()),
    }
    match &rule.source {
        Source::Metric(metric) => {
            shape.namespace = Some(metric.namespace.clone());
            shape.metric_name = Some(metric.name.clone());
            shape.dimensions = Some(dimensions(&metric.dimensions));
            shape.period = i32::try_from(rule.period_secs).ok();
            shape.unit = metric.unit.as_deref().map(StandardUnit::from);
            if metric.is_extended {
                shape.extended_statistic = Some(metric.statistic.clone());
            } else {
                shape.statistic = Some(Statistic::from(metric.statistic.as_str()));
            }
        }
        Source::Queries(queries) => shape.metrics = Some(queries.iter().map(given).collect()),
    }
    shape
}

pub(super) fn composite_alarm(
    scope: &Scope,
    name: &str,
    alarm: &Alarm,
    rule: &CompositeRule,
) -> CompositeAlarm {
    let suppressor = rule.suppressor.as_ref();
    let by = rule.suppression.by();
    CompositeAlarm {
        action_configuration: configuration(alarm.tags_propagation.as_ref()),
        actions_enabled: Some(alarm.actions_enabled),
        actions_suppressed_by: by.map(ActionsSuppressedBy::from),
        actions_suppressed_reason: by.map(|by| format!("Actions suppressed by {by}")),
        actions_suppressor: suppressor.map(|s| s.given.clone()),
        actions_suppressor_extension_period: suppressor.map(|s| s.extension_secs),
        actions_suppressor_wait_period: suppressor.map(|s| s.wait_secs),
        alarm_actions: Some(alarm.alarm_actions.clone()),
        alarm_arn: Some(alarm_arn(scope, name)),
        alarm_configuration_updated_timestamp: Some(alarm.configured),
        alarm_description: alarm.description.clone(),
        alarm_name: Some(name.to_owned()),
        alarm_rule: Some(rule.rule.clone()),
        insufficient_data_actions: Some(alarm.insufficient_data_actions.clone()),
        ok_actions: Some(alarm.ok_actions.clone()),
        state_reason: Some(alarm.state.reason.clone()),
        state_reason_data: alarm.state.reason_data.clone(),
        state_transitioned_timestamp: Some(alarm.state.transitioned),
        state_updated_timestamp: Some(alarm.state.updated),
        state_value: Some(alarm.state.value.as_str().into()),
    }
}

fn window(window: &Window) -> EvaluationWindow {
    match window {
        Window::Sliding => EvaluationWindow::SlidingWindow(SlidingWindow {}),
        Window::WallClock { timezone } => {
            EvaluationWindow::WallClockWindow(WallClockWindow { timezone: timezone.clone() })
        }
    }
}

fn configuration(propagation: Option<&TagsPropagation>) -> Option<ActionConfiguration> {
    propagation.map(|propagation| ActionConfiguration {
        alarm_tags_propagation: Some(AlarmTagsPropagation {
            enabled: propagation.enabled,
            excluded_tag_keys: propagation.excluded.clone(),
            included_tag_keys: propagation.included.clone(),
        }),
    })
}
