//! Computes expressions from what was gathered. Work is counted in values and limited.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use base::Scope;
use lang::metric_math::{Expression, Function, Keyword, MathError, Operator};
use signals::Unit;

use super::gather::Gathered;
use super::grid::Grid;
use super::label::DefaultLabels;
use super::plan::training_grid;
use super::query::{DataQuery, ExpressionQuery, Parsed, Source, metrics_of};
use super::read::Readings;
use crate::CloudWatch;
use crate::anomaly::model;
use crate::math::aggregate::aggregate;
use crate::math::arrange::{slice, sort};
use crate::math::calendar::calendar;
use crate::math::condition::condition;
use crate::math::fill::{Filling, fill};
use crate::math::operate::{negate, operate};
use crate::math::pointwise::pointwise;
use crate::math::{MISSING, Origin, Series, Value, each_series};
use crate::search::SERIES_MAX;

/// Values computed for one call, over all intermediate results.
const VALUES_MAX: usize = 40_000_000;

/// An error and the place of the query it is in.
type Failure = (usize, MathError);

/// Where expressions are computed.
pub(crate) struct Room<'a> {
    cw: &'a CloudWatch,
    scope: &'a Scope,
    queries: &'a [DataQuery],
    gathered: &'a Gathered,
    by_id: HashMap<&'a str, usize>,
    labels: DefaultLabels<'a>,
    /// Results of queries, because others may refer to them many times.
    known: RefCell<HashMap<(usize, Grid), Value>>,
    values: Cell<usize>,
}

impl<'a> Room<'a> {
    pub(crate) fn new(
        cw: &'a CloudWatch,
        scope: &'a Scope,
        queries: &'a [DataQuery],
        gathered: &'a Gathered,
    ) -> Self {
        let by_id = queries.iter().enumerate().map(|(at, query)| (query.id.as_str(), at)).collect();
        let labels = DefaultLabels::new(queries.iter().filter_map(|query| match &query.source {
            Source::Metric(stat) => Some(stat.attributes()),
            Source::Expression(_) => None,
        }));
        Self { cw, scope, queries, gathered, by_id, labels, known: RefCell::default(), values: Cell::new(0) }
    }

    /// The value of a query on a grid.
    pub(crate) fn query(&self, at: usize, grid: &Grid) -> Result<Value, Failure> {
        if let Some(known) = self.known.borrow().get(&(at, *grid)) {
            return Ok(known.clone());
        }
        let query = &self.queries[at];
        let value = match &query.source {
            Source::Metric(_) => Value::Series(self.metric(at, grid).map_err(|error| (at, error))?),
            Source::Expression(ExpressionQuery { parsed: Parsed::Insights(_), .. }) => {
                self.insights(at, grid).map_err(|error| (at, error))?
            }
            Source::Expression(ExpressionQuery { parsed: Parsed::Math(expression), .. }) => {
                let value = Work { room: self, at, grid }.evaluate(expression)?;
                match value {
                    // What others see of it is called as this query is.
                    Value::Series(series) => {
                        let label = query.label.as_deref().unwrap_or(&query.id);
                        Value::Series(Series { label: label.into(), ..series })
                    }
                    other => other,
                }
            }
        };
        self.known.borrow_mut().insert((at, *grid), value.clone());
        Ok(value)
    }

    fn metric(&self, at: usize, grid: &Grid) -> Result<Series, MathError> {
        let query = &self.queries[at];
        let Source::Metric(stat) = &query.source else {
            return Err(MathError::new("A metric is expected"));
        };
        let label = query.label.clone().unwrap_or_else(|| self.labels.of(&stat.attributes()));
        let origin = Origin::Metric { metric: stat.metric.clone(), stat: stat.stat.clone() };
        let series = Series::new(label, self.spread(self.gathered.metric(at, grid), grid)?);
        let unit = self.gathered.metric(at, grid).and_then(|readings| readings.unit);
        Ok(Series { origin: Some(Arc::new(origin)), unit, ..series })
    }

    fn insights(&self, at: usize, grid: &Grid) -> Result<Value, MathError> {
        let Source::Expression(ExpressionQuery { parsed: Parsed::Insights(query), .. }) =
            &self.queries[at].source
        else {
            return Err(MathError::new("A Metrics Insights query is expected"));
        };
        let groups = self.gathered.insights(at, grid).map(|answer| answer.groups.as_slice());
        let series = groups.unwrap_or_default().iter().map(|group| {
            let values = self.spread_points(&group.points, grid)?;
            let keys = query.group_by.iter().map(|key| key.name());
            let origin = Origin::Group(keys.zip(group.values.iter().cloned()).collect());
            let series = Series::new(group.values.join(" "), values);
            Ok(Series { origin: Some(Arc::new(origin)), ..series })
        });
        Ok(Value::Array(series.collect::<Result<_, MathError>>()?))
    }

    /// Readings on every place of the grid.
    fn spread(&self, readings: Option<&Readings>, grid: &Grid) -> Result<Vec<f64>, MathError> {
        self.spread_points(readings.map(|r| r.points.as_slice()).unwrap_or_default(), grid)
    }

    fn spread_points(&self, points: &[(u32, f64)], grid: &Grid) -> Result<Vec<f64>, MathError> {
        self.charge(1, grid)?;
        let mut values = vec![MISSING; grid.slots()];
        for (slot, value) in points {
            if let Some(place) = values.get_mut(*slot as usize) {
                *place = *value;
            }
        }
        Ok(values)
    }

    /// Counts the values of so many series before they are made.
    fn charge(&self, series: usize, grid: &Grid) -> Result<(), MathError> {
        self.charge_values(series.saturating_mul(grid.slots()))
    }

    fn charge_values(&self, values: usize) -> Result<(), MathError> {
        let values = self.values.get().saturating_add(values);
        self.values.set(values);
        if values > VALUES_MAX {
            return Err(MathError::new("The expression would process too many datapoints"));
        }
        Ok(())
    }
}

/// Computing the expression of one query on one grid.
struct Work<'a> {
    room: &'a Room<'a>,
    at: usize,
    grid: &'a Grid,
}

impl Work<'_> {
    fn fail<T>(&self, result: Result<T, MathError>) -> Result<T, Failure> {
        result.map_err(|error| (self.at, error))
    }

    fn evaluate(&self, expression: &Expression) -> Result<Value, Failure> {
        // Chains of operators lean to the left: they are followed in a loop, so that only nesting recurses.
        let mut chain: Vec<(Operator, &Expression)> = Vec::new();
        let mut first = expression;
        while let Expression::Binary(operator, left, right) = first {
            chain.push((*operator, right));
            first = left;
        }
        let mut value = self.evaluate_one(first)?;
        for (operator, right) in chain.into_iter().rev() {
            let right = self.evaluate(right)?;
            self.fail(self.room.charge(size(&value).max(size(&right)), self.grid))?;
            value = self.fail(operate(operator, value, right))?;
        }
        Ok(value)
    }

    fn evaluate_one(&self, expression: &Expression) -> Result<Value, Failure> {
        match expression {
            Expression::Number(number) => Ok(Value::Scalar(*number)),
            Expression::Reference(id) => {
                let at = self.room.by_id.get(id.as_str());
                let at = at.ok_or_else(|| MathError::new(format!("Undefined variable {id}")));
                self.room.query(*self.fail(at)?, self.grid)
            }
            Expression::Negate(inner) => {
                let value = self.evaluate(inner)?;
                self.fail(self.room.charge(size(&value), self.grid))?;
                Ok(negate(value))
            }
            Expression::Binary(..) => self.evaluate(expression),
            Expression::List(items) => {
                let mut array = Vec::new();
                for item in items {
                    match self.evaluate(item)? {
                        Value::Series(series) => array.push(series),
                        Value::Array(series) => array.extend(series),
                        Value::Scalar(_) => {}
                    }
                    if array.len() > SERIES_MAX {
                        let reason = format!("An array can have {SERIES_MAX} time series at most");
                        return self.fail(Err(MathError::new(reason)));
                    }
                }
                Ok(Value::Array(array))
            }
            Expression::Call(function, arguments) => self.call(*function, arguments),
            Expression::Text(_) | Expression::Keyword(_) => {
                self.fail(Err(MathError::new("A time series is expected")))
            }
        }
    }

    fn call(&self, function: Function, arguments: &[Expression]) -> Result<Value, Failure> {
        use Function as F;
        let slots = self.grid.slots();
        match function {
            F::Avg | F::Sum | F::Min | F::Max | F::Stddev | F::DatapointCount => {
                let value = self.argument(arguments, 0)?;
                self.fail(self.room.charge(1, self.grid))?;
                self.fail(aggregate(function, &value, slots).ok_or_else(|| not_series(function)))
            }
            F::Abs
            | F::Ceil
            | F::Floor
            | F::Log
            | F::Log10
            | F::Diff
            | F::DiffTime
            | F::Rate
            | F::RunningSum => {
                let value = self.argument(arguments, 0)?;
                self.fail(self.room.charge(size(&value), self.grid))?;
                let period = self.grid.period_secs as f64;
                Ok(each_series(value, |series| pointwise(function, series, period).unwrap_or_default()))
            }
            F::MetricCount => Ok(Value::Scalar(self.array(arguments, 0)?.len() as f64)),
            F::First | F::Last => {
                let mut array = self.array(arguments, 0)?;
                let chosen = if function == F::First { array.drain(..).next() } else { array.pop() };
                let empty = || Series::new("", vec![MISSING; slots]);
                Ok(Value::Series(chosen.unwrap_or_else(empty)))
            }
            F::RemoveEmpty => {
                let mut array = self.array(arguments, 0)?;
                array.retain(|series| series.existing().next().is_some());
                Ok(Value::Array(array))
            }
            F::Slice => {
                let array = self.array(arguments, 0)?;
                let from = self.scalar(arguments, 1)?;
                let to = if arguments.len() > 2 { Some(self.scalar(arguments, 2)?) } else { None };
                Ok(Value::Array(self.fail(slice(array, from, to))?))
            }
            F::Sort => self.sort(arguments),
            F::Fill => self.fill(arguments),
            F::If => {
                let tested = self.argument(arguments, 0)?;
                let yes = self.argument(arguments, 1)?;
                let no = if arguments.len() > 2 { Some(self.argument(arguments, 2)?) } else { None };
                self.fail(self.room.charge(1, self.grid))?;
                Ok(condition(&tested, &yes, no.as_ref(), slots))
            }
            F::Metrics => self.metrics(arguments),
            F::Period => self.period(arguments),
            F::TimeSeries => {
                let scalar = self.scalar(arguments, 0)?;
                self.fail(self.room.charge(1, self.grid))?;
                Ok(Value::Series(Series::new("", vec![scalar; slots])))
            }
            F::Date | F::Day | F::Epoch | F::Hour | F::Minute | F::Month | F::Year => {
                self.fail(self.room.charge(1, self.grid))?;
                let of = |slot| calendar(function, self.grid.at(slot)).unwrap_or(MISSING);
                Ok(Value::Series(Series::new("", (0..slots).map(of).collect())))
            }
            F::AnomalyDetectionBand => self.band(arguments),
            F::Search => self.search(arguments),
            // There are no quotas here: a metric without one has no datapoints.
            F::ServiceQuota => Ok(Value::Series(Series::new("", vec![MISSING; slots]))),
            F::InsightRuleMetric | F::DbPerfInsights | F::Lambda => {
                let reason = format!("Function '{}' is not available", function.name());
                self.fail(Err(MathError::new(reason)))
            }
        }
    }

    fn argument(&self, arguments: &[Expression], at: usize) -> Result<Value, Failure> {
        match arguments.get(at) {
            Some(argument) => self.evaluate(argument),
            None => self.fail(Err(MathError::new("An argument is missing"))),
        }
    }

    fn array(&self, arguments: &[Expression], at: usize) -> Result<Vec<Series>, Failure> {
        match self.argument(arguments, at)? {
            Value::Array(array) => Ok(array),
            _ => self.fail(Err(MathError::new("An array of time series is expected"))),
        }
    }

    fn scalar(&self, arguments: &[Expression], at: usize) -> Result<f64, Failure> {
        match self.argument(arguments, at)? {
            Value::Scalar(scalar) => Ok(scalar),
            _ => self.fail(Err(MathError::new("A number is expected"))),
        }
    }

    fn sort(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let array = self.array(arguments, 0)?;
        let limit = if arguments.len() > 3 { Some(self.scalar(arguments, 3)?) } else { None };
        match arguments {
            [_, Expression::Keyword(by), Expression::Keyword(order), ..] => {
                Ok(Value::Array(sort(array, *by, *order, limit)))
            }
            _ => self.fail(Err(not_series(Function::Sort))),
        }
    }

    fn fill(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let value = self.argument(arguments, 0)?;
        let filling = match arguments.get(1) {
            Some(Expression::Keyword(Keyword::Repeat)) => Filling::Repeat,
            Some(Expression::Keyword(Keyword::Linear)) => Filling::Linear,
            _ => match self.argument(arguments, 1)? {
                Value::Scalar(constant) => Filling::Constant(constant),
                Value::Series(series) => Filling::Series(series),
                Value::Array(_) => return self.fail(Err(not_series(Function::Fill))),
            },
        };
        self.fail(self.room.charge(size(&value), self.grid))?;
        Ok(each_series(value, |series| fill(series, &filling)))
    }

    fn metrics(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let mut array = Vec::new();
        for (at, _) in metrics_of(self.room.queries, arguments) {
            if let Value::Series(series) = self.room.query(at, self.grid)? {
                array.push(series);
            }
        }
        Ok(Value::Array(array))
    }

    /// PERIOD of a metric: the one its datapoints have here.
    fn period(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let metric = match arguments.first() {
            Some(Expression::Reference(id)) => self.room.by_id.get(id.as_str()).copied(),
            _ => None,
        };
        match metric.map(|at| &self.room.queries[at].source) {
            Some(Source::Metric(_)) => Ok(Value::Scalar(self.grid.period_secs as f64)),
            _ => self.fail(Err(MathError::new("Function 'PERIOD' expects the id of a metric"))),
        }
    }

    fn search(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let [Expression::Text(text), Expression::Text(stat), ..] = arguments else {
            return self.fail(Err(not_series(Function::Search)));
        };
        let found = self.room.gathered.search(text, stat, self.grid);
        let mut array = Vec::with_capacity(found.len());
        for series in found {
            let values = self.fail(self.room.spread(Some(&series.readings), self.grid))?;
            let origin = Origin::Metric { metric: series.metric.clone(), stat: stat.clone() };
            array.push(Series {
                origin: Some(Arc::new(origin)),
                unit: series.readings.unit,
                ..Series::new(series.label.as_str(), values)
            });
        }
        Ok(Value::Array(array))
    }

    fn band(&self, arguments: &[Expression]) -> Result<Value, Failure> {
        let width = if arguments.len() > 1 { self.scalar(arguments, 1)? } else { 2.0 };
        if width.is_nan() || width <= 0.0 {
            let reason = "Function 'ANOMALY_DETECTION_BAND' expects a width above 0";
            return self.fail(Err(MathError::new(reason)));
        }
        let training = training_grid(self.grid);
        let learner = Work { room: self.room, at: self.at, grid: &training };
        let history = match learner.argument(arguments, 0)? {
            Value::Series(series) => series,
            _ => return self.fail(Err(not_series(Function::AnomalyDetectionBand))),
        };
        // Learning looks at its history once for every hour shown.
        let hours = self.grid.slots() as i64 * self.grid.period_secs / 3600 + 1;
        let trainings = usize::try_from(hours).unwrap_or(usize::MAX).min(self.grid.slots());
        let weeks = training.slots() - self.grid.slots();
        self.fail(self.room.charge_values(trainings.saturating_mul(weeks)))?;
        let settings = self.room.cw.anomaly().settings(self.room.scope, &history);
        let percent = history.unit.is_some_and(|unit| unit == percent_unit());
        let band = model::band(&history.values, &training, self.grid, width, percent, &settings);
        let bound = |suffix: &str, values| Series::new(format!("{} ({suffix})", history.label), values);
        Ok(Value::Array(vec![bound("high", band.upper), bound("low", band.lower)]))
    }
}

fn percent_unit() -> Unit {
    Unit::by_name("Percent").unwrap_or(Unit::NONE)
}

/// How many series a value has.
fn size(value: &Value) -> usize {
    match value {
        Value::Scalar(_) => 0,
        Value::Series(_) => 1,
        Value::Array(array) => array.len(),
    }
}

fn not_series(function: Function) -> MathError {
    MathError::new(format!("Function '{}' expects time series", function.name()))
}
