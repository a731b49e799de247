//! Metrics Insights: the SQL of metrics, text → what is asked for.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html>.

mod lexer;
mod parser;

#[cfg(test)]
mod tests;

use crate::text::QueryError;

/// Characters of a query.
pub const QUERY_MAX: usize = 4096;

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsightsQuery {
    pub function: Aggregate,
    pub metric: String,
    pub namespace: String,
    /// The names of exactly the dimensions a metric must have, sorted; `None` accepts any.
    pub schema: Option<Vec<String>>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    pub group_by: Vec<Key>,
    pub order_by: Option<Order>,
    pub limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    Avg,
    Count,
    Max,
    Min,
    Sum,
}

/// What metrics are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Dimension(String),
    /// A tag of the resource.
    Tag(String),
    Account,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub key: Key,
    /// Equal, or not.
    pub equal: bool,
    pub value: Operand,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    Text(String),
    CurrentAccount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub function: Aggregate,
    pub descending: bool,
}

impl Key {
    /// The name results show for it.
    pub fn name(&self) -> String {
        match self {
            Self::Dimension(name) => name.clone(),
            Self::Tag(name) => format!("tag.{name}"),
            Self::Account => "AWS.AccountId".to_owned(),
        }
    }
}

/// Whether a text is meant as a query of this language: it begins with SELECT.
pub fn is_insights(text: &str) -> bool {
    let text = text.trim_start();
    let word = text.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("SELECT"));
    word && text[6..].starts_with(char::is_whitespace)
}

/// Reads a query.
pub fn parse(text: &str) -> Result<InsightsQuery, QueryError> {
    parser::parse(text)
}
