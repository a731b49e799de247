//! Text as parsers see it: spans, places of errors, tokens, regular expressions.

pub mod date_format;
mod lexer;
pub mod regex;
pub mod xpath;

pub(crate) use lexer::{Lexer, Symbol, Token};

/// A stretch of a query text, in bytes, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub(crate) fn to(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Why a query text has no meaning, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    pub message: String,
    /// Zero-based, in characters of the query text.
    pub start: usize,
    /// Exclusive, in characters of the query text.
    pub end: usize,
}

impl QueryError {
    pub(crate) fn at(text: &str, span: Span, message: impl Into<String>) -> Self {
        let characters = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count();
        Self { message: message.into(), start: characters(span.start), end: characters(span.end) }
    }
}

/// Line (from one) and character within it (from zero) of a byte offset.
pub(crate) fn line_and_position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let position = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count());
    (line, position)
}
