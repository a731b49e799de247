//! `parse [field] …`: `"glob" as a, b`, `/regex/ [as a, b] [multi]`, `logfmt as m`, `csv as a, b` and
//! `xml "path" as a`.

use super::parser::Parser;
use super::planner::Planner;
use crate::plan::{Expr, Extract, Function, Named, Stage};
use crate::text::{QueryError, Span, Token, regex};

pub(super) struct Parse {
    source: Option<(String, Span)>,
    pattern: Pattern,
}

enum Pattern {
    Glob { text: String, span: Span, aliases: Vec<(String, Span)> },
    Regex { text: String, span: Span, aliases: Vec<(String, Span)>, multi: bool },
    Logfmt { into: String },
    Csv { names: Vec<(String, Span)> },
    Xml { path: String, span: Span, into: String },
}

impl Parse {
    pub(super) fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        let mut source = match parser.peek()?.0 {
            Token::Word { .. } => Some(parser.name()?),
            _ => None,
        };
        if let Some(pattern) = format(parser, &mut source)? {
            return Ok(Self { source, pattern });
        }
        if let Some((text, span)) = parser.regex()? {
            let aliases = if parser.keyword("as")? { parser.names()? } else { Vec::new() };
            let multi = parser.keyword("multi")?;
            return Ok(Self { source, pattern: Pattern::Regex { text, span, aliases, multi } });
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
        let mut all = false;
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
            Pattern::Logfmt { into } => return computed(planner, Function::ParseLogfmt, source, into),
            Pattern::Xml { path, span, into } => {
                if let Err(message) = crate::text::xpath::check(&path) {
                    return Err(planner.error(span, message));
                }
                return computed(planner, Function::XmlPath(path), source, into);
            }
            Pattern::Csv { names } => Extract::Csv { source, fields: distinct(planner, names)? },
            Pattern::Regex { text, span, aliases, multi } => {
                let extract = regex_extract(planner, source, text, span, aliases)?;
                all = multi;
                extract
            }
        };
        let fields = extract.fields().to_vec();
        planner.push(if all { Stage::ExtractAll(extract) } else { Stage::Extract(extract) })?;
        planner.parsed(&fields);
        planner.show_made(fields);
        Ok(())
    }
}

/// A regular expression, whose named groups become fields, and the others the aliases in their order.
fn regex_extract(
    planner: &Planner<'_>,
    source: Expr,
    text: String,
    span: Span,
    aliases: Vec<(String, Span)>,
) -> Result<Extract, QueryError> {
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
    Ok(Extract::Regex { source, pattern: text, groups, fields: distinct(planner, fields)? })
}

/// The `parse` of PPL: named groups of a regular expression become fields.
pub(crate) fn plan_regex(
    planner: &mut Planner<'_>,
    source: Expr,
    pattern: String,
    span: Span,
) -> Result<(), QueryError> {
    let extract = regex_extract(planner, source, pattern, span, Vec::new())?;
    let fields = extract.fields().to_vec();
    planner.push(Stage::Extract(extract))?;
    planner.parsed(&fields);
    planner.show_made(fields);
    Ok(())
}

/// `logfmt`, `csv` or `xml`. A field of that name stands before it, or is the word itself.
fn format(
    parser: &mut Parser<'_>,
    source: &mut Option<(String, Span)>,
) -> Result<Option<Pattern>, QueryError> {
    const FORMATS: [&str; 3] = ["logfmt", "csv", "xml"];
    let token = parser.peek()?.0.clone();
    let word = match token {
        Token::Word { text, quoted: false }
            if FORMATS.iter().any(|format| text.eq_ignore_ascii_case(format)) =>
        {
            parser.next()?;
            text
        }
        // `parse csv as a, b` reads the message.
        _ => match source.take() {
            Some((text, _))
                if FORMATS.iter().any(|format| text.eq_ignore_ascii_case(format))
                    && (parser.is_keyword("as")? || text.eq_ignore_ascii_case("xml")) =>
            {
                text
            }
            other => {
                *source = other;
                return Ok(None);
            }
        },
    };
    let mut path = None;
    if word.eq_ignore_ascii_case("xml") {
        let (Token::String(text), span) = parser.peek()?.clone() else { return Err(parser.unexpected()?) };
        parser.next()?;
        path = Some((text, span));
    }
    if !parser.keyword("as")? {
        return Err(parser.unexpected()?);
    }
    Ok(Some(match path {
        Some((path, span)) => Pattern::Xml { path, span, into: parser.name()?.0 },
        None if word.eq_ignore_ascii_case("csv") => Pattern::Csv { names: parser.names()? },
        None => Pattern::Logfmt { into: parser.name()?.0 },
    }))
}

fn computed(
    planner: &mut Planner<'_>,
    function: Function,
    source: Expr,
    into: String,
) -> Result<(), QueryError> {
    let structure = function == Function::ParseLogfmt;
    let expr = Expr::Call { function, arguments: vec![source] };
    planner.push(Stage::Extend(vec![Named::new(into.clone(), expr)]))?;
    if structure {
        planner.structure(&into);
    }
    planner.parsed([&into]);
    planner.show_made([into]);
    Ok(())
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
        assert!(plan("parse m /(?<a>x)/ multi").starts_with("each regex m /(?<a>x)/ [1] -> a\n"));
    }

    #[test]
    fn formats() {
        assert_eq!(plan("parse m logfmt as lf | display lf.a"), "extend lf=(ParseLogfmt m)\nevents lf.a");
        assert_eq!(plan("parse csv as a, b"), "csv @message -> a, b\nevents a, b");
        assert_eq!(plan("parse csv csv as a"), "csv csv -> a\nevents a");
        assert_eq!(plan("parse m xml '/a/b' as x"), "extend x=(XmlPath \"/a/b\" m)\nevents x");
        assert!(error("parse m xml '/a[' as x").contains("12..17"));
        assert!(error("parse logfmt as lf | sort lf").contains("cannot be used in sort"));
    }
}
