//! `addtotals [fieldname=…] [row=…] [col=…] [field, …]`.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Stage, TableStep};
use crate::text::{QueryError, Span, Symbol, Token};

pub(super) struct AddTotals {
    fields: Vec<(String, Span)>,
    into: String,
    row: bool,
    column: bool,
}

impl AddTotals {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut totals = Self { fields: Vec::new(), into: "Total".to_owned(), row: true, column: false };
        while matches!(parser.peek()?.0, Token::Word { .. }) {
            let (name, span) = parser.name()?;
            if !parser.symbol(Symbol::Equal)? {
                totals.fields.push((name, span));
                parser.symbol(Symbol::Comma)?;
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "fieldname" => {
                    totals.into = match parser.next()? {
                        (Token::Word { text, .. } | Token::String(text), _) => text,
                        (_, at) => return Err(parser.unexpected_at(at)),
                    }
                }
                "row" => totals.row = parser.boolean()?,
                "col" => totals.column = parser.boolean()?,
                _ => return Err(parser.unexpected_at(span)),
            }
        }
        Ok(totals)
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        for (name, span) in &self.fields {
            planner.field(name, *span)?;
        }
        let Self { fields, into, row, column } = self;
        let shown = row.then(|| into.clone());
        let fields = fields.into_iter().map(|(name, _)| name).collect();
        planner.push(Stage::Table(TableStep::Totals { fields, into, row, column }))?;
        planner.show_beside(shown);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn options() {
        assert_eq!(plan("fields a | addtotals"), "totals [] row=true column=false -> Total\nevents a, Total");
        assert_eq!(
            plan("fields a | addtotals col=true row=false fieldname=Sum a, b"),
            "totals [a, b] row=false column=true -> Sum\nevents a"
        );
        assert!(error("addtotals up=true").contains("unexpected symbol found up"));
    }
}
