//! A cursor over tokens with one token of look-ahead, and what all commands share.

use crate::text::{Lexer, QueryError, Span, Symbol, Token, line_and_position};

/// Nesting of parentheses, calls and prefix operators.
const NESTING_MAX: usize = 64;

pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<(Token, Span)>,
    nesting: usize,
    queries: usize,
    /// Whether what is read stands in a query inside another.
    pub(crate) inside_query: bool,
    /// Whether the language is PPL: lists stand in parentheses, and `between` compares.
    pub(crate) ppl: bool,
    /// The last symbol taken.
    last: Span,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            lexer: Lexer::new(text),
            peeked: None,
            nesting: 0,
            queries: 0,
            inside_query: false,
            ppl: false,
            last: Span::new(0, 0),
        }
    }

    pub(crate) fn peek(&mut self) -> Result<&(Token, Span), QueryError> {
        let next = match self.peeked.take() {
            Some(next) => next,
            None => self.lexer.next()?,
        };
        Ok(self.peeked.insert(next))
    }

    pub(crate) fn next(&mut self) -> Result<(Token, Span), QueryError> {
        match self.peeked.take() {
            Some(next) => Ok(next),
            None => self.lexer.next(),
        }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.lexer.text()
    }

    pub(crate) fn source(&self, span: Span) -> &'a str {
        self.lexer.text().get(span.start..span.end).unwrap_or_default().trim()
    }

    pub(crate) fn error(&self, span: Span, message: impl Into<String>) -> QueryError {
        QueryError::at(self.lexer.text(), span, message)
    }

    /// The error for a next token that fits nowhere.
    pub(crate) fn unexpected(&mut self) -> Result<QueryError, QueryError> {
        let (token, span) = self.peek()?.clone();
        if token == Token::End {
            return Ok(self.error(span, "unexpected end of query"));
        }
        Ok(self.unexpected_at(span))
    }

    /// AWS: `unexpected symbol found sort` (observed); the line and position are ours.
    pub(crate) fn unexpected_at(&self, span: Span) -> QueryError {
        unexpected(self.lexer.text(), span)
    }

    /// Takes the next token if it is this symbol.
    pub(crate) fn symbol(&mut self, symbol: Symbol) -> Result<bool, QueryError> {
        let found = self.peek()?.0 == Token::Symbol(symbol);
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    pub(crate) fn expect(&mut self, symbol: Symbol) -> Result<Span, QueryError> {
        let span = self.peek()?.1;
        if !self.symbol(symbol)? {
            return Err(self.unexpected()?);
        }
        self.last = span;
        Ok(span)
    }

    /// The place of the last symbol that was expected and found.
    pub(crate) fn last(&self) -> Span {
        self.last
    }

    /// The index of one more query inside the query.
    pub(crate) fn next_query(&mut self) -> usize {
        self.queries += 1;
        self.queries - 1
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Result<bool, QueryError> {
        let truth = self.is_keyword("true")? || self.is_keyword("t")?;
        if !truth && !self.is_keyword("false")? && !self.is_keyword("f")? {
            return Err(self.unexpected()?);
        }
        self.next()?;
        Ok(truth)
    }

    /// A whole number between these.
    pub(crate) fn integer(&mut self, least: u64, most: u64) -> Result<u64, QueryError> {
        let (token, span) = self.peek()?.clone();
        let Token::Number(number) = token else { return Err(self.unexpected()?) };
        if number.fract() != 0.0 || !(least as f64..=most as f64).contains(&number) {
            return Err(self.error(span, format!("a whole number from {least} to {most} is needed here")));
        }
        self.next()?;
        Ok(number as u64)
    }

    pub(crate) fn is_keyword(&mut self, keyword: &str) -> Result<bool, QueryError> {
        Ok(
            matches!(&self.peek()?.0, Token::Word { text, quoted: false } if text.eq_ignore_ascii_case(keyword)),
        )
    }

    /// Takes the next token if it is this keyword.
    pub(crate) fn keyword(&mut self, keyword: &str) -> Result<bool, QueryError> {
        let found = self.is_keyword(keyword)?;
        if found {
            self.peeked = None;
        }
        Ok(found)
    }

    /// A name or path.
    pub(crate) fn name(&mut self) -> Result<(String, Span), QueryError> {
        match self.peek()?.clone() {
            (Token::Word { text, .. }, span) => {
                self.peeked = None;
                Ok((text, span))
            }
            _ => Err(self.unexpected()?),
        }
    }

    pub(crate) fn names(&mut self) -> Result<Vec<(String, Span)>, QueryError> {
        let mut names = vec![self.name()?];
        while self.symbol(Symbol::Comma)? {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// A regular expression, if one begins here.
    pub(crate) fn regex(&mut self) -> Result<Option<(String, Span)>, QueryError> {
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
    pub(crate) fn nested<T>(
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
pub(crate) fn unexpected(text: &str, span: Span) -> QueryError {
    let (line, position) = line_and_position(text, span.start);
    let found = text.get(span.start..span.end).unwrap_or_default();
    QueryError::at(
        text,
        span,
        format!("unexpected symbol found {found} at line {line} and position {position}"),
    )
}
