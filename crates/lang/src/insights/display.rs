//! `display expr [as name], …`: shows only its items; the last one counts.

use super::expression::{Item, items};
use super::parser::Parser;
use super::planner::Planner;
use crate::text::QueryError;

pub(super) struct Display {
    items: Vec<Item>,
}

impl Display {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { items: items(parser)? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let names = planner.extend(self.items)?;
        planner.display(names);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::plan;

    #[test]
    fn the_last_display_decides_and_stats_forgets_it() {
        assert_eq!(plan("fields svc | display ms | display st, st"), "events st");
        assert_eq!(plan("display a | stats count(*) as c"), "aggregate c=(count *)\nrows c");
        assert_eq!(plan("display 1 as one"), "extend one=1\nevents one");
    }
}
