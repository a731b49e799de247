//! Finds aggregations over a scan whose keys the scan can hand out as dictionaries.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use super::super::scan::LogScanExec;
use super::exec::GroupKeysExec;

/// Replaces such aggregations by ones over dictionaries.
#[derive(Debug)]
pub(crate) struct GroupByKeys;

impl PhysicalOptimizerRule for GroupByKeys {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let replace = |node: Arc<dyn ExecutionPlan>| {
            Ok(match replaced(&node)? {
                Some(other) => Transformed::yes(other),
                None => Transformed::no(node),
            })
        };
        plan.transform_up(replace).data()
    }

    fn name(&self) -> &str {
        "group_by_keys"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn replaced(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(aggregate) = node.downcast_ref::<AggregateExec>() else { return Ok(None) };
    if !GroupKeysExec::can_replace(aggregate) {
        return Ok(None);
    }
    let mut used = Vec::new();
    for function in aggregate.aggr_expr() {
        used.extend(function.expressions());
        used.extend(function.order_bys().iter().map(|key| Arc::clone(&key.expr)));
    }
    used.extend(aggregate.filter_expr().iter().flatten().cloned());
    let keys = aggregate.group_expr().input_exprs();
    let (plain, computed): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| column(key).is_some());
    used.extend(computed);
    let wanted: Vec<usize> = plain.iter().filter_map(column).filter(|index| !uses(&used, *index)).collect();
    Ok(match with_keys(aggregate.input(), &wanted)? {
        Some(input) => Some(Arc::new(GroupKeysExec::new(aggregate.clone(), input))),
        None => None,
    })
}

/// The plan with those of the columns as dictionaries that can be; `None` if none can.
fn with_keys(plan: &Arc<dyn ExecutionPlan>, wanted: &[usize]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if wanted.is_empty() {
        return Ok(None);
    }
    if let Some(scan) = plan.downcast_ref::<LogScanExec>() {
        let found: Vec<usize> = wanted.iter().copied().filter(|index| scan.has_keys(*index)).collect();
        return match found.is_empty() {
            true => Ok(None),
            false => Ok(Some(Arc::new(scan.with_keys(&found)?))),
        };
    }
    let (input, below) = if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let below = |index: usize| match filter.projection() {
            Some(projection) => projection.get(index).copied(),
            None => Some(index),
        };
        let read = [Arc::clone(filter.predicate())];
        let free = wanted.iter().filter_map(|index| below(*index)).filter(|index| !uses(&read, *index));
        (filter.input(), free.collect::<Vec<usize>>())
    } else if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        let exprs: Vec<Arc<dyn PhysicalExpr>> =
            projection.expr().iter().map(|p| Arc::clone(&p.expr)).collect();
        let own = |index: usize| {
            let below = column(exprs.get(index)?)?;
            let others = exprs.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<_> = others.map(|(_, expr)| Arc::clone(expr)).collect();
            (!uses(&others, below)).then_some(below)
        };
        (projection.input(), wanted.iter().filter_map(|index| own(*index)).collect())
    } else {
        return Ok(None);
    };
    match (with_keys(input, &below)?, plan.downcast_ref::<ProjectionExec>()) {
        (None, _) => Ok(None),
        // Given another child, a projection would keep its types.
        (Some(input), Some(projection)) => {
            Ok(Some(Arc::new(ProjectionExec::try_new(projection.expr().to_vec(), input)?)))
        }
        (Some(input), None) => {
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            Ok(Some(Arc::clone(plan).replace_children(vec![input], options)?))
        }
    }
}

fn column(expr: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    expr.downcast_ref::<Column>().map(Column::index)
}

fn uses(exprs: &[Arc<dyn PhysicalExpr>], index: usize) -> bool {
    exprs.iter().any(|expr| collect_columns(expr).iter().any(|column| column.index() == index))
}
