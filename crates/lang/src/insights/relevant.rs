//! `relevantfields [field, …] where condition`: which fields tell the records that meet it from the others.

use super::expression::{Node, expression};
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::Stage;
use crate::text::{QueryError, Span};

pub(super) const COLUMNS: [&str; 5] =
    ["@fieldName", "@relevanceScore", "@topRelevanceContributors", "@conditionalMedian", "@baselineMedian"];

pub(super) struct RelevantFields {
    fields: Vec<(String, Span)>,
    condition: Node,
}

impl RelevantFields {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let fields = if parser.is_keyword("where")? { Vec::new() } else { parser.names()? };
        if !parser.keyword("where")? {
            return Err(parser.unexpected()?);
        }
        Ok(Self { fields, condition: expression(parser)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        for (name, span) in &self.fields {
            planner.field(name, *span)?;
            // AWS: not on fields made by parse (observed).
            if planner.is_parsed(name) {
                return Err(planner.error(*span, "Query cannot be compiled"));
            }
        }
        let condition = planner.expr(&self.condition)?;
        let fields = self.fields.into_iter().map(|(name, _)| name).collect();
        planner.push(Stage::Relevant { fields, condition })?;
        planner.redefine(COLUMNS.map(str::to_owned).to_vec());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn conditions() {
        assert!(
            plan("relevantfields where st >= 500").starts_with("relevant [] (>= st 500)\nrows @fieldName")
        );
        assert!(plan("relevantfields a, b where st >= 500").starts_with("relevant [a, b] (>= st 500)\n"));
        assert!(error("parse 'x*' as a | relevantfields a where b").contains("Query cannot be compiled"));
        assert!(error("relevantfields a").contains("unexpected end"));
    }
}
