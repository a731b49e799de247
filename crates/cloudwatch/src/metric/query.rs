//! The queries of GetMetricData, alarms and widgets: what they must be, before anything is read.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html>.

use std::collections::{HashMap, HashSet};

use lang::metric_math::{self, Expression, Function, MathError, Type};
use lang::metric_search::Search;
use lang::metrics_insights::{self, InsightsQuery};
use shapes::cloudwatch::{MetricDataQuery, MetricStat};
use signals::{MetricIdentity, Unit};

use super::grid::is_period;
use super::label::Attributes;
use super::statistic::Statistic;
use crate::CloudWatchError;
use crate::operations::metrics::{identity, unit};

const QUERIES_MAX: usize = 500;
/// Queries that refer to one another in a row.
const CHAIN_MAX: usize = 50;
/// Searches of one call.
const SEARCHES_MAX: usize = 100;
/// The period of what is computed of no metric with a period of its own.
const PERIOD_DEFAULT: i32 = 300;

/// A checked query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataQuery {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) return_data: bool,
    /// The owner of the metric, if it was named.
    pub(crate) account: Option<String>,
    pub(crate) source: Source,
}

/// Where a query's data come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Metric(MetricStatQuery),
    Expression(ExpressionQuery),
}

/// One statistic of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricStatQuery {
    pub(crate) metric: MetricIdentity,
    pub(crate) period_secs: i32,
    pub(crate) stat: String,
    pub(crate) statistic: Statistic,
    pub(crate) unit: Option<Unit>,
}

/// Metric math or a Metrics Insights query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExpressionQuery {
    pub(crate) text: String,
    /// As given.
    pub(crate) period_secs: Option<i32>,
    pub(crate) parsed: Parsed,
}

/// What an expression says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Parsed {
    Math(Expression),
    Insights(InsightsQuery),
}

impl DataQuery {
    /// The period its datapoints have when it is evaluated among `all`: its own, else the longest of the metrics
    /// it refers to.
    pub(crate) fn period_secs(&self, all: &[DataQuery]) -> i32 {
        let expression = match &self.source {
            Source::Metric(stat) => return stat.period_secs,
            Source::Expression(expression) => expression,
        };
        match (&expression.parsed, expression.period_secs) {
            // AWS: Metrics Insights answers at a minute at least.
            (Parsed::Insights(_), period) => period.unwrap_or(PERIOD_DEFAULT).max(60),
            (Parsed::Math(_), Some(period)) => period,
            (Parsed::Math(expression), None) => longest_period(expression, all).unwrap_or(PERIOD_DEFAULT),
        }
    }

    pub(crate) fn is_insights(&self) -> bool {
        matches!(&self.source, Source::Expression(ExpressionQuery { parsed: Parsed::Insights(_), .. }))
    }

    /// Whether metrics are searched for.
    pub(crate) fn uses_search(&self) -> bool {
        self.math().is_some_and(|expression| !expression.calls(Function::Search).is_empty())
    }

    /// How many anomaly bands are computed.
    pub(crate) fn bands(&self) -> usize {
        self.math().map_or(0, |expression| expression.calls(Function::AnomalyDetectionBand).len())
    }

    pub(crate) fn math(&self) -> Option<&Expression> {
        match &self.source {
            Source::Expression(ExpressionQuery { parsed: Parsed::Math(expression), .. }) => Some(expression),
            _ => None,
        }
    }
}

impl MetricStatQuery {
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes { metric: &self.metric, stat: &self.stat, period_secs: i64::from(self.period_secs) }
    }
}

/// The longest period of the metrics that an expression refers to, also by way of other expressions, and of its
/// searches.
fn longest_period(expression: &Expression, all: &[DataQuery]) -> Option<i32> {
    let mut longest = None;
    let mut seen: HashSet<&str> = HashSet::new();
    let mut pending = vec![expression];
    let by_id: HashMap<&str, &DataQuery> = all.iter().map(|query| (query.id.as_str(), query)).collect();
    while let Some(expression) = pending.pop() {
        for arguments in expression.calls(Function::Search) {
            if let Some(Expression::Number(period)) = arguments.get(2) {
                longest = longest.max(Some(*period as i32));
            }
        }
        for arguments in expression.calls(Function::Metrics) {
            let periods = metrics_of(all, arguments).filter_map(|(_, query)| match &query.source {
                Source::Metric(stat) => Some(stat.period_secs),
                Source::Expression(_) => None,
            });
            longest = longest.max(periods.max());
        }
        for id in expression.references() {
            let Some(query) = by_id.get(id) else { continue };
            if !seen.insert(id) {
                continue;
            }
            match &query.source {
                Source::Metric(stat) => longest = longest.max(Some(stat.period_secs)),
                Source::Expression(ExpressionQuery { period_secs: Some(period), .. }) => {
                    longest = longest.max(Some(*period));
                }
                Source::Expression(ExpressionQuery { parsed: Parsed::Math(inner), .. }) => {
                    pending.push(inner)
                }
                Source::Expression(_) => longest = longest.max(Some(PERIOD_DEFAULT)),
            }
        }
    }
    longest
}

/// The metric queries that METRICS means, with their places.
pub(crate) fn metrics_of<'a>(
    all: &'a [DataQuery],
    arguments: &'a [Expression],
) -> impl Iterator<Item = (usize, &'a DataQuery)> {
    let part = match arguments.first() {
        Some(Expression::Text(part)) => part.as_str(),
        _ => "",
    };
    let metrics = all.iter().enumerate().filter(|(_, query)| matches!(query.source, Source::Metric(_)));
    metrics.filter(move |(_, query)| query.id.contains(part))
}

/// Checks the queries of a call.
pub(crate) fn check(queries: &[MetricDataQuery]) -> Result<Vec<DataQuery>, CloudWatchError> {
    if queries.is_empty() {
        return invalid("The parameter MetricDataQueries is required.");
    }
    if queries.len() > QUERIES_MAX {
        return invalid(format!(
            "The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}."
        ));
    }
    let ids: HashSet<&str> = queries.iter().map(|q| q.id.as_str()).collect();
    if ids.len() < queries.len() {
        return invalid("The values for parameter id in MetricDataQueries are not unique.");
    }
    let checked: Vec<DataQuery> =
        (1..).zip(queries).map(|(number, query)| check_query(query, number)).collect::<Result<_, _>>()?;
    if checked.iter().filter(|query| query.is_insights()).count() > 1 {
        return invalid("Only one Metrics Insights query is allowed in a request.");
    }
    let searches = checked.iter().filter_map(DataQuery::math).map(|e| e.calls(Function::Search).len());
    if searches.sum::<usize>() > SEARCHES_MAX {
        return invalid(format!("A request must not have more than {SEARCHES_MAX} search expressions."));
    }
    check_types(&checked)?;
    Ok(checked)
}

fn check_query(query: &MetricDataQuery, number: usize) -> Result<DataQuery, CloudWatchError> {
    let place = format!("MetricDataQueries.member.{number}");
    if !is_id(&query.id) {
        return invalid(format!("The value {} for parameter {place}.Id is invalid.", query.id));
    }
    let source = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => Source::Metric(check_metric_stat(stat, &place)?),
        (None, Some(expression)) => {
            if let Some(period) = query.period.filter(|period| !is_period(*period)) {
                return invalid(format!("The value {period} for parameter {place}.Period is invalid."));
            }
            let parsed = parse(expression).map_err(|error| in_expression(&query.id, &error))?;
            Source::Expression(ExpressionQuery {
                text: expression.clone(),
                period_secs: query.period,
                parsed,
            })
        }
        (Some(_), Some(_)) => {
            return invalid(format!(
                "The parameters {place}.Expression and {place}.MetricStat are mutually exclusive and you have \
                 specified both."
            ));
        }
        (None, None) => return invalid(format!("The parameter {place}.MetricStat is required.")),
    };
    Ok(DataQuery {
        id: query.id.clone(),
        label: query.label.clone(),
        return_data: query.return_data != Some(false),
        account: query.account_id.clone(),
        source,
    })
}

fn check_metric_stat(stat: &MetricStat, place: &str) -> Result<MetricStatQuery, CloudWatchError> {
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
    Ok(MetricStatQuery {
        metric: identity(&namespace, &name, stat.metric.dimensions.as_deref()),
        period_secs: stat.period,
        stat: stat.stat.clone(),
        statistic,
        unit: stat.unit.as_ref().map(unit),
    })
}

/// Reads an expression and what stands in its texts.
fn parse(text: &str) -> Result<Parsed, MathError> {
    if metrics_insights::is_insights(text) {
        let query = metrics_insights::parse(text).map_err(|error| MathError::new(error.message))?;
        return Ok(Parsed::Insights(query));
    }
    let expression = metric_math::parse(text)?;
    for arguments in expression.calls(Function::Search) {
        if let [Expression::Text(search), Expression::Text(stat), rest @ ..] = arguments {
            Search::parse(search).map_err(|error| MathError::new(error.to_string()))?;
            Statistic::parse(stat)
                .map_err(|_| MathError::new(format!("The statistic '{stat}' is not supported")))?;
            if let [Expression::Number(period)] = rest
                && (period.fract() != 0.0 || *period > 1e8 || !is_period(*period as i32))
            {
                return Err(MathError::new(format!("The period {period} is invalid")));
            }
        }
    }
    Ok(Parsed::Math(expression))
}

/// Checks references and types, those that are referred to before those that refer.
fn check_types(queries: &[DataQuery]) -> Result<(), CloudWatchError> {
    let mut types: HashMap<&str, Type> = HashMap::new();
    for query in queries {
        match &query.source {
            Source::Metric(_) => _ = types.insert(&query.id, Type::Series),
            Source::Expression(ExpressionQuery { parsed: Parsed::Insights(_), .. }) => {
                types.insert(&query.id, Type::Array);
            }
            Source::Expression(_) => {}
        }
    }
    let ids: HashSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    let mut open: Vec<(&DataQuery, &Expression)> =
        queries.iter().filter_map(|query| Some((query, query.math()?))).collect();
    for (query, expression) in &open {
        if let Some(unknown) = expression.references().into_iter().find(|id| !ids.contains(id)) {
            return Err(in_expression(&query.id, &MathError::new(format!("Undefined variable {unknown}"))));
        }
    }
    let mut rounds = 0;
    while !open.is_empty() {
        let mut round: Vec<(&str, Type)> = Vec::new();
        let mut later = Vec::new();
        for (query, expression) in open.iter().copied() {
            if !expression.references().iter().all(|id| types.contains_key(id)) {
                later.push((query, expression));
                continue;
            }
            let kind = metric_math::check(expression, &|id| types.get(id).copied())
                .and_then(|kind| match kind {
                    Type::Scalar if query.return_data => {
                        Err(MathError::new("The result must be a time series or an array of time series"))
                    }
                    kind => Ok(kind),
                })
                .map_err(|error| in_expression(&query.id, &error))?;
            round.push((&query.id, kind));
        }
        if round.is_empty() {
            let (query, _) = later[0];
            return Err(in_expression(
                &query.id,
                &MathError::new("Expressions refer to one another in a circle"),
            ));
        }
        rounds += 1;
        if rounds > CHAIN_MAX {
            let (query, _) = open[0];
            let reason = format!("More than {CHAIN_MAX} expressions refer to one another in a row");
            return Err(in_expression(&query.id, &MathError::new(reason)));
        }
        types.extend(round);
        open = later;
    }
    Ok(())
}

/// What a client is told of an expression that means nothing.
pub(crate) fn in_expression(id: &str, error: &MathError) -> CloudWatchError {
    CloudWatchError::Validation(format!("Error in expression '{id}': {error}"))
}

fn invalid<T>(message: impl Into<String>) -> Result<T, CloudWatchError> {
    Err(CloudWatchError::Validation(message.into()))
}

fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(id: &str, text: &str) -> MetricDataQuery {
        MetricDataQuery { id: id.to_owned(), expression: Some(text.to_owned()), ..MetricDataQuery::default() }
    }

    fn refused(queries: &[(&str, &str)]) -> String {
        let queries: Vec<_> = queries.iter().map(|(id, text)| expression(id, text)).collect();
        check(&queries).unwrap_err().to_string()
    }

    #[test]
    fn references_must_lead_somewhere() {
        assert_eq!(refused(&[("e1", "m9 + 1")]), "Error in expression 'e1': Undefined variable m9");
        let circle = "Error in expression 'e1': Expressions refer to one another in a circle";
        assert_eq!(refused(&[("e1", "e2"), ("e2", "e1")]), circle);
        assert_eq!(refused(&[("e1", "e1 * 2")]), circle);
        let scalar = "Error in expression 'e2': The result must be a time series or an array of time series";
        assert_eq!(refused(&[("e1", "TIME_SERIES(1)"), ("e2", "SUM(e1)")]), scalar);
    }

    #[test]
    fn long_chains_of_expressions_are_refused() {
        let chain = |length: usize| -> Vec<MetricDataQuery> {
            let link = |i| expression(&format!("e{i}"), &format!("e{} + 1", i + 1));
            (0..length).map(link).chain([expression(&format!("e{length}"), "TIME_SERIES(1)")]).collect()
        };
        assert!(check(&chain(CHAIN_MAX - 1)).is_ok());
        assert!(check(&chain(CHAIN_MAX)).unwrap_err().to_string().contains("in a row"));
    }

    #[test]
    fn ids_begin_with_a_lower_case_letter() {
        assert!(is_id("m1") && is_id("aB_9"));
        assert!(!is_id("") && !is_id("M1") && !is_id("1m") && !is_id("m-1"));
    }

    #[test]
    fn the_period_is_the_longest_below() {
        let queries = [
            expression("e1", "SUM(e2)/e3"),
            expression("e2", "SEARCH('a', 'Sum', 900)"),
            expression("e3", "TIME_SERIES(3)"),
        ];
        let checked = check(&queries).unwrap();
        let periods: Vec<i32> = checked.iter().map(|query| query.period_secs(&checked)).collect();
        assert_eq!(periods, [900, 900, 300]);
    }
}
