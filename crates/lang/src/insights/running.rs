//! `accum`, `autoregress` and `filldown`: what looks at earlier rows.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Stage, TableStep};
use crate::text::{QueryError, Span, Symbol, Token};

/// Rows that `autoregress` may look back.
const EARLIER_MAX: u64 = 1_000;
/// Columns of one `autoregress`.
const EARLIER_COLUMNS_MAX: u64 = 100;

pub(super) struct Accum {
    field: (String, Span),
    alias: Option<String>,
}

impl Accum {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let field = parser.name()?;
        let alias = if parser.keyword("as")? { Some(parser.name()?.0) } else { None };
        Ok(Self { field, alias })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let (name, span) = self.field;
        let value = planner.field(&name, span)?;
        let into = self.alias.unwrap_or(name);
        planner.push(Stage::Table(TableStep::RunningSum { value, into: into.clone() }))?;
        planner.show_beside([into]);
        Ok(())
    }
}

pub(super) struct AutoRegress {
    field: (String, Span),
    alias: Option<String>,
    rows: (u64, u64),
}

impl AutoRegress {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let field = parser.name()?;
        let alias = if parser.keyword("as")? { Some(parser.name()?.0) } else { None };
        let mut rows = (1, 1);
        if parser.keyword("p")? {
            parser.expect(Symbol::Equal)?;
            let at = parser.peek()?.1;
            let first = parser.integer(1, EARLIER_MAX)?;
            let last = if parser.symbol(Symbol::Minus)? { parser.integer(1, EARLIER_MAX)? } else { first };
            if last < first || last - first >= EARLIER_COLUMNS_MAX {
                let message = format!("p must be a range of at most {EARLIER_COLUMNS_MAX} rows");
                return Err(parser.error(at, message));
            }
            rows = (first, last);
        }
        Ok(Self { field, alias, rows })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let (name, span) = self.field;
        let value = planner.field(&name, span)?;
        let (first, last) = self.rows;
        let into: Vec<(u32, String)> = match self.alias {
            Some(alias) if first == last => vec![(first as u32, alias)],
            alias => {
                let base = alias.as_ref().unwrap_or(&name);
                (first..=last).map(|rows| (rows as u32, format!("{base}_p{rows}"))).collect()
            }
        };
        let names: Vec<String> = into.iter().map(|(_, name)| name.clone()).collect();
        planner.push(Stage::Table(TableStep::Earlier { value, into }))?;
        planner.show_beside(names);
        Ok(())
    }
}

pub(super) struct FillDown {
    /// Name, and whether a star follows it.
    names: Vec<(String, bool, Span)>,
}

impl FillDown {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut names = Vec::new();
        loop {
            let (name, span) = match parser.peek()?.0 {
                Token::Word { .. } => parser.name()?,
                Token::Symbol(Symbol::Star) => (String::new(), parser.peek()?.1),
                _ => return Ok(Self { names }),
            };
            let star = parser.symbol(Symbol::Star)?;
            names.push((name, star, span));
            parser.symbol(Symbol::Comma)?;
        }
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let columns = planner.columns();
        let mut fields: Vec<String> = Vec::new();
        if self.names.is_empty() {
            fields = columns;
        } else {
            for (name, star, span) in self.names {
                if star {
                    fields.extend(columns.iter().filter(|column| column.starts_with(&name)).cloned());
                } else {
                    planner.field(&name, span)?;
                    fields.push(name);
                }
            }
        }
        let mut distinct: Vec<String> = Vec::with_capacity(fields.len());
        for field in fields {
            if !distinct.contains(&field) {
                distinct.push(field);
            }
        }
        planner.push(Stage::Table(TableStep::FillDown(distinct)))
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn earlier_rows() {
        assert_eq!(
            plan("fields ms | sort ms | accum ms as run"),
            "sort ms asc\nrunning-sum ms -> run\nevents ms, run"
        );
        assert_eq!(
            plan("fields ms | autoregress ms p=1-2"),
            "earlier ms -> ms_p1=1, ms_p2=2\nevents ms, ms_p1, ms_p2"
        );
        assert!(plan("fields ms | autoregress ms as before p=3").starts_with("earlier ms -> before=3\n"));
        assert_eq!(plan("fields u, a1, a2 | filldown a*, u"), "fill-down a1, a2, u\nevents u, a1, a2");
        assert_eq!(plan("fields u | filldown"), "fill-down u\nevents u");
        assert!(error("autoregress ms p=5-2").contains("p must be a range"));
        assert!(error("autoregress ms p=0").contains("1 to 1000"));
    }
}
