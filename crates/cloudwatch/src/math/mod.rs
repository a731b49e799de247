//! Metric math on aligned series: what operators and functions do. Reading, references and grids are the
//! caller's (`metric::evaluate`).
//!
//! Every value is a scalar, a series or several series. A series has one place per period of its grid; a place
//! without a datapoint holds NaN, and no datapoint is ever NaN or infinite.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>; where it is
//! silent the specification's decisions hold (metrics.md § 8).

pub(crate) mod aggregate;
pub(crate) mod arrange;
pub(crate) mod calendar;
pub(crate) mod condition;
pub(crate) mod fill;
pub(crate) mod operate;
pub(crate) mod pointwise;

use std::sync::Arc;

use signals::{MetricIdentity, Unit};

/// A missing datapoint.
pub(crate) const MISSING: f64 = f64::NAN;

/// A series on a grid.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) label: Arc<str>,
    pub(crate) values: Arc<Vec<f64>>,
    pub(crate) origin: Option<Arc<Origin>>,
    /// Where it is known.
    pub(crate) unit: Option<Unit>,
}

/// Where a series that no function changed comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Metric {
        metric: MetricIdentity,
        stat: String,
    },
    /// Keys and values of GROUP BY.
    Group(Vec<(String, String)>),
}

/// What an expression gives.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// NaN if there is none.
    Scalar(f64),
    Series(Series),
    Array(Vec<Series>),
}

impl Series {
    pub(crate) fn new(label: impl Into<Arc<str>>, values: Vec<f64>) -> Self {
        Self { label: label.into(), values: Arc::new(values), origin: None, unit: None }
    }

    /// The series with other values.
    pub(crate) fn with(&self, values: Vec<f64>) -> Self {
        Self { values: Arc::new(values), ..self.clone() }
    }

    /// The datapoints that exist.
    pub(crate) fn existing(&self) -> impl Iterator<Item = f64> {
        self.values.iter().copied().filter(|value| !value.is_nan())
    }
}

/// A result, which is missing where it is not a number.
pub(crate) fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { MISSING }
}

/// Applies `change` to each series of a value; scalars pass through it as they are.
pub(crate) fn each_series(value: Value, mut change: impl FnMut(&Series) -> Vec<f64>) -> Value {
    match value {
        Value::Scalar(scalar) => Value::Scalar(scalar),
        Value::Series(series) => Value::Series(series.with(change(&series))),
        Value::Array(array) => Value::Array(array.iter().map(|s| s.with(change(s))).collect()),
    }
}
