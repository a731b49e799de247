//! What must be read for a set of queries, and on which grids.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use lang::metric_math::{Expression, Function, MathError};

use super::grid::Grid;
use super::query::{DataQuery, Parsed, Source, in_expression, metrics_of};
use crate::CloudWatchError;
use crate::anomaly::model::TRAINING_SECS;

/// Everything on one grid.
#[derive(Debug, Default)]
pub(crate) struct OnGrid<'a> {
    /// Metric queries by their places.
    pub(crate) metrics: BTreeSet<usize>,
    /// Texts of searches with their statistics.
    pub(crate) searches: BTreeSet<(&'a str, &'a str)>,
    /// Metrics Insights queries by their places.
    pub(crate) insights: BTreeSet<usize>,
}

/// What must be read.
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    pub(crate) grids: BTreeMap<Grid, OnGrid<'a>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Query(usize),
    /// Of the query at this place.
    Expression(usize, &'a Expression),
}

impl<'a> Plan<'a> {
    /// For the queries at these places, each on its grid, and all they refer to.
    pub(crate) fn of(queries: &'a [DataQuery], roots: &[(usize, Grid)]) -> Result<Self, CloudWatchError> {
        let by_id: HashMap<&str, usize> =
            queries.iter().enumerate().map(|(at, query)| (query.id.as_str(), at)).collect();
        let mut plan = Self::default();
        let mut seen: HashSet<(usize, Grid)> = HashSet::new();
        let mut pending: Vec<(Step<'a>, Grid, /* training */ bool)> =
            roots.iter().rev().map(|(at, grid)| (Step::Query(*at), *grid, false)).collect();
        while let Some((step, grid, training)) = pending.pop() {
            let (owner, expression) = match step {
                Step::Query(at) if !seen.insert((at, grid)) => continue,
                Step::Query(at) => match &queries[at].source {
                    Source::Metric(_) => {
                        plan.grids.entry(grid).or_default().metrics.insert(at);
                        continue;
                    }
                    Source::Expression(expression) => match &expression.parsed {
                        Parsed::Insights(_) => {
                            plan.grids.entry(grid).or_default().insights.insert(at);
                            continue;
                        }
                        Parsed::Math(expression) => (at, expression),
                    },
                },
                Step::Expression(owner, expression) => (owner, expression),
            };
            let mut push = |inner: &'a Expression, grid, training| {
                pending.push((Step::Expression(owner, inner), grid, training));
            };
            match expression {
                Expression::Number(_) | Expression::Text(_) | Expression::Keyword(_) => {}
                Expression::Negate(inner) => push(inner, grid, training),
                Expression::Binary(_, left, right) => {
                    push(left, grid, training);
                    push(right, grid, training);
                }
                Expression::List(items) => items.iter().for_each(|item| push(item, grid, training)),
                Expression::Reference(id) => {
                    if let Some(at) = by_id.get(id.as_str()) {
                        pending.push((Step::Query(*at), grid, training));
                    }
                }
                Expression::Call(Function::AnomalyDetectionBand, arguments) => {
                    if training {
                        let error = MathError::new("An anomaly detection band cannot be made of another");
                        return Err(in_expression(&queries[owner].id, &error));
                    }
                    let (of, width) = arguments.split_first().expect("types were checked");
                    push(of, training_grid(&grid), true);
                    width.iter().for_each(|width| push(width, grid, training));
                }
                Expression::Call(Function::Metrics, arguments) => {
                    let places = metrics_of(queries, arguments).map(|(at, _)| at);
                    plan.grids.entry(grid).or_default().metrics.extend(places);
                }
                Expression::Call(Function::Search, arguments) => {
                    if let [Expression::Text(search), Expression::Text(stat), ..] = arguments.as_slice() {
                        plan.grids.entry(grid).or_default().searches.insert((search, stat));
                    }
                }
                Expression::Call(Function::Period, _) => {}
                Expression::Call(_, arguments) => {
                    arguments.iter().for_each(|argument| push(argument, grid, training));
                }
            }
        }
        Ok(plan)
    }
}

/// The grid a band on `grid` is learnt on.
pub(crate) fn training_grid(grid: &Grid) -> Grid {
    grid.extended_back(TRAINING_SECS)
}
