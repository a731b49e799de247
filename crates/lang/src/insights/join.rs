//! `join` and `appendcols`: records beside those of another query. And the queries inside queries.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{AppendColumns, Join as Step, NestedQuery, Stage};
use crate::text::{QueryError, Span, Symbol, Token};

pub(super) struct Join {
    left: String,
    right: String,
    keeps_left: bool,
    keys: [(String, Span); 2],
    query: NestedQuery,
}

impl Join {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut keeps_left = false;
        let (mut left, mut right) = (None, None);
        while !parser.keyword("where")? {
            let (name, at) = parser.name()?;
            parser.expect(Symbol::Equal)?;
            let (value, span) = parser.name()?;
            match name.to_ascii_lowercase().as_str() {
                "type" => {
                    keeps_left = match value.to_ascii_lowercase().as_str() {
                        "inner" => false,
                        "left" => true,
                        _ => return Err(parser.error(span, "the type of a join is inner or left")),
                    }
                }
                "left" => left = Some(value),
                "right" => right = Some(value),
                _ => return Err(parser.unexpected_at(at)),
            }
        }
        let first = parser.name()?;
        let equals = parser.expect(Symbol::Equal)?;
        let second = parser.name()?;
        let (Some(left), Some(right)) = (left, right) else {
            return Err(parser.error(equals, "a join needs left= and right="));
        };
        if left == right {
            return Err(parser.error(equals, "the two sides of a join need different names"));
        }
        let query = nested(parser, true)?;
        Ok(Self { left, right, keeps_left, keys: [first, second], query })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let [(first, first_at), (second, second_at)] = self.keys;
        let under = |path: &str, side: &str| {
            path.strip_prefix(side).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned)
        };
        let (left, right) = (&self.left, &self.right);
        let keys = match (under(&first, left), under(&second, right)) {
            (Some(left), Some(right)) => Some((left, right)),
            _ => under(&second, left).zip(under(&first, right)),
        };
        let Some((left_key, right_key)) = keys else {
            let message = format!("a join compares a field of {left} with one of {right}");
            return Err(planner.error(first_at.to(second_at), message));
        };
        planner.field(&left_key, first_at.to(second_at))?;
        planner.join(left, right)?;
        planner.push(Stage::Join(Step {
            left: self.left,
            right: self.right,
            keeps_left: self.keeps_left,
            left_key,
            right_key,
            query: Box::new(self.query),
        }))
    }
}

pub(super) struct AppendCols {
    replaces: bool,
    rows_max: u64,
    query: NestedQuery,
}

impl AppendCols {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let (mut replaces, mut rows_max) = (false, 10_000);
        while parser.peek()?.0 != Token::Symbol(Symbol::OpenParen) {
            if parser.keyword("override")? {
                parser.expect(Symbol::Equal)?;
                replaces = parser.boolean()?;
            } else if parser.keyword("max")? {
                parser.expect(Symbol::Equal)?;
                rows_max = parser.integer(1, 100_000)?;
            } else {
                return Err(parser.unexpected()?);
            }
        }
        Ok(Self { replaces, rows_max, query: nested(parser, false)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let names = self.query.pipeline.output.clone();
        planner.push(Stage::AppendColumns(AppendColumns {
            replaces: self.replaces,
            rows_max: self.rows_max,
            query: Box::new(self.query),
        }))?;
        planner.show_beside(names);
        Ok(())
    }
}

/// A query in parentheses.
pub(super) fn nested(parser: &mut Parser<'_>, needs_source: bool) -> Result<NestedQuery, QueryError> {
    let open = parser.expect(Symbol::OpenParen)?;
    if needs_source && !parser.is_keyword("source")? {
        return Err(parser.unexpected()?);
    }
    if parser.inside_query {
        let end = parser.peek()?.1;
        return Err(parser.error(open.to(end), "queries inside queries cannot hold further ones"));
    }
    let index = parser.next_query();
    parser.inside_query = true;
    let pipeline = super::query(parser, Token::Symbol(Symbol::CloseParen));
    parser.inside_query = false;
    let pipeline = pipeline?;
    parser.expect(Symbol::CloseParen)?;
    Ok(NestedQuery { index, pipeline })
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn joins() {
        assert_eq!(
            plan(
                "join type=left left=l right=r where l.u=r.v (SOURCE '/app/p' | filter a = 1) | fields l.ms, r.plan | sort l.ms"
            ),
            "join left l.u=r.v #0(source [\"/app/p\"] | filter (= a 1) | events @timestamp, @message)\n\
             sort l.ms asc\nrows l.ms, r.plan"
        );
        assert!(plan("join left=l right=r where r.v=l.u (SOURCE 'p')").starts_with("join inner l.u=r.v "));
        assert!(
            plan("join left=l right=r where r.v=l.u (SOURCE 'p')")
                .ends_with("rows l.@timestamp, l.@message, r.@timestamp, r.@message")
        );
    }

    #[test]
    fn bad_joins() {
        assert!(
            error("join left=l right=r where l.u=x.v (SOURCE 'p')")
                .contains("a join compares a field of l with one of r")
        );
        assert!(error("join left=l right=l where l.u=l.v (SOURCE 'p')").contains("different names"));
        assert!(error("join type=outer left=l right=r where l.u=r.v (SOURCE 'p')").contains("inner or left"));
        assert!(
            error("join left=l right=r where l.u=r.v (fields a)").contains("unexpected symbol found fields")
        );
        let join = "join left=l right=r where l.u=r.v (SOURCE 'p')";
        assert!(error(&format!("{join} | {join}")).contains("only one join"));
        assert!(
            error("filter a in (SOURCE 'x' | filter b in (SOURCE 'y' | fields c) | fields b)")
                .contains("cannot hold further ones")
        );
    }

    #[test]
    fn columns_of_another_query() {
        assert_eq!(
            plan(
                "stats count(*) as c by bin(5m) as b | appendcols override=true max=5 (SOURCE 'o' | stats count(*) as d by bin(5m) as e)"
            ),
            "aggregate c=(count *) by b=(DateFloor 5m @timestamp)\n\
             replace-columns 5 #0(source [\"o\"] | aggregate d=(count *) by e=(DateFloor 5m @timestamp) | rows e, d)\n\
             rows b, c, e, d"
        );
        assert!(error("appendcols max=0 (fields a)").contains("1 to 100000"));
    }
}
