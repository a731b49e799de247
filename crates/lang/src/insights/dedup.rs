//! `dedup field, …`: the first record per distinct tuple in the current order.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::Stage;
use crate::text::{QueryError, Span};

pub(super) struct Dedup {
    fields: Vec<(String, Span)>,
}

impl Dedup {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        Ok(Self { fields: parser.names()? })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        for (name, span) in &self.fields {
            planner.no_structure_field(name, *span, "dedup")?;
        }
        let keys = self.fields.iter().map(|(name, span)| planner.field(name, *span));
        let keys = keys.collect::<Result<_, _>>()?;
        planner.push(Stage::Dedup(keys))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn only_limit_may_follow() {
        assert_eq!(
            plan("fields a | sort b | dedup a, b | limit 3"),
            "sort b asc\ndedup a, b\nlimit 3\nevents a"
        );
        assert_eq!(
            error("dedup svc | sort ms"),
            "12..16 unexpected symbol found sort at line 1 and position 12"
        );
        assert!(error("dedup svc | fields a").contains("unexpected symbol found fields"));
    }
}
