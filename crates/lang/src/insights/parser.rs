//! A cursor over tokens with one token of look-ahead, and what all commands share.

use crate::text::{Lexer, QueryError, Span, Symbol, Token, line_and_position};

/// Nesting of parentheses, calls and prefix operators.
const NESTING_MAX: usize = 64;

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Token, Span)>,
    nesting: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { lexer: Lexer::new(text), peeked: None, nesting: 0 }
    }

    pub(super) fn peek(&mut self) -> Result<&(Token, Span), QueryError> {
        let next = match self.peeked.take() {
            Some(next) => next,
            None => self.lexer.next()?,
        };
        Ok(self.peeked.insert(next))
    }

    pub(super) fn next(&mut self) -> Result<(Token, Span), QueryError> {
        match self.peeked.take() {
            Some(next) => Ok(next),
            None => self.lexer.next(),
        }
    }

    pub(super) fn source(&self, span: Span) -> &'a str {
        self.lexer.text().get(span.start..span.end).unwrap_or_default().trim()
    }

    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> QueryError {
        QueryError::at(self.lexer.text(), span, message)
    }

    /// The error for a next token that fits nowhere.
    pub(super) fn unexpected(&mut self) -> Result<QueryError, QueryError> {
        let (token, span) = self.peek()?.clone();
        if token == Token::End {
            return Ok(self.error(span, "unexpected end of query"));
        }
        Ok(self.unexpected_at(span))
    }

    /// AWS: `unexpected symbol found sort` (observed); the line and position are ours.
    pub(super) fn unexpected_at(&self, span: Span) -> QueryError {
        unexpected(self.lexer.text(), span)
    }

    /// Takes the next token if it is this symbol.
    pub(super) fn symbol(&mut self, symbol: Symbol) -> Result<bool, QueryError> {
        let found = self.peek()?.0 == Token::Symbol(symbol);
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, symbol: Symbol) -> Result<Span, QueryError> {
        let span = self.peek()?.1;
        if self.symbol(symbol)? { Ok(span) } else { Err(self.unexpected()?) }
    }

    pub(super) fn is_keyword(&mut self, keyword: &str) -> Result<bool, QueryError> {
        Ok(
            matches!(&self.peek()?.0, Token::Word { text, quoted: false } if text.eq_ignore_ascii_case(keyword)),
        )
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn keyword(&mut self, keyword: &str) -> Result<bool, QueryError> {
        let found = self.is_keyword(keyword)?;
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    /// A name or path.
    pub(super) fn name(&mut self) -> Result<(String, Span), QueryError> {
        match self.peek()?.clone() {
            (Token::Word { text, .. }, span) => {
                self.peeked = None;
                Ok((text, span))
            }
            _ => Err(self.unexpected()?),
        }
    }

    pub(super) fn names(&mut self) -> Result<Vec<(String, Span)>, QueryError> {
        let mut names = vec![self.name()?];
        while self.symbol(Symbol::Comma)? {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// A regular expression, if one begins here.
    pub(super) fn regex(&mut self) -> Result<Option<(String, Span)>, QueryError> {
        if let Some((token, span)) = self.peeked.take() {
            if token != Token::Symbol(Symbol::Slash) {
                self.peeked = Some((token, span));
                return Ok(None);
            }
            self.lexer.seek(span.start);
        }
        self.lexer.regex()
    }

    /// Runs `parse` one level deeper, or refuses.
    pub(super) fn nested<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        if self.nesting == NESTING_MAX {
            let span = self.peek()?.1;
            return Err(self.error(span, format!("expression is nested deeper than {NESTING_MAX}")));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }
}

/// The error for something in a place where it may not stand.
pub(super) fn unexpected(text: &str, span: Span) -> QueryError {
    let (line, position) = line_and_position(text, span.start);
    let found = text.get(span.start..span.end).unwrap_or_default();
    QueryError::at(
        text,
        span,
        format!("unexpected symbol found {found} at line {line} and position {position}"),
    )
}
