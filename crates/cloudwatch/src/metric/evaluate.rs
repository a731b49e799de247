//! Evaluates queries: plans what must be read, reads it in few batches, and computes the rest of it.
//!
//! GetMetricData, alarms and widgets all come through here.

use base::{Scope, TimeRange, Timestamp};
use signals::{MetricIdentity, Unit};

use super::compute::Room;
use super::gather::Gathered;
use super::grid::Grid;
use super::label::{Attributes, DefaultLabels, LabelContext, expand};
use super::plan::Plan;
use super::query::{DataQuery, MetricStatQuery, Parsed, Source, in_expression};
use super::read::Readings;
use crate::math::{Origin, Series, Value};
use crate::search::SERIES_MAX;
use crate::{CloudWatch, CloudWatchError};

/// How far back Metrics Insights looks in GetMetricData and in alarms.
pub(crate) const INSIGHTS_RANGE_CALL: i64 = 14 * 86_400;
pub(crate) const INSIGHTS_RANGE_ALARM: i64 = 3 * 3600;

/// What is evaluated besides the queries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// The start is rounded as GetMetricData rounds it; the end is excluded.
    pub(crate) range: TimeRange,
    pub(crate) now: Timestamp,
    /// Of the times in labels, from UTC.
    pub(crate) offset_secs: i64,
    /// Whether [`ResultSeries::sample_counts`] are wanted.
    pub(crate) sample_counts: bool,
    pub(crate) insights_range_secs: i64,
}

impl Options {
    pub(crate) fn new(range: TimeRange, now: Timestamp) -> Self {
        Self { range, now, offset_secs: 0, sample_counts: false, insights_range_secs: INSIGHTS_RANGE_CALL }
    }
}

/// What came of the queries.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Evaluation {
    /// Of those with `return_data`, in their order; one for each element of an array, and an empty one for an
    /// array without elements.
    pub(crate) series: Vec<ResultSeries>,
    /// About the call as a whole.
    pub(crate) messages: Vec<Message>,
}

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResultSeries {
    /// Which query.
    pub(crate) query: usize,
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) period_secs: i64,
    /// Ascending; only periods that have a value.
    pub(crate) points: Vec<(Timestamp, f64)>,
    /// How many observations each point has; of plain metrics, where asked for.
    pub(crate) sample_counts: Vec<f64>,
    pub(crate) status: SeriesStatus,
    pub(crate) messages: Vec<Message>,
    /// Of plain metrics and what searches find.
    pub(crate) metric: Option<MetricIdentity>,
    /// Where it is known.
    pub(crate) unit: Option<&'static str>,
    /// Keys and values of GROUP BY.
    pub(crate) group: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeriesStatus {
    Complete,
    PartialData,
    /// The metric is another account's.
    Forbidden,
}

/// Something a result says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) code: &'static str,
    pub(crate) value: String,
}

/// Evaluates all of `queries`, which passed [`super::query::check`].
pub(crate) async fn evaluate(
    cw: &CloudWatch,
    scope: &Scope,
    queries: &[DataQuery],
    options: &Options,
) -> Result<Evaluation, CloudWatchError> {
    let grid = |query: &DataQuery| {
        Grid::new(options.range.start, options.range.end, query.period_secs(queries), options.now)
    };
    let returned: Vec<(usize, Grid)> = queries
        .iter()
        .enumerate()
        .filter(|(_, query)| query.return_data)
        .map(|(at, query)| (at, grid(query)))
        .collect();
    let plan = Plan::of(queries, &returned)?;
    let gathered = Gathered::read(cw, scope, queries, &plan, options).await?;
    let room = Room::new(cw, scope, queries, &gathered);
    let defaults = DefaultLabels::new(queries.iter().filter_map(|query| match &query.source {
        Source::Metric(stat) => Some(stat.attributes()),
        Source::Expression(_) => None,
    }));
    let reporter = Reporter { scope, options, defaults: &defaults };
    let mut evaluation = Evaluation::default();
    for (at, grid) in returned {
        let query = &queries[at];
        match &query.source {
            Source::Metric(stat) => {
                evaluation.series.push(reporter.metric(at, query, stat, &grid, gathered.metric(at, &grid)));
            }
            Source::Expression(expression) => {
                let value =
                    room.query(at, &grid).map_err(|(at, error)| in_expression(&queries[at].id, &error))?;
                let partial = matches!(&expression.parsed, Parsed::Insights(_))
                    && gathered.insights(at, &grid).is_some_and(|answer| answer.partial);
                evaluation.series.extend(reporter.expression(at, query, &grid, value, partial));
            }
        }
    }
    if gathered.exceeded() {
        evaluation.messages.push(Message {
            code: "MaxMetricsExceeded",
            value: "Maximum number of allowed metrics exceeded".to_owned(),
        });
    }
    Ok(evaluation)
}

/// The label of a result by its points.
type Labelling<'a> = dyn Fn(&[(Timestamp, f64)]) -> String + 'a;

/// Makes results of values.
struct Reporter<'a> {
    scope: &'a Scope,
    options: &'a Options,
    defaults: &'a DefaultLabels<'a>,
}

impl Reporter<'_> {
    fn metric(
        &self,
        at: usize,
        query: &DataQuery,
        stat: &MetricStatQuery,
        grid: &Grid,
        readings: Option<&Readings>,
    ) -> ResultSeries {
        let own = stat.attributes();
        let default = self.defaults.of(&own);
        let forbidden = readings.is_none();
        let points: Vec<(Timestamp, f64)> = readings
            .iter()
            .flat_map(|readings| &readings.points)
            .map(|(slot, value)| (grid.at(*slot as usize), *value))
            .collect();
        let label = match &query.label {
            Some(label) => self.expand(label, Some(own), &default, grid, &points),
            None => default,
        };
        let mut messages = Vec::new();
        if let Some(Readings { units_found, .. }) = readings
            && units_found.len() > 1
        {
            let value = format!("Multiple units returned: '[{}]'", units_found.join(", "));
            messages.push(Message { code: "MultipleUnits", value });
        }
        if forbidden {
            messages.push(Message { code: "Forbidden", value: "Forbidden".to_owned() });
        }
        let counts = readings.filter(|_| self.options.sample_counts);
        ResultSeries {
            query: at,
            id: query.id.clone(),
            label,
            period_secs: grid.period_secs,
            points,
            sample_counts: counts.map(|readings| readings.sample_counts.clone()).unwrap_or_default(),
            status: if forbidden { SeriesStatus::Forbidden } else { SeriesStatus::Complete },
            messages,
            metric: Some(stat.metric.clone()),
            unit: readings.and_then(|readings| readings.unit).map(Unit::name),
            group: Vec::new(),
        }
    }

    fn expression(
        &self,
        at: usize,
        query: &DataQuery,
        grid: &Grid,
        value: Value,
        partial: bool,
    ) -> Vec<ResultSeries> {
        let own = query.label.as_deref().unwrap_or(&query.id);
        let result = |series: Option<&Series>, label: &Labelling<'_>| {
            let values = series.map(|series| series.values.as_slice()).unwrap_or_default();
            let existing = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
            let points: Vec<_> = existing.map(|(slot, value)| (grid.at(slot), *value)).collect();
            let origin = series.and_then(|series| series.origin.as_deref());
            ResultSeries {
                query: at,
                id: query.id.clone(),
                label: label(&points),
                period_secs: grid.period_secs,
                points,
                sample_counts: Vec::new(),
                status: if partial { SeriesStatus::PartialData } else { SeriesStatus::Complete },
                messages: Vec::new(),
                metric: match origin {
                    Some(Origin::Metric { metric, .. }) => Some(metric.clone()),
                    _ => None,
                },
                unit: series.and_then(|series| series.unit).map(Unit::name),
                group: match origin {
                    Some(Origin::Group(group)) => group.clone(),
                    _ => Vec::new(),
                },
            }
        };
        let alone = |points: &[(Timestamp, f64)]| self.expand(own, None, &query.id, grid, points);
        match value {
            // Types were checked: what is returned is never a scalar.
            Value::Scalar(_) => Vec::new(),
            Value::Series(series) => vec![result(Some(&series), &alone)],
            Value::Array(array) if array.is_empty() => vec![result(None, &alone)],
            Value::Array(array) => array
                .iter()
                .take(SERIES_MAX)
                .map(|series| result(Some(series), &|points| self.element_label(query, series, grid, points)))
                .collect(),
        }
    }

    /// The label of an element of an array: that of the expression and its own.
    fn element_label(
        &self,
        query: &DataQuery,
        series: &Series,
        grid: &Grid,
        points: &[(Timestamp, f64)],
    ) -> String {
        let attributes = match series.origin.as_deref() {
            Some(Origin::Metric { metric, stat }) => {
                Some(Attributes { metric, stat, period_secs: grid.period_secs })
            }
            _ => None,
        };
        match query.label.as_deref() {
            // A label with dynamic values says itself what it shows of each series.
            Some(label) if label.contains("${") => {
                self.expand(label, attributes, &series.label, grid, points)
            }
            Some("") => series.label.to_string(),
            None if query.is_insights() && !series.label.is_empty() => series.label.to_string(),
            own => {
                let own = own.unwrap_or(&query.id);
                if series.label.is_empty() { own.to_owned() } else { format!("{own} {}", series.label) }
            }
        }
    }

    fn expand(
        &self,
        label: &str,
        own: Option<Attributes<'_>>,
        default: &str,
        grid: &Grid,
        points: &[(Timestamp, f64)],
    ) -> String {
        expand(
            label,
            &LabelContext {
                own,
                period_secs: grid.period_secs,
                default,
                scope: self.scope,
                points,
                now: self.options.now,
                offset_secs: self.options.offset_secs,
            },
        )
    }
}
