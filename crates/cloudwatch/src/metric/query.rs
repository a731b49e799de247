//! The queries of GetMetricData: what they must be, before anything is read.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html>.

use std::collections::BTreeSet;

use shapes::cloudwatch::{MetricDataQuery, MetricStat};
use signals::{MetricIdentity, Unit};

use super::grid::is_period;
use super::label::Attributes;
use super::statistic::Statistic;
use crate::CloudWatchError;
use crate::operations::metrics::{identity, unit};

const QUERIES_MAX: usize = 500;

/// A query for one statistic of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricQuery {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) return_data: bool,
    /// The owner of the metric, if it was named.
    pub(crate) account: Option<String>,
    pub(crate) metric: MetricIdentity,
    pub(crate) period_secs: i32,
    pub(crate) stat: String,
    pub(crate) statistic: Statistic,
    pub(crate) unit: Option<Unit>,
}

impl MetricQuery {
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes { metric: &self.metric, stat: &self.stat, period_secs: self.period_secs }
    }
}

/// Checks the queries of a call.
pub(crate) fn check(queries: &[MetricDataQuery]) -> Result<Vec<MetricQuery>, CloudWatchError> {
    if queries.is_empty() {
        return invalid("The parameter MetricDataQueries is required.");
    }
    if queries.len() > QUERIES_MAX {
        return invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        ));
    }
    let ids: BTreeSet<&str> = queries.iter().map(|q| q.id.as_str()).collect();
    if ids.len() < queries.len() {
        return invalid("The values for parameter id in MetricDataQueries are not unique.");
    }
    (1..).zip(queries).map(|(number, query)| check_query(query, number)).collect()
}

fn check_query(query: &MetricDataQuery, number: usize) -> Result<MetricQuery, CloudWatchError> {
    let place = format!("MetricDataQueries.member.{number}");
    if !is_id(&query.id) {
        return invalid(format!("The value {} for parameter {place}.Id is invalid.", query.id));
    }
    let stat = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => stat,
        (None, Some(expression)) => {
            return invalid(format!(
                "Error in expression '{}': {}",
                query.id,
                expression_problem(expression)
            ));
        }
        (Some(_), Some(_)) => {
            return invalid(format!(
                "The parameters {place}.Expression and {place}.MetricStat are mutually exclusive and you have \
                 specified both."
            ));
        }
        (None, None) => return invalid(format!("The parameter {place}.MetricStat is required.")),
    };
    check_metric_stat(query, stat, &place)
}

fn check_metric_stat(
    query: &MetricDataQuery,
    stat: &MetricStat,
    place: &str,
) -> Result<MetricQuery, CloudWatchError> {
    let required = |value: &Option<String>, member: &str| match value {
        Some(value) => Ok(value.clone()),
        None => invalid(format!("The parameter {place}.MetricStat.Metric.{member} is required.")),
    };
    let namespace = required(&stat.metric.namespace, "Namespace")?;
    let name = required(&stat.metric.metric_name, "MetricName")?;
    if !is_period(stat.period) {
        return invalid(format!(
            "The value {} for parameter {place}.MetricStat.Period is invalid.",
            stat.period
        ));
    }
    let statistic = Statistic::parse(&stat.stat).or_else(|_| {
        invalid(format!("The value {} for parameter {place}.MetricStat.Stat is not supported.", stat.stat))
    })?;
    Ok(MetricQuery {
        id: query.id.clone(),
        label: query.label.clone(),
        return_data: query.return_data != Some(false),
        account: query.account_id.clone(),
        metric: identity(&namespace, &name, stat.metric.dimensions.as_deref()),
        period_secs: stat.period,
        stat: stat.stat.clone(),
        statistic,
        unit: stat.unit.as_ref().map(unit),
    })
}

fn invalid<T>(message: impl Into<String>) -> Result<T, CloudWatchError> {
    Err(CloudWatchError::Validation(message.into()))
}

fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Functions of metric math, none of which is computed yet.
const FUNCTIONS: [&str; 39] = [
    "ABS",
    "ANOMALY_DETECTION_BAND",
    "AVG",
    "CEIL",
    "DATAPOINT_COUNT",
    "DATE",
    "DAY",
    "DB_PERF_INSIGHTS",
    "DIFF",
    "DIFF_TIME",
    "EPOCH",
    "FILL",
    "FIRST",
    "FLOOR",
    "HOUR",
    "IF",
    "INSIGHT_RULE_METRIC",
    "LAMBDA",
    "LAST",
    "LOG",
    "LOG10",
    "MAX",
    "METRICS",
    "METRIC_COUNT",
    "MIN",
    "MINUTE",
    "MONTH",
    "PERIOD",
    "RATE",
    "REMOVE_EMPTY",
    "RUNNING_SUM",
    "SEARCH",
    "SERVICE_QUOTA",
    "SLICE",
    "SORT",
    "STDDEV",
    "SUM",
    "TIME_SERIES",
    "YEAR",
];

/// What an expression uses that this server doesn't have.
fn expression_problem(expression: &str) -> String {
    if expression.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("SELECT")) {
        return "Metrics Insights queries are not available on this server yet".to_owned();
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for (at, _) in expression.match_indices('(') {
        let before = expression[..at].trim_end();
        let name = before.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        if name.is_empty() || matches!(name, "AND" | "OR") {
            continue;
        }
        return match FUNCTIONS.contains(&name) {
            true => format!("Function '{name}' is not available on this server yet"),
            false => format!("Function '{name}' not found"),
        };
    }
    "Metric math is not available on this server yet".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_refused_by_what_they_use() {
        for (expression, problem) in [
            ("ANOMALY_DETECTOR(m1)", "Function 'ANOMALY_DETECTOR' not found"),
            ("100 * SUM (METRICS())", "Function 'SUM' is not available on this server yet"),
            ("avg(m1)", "Function 'avg' not found"),
            ("(m1 + m2) / 2", "Metric math is not available on this server yet"),
            ("SELECT AVG(x) FROM y", "Metrics Insights queries are not available on this server yet"),
            ("é(", "Metric math is not available on this server yet"),
        ] {
            assert_eq!(expression_problem(expression), problem);
        }
    }

    #[test]
    fn ids_begin_with_a_lower_case_letter() {
        assert!(is_id("m1") && is_id("aB_9"));
        assert!(!is_id("") && !is_id("M1") && !is_id("1m") && !is_id("m-1"));
    }
}
