//! Metric math: expressions over series, text → syntax → checked types. Evaluation is not here; it needs data.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>. Wording of
//! reasons other than unknown functions is this project's.

mod function;
mod lexer;
mod parser;
mod syntax;
mod types;

pub use function::Function;
pub use syntax::{Expression, Keyword, Operator};
pub use types::{Type, check};

/// Characters of an expression.
pub const EXPRESSION_MAX: usize = 2048;

/// Why a text is not an expression, or one that cannot be computed. Clients see it behind
/// `Error in expression 'id': `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct MathError {
    pub reason: String,
}

impl MathError {
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expression, MathError> {
    parser::parse(text)
}

#[cfg(test)]
mod tests;
