//! Search expressions: which metrics a `SEARCH` of metric math means. Text → condition → a matcher.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html>.

mod parser;
mod tokens;

#[cfg(test)]
mod tests;

use tokens::Pieces;

/// Characters of a search.
pub const SEARCH_MAX: usize = 1024;

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    schema: Option<Schema>,
    condition: Option<Condition>,
}

/// Why a text is not a search.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid search expression: {reason} at position {position}")]
pub struct SearchError {
    pub reason: String,
    /// Zero-based, in bytes of the search.
    pub position: usize,
}

/// `{Namespace, Dimension, …}`: exactly these dimensions.
#[derive(Debug, Clone, PartialEq)]
struct Schema {
    namespace: String,
    /// Sorted.
    dimensions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Term(Option<Property>, Term),
}

/// Where a term is looked for.
#[derive(Debug, Clone, PartialEq)]
enum Property {
    MetricName,
    Namespace,
    Account,
    Dimension(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    /// Equal to the whole text.
    Exact(String),
    /// Some of its tokens.
    Tokens(Pieces),
}

/// A metric as searches see it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub account: &'a str,
    pub namespace: &'a str,
    pub name: &'a str,
    /// Names and values.
    pub dimensions: &'a [(&'a str, &'a str)],
}

impl Search {
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        parser::parse(text)
    }

    /// The namespace every match has, where there is only one.
    pub fn namespace(&self) -> Option<&str> {
        self.schema.as_ref().map(|schema| schema.namespace.as_str())
    }

    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.schema.as_ref().is_none_or(|schema| schema.matches(subject))
            && self.condition.as_ref().is_none_or(|condition| condition.matches(subject))
    }
}

impl Schema {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let has = |wanted: &String| subject.dimensions.iter().any(|(name, _)| name == wanted);
        self.namespace == subject.namespace
            && self.dimensions.len() == subject.dimensions.len()
            && self.dimensions.iter().all(has)
    }
}

impl Condition {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|c| c.matches(subject)),
            Self::Any(conditions) => conditions.iter().any(|c| c.matches(subject)),
            Self::Not(condition) => !condition.matches(subject),
            Self::Term(None, term) => {
                term.matches(subject.name)
                    || term.matches(subject.namespace)
                    || subject
                        .dimensions
                        .iter()
                        .any(|(name, value)| term.matches(name) || term.matches(value))
            }
            Self::Term(Some(Property::MetricName), term) => term.matches(subject.name),
            Self::Term(Some(Property::Namespace), term) => term.matches(subject.namespace),
            Self::Term(Some(Property::Account), term) => {
                // AWS: LOCAL is the account that asks; there is no other here.
                term.is("LOCAL") || term.is(subject.account)
            }
            Self::Term(Some(Property::Dimension(wanted)), term) => {
                subject.dimensions.iter().any(|(name, value)| name == wanted && term.matches(value))
            }
        }
    }
}

impl Term {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Tokens(pieces) => pieces.are_in(text),
        }
    }

    /// Whether the term is this text, however it was written.
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == text,
            Self::Tokens(pieces) => pieces.written == text,
        }
    }
}
