//! `unnest`, `expand` and `parse … multi`: one row per element or match.

use datafusion::common::{Column, DataFusionError, Result, UnnestOptions};
use datafusion::functions::core::expr_fn::get_field;
use lang::plan::{Explode, Extract};

use super::{Kind, Lowered, Lowering, ascending, column};
use crate::functions::structures::{ELEMENT_INDEX, ELEMENT_STRUCTURE, ELEMENT_TEXT};
use crate::functions::{Extraction, MATCH_INDEX, Operation, Pattern, apply};

impl Lowering<'_> {
    pub(super) fn explode(&mut self, explode: &Explode) -> Result<()> {
        let list = self.list(&explode.list)?;
        let (text, structure) = (list.clone().text(), list.structure());
        let found = self.fresh();
        let elements = apply(Operation::Elements { in_place: explode.in_place }, vec![text, structure]);
        self.add(vec![(found.clone(), elements)])?;
        self.unnest(&found)?;
        let (text, structure, index) = (self.fresh(), self.fresh(), self.fresh());
        self.add(vec![
            (text.clone(), get_field(column(&found), ELEMENT_TEXT)),
            (structure.clone(), get_field(column(&found), ELEMENT_STRUCTURE)),
            (index.clone(), get_field(column(&found), ELEMENT_INDEX)),
        ])?;
        self.order.push(ascending(column(&index)));
        let element = Lowered::new(column(&text), Kind::Text).or_structure(column(&structure));
        self.made.insert(explode.into.clone());
        self.fields.insert(explode.into.clone(), element);
        Ok(())
    }

    pub(super) fn extract_all(&mut self, extract: &Extract) -> Result<()> {
        let Extract::Regex { source, pattern, groups, fields } = extract else {
            return self.extract(extract);
        };
        let pattern = Pattern::new(pattern).map_err(DataFusionError::Plan)?;
        let text = self.value(source)?.text();
        let found = self.fresh();
        let extraction = Extraction::Regex(pattern, groups.clone());
        self.add(vec![(found.clone(), apply(Operation::ExtractAll(extraction), vec![text]))])?;
        self.unnest(&found)?;
        let index = self.fresh();
        self.add(vec![(index.clone(), get_field(column(&found), MATCH_INDEX))])?;
        self.order.push(ascending(column(&index)));
        self.take_fields(&found, fields)
    }

    /// Makes each element of a column of lists a row of its own; a row with no element is gone.
    fn unnest(&mut self, name: &str) -> Result<()> {
        let name = Column::new_unqualified(name);
        let options = UnnestOptions::new().with_preserve_nulls(false);
        self.apply(|plan| plan.unnest_column_with_options(name, options))
    }
}
