//! `fields` and projections: new fields from expressions.

use datafusion::common::Result;
use lang::plan::{Expr, Named};

use super::{Lowered, Lowering, column};

impl Lowering<'_> {
    pub(super) fn extend(&mut self, items: &[Named]) -> Result<()> {
        let defined = self.define(items)?;
        self.made.extend(items.iter().map(|item| item.name.clone()));
        self.fields.extend(defined);
        Ok(())
    }

    pub(super) fn project(&mut self, items: &[Named]) -> Result<()> {
        self.fields = self.define(items)?.into_iter().collect();
        self.made = items.iter().map(|item| item.name.clone()).collect();
        Ok(())
    }

    /// The items as fields; all see the record as it was.
    fn define(&mut self, items: &[Named]) -> Result<Vec<(String, Lowered)>> {
        let mut defined = Vec::with_capacity(items.len());
        let mut computed = Vec::new();
        for item in items {
            let lowered = self.value(&item.expr)?;
            // Another name for a field needs no column, and keeps the text of a number.
            let plain = matches!(item.expr, Expr::Field(_) | Expr::Literal(_));
            if plain {
                defined.push((item.name.clone(), lowered));
                continue;
            }
            let name = self.fresh();
            let mut kept = Lowered::new(column(&name), lowered.kind);
            if let Some(structure) = lowered.inner_structure() {
                let name = self.fresh();
                kept = kept.or_structure(column(&name));
                computed.push((name, structure));
            }
            computed.push((name, lowered.expr));
            defined.push((item.name.clone(), kept));
        }
        self.add(computed)?;
        Ok(defined)
    }
}
