//! `outlier [action=…] [param=…] [uselower=…] [mark=…] field …`.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Stage, TableStep};
use crate::text::{QueryError, Span, Symbol, Token};

/// AWS: CWL_QuerySyntax-Outlier.
const PARAM: f64 = 2.5;

pub(super) struct Outlier {
    removes: bool,
    param: f64,
    lower: bool,
    marks: bool,
    fields: Vec<(String, Span)>,
}

impl Outlier {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut outlier =
            Self { removes: false, param: PARAM, lower: false, marks: false, fields: Vec::new() };
        while matches!(parser.peek()?.0, Token::Word { .. }) {
            let (name, span) = parser.name()?;
            if !parser.symbol(Symbol::Equal)? {
                outlier.fields.push((name, span));
                parser.symbol(Symbol::Comma)?;
                continue;
            }
            match name.to_ascii_lowercase().as_str() {
                "action" => {
                    let (action, at) = parser.name()?;
                    outlier.removes = match action.to_ascii_lowercase().as_str() {
                        "transform" | "tf" => false,
                        "remove" | "rm" => true,
                        _ => return Err(parser.error(at, "the action is transform or remove")),
                    }
                }
                "param" => {
                    let (token, at) = parser.next()?;
                    outlier.param = match token {
                        Token::Number(param) => param,
                        _ => return Err(parser.error(at, "param must be a number")),
                    }
                }
                "uselower" => outlier.lower = parser.boolean()?,
                "mark" => outlier.marks = parser.boolean()?,
                _ => return Err(parser.unexpected_at(span)),
            }
        }
        if outlier.fields.is_empty() {
            return Err(parser.unexpected()?);
        }
        Ok(outlier)
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        for (name, span) in &self.fields {
            planner.field(name, *span)?;
        }
        let fields: Vec<String> = self.fields.into_iter().map(|(name, _)| name).collect();
        let marked: Vec<String> = fields.iter().map(|name| format!("{name}_outlier")).collect();
        let Self { removes, param, lower, marks, .. } = self;
        planner.push(Stage::Table(TableStep::Outlier { fields, removes, param, lower, marks }))?;
        if marks {
            planner.show_beside(marked);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn options() {
        assert_eq!(plan("fields a | outlier a"), "outlier clamp 2.5 lower=false mark=false a\nevents a");
        assert_eq!(
            plan("fields a | outlier action=remove param=1.5 uselower=true mark=true a b"),
            "outlier remove 1.5 lower=true mark=true a, b\nevents a, a_outlier, b_outlier"
        );
        assert!(error("outlier").contains("unexpected end"));
        assert!(error("outlier action=x a").contains("transform or remove"));
    }
}
