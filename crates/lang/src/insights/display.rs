//! `display expr [as name], …`: shows only its items; the last one counts. `unmask` does so too, and shows
//! what a data protection policy masks.

use super::expression::{Item, items};
use super::parser::Parser;
use super::planner::Planner;
use crate::text::QueryError;

pub(super) struct Display {
    items: Vec<Item>,
    unmasks: bool,
}

impl Display {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { items: items(parser)?, unmasks: false })
    }

    pub(super) fn read_unmask(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { items: items(parser)?, unmasks: true })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let names = match self.unmasks {
            true => planner.extend_unmasked(self.items)?,
            false => planner.extend(self.items)?,
        };
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
        assert_eq!(
            plan("fields a | parse 'x*' as p | unmask @message, p, toupper(a) as b"),
            "glob @message [\"x\", \"\"] -> p\n\
             extend @message=(Unmasked @message), b=(ToUpper (Unmasked a))\nevents @message, p, b"
        );
    }
}
