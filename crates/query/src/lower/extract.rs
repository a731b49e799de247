//! `parse`: fields out of a text.

use datafusion::common::{DataFusionError, Result};
use datafusion::functions::core::expr_fn::get_field;
use lang::plan::Extract;

use super::{Kind, Lowered, Lowering, column};
use crate::functions::{Extraction, Operation, Pattern, apply};

impl Lowering<'_> {
    pub(super) fn extract(&mut self, extract: &Extract) -> Result<()> {
        let (source, extraction, fields) = match extract {
            Extract::Glob { source, literals, fields } => {
                (source, Extraction::Glob(literals.clone()), fields)
            }
            Extract::Regex { source, pattern, groups, fields } => {
                let pattern = Pattern::new(pattern).map_err(DataFusionError::Plan)?;
                (source, Extraction::Regex(pattern, groups.clone()), fields)
            }
            Extract::Csv { source, fields } => (source, Extraction::Csv(fields.len()), fields),
        };
        let text = self.value(source)?.text();
        let found = self.fresh();
        self.add(vec![(found.clone(), apply(Operation::Extract(extraction), vec![text]))])?;
        self.take_fields(&found, fields)
    }

    /// Makes the fields of a struct column fields of the record.
    pub(super) fn take_fields(&mut self, found: &str, fields: &[String]) -> Result<()> {
        let mut computed = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            let name = self.fresh();
            self.made.insert(field.clone());
            self.fields.insert(field.clone(), Lowered::new(column(&name), Kind::Text));
            computed.push((name, get_field(column(found), index.to_string())));
        }
        self.add(computed)
    }
}
