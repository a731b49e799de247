//! `parse [field] "glob" as a, b` and `parse [field] /regex/ [as a, b]`.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Extract, Stage};
use crate::text::{QueryError, Span, Token, regex};

pub(super) struct Parse {
    source: Option<(String, Span)>,
    pattern: Pattern,
}

enum Pattern {
    Glob { text: String, span: Span, aliases: Vec<(String, Span)> },
    Regex { text: String, span: Span, aliases: Vec<(String, Span)> },
}

impl Parse {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let source = match parser.peek()?.0 {
            Token::Word { .. } => Some(parser.name()?),
            _ => None,
        };
        for form in ["logfmt", "csv", "xml"] {
            if parser.is_keyword(form)? {
                let span = parser.peek()?.1;
                return Err(parser.error(span, format!("parse with '{form}' is not supported")));
            }
        }
        if let Some((text, span)) = parser.regex()? {
            let aliases = if parser.keyword("as")? { parser.names()? } else { Vec::new() };
            if parser.is_keyword("multi")? {
                let span = parser.peek()?.1;
                return Err(parser.error(span, "parse with 'multi' is not supported"));
            }
            return Ok(Self { source, pattern: Pattern::Regex { text, span, aliases } });
        }
        let (Token::String(text), span) = parser.peek()?.clone() else { return Err(parser.unexpected()?) };
        parser.next()?;
        if !parser.keyword("as")? {
            return Err(parser.unexpected()?);
        }
        let aliases = parser.names()?;
        Ok(Self { source, pattern: Pattern::Glob { text, span, aliases } })
    }

    pub(super) fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        let source = match &self.source {
            Some((name, span)) => planner.field(name, *span)?,
            None => planner.field("@message", planner.keyword)?,
        };
        let extract = match self.pattern {
            Pattern::Glob { text, span, aliases } => {
                let literals: Vec<String> = text.split('*').map(str::to_owned).collect();
                if literals.len() != aliases.len() + 1 {
                    let message = format!(
                        "the pattern has {} wildcards, but there are {} names",
                        literals.len() - 1,
                        aliases.len()
                    );
                    return Err(planner.error(span, message));
                }
                Extract::Glob { source, literals, fields: distinct(planner, aliases)? }
            }
            Pattern::Regex { text, span, aliases } => {
                let compiled = regex::compile(&text).map_err(|message| planner.error(span, message))?;
                let (mut groups, mut fields) = (Vec::new(), Vec::new());
                let mut unnamed = aliases.into_iter();
                for (group, name) in compiled.capture_names().enumerate().skip(1) {
                    match name {
                        Some(name) => fields.push((name.to_owned(), span)),
                        None => match unnamed.next() {
                            Some(alias) => fields.push(alias),
                            None => continue,
                        },
                    }
                    groups.push(group);
                }
                if let Some((name, span)) = unnamed.next() {
                    return Err(planner.error(span, format!("the pattern has no group for '{name}'")));
                }
                if fields.is_empty() {
                    return Err(planner.error(span, "the pattern has no named group"));
                }
                Extract::Regex { source, pattern: text, groups, fields: distinct(planner, fields)? }
            }
        };
        let fields = extract.fields().to_vec();
        planner.push(Stage::Extract(extract))?;
        planner.show(fields);
        Ok(())
    }
}

fn distinct(planner: &Planner<'_>, names: Vec<(String, Span)>) -> Result<Vec<String>, QueryError> {
    let mut fields = Vec::with_capacity(names.len());
    for (name, span) in names {
        if fields.contains(&name) {
            return Err(planner.error(span, format!("the name '{name}' is given twice")));
        }
        fields.push(name);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn globs() {
        assert_eq!(
            plan("parse \"user=*, *\" as a, b | filter a = 1 | display b"),
            "glob @message [\"user=\", \", \", \"\"] -> a, b\nfilter (= a 1)\nevents b"
        );
        assert_eq!(
            error("parse @message \"user=*\" as a, b"),
            "15..23 the pattern has 1 wildcards, but there are 2 names"
        );
        assert!(error("parse @message 'x*'").contains("unexpected end"));
    }

    #[test]
    fn regexes() {
        assert_eq!(
            plan(r"parse m /(?<a>\d+) (?:x)(y) (?P<b>z)/ as c"),
            "regex m /(?<a>\\d+) (?:x)(y) (?P<b>z)/ [1, 2, 3] -> a, c, b\nevents a, c, b"
        );
        assert!(error("parse m /x/").contains("no named group"));
        assert!(error("parse m /(?<a>x)/ as b").contains("no group for 'b'"));
        assert!(error("parse m /(?<a>x)/ multi").contains("'multi' is not supported"));
        assert!(error("parse m logfmt as lf").contains("'logfmt' is not supported"));
    }
}
