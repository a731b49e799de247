//! Stages of a pipeline.

use crate::plan::{Expr, Value};

/// A query: stages in order, then the columns to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    pub stages: Vec<Stage>,
    /// Columns of the result, in order: the rules of "Output columns" (`logs-insights.md` §5) are already
    /// applied. Each names a field that exists after the last stage.
    pub output: Vec<String>,
    /// Whether rows are still log events, and so carry `@ptr`.
    pub yields_events: bool,
}

/// One step over a stream of records.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Keeps records for which the expression is true.
    Filter(Expr),
    /// Adds or replaces fields. All expressions see the record as it was before this stage.
    Extend(Vec<Named>),
    /// Adds fields taken from a text by a pattern; see [`Extract`].
    Extract(Extract),
    /// Drops all fields but these, in this order.
    Project(Vec<Named>),
    /// One record per distinct tuple of `by`; without `by`, exactly one. Afterwards only `by` and
    /// `aggregates` exist. An aggregate expression may combine several aggregates and literals.
    Aggregate { by: Vec<Named>, aggregates: Vec<Named> },
    /// Stable sort in Insights order (non-numbers before numbers, see "sort").
    Sort(Vec<SortKey>),
    /// The first `count` records. With `any`, whichever are found first.
    Limit { count: u64, any: bool },
    /// The first record per distinct tuple; records with a missing key are all kept.
    Dedup(Vec<Expr>),
}

/// An expression and the field it becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    pub expr: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
}

/// `parse`: a pattern over a text. A source that is missing or does not match leaves the fields missing
/// and keeps the record.
#[derive(Debug, Clone, PartialEq)]
pub enum Extract {
    /// Literal pieces between wildcards; `literals.len() == fields.len() + 1`. Searched anywhere in the
    /// source; each wildcard is non-greedy, but one that ends the pattern runs to the end of the source.
    Glob { source: Expr, literals: Vec<String>, fields: Vec<String> },
    /// A regular expression; `fields[i]` is bound to capture group `groups[i]` (counted from 1).
    Regex { source: Expr, pattern: String, groups: Vec<usize>, fields: Vec<String> },
}

impl Extract {
    /// The fields it makes.
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Glob { fields, .. } | Self::Regex { fields, .. } => fields,
        }
    }
}

impl Named {
    pub fn new(name: impl Into<String>, expr: Expr) -> Self {
        Self { name: name.into(), expr }
    }

    /// A field under its own name.
    pub fn field(name: &str) -> Self {
        Self::new(name, Expr::Field(name.to_owned()))
    }

    pub fn literal(name: impl Into<String>, value: Value) -> Self {
        Self::new(name, Expr::Literal(value))
    }
}
