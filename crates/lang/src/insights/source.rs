//! `SOURCE …` at the head of a query: where its events come from (API and CLI only).

use super::expression::period;
use super::parser::Parser;
use crate::plan::{GroupSelector, Source, SourceTime};
use crate::text::{QueryError, Span, Symbol, Token};

/// AWS: prefixes and accounts of `logGroups`, and sources of `dataSource` (CWL_QuerySyntax-Source).
const PREFIXES_MAX: usize = 5;
const ACCOUNTS_MAX: usize = 20;
const DATA_SOURCES_MAX: usize = 10;

/// Reads a source, if one stands here.
pub(super) fn source(parser: &mut Parser<'_>) -> Result<Option<Source>, QueryError> {
    let begin = parser.peek()?.1;
    if !parser.keyword("source")? {
        return Ok(None);
    }
    let mut source = Source {
        names: Vec::new(),
        groups: None,
        data_sources: Vec::new(),
        start: None,
        end: None,
        place: (0, 0),
    };
    let mut end = begin;
    loop {
        let (token, span) = parser.peek()?.clone();
        match token {
            Token::String(name) => {
                parser.next()?;
                source.names.push(name);
            }
            Token::Word { text, quoted } => {
                parser.next()?;
                let bound = matches!(text.to_ascii_lowercase().as_str(), "start" | "end");
                if !quoted && parser.symbol(Symbol::OpenParen)? {
                    selector(parser, &mut source, &text, span)?;
                } else if !quoted && bound && parser.symbol(Symbol::Equal)? {
                    let time = Some(time(parser)?);
                    if text.eq_ignore_ascii_case("start") { source.start = time } else { source.end = time }
                } else {
                    source.names.push(text);
                }
            }
            _ => break,
        }
        end = span;
        parser.symbol(Symbol::Comma)?;
    }
    if source.names.is_empty() && source.groups.is_none() && source.data_sources.is_empty() {
        return Err(parser.unexpected()?);
    }
    let place = parser.error(begin.to(end), "");
    source.place = (place.start, place.end);
    Ok(Some(source))
}

/// `logGroups(…)` or `dataSource(…)`, behind its parenthesis.
fn selector(parser: &mut Parser<'_>, source: &mut Source, name: &str, span: Span) -> Result<(), QueryError> {
    match name.to_ascii_lowercase().as_str() {
        "loggroups" => {
            let mut selector = GroupSelector::default();
            while !parser.symbol(Symbol::CloseParen)? {
                let (key, at) = parser.name()?;
                parser.expect(Symbol::Colon)?;
                let (list, most) = match key.to_ascii_lowercase().as_str() {
                    "nameprefix" => (&mut selector.name_prefixes, PREFIXES_MAX),
                    "accountidentifiers" | "accountidentifier" => {
                        (&mut selector.account_identifiers, ACCOUNTS_MAX)
                    }
                    "class" => (&mut selector.classes, 2),
                    _ => return Err(parser.error(at, format!("logGroups has no argument '{key}'"))),
                };
                *list = strings(parser, most, at)?;
                if !parser.symbol(Symbol::Comma)? && parser.peek()?.0 != Token::Symbol(Symbol::CloseParen) {
                    return Err(parser.unexpected()?);
                }
            }
            source.groups = Some(selector);
        }
        "datasource" => {
            source.data_sources = strings(parser, DATA_SOURCES_MAX, span)?;
            parser.expect(Symbol::CloseParen)?;
        }
        _ => return Err(parser.error(span, format!("unknown source '{name}'"))),
    }
    Ok(())
}

fn strings(parser: &mut Parser<'_>, most: usize, at: Span) -> Result<Vec<String>, QueryError> {
    parser.expect(Symbol::OpenBracket)?;
    let mut strings = Vec::new();
    while !parser.symbol(Symbol::CloseBracket)? {
        match parser.peek()?.0.clone() {
            Token::String(text) => strings.push(text),
            _ => return Err(parser.unexpected()?),
        }
        parser.next()?;
        if !parser.symbol(Symbol::Comma)? && parser.peek()?.0 != Token::Symbol(Symbol::CloseBracket) {
            return Err(parser.unexpected()?);
        }
    }
    if strings.is_empty() || strings.len() > most {
        return Err(parser.error(at, format!("1 to {most} values are needed here")));
    }
    Ok(strings)
}

/// Epoch milliseconds, `now`, or `-1d`.
fn time(parser: &mut Parser<'_>) -> Result<SourceTime, QueryError> {
    if parser.keyword("now")? {
        return Ok(SourceTime::Now);
    }
    let negative = parser.symbol(Symbol::Minus)?;
    match parser.peek()?.0 {
        Token::Number(number) if !negative && number.fract() == 0.0 && number < 1e16 => {
            parser.next()?;
            Ok(SourceTime::Millis(number as i64))
        }
        Token::Quantity { .. } if negative => Ok(SourceTime::Ago(period(parser)?.0)),
        _ => Err(parser.unexpected()?),
    }
}

#[cfg(test)]
mod tests {
    use crate::insights::tests::{error, plan};

    #[test]
    fn sources() {
        assert_eq!(
            plan("SOURCE '/a', \"/b\" START=1 END=2999 | limit 1"),
            "source [\"/a\", \"/b\"] from 1 to 2999\nlimit 1\nevents @timestamp, @message"
        );
        assert!(
            plan("source lg start=-1d end=now | fields a").starts_with("source [\"lg\"] from -1d to now\n")
        );
        assert!(
            plan("SOURCE logGroups(namePrefix: ['/aws', 'x'], class: ['STANDARD']) | fields a")
                .starts_with("source [] groups [\"/aws\", \"x\"] of [] in [\"STANDARD\"]\n")
        );
        assert!(plan("SOURCE logGroups()").starts_with("source [] groups [] of [] in []\n"));
        assert!(
            plan("SOURCE dataSource(['amazon_vpc.flow']) logGroups() | fields a")
                .contains("data [\"amazon_vpc.flow\"]")
        );
    }

    #[test]
    fn bad_sources() {
        assert_eq!(error("SOURCE | fields a"), "7..8 unexpected symbol found | at line 1 and position 7");
        assert_eq!(error("SOURCE logGroups(x: ['a'])"), "17..18 logGroups has no argument 'x'");
        assert!(error("SOURCE logGroups(namePrefix: ['1','2','3','4','5','6'])").contains("1 to 5 values"));
        assert_eq!(error("fields a | SOURCE 'b'"), "11..17 SOURCE must be the first command");
    }
}
