//! `sessionize field, … [maxspan period] [as name]`.

use super::expression::period;
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Period, PeriodUnit, Stage, TableStep};
use crate::text::{QueryError, Span};

pub(super) struct Sessionize {
    fields: Vec<(String, Span)>,
    gap: Period,
    into: String,
}

impl Sessionize {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let fields = parser.names()?;
        let mut gap = Period { count: 30, unit: PeriodUnit::Minute };
        if parser.keyword("maxspan")? {
            let span;
            (gap, span) = period(parser)?;
            if matches!(gap.unit, PeriodUnit::Month | PeriodUnit::Quarter | PeriodUnit::Year) {
                return Err(parser.error(span, "maxspan must have a fixed length, at most weeks"));
            }
        }
        let into = if parser.keyword("as")? { parser.name()?.0 } else { "session_id".to_owned() };
        Ok(Self { fields, gap, into })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        planner.field("@timestamp", planner.keyword)?;
        let keys = self.fields.iter().map(|(name, span)| planner.field(name, *span));
        let keys = keys.collect::<Result<_, _>>()?;
        let into = self.into.clone();
        planner.push(Stage::Table(TableStep::Sessionize { keys, gap: self.gap, into: self.into }))?;
        planner.show_beside([into]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn sessions() {
        assert_eq!(
            plan("fields u | sessionize u, ip maxspan 5m as s"),
            "sessionize u, ip within 5m -> s\nevents u, s"
        );
        assert!(plan("sessionize u").starts_with("sessionize u within 30m -> session_id\n"));
        assert!(error("stats count(*) by u | sessionize u").contains("'@timestamp' is not defined"));
    }
}
