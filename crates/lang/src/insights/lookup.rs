//! `lookup` and `cidrlookup`: columns of a lookup table.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Expr, LookupKeys, Stage};
use crate::text::{QueryError, Span, Symbol};

pub(super) struct Lookup {
    table: (String, Span),
    keys: Keys,
    replaces: bool,
    outputs: Vec<Output>,
}

/// A column with its place, and the field it becomes.
type Output = ((String, Span), String);

enum Keys {
    /// Column, and the field it is compared with.
    Equal(Vec<(String, (String, Span))>),
    Cidr {
        address: (String, Span),
        column: Option<String>,
    },
}

impl Lookup {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let table = parser.name()?;
        let mut keys = Vec::new();
        loop {
            let (column, span) = parser.name()?;
            let field = if parser.keyword("as")? { parser.name()? } else { (column.clone(), span) };
            keys.push((column, field));
            if !parser.symbol(Symbol::Comma)? {
                break;
            }
        }
        let (replaces, outputs) = outputs(parser)?;
        Ok(Self { table, keys: Keys::Equal(keys), replaces, outputs })
    }

    pub(super) fn read_cidr(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let table = parser.name()?;
        let address = parser.name()?;
        let column = if parser.keyword("as")? { Some(parser.name()?.0) } else { None };
        let (replaces, outputs) = outputs(parser)?;
        Ok(Self { table, keys: Keys::Cidr { address, column }, replaces, outputs })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let keys = match self.keys {
            Keys::Equal(keys) => {
                let keys = keys
                    .into_iter()
                    .map(|(column, (field, span))| Ok((column, planner.field(&field, span)?)));
                LookupKeys::Equal(keys.collect::<Result<Vec<(String, Expr)>, QueryError>>()?)
            }
            Keys::Cidr { address: (name, span), column } => {
                LookupKeys::Cidr { address: planner.field(&name, span)?, column }
            }
        };
        let mut outputs: Vec<(String, String)> = Vec::with_capacity(self.outputs.len());
        for ((column, span), name) in self.outputs {
            if outputs.iter().any(|(_, known)| *known == name) {
                return Err(planner.error(span, format!("the name '{name}' is given twice")));
            }
            outputs.push((column, name));
        }
        let names: Vec<String> = outputs.iter().map(|(_, name)| name.clone()).collect();
        let (table, span) = self.table;
        let place = planner.error(span, "");
        planner.push(Stage::Lookup(crate::plan::Lookup {
            table,
            keys,
            outputs,
            replaces: self.replaces,
            place: (place.start, place.end),
        }))?;
        planner.show_made(names);
        Ok(())
    }
}

/// `OUTPUT[NEW] column [as name], …`
fn outputs(parser: &mut Parser<'_>) -> Result<(bool, Vec<Output>), QueryError> {
    let replaces = parser.keyword("output")?;
    if !replaces && !parser.keyword("outputnew")? {
        return Err(parser.unexpected()?);
    }
    let mut outputs = Vec::new();
    loop {
        let (column, span) = parser.name()?;
        let name = if parser.keyword("as")? { parser.name()?.0 } else { column.clone() };
        outputs.push(((column, span), name));
        if !parser.symbol(Symbol::Comma)? {
            return Ok((replaces, outputs));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn tables_by_keys_and_by_ranges() {
        assert_eq!(
            plan("lookup user_data id as u, svc OUTPUT name, plan | fields u, name"),
            "lookup user_data on id=u, svc=svc set name=name, plan=plan\nevents u, name, plan"
        );
        assert_eq!(
            plan("cidrlookup nets src as cidr OUTPUTNEW owner as who"),
            "lookup nets where src in cidr fill who=owner\nevents who"
        );
        assert!(error("lookup t a").contains("unexpected end"));
        assert_eq!(error("lookup t a OUTPUT b, b"), "21..22 the name 'b' is given twice");
    }
}
