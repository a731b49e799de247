//! ``source = [lg:`name`, …]`` at the head of a query.

use crate::insights::parser::Parser;
use crate::plan::Source;
use crate::text::{QueryError, Symbol, Token};

/// Reads a source, if one stands here.
pub(super) fn source(parser: &mut Parser<'_>) -> Result<Option<Source>, QueryError> {
    let begin = parser.peek()?.1;
    if !parser.keyword("source")? {
        return Ok(None);
    }
    parser.expect(Symbol::Equal)?;
    let listed = parser.symbol(Symbol::OpenBracket)?;
    let mut names = Vec::new();
    let end = loop {
        let (kind, at) = match parser.peek()?.clone() {
            (Token::Word { text, .. }, at) => (text, at),
            _ => return Err(parser.unexpected()?),
        };
        parser.next()?;
        if !kind.eq_ignore_ascii_case("lg") {
            let what = match kind.to_ascii_lowercase().as_str() {
                "ds" => "data sources are not supported",
                "aws:fieldindex" => "field indexes in a source are not supported",
                _ => "a source names log groups as lg:`name`",
            };
            return Err(parser.error(at, what));
        }
        parser.expect(Symbol::Colon)?;
        let end = parser.peek()?.1;
        match parser.next()?.0 {
            Token::Word { text, .. } | Token::String(text) => names.push(text),
            _ => return Err(parser.unexpected_at(end)),
        }
        if !parser.symbol(Symbol::Comma)? {
            break end;
        }
    };
    if listed {
        parser.expect(Symbol::CloseBracket)?;
    }
    let place = parser.error(begin.to(end), "");
    Ok(Some(Source {
        names,
        groups: None,
        data_sources: Vec::new(),
        start: None,
        end: None,
        place: (place.start, place.end),
    }))
}
