//! `countFrequent field, …`: distinct combinations, the most frequent first. Counts are exact.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Aggregate, Expr, Named, SortKey, Stage};
use crate::text::{QueryError, Span};

const COUNT: &str = "_approxcount";

pub(super) struct CountFrequent {
    fields: Vec<(String, Span)>,
}

impl CountFrequent {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { fields: parser.names()? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let mut by: Vec<Named> = Vec::with_capacity(self.fields.len());
        for (name, span) in self.fields {
            if by.iter().any(|known| known.name == name) {
                return Err(planner.error(span, format!("the name '{name}' is given twice")));
            }
            planner.no_structure_field(&name, span, "countFrequent")?;
            by.push(Named { expr: planner.field(&name, span)?, name });
        }
        let mut names: Vec<String> = by.iter().map(|item| item.name.clone()).collect();
        names.push(COUNT.to_owned());
        let count = Named::new(COUNT, Expr::Aggregate(Aggregate::Count(None)));
        planner.push(Stage::Aggregate { by, aggregates: vec![count] })?;
        planner.redefine(names);
        planner.push(Stage::Sort(vec![SortKey { expr: Expr::Field(COUNT.to_owned()), descending: true }]))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn counts() {
        let expected =
            "aggregate _approxcount=(count *) by a, b\nsort _approxcount desc\nrows a, b, _approxcount";
        assert_eq!(plan("countFrequent a, b"), expected);
        assert_eq!(plan("count_frequent a, b"), expected);
        assert!(error("countFrequent a, a").contains("given twice"));
    }
}
