//! `limit [any] n`.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::Stage;
use crate::text::{QueryError, Token};

/// AWS: CWL_QuerySyntax-Limit.
const LIMIT_MAX: f64 = 100_000.0;

pub(super) struct Limit {
    count: u64,
    any: bool,
}

impl Limit {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let any = parser.keyword("any")?;
        let (token, span) = parser.peek()?.clone();
        let Token::Number(count) = token else { return Err(parser.unexpected()?) };
        if count.fract() != 0.0 || !(1.0..=LIMIT_MAX).contains(&count) {
            return Err(parser.error(span, format!("limit must be a whole number from 1 to {LIMIT_MAX}")));
        }
        parser.next()?;
        Ok(Self { count: count as u64, any })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        planner.push(Stage::Limit { count: self.count, any: self.any })
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn counts() {
        assert!(plan("limit 20").starts_with("limit 20\n"));
        assert!(plan("limit any 20").starts_with("limit any 20\n"));
        assert!(plan("head 5").starts_with("limit 5\n"));
        assert_eq!(error("limit 0"), "6..7 limit must be a whole number from 1 to 100000");
        assert!(error("limit 100001").contains("whole number"));
        assert!(error("limit x").contains("unexpected symbol found x"));
        assert_eq!(
            error("limit 5 | stats count(*)"),
            "10..15 unexpected symbol found stats at line 1 and position 10"
        );
    }
}
