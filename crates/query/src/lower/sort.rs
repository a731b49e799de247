//! `sort`: keys that come before the order there was, so that the sort is stable.

use datafusion::common::Result;
use lang::plan::SortKey;

use super::{Lowering, ascending, descending};

impl Lowering<'_> {
    pub(super) fn sort(&mut self, keys: &[SortKey]) -> Result<()> {
        let mut order = Vec::with_capacity(keys.len() + self.order.len());
        for key in keys {
            let expr = self.value(&key.expr)?.sort_key();
            order.push(if key.descending { descending(expr) } else { ascending(expr) });
        }
        order.append(&mut self.order);
        self.order = order;
        Ok(())
    }
}
