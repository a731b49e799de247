//! `fields expr [as name], …`: computes and shows; repeated commands accumulate.

use super::expression::{Item, items};
use super::parser::Parser;
use super::planner::Planner;
use crate::text::QueryError;

pub(super) struct Fields {
    items: Vec<Item>,
}

impl Fields {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { items: items(parser)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let names = planner.extend(self.items)?;
        planner.show(names);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn accumulates_columns_and_computes_only_what_is_new() {
        assert_eq!(plan("fields a, b | fields c, a"), "events a, b, c");
        assert_eq!(plan("fields abs(a)"), "extend `abs(a)`=(Abs a)\nevents `abs(a)`");
        assert_eq!(plan("fields `svc` as `my-svc`"), "extend `my-svc`=svc\nevents `my-svc`");
        assert_eq!(plan("fields @timestamp, @ptr"), "events @timestamp");
        assert_eq!(plan(""), "events @timestamp, @message");
    }

    #[test]
    fn refuses_aggregates_and_double_names() {
        assert_eq!(error("fields count(*)"), "7..12 the aggregate function 'count' may only stand in stats");
        assert_eq!(error("fields 1 as x, 2 as x"), "20..21 the name 'x' is given twice");
        assert_eq!(error("fields a b"), "9..10 unexpected symbol found b at line 1 and position 9");
        assert_eq!(error("fields"), "6..6 unexpected end of query");
    }
}
