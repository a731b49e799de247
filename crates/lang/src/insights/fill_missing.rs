//! `fillmissing [with value for column, …]`: rows for time buckets without events.

use super::expression::literal;
use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Stage, TableStep, Value};
use crate::text::{QueryError, Span, Symbol};

pub(super) struct FillMissing {
    fills: Vec<(Value, (String, Span))>,
}

impl FillMissing {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut fills = Vec::new();
        if parser.keyword("with")? {
            loop {
                let value = literal(parser)?;
                if !parser.keyword("for")? {
                    return Err(parser.unexpected()?);
                }
                fills.push((value, parser.name()?));
                if !parser.symbol(Symbol::Comma)? {
                    break;
                }
            }
        }
        Ok(Self { fills })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let Some(buckets) = planner.buckets.clone() else {
            let message = "fillmissing needs a stats command with a time bucket such as by bin(5m) before it";
            return Err(planner.error(planner.keyword, message));
        };
        let mut fills = Vec::with_capacity(self.fills.len());
        for (value, (name, span)) in self.fills {
            planner.field(&name, span)?;
            if name == buckets.time || buckets.keys.contains(&name) {
                return Err(
                    planner.error(span, format!("'{name}' is a key of the groups and is never missing"))
                );
            }
            fills.push((value, name));
        }
        planner.push(Stage::Table(TableStep::FillMissing {
            time: buckets.time,
            period: buckets.period,
            offset: buckets.offset,
            keys: buckets.keys,
            fills,
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn needs_buckets() {
        assert_eq!(
            plan("stats count(*) as c by bin(5m) as b, svc | fillmissing with 0 for c"),
            "aggregate c=(count *) by b=(DateFloor 5m @timestamp), svc\nfill-missing b 5m by [svc] with c=0\nrows b, svc, c"
        );
        assert!(
            error("stats count(*) as c by svc | fillmissing")
                .contains("needs a stats command with a time bucket")
        );
        assert!(
            error("stats count(*) as c by bin(5m) as b | fillmissing with 0 for b").contains("never missing")
        );
        assert!(
            error("stats count(*) as c by bin(5m) as b | fillmissing with 0 for x").contains("not defined")
        );
    }
}
