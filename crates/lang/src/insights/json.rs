//! `json field=path "member.path" as name`: one member of JSON text in a field.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Function, Named, Stage};
use crate::text::{QueryError, Span, Symbol, Token};

pub(super) struct Json {
    field: (String, Span),
    path: String,
    into: String,
}

impl Json {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        if !parser.keyword("field")? {
            return Err(parser.unexpected()?);
        }
        parser.expect(Symbol::Equal)?;
        let field = parser.name()?;
        let (Token::String(path), _) = parser.peek()?.clone() else { return Err(parser.unexpected()?) };
        parser.next()?;
        if !parser.keyword("as")? {
            return Err(parser.unexpected()?);
        }
        Ok(Self { field, path, into: parser.name()?.0 })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let source = planner.field(&self.field.0, self.field.1)?;
        let expr =
            crate::plan::Expr::Call { function: Function::JsonMember(self.path), arguments: vec![source] };
        planner.push(Stage::Extend(vec![Named::new(self.into.clone(), expr)]))?;
        planner.parsed([&self.into]);
        planner.show_made([self.into]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn members() {
        assert_eq!(
            plan("json field=msg \"a.b\" as x | filter x = 1"),
            "extend x=(JsonMember \"a.b\" msg)\nfilter (= x 1)\nevents x"
        );
        assert!(error("json msg 'a' as x").contains("unexpected symbol found msg"));
    }
}
