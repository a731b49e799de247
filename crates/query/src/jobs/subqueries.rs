//! Queries in the list of an `in`: run first, and their values put in their place.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::DataFusionError;
use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;
use lang::plan::{Expr, NestedQuery, Pipeline, Value};

use super::run::failure;
use super::{Failure, Work, results};
use crate::lower::{Input, lower};

/// AWS: an inner query may take 30 seconds (CWL_QuerySyntax-Subqueries).
const DEADLINE: Duration = Duration::from_secs(30);
/// Values of one inner query; more fail the query by name.
const VALUES_MAX: usize = 100_000;

/// The pipeline without queries inside expressions.
pub(super) async fn resolve(work: &Work) -> Result<Pipeline, Failure> {
    let mut pipeline = work.pipeline.clone();
    for stage in &mut pipeline.stages {
        for expr in stage.expressions_mut() {
            // One at a time: an expression may hold several.
            while let Some(query) = first(expr) {
                let query = query.clone();
                let values = tokio::select! {
                    values = values(work, &query) => values?,
                    () = work.clock.sleep(DEADLINE) => return Err(Failure::SubqueryTimeout),
                };
                replace(expr, query.index, &values);
            }
        }
    }
    Ok(pipeline)
}

fn first(expr: &Expr) -> Option<&NestedQuery> {
    match expr {
        Expr::InQuery { query, .. } => Some(query),
        _ => expr.children().into_iter().find_map(first),
    }
}

fn replace(expr: &mut Expr, index: usize, values: &[Value]) {
    if let Expr::InQuery { value, query, negated } = expr
        && query.index == index
    {
        let value = std::mem::replace(value, Box::new(Expr::Literal(Value::Boolean(false))));
        *expr = Expr::In { value, list: values.to_vec(), negated: *negated };
        return;
    }
    expr.children_mut().into_iter().for_each(|child| replace(child, index, values));
}

/// The values of the first column.
async fn values(work: &Work, query: &NestedQuery) -> Result<Vec<Value>, Failure> {
    let failed = |error: DataFusionError| failure(&error);
    let mut input: Input = work.input.nested(query.index).map_err(failed)?;
    input.limit = VALUES_MAX + 1;
    let lowered = lower(&query.pipeline, &input).map_err(failed)?;
    let plan = work.session.create_physical_plan(&lowered.plan).await.map_err(failed)?;
    let mut batches = execute_stream(plan, work.session.task_ctx()).map_err(failed)?;
    let first: Option<Arc<str>> = lowered.output.first().map(|(name, _)| Arc::clone(name));
    let mut values = Vec::new();
    while let Some(batch) = batches.try_next().await.map_err(failed)? {
        for row in results::rows(&batch, &lowered.output, lowered.yields_events).map_err(failed)? {
            let value = row.values.into_iter().find(|(name, _)| Some(name) == first.as_ref());
            values.extend(value.map(|(_, value)| Value::String(value)));
        }
        if values.len() > VALUES_MAX {
            return Err(Failure::SubqueryTooLarge(VALUES_MAX));
        }
    }
    Ok(values)
}
