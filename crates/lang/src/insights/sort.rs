//! `sort expr [asc|desc], …`.

use super::expression::{Node, expression};
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{SortKey, Stage};
use crate::text::{QueryError, Symbol};

pub(super) struct Sort {
    keys: Vec<(Node, bool)>,
}

impl Sort {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut keys = Vec::new();
        loop {
            let key = expression(parser)?;
            let descending = parser.keyword("desc")?;
            if !descending {
                parser.keyword("asc")?;
            }
            keys.push((key, descending));
            if !parser.symbol(Symbol::Comma)? {
                return Ok(Self { keys });
            }
        }
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        for (key, _) in &self.keys {
            planner.no_structure(key, "sort")?;
        }
        let keys = self.keys.iter();
        let keys =
            keys.map(|(key, descending)| Ok(SortKey { expr: planner.expr(key)?, descending: *descending }));
        let keys = keys.collect::<Result<_, QueryError>>()?;
        planner.push(Stage::Sort(keys))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn directions() {
        assert!(plan("sort a, b DESC, c + 1 asc").starts_with("sort a asc, b desc, (+ c 1) asc\n"));
        assert!(error("sort a up").contains("unexpected symbol found up"));
    }
}
