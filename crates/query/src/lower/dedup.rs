//! `dedup`: the first row of each distinct tuple in the order there is; rows with a missing key all stay.

use datafusion::common::Result;
use datafusion::functions_window::row_number::row_number;
use datafusion::logical_expr::{Expr as Plan, ExprFunctionExt, lit};
use lang::plan::Expr;

use super::{Lowering, column};

impl Lowering<'_> {
    pub(super) fn dedup(&mut self, keys: &[Expr]) -> Result<()> {
        let mut partition = Vec::with_capacity(keys.len());
        for key in keys {
            partition.push(self.value(key)?.group_key().expr);
        }
        let incomplete = partition.iter().cloned().map(Plan::is_null).reduce(Plan::or);
        let name = self.fresh();
        let rank = row_number().partition_by(partition).order_by(self.order.clone()).build()?.alias(&name);
        self.apply(|plan| plan.window([rank]))?;
        let first = column(&name).eq(lit(1u64));
        let kept = match incomplete {
            Some(incomplete) => first.or(incomplete),
            None => first,
        };
        self.apply(|plan| plan.filter(kept))
    }
}
