//! X-Ray's trace filter expressions: text → spanned syntax → a matcher over any [`TraceView`].
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html>. Case rules of values
//! and behaviour on types that do not fit are not documented: values are case-sensitive and a mismatch
//! is an error.

mod lexer;
mod matcher;
mod parser;
mod syntax;

pub use matcher::{AnnotationRef, Facts, ServiceView, TraceView};
pub use syntax::{Flag, Number, Text};

use syntax::Expression;

/// A checked filter expression.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceFilter {
    /// `None` lets all traces through.
    expression: Option<Expression>,
}

/// Why a text is not a filter expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid filter expression: {reason} at position {position}")]
pub struct TraceFilterError {
    pub reason: String,
    /// Byte offset.
    pub position: usize,
}

impl TraceFilter {
    /// Reads an expression; an empty one lets all traces through.
    pub fn parse(text: &str) -> Result<Self, TraceFilterError> {
        Ok(Self { expression: parser::parse(text)? })
    }

    pub fn matches(&self, trace: &dyn TraceView) -> bool {
        self.expression.as_ref().is_none_or(|expression| matcher::trace_matches(expression, trace))
    }
}

#[cfg(test)]
mod tests;
