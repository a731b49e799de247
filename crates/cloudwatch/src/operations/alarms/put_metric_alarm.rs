//! PutMetricAlarm: creates a metric alarm or replaces its configuration. An alarm that is there keeps its state and
//! tags and is evaluated anew.

use shapes::cloudwatch::{ComparisonOperator, EvaluationCriteria, EvaluationWindow, PutMetricAlarmInput};
use smithy::Cx;

use super::metrics_list::{self, pairs};
use super::{Common, actions, check_name, propagation, put, tags_of};
use crate::CloudWatch;
use crate::alarm::error::AlarmError;
use crate::alarm::metric_rule::{
    Comparison, LowSamples, MetricRule, MetricSource, Source, Threshold, TreatMissing, WarmUp, Window,
};
use crate::alarm::record::{Alarm, Kind, State};
use crate::alarm::zone::Zone;
use crate::metric::statistic::Statistic;

const DAY_SECS: i64 = 86_400;
const WEEK_SECS: i64 = 7 * DAY_SECS;
/// Minutes of the longest warm-up.
const WARM_UP_MAX: i32 = 2880;
/// Periods of wall clock windows, in seconds.
const WALL_CLOCK_PERIODS: [i64; 5] = [60, 300, 3600, DAY_SECS, WEEK_SECS];

pub(crate) async fn put_metric_alarm(
    cx: Cx<CloudWatch>,
    input: PutMetricAlarmInput,
) -> Result<(), AlarmError> {
    check_name(&input.alarm_name)?;
    let tags = tags_of(input.tags.as_deref())?;
    let rule = rule(&input)?;
    let propagation = propagation(input.action_configuration.as_ref())?;
    let common = Common {
        description: input.alarm_description,
        actions_enabled: input.actions_enabled,
        ok_actions: input.ok_actions,
        alarm_actions: input.alarm_actions,
        insufficient_data_actions: input.insufficient_data_actions,
    };
    actions::check(cx.scope(), &common, &Kind::Metric(rule.clone()))?;
    put(&cx, &input.alarm_name, tags, |before, incarnation| {
        let mut rule = rule.clone();
        match before.map(Alarm::metric) {
            Some(None) => {
                return Err(AlarmError::invalid(format!(
                    "An alarm of another type with the name {} exists already",
                    input.alarm_name
                )));
            }
            Some(Some(old)) => {
                // AWS: a warm-up that is over does not begin again (alarm-warm-up).
                let is_over = old.warm_up.is_none_or(|warm_up| warm_up.ended);
                if let Some(warm_up) = &mut rule.warm_up {
                    warm_up.ended = is_over;
                }
            }
            None => {}
        }
        let mut state = before.map_or_else(|| State::initial(cx.now), |before| before.state.clone());
        // What was set by hand is evaluated anew.
        state.set_at = None;
        // Contributors are those of the query they were found by.
        if before.and_then(Alarm::metric).is_some_and(|old| old.source != rule.source) {
            state.contributors.clear();
        }
        Ok(Alarm {
            incarnation,
            description: common.description.clone(),
            actions_enabled: common.actions_enabled.unwrap_or(true),
            ok_actions: common.ok_actions.clone().unwrap_or_default(),
            alarm_actions: common.alarm_actions.clone().unwrap_or_default(),
            insufficient_data_actions: common.insufficient_data_actions.clone().unwrap_or_default(),
            tags_propagation: propagation.clone(),
            created: before.map_or(cx.now, |before| before.created),
            configured: cx.now,
            kind: Kind::Metric(rule),
            state,
            withheld: before.is_some_and(|before| before.withheld),
        })
    })
    .await
}

/// What the alarm is evaluated by.
pub(super) fn rule(input: &PutMetricAlarmInput) -> Result<MetricRule, AlarmError> {
    let invalid = |message: &str| Err(AlarmError::invalid(message));
    if let Some(criteria) = &input.evaluation_criteria {
        return match criteria {
            EvaluationCriteria::PromQLCriteria(_) => {
                invalid("EvaluationCriteria: PromQL alarms are not available on this server yet")
            }
            EvaluationCriteria::Unknown => invalid("EvaluationCriteria must have a member"),
        };
    }
    if input.evaluation_interval.is_some() {
        return invalid("EvaluationInterval is only allowed with EvaluationCriteria");
    }
    let comparison = match &input.comparison_operator {
        None => return invalid("ComparisonOperator must not be null"),
        Some(operator) => comparison(operator)?,
    };
    let threshold = threshold(input, comparison)?;
    let (source, period_secs) = match &input.metrics {
        Some(metrics) => {
            check_no_single_metric(input)?;
            let (queries, period) =
                metrics_list::check(metrics, input.period, input.threshold_metric_id.as_deref())?;
            (Source::Queries(queries), period)
        }
        None if input.threshold_metric_id.is_some() => {
            return invalid("ThresholdMetricId is only allowed with Metrics");
        }
        None => single_metric(input)?,
    };
    let (evaluation_periods, datapoints_to_alarm) = periods(input, period_secs)?;
    let rule = MetricRule {
        low_samples: low_samples(input, &source)?,
        source,
        comparison,
        threshold,
        evaluation_periods,
        datapoints_to_alarm,
        missing: one_of(input.treat_missing_data.as_deref(), "TreatMissingData", TreatMissing::parse)?,
        window: window(input, period_secs)?,
        warm_up: warm_up(input)?,
        period_secs,
    };
    Ok(rule)
}

fn comparison(operator: &ComparisonOperator) -> Result<Comparison, AlarmError> {
    Comparison::parse(operator.as_str())
        .ok_or_else(|| AlarmError::invalid(format!("Invalid ComparisonOperator: {}", operator.as_str())))
}

fn threshold(input: &PutMetricAlarmInput, comparison: Comparison) -> Result<Threshold, AlarmError> {
    let name = comparison.as_str();
    match (&input.threshold_metric_id, input.threshold) {
        (Some(_), Some(_)) => {
            Err(AlarmError::invalid("Threshold and ThresholdMetricId must not both be specified"))
        }
        (Some(id), None) if comparison.is_of_band() => Ok(Threshold::Band(id.clone())),
        (Some(_), None) => Err(AlarmError::invalid(format!(
            "ComparisonOperator {name} is not allowed with ThresholdMetricId"
        ))),
        (None, _) if comparison.is_of_band() => {
            Err(AlarmError::invalid(format!("ComparisonOperator {name} requires ThresholdMetricId")))
        }
        (None, None) => Err(AlarmError::invalid("Threshold must not be null")),
        (None, Some(threshold)) if threshold.is_finite() => Ok(Threshold::Static(threshold)),
        (None, Some(_)) => Err(AlarmError::invalid("Threshold must be a finite number")),
    }
}

fn check_no_single_metric(input: &PutMetricAlarmInput) -> Result<(), AlarmError> {
    let given = [
        ("MetricName", input.metric_name.is_some()),
        ("Namespace", input.namespace.is_some()),
        ("Statistic", input.statistic.is_some()),
        ("ExtendedStatistic", input.extended_statistic.is_some()),
        ("Period", input.period.is_some()),
        ("Dimensions", input.dimensions.as_ref().is_some_and(|d| !d.is_empty())),
        ("Unit", input.unit.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((member, _)) => Err(AlarmError::invalid(format!("{member} must not be specified with Metrics"))),
        None => Ok(()),
    }
}

fn single_metric(input: &PutMetricAlarmInput) -> Result<(Source, i64), AlarmError> {
    let required = |value: &Option<String>, member: &str| {
        value.clone().ok_or_else(|| AlarmError::invalid(format!("{member} must not be null")))
    };
    let name = required(&input.metric_name, "MetricName")?;
    let namespace = required(&input.namespace, "Namespace")?;
    let (statistic, is_extended) = match (&input.statistic, &input.extended_statistic) {
        (Some(_), Some(_)) => {
            return Err(AlarmError::invalid("Statistic and ExtendedStatistic must not both be specified"));
        }
        (None, None) => return Err(AlarmError::invalid("Statistic or ExtendedStatistic must be specified")),
        (Some(statistic), None) => (statistic.as_str().to_owned(), false),
        (None, Some(extended)) => {
            let is_simple =
                matches!(extended.as_str(), "SampleCount" | "Average" | "Sum" | "Minimum" | "Maximum");
            if is_simple || Statistic::parse(extended).is_err() {
                return Err(AlarmError::invalid(format!(
                    "The value {extended} for parameter ExtendedStatistic is not supported."
                )));
            }
            (extended.clone(), true)
        }
    };
    let Some(period) = input.period else { return Err(AlarmError::invalid("Period must not be null")) };
    check_period(period)?;
    let dimensions = pairs(input.dimensions.as_deref().unwrap_or_default());
    let mut names: Vec<&String> = dimensions.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < dimensions.len() {
        return Err(AlarmError::invalid("No two dimensions of a metric may have the same name"));
    }
    let unit = input.unit.as_ref().map(|unit| unit.as_str().to_owned());
    let source = MetricSource { namespace, name, dimensions, statistic, is_extended, unit };
    Ok((Source::Metric(source), i64::from(period)))
}

fn check_period(period: i32) -> Result<(), AlarmError> {
    if matches!(period, 10 | 20 | 30) || period > 0 && period % 60 == 0 {
        return Ok(());
    }
    Err(AlarmError::invalid("Period must be 10, 20, 30 or a multiple of 60"))
}

/// N, and M if it was given.
fn periods(input: &PutMetricAlarmInput, period_secs: i64) -> Result<(u32, Option<u32>), AlarmError> {
    check_period(i32::try_from(period_secs).unwrap_or(0))?;
    let number = |value: i32, member: &str| {
        u32::try_from(value)
            .ok()
            .filter(|n| *n >= 1)
            .ok_or_else(|| AlarmError::invalid(format!("{member} must be at least 1")))
    };
    let Some(n) = input.evaluation_periods else {
        return Err(AlarmError::invalid("EvaluationPeriods must not be null"));
    };
    let n = number(n, "EvaluationPeriods")?;
    let m = input.datapoints_to_alarm.map(|m| number(m, "DatapointsToAlarm")).transpose()?;
    if m.is_some_and(|m| m > n) {
        return Err(AlarmError::invalid("DatapointsToAlarm must not be greater than EvaluationPeriods"));
    }
    let (most, longest) = if period_secs < 3600 { (DAY_SECS, "a day") } else { (WEEK_SECS, "seven days") };
    if period_secs * i64::from(n) > most {
        return Err(AlarmError::invalid(format!(
            "Metrics cannot be checked across more than {longest} (EvaluationPeriods * Period must be <= {most})."
        )));
    }
    Ok((n, m))
}

fn low_samples(input: &PutMetricAlarmInput, source: &Source) -> Result<Option<LowSamples>, AlarmError> {
    let member = "EvaluateLowSampleCountPercentile";
    let given = one_of(input.evaluate_low_sample_count_percentile.as_deref(), member, LowSamples::parse)?;
    let is_percentile = matches!(source, Source::Metric(metric) if metric.percentile().is_some());
    if given.is_some() && !is_percentile {
        return Err(AlarmError::invalid(format!("{member} is only allowed with a percentile statistic")));
    }
    Ok(given)
}

fn one_of<T>(
    text: Option<&str>,
    member: &str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, AlarmError> {
    let Some(text) = text else { return Ok(None) };
    parse(text)
        .map(Some)
        .ok_or_else(|| AlarmError::invalid(format!("The value {text} for parameter {member} is invalid.")))
}

fn window(input: &PutMetricAlarmInput, period_secs: i64) -> Result<Option<Window>, AlarmError> {
    match &input.evaluation_window {
        None => Ok(None),
        Some(EvaluationWindow::SlidingWindow(_)) => Ok(Some(Window::Sliding)),
        Some(EvaluationWindow::Unknown) => Err(AlarmError::invalid("EvaluationWindow must have a member")),
        Some(EvaluationWindow::WallClockWindow(window)) => {
            if !WALL_CLOCK_PERIODS.contains(&period_secs) {
                return Err(AlarmError::invalid(
                    "Period must be 60, 300, 3600, 86400 or 604800 for a wall clock window",
                ));
            }
            match window.timezone.as_deref() {
                Some(timezone) if Zone::parse(timezone).is_none() => Err(AlarmError::invalid(format!(
                    "The value {timezone} for parameter Timezone is invalid."
                ))),
                timezone => Ok(Some(Window::WallClock { timezone: timezone.map(str::to_owned) })),
            }
        }
    }
}

fn warm_up(input: &PutMetricAlarmInput) -> Result<Option<WarmUp>, AlarmError> {
    let Some(given) = &input.warm_up_configuration else { return Ok(None) };
    let minutes = given.warm_up_period_duration_in_minutes;
    if !(1..=WARM_UP_MAX).contains(&minutes) {
        return Err(AlarmError::invalid(format!("WarmUpPeriodDurationInMinutes must be 1 to {WARM_UP_MAX}")));
    }
    let strict = given.only_start_evaluating_after_warm_up_period_ends;
    Ok(Some(WarmUp { minutes, strict, ended: false }))
}
