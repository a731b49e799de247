//! `filterIndex field = value`, `filterIndex field in [values]`: a filter that reads only what an index covers.

use super::expression::{list, literal};
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{BinaryOp, Expr, Stage, Value};
use crate::text::{QueryError, Span, Symbol};

pub(super) struct FilterIndex {
    field: (String, Span),
    values: Vec<Value>,
    one: bool,
}

impl FilterIndex {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let field = parser.name()?;
        if parser.symbol(Symbol::Equal)? {
            return Ok(Self { field, values: vec![literal(parser)?], one: true });
        }
        if !parser.keyword("in")? {
            return Err(parser.unexpected()?);
        }
        Ok(Self { field, values: list(parser)?.0, one: false })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let (name, span) = self.field;
        let field = planner.field(&name, span)?;
        planner.index(name, span)?;
        let condition = match (self.one, self.values) {
            (true, mut values) => {
                let value = values.pop().unwrap_or(Value::Boolean(false));
                Expr::Binary {
                    op: BinaryOp::Equal,
                    left: Box::new(field),
                    right: Box::new(Expr::Literal(value)),
                }
            }
            (false, list) => Expr::In { value: Box::new(field), list, negated: false },
        };
        planner.push(Stage::Filter(condition))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn conditions() {
        assert_eq!(plan("filterIndex u = 'ann' | fields u"), "indexed u\nfilter (= u \"ann\")\nevents u");
        assert!(plan("filterIndex u in [1, 2]").starts_with("indexed u\nfilter (in u [1, 2])\n"));
        assert!(error("filterIndex u like 'x'").contains("unexpected symbol found like"));
        assert!(error("parse 'x*' as u | filterIndex u = 1").contains("made by an earlier command"));
        assert!(error("stats count(*) as c | filterIndex c = 1").contains("made by an earlier command"));
    }
}
