//! `Metrics` of PutMetricAlarm: queries in, stored queries out, and the other way.

use shapes::cloudwatch::{Dimension, Metric, MetricDataQuery, MetricStat, StandardUnit};

use crate::CloudWatchError;
use crate::alarm::error::AlarmError;
use crate::alarm::metric_rule::{Query, QueryMetric};
use crate::alarm::query_values::{MANY_SERIES, gives_many_series};
use crate::metric::query::{self, DataQuery};

/// Queries of an alarm (a decision; AWS documents ten metrics in a math alarm).
const QUERIES_MAX: usize = 20;
/// Metrics of an alarm.
const METRICS_MAX: usize = 10;

/// Checks the queries: they, the period they share, and whether they give several series.
pub(super) fn check(
    given: &[MetricDataQuery],
    period: Option<i32>,
    threshold_id: Option<&str>,
) -> Result<(Vec<Query>, i64), AlarmError> {
    let invalid = |message: &str| Err(AlarmError::invalid(message));
    if given.len() > QUERIES_MAX {
        return invalid("Invalid metrics list");
    }
    if given.iter().filter(|query| query.metric_stat.is_some()).count() > METRICS_MAX {
        return Err(AlarmError::invalid(format!("Metrics list contains more than {METRICS_MAX} metrics")));
    }
    let checked = query::check(given).map_err(|error| match error.into_validation() {
        CloudWatchError::Validation(message) if message.starts_with("Error in expression") => {
            CloudWatchError::Validation(format!("Metrics list contains an invalid expression: {message}"))
        }
        other => other,
    })?;
    let returned: Vec<&DataQuery> = checked.iter().filter(|query| query.return_data).collect();
    match threshold_id {
        None if returned.len() != 1 => {
            return invalid("Exactly one element of the metrics list should return data.");
        }
        None => {}
        Some(id) => check_band(&checked, &returned, id)?,
    }
    if checked.iter().any(gives_many_series) {
        return invalid(MANY_SERIES);
    }
    let mut periods: Vec<i32> = given
        .iter()
        .filter_map(|q| q.metric_stat.as_ref().map(|stat| stat.period).or(q.period))
        .chain(period)
        .collect();
    periods.sort_unstable();
    periods.dedup();
    match periods[..] {
        [period] => Ok((given.iter().map(stored).collect(), i64::from(period))),
        [] => invalid("Period must not be null"),
        _ => invalid("All metrics in the metrics list must have the same period"),
    }
}

/// An anomaly alarm returns its metric and the band.
fn check_band(all: &[DataQuery], returned: &[&DataQuery], id: &str) -> Result<(), AlarmError> {
    if !all.iter().any(|query| query.id == id && query.bands() == 1) {
        return Err(AlarmError::invalid(format!(
            "ThresholdMetricId {id} must be the Id of an ANOMALY_DETECTION_BAND expression"
        )));
    }
    if returned.len() != 2 || !returned.iter().any(|query| query.id == id) {
        return Err(AlarmError::invalid("Exactly two elements of the metrics list should return data."));
    }
    Ok(())
}

fn stored(query: &MetricDataQuery) -> Query {
    let metric = query.metric_stat.as_ref().map(|stat| QueryMetric {
        namespace: stat.metric.namespace.clone(),
        name: stat.metric.metric_name.clone(),
        dimensions: stat.metric.dimensions.as_deref().map(pairs),
        period_secs: stat.period,
        stat: stat.stat.clone(),
        unit: stat.unit.as_ref().map(|unit| unit.as_str().to_owned()),
    });
    Query {
        id: query.id.clone(),
        expression: query.expression.clone(),
        metric,
        label: query.label.clone(),
        return_data: query.return_data,
        period_secs: query.period,
        account: query.account_id.clone(),
    }
}

/// A stored query as it was given.
pub(crate) fn given(query: &Query) -> MetricDataQuery {
    let metric_stat = query.metric.as_ref().map(|metric| MetricStat {
        metric: Metric {
            dimensions: metric.dimensions.as_deref().map(dimensions),
            metric_name: metric.name.clone(),
            namespace: metric.namespace.clone(),
        },
        period: metric.period_secs,
        stat: metric.stat.clone(),
        unit: metric.unit.as_deref().map(StandardUnit::from),
    });
    MetricDataQuery {
        account_id: query.account.clone(),
        expression: query.expression.clone(),
        id: query.id.clone(),
        label: query.label.clone(),
        metric_stat,
        period: query.period_secs,
        return_data: query.return_data,
    }
}

pub(super) fn pairs(dimensions: &[Dimension]) -> Vec<(String, String)> {
    dimensions.iter().map(|d| (d.name.clone(), d.value.clone())).collect()
}

pub(super) fn dimensions(pairs: &[(String, String)]) -> Vec<Dimension> {
    pairs.iter().map(|(name, value)| Dimension { name: name.clone(), value: value.clone() }).collect()
}
