//! Queries inside queries, and what a query text says about where its events come from.

use crate::plan::{Period, Pipeline};

/// A query that stands inside another: the right side of a `join`, `appendcols`, or the list of an `in`.
#[derive(Debug, Clone, PartialEq)]
pub struct NestedQuery {
    /// Position among the nested queries of the text, from zero, in order of appearance.
    pub index: usize,
    /// Its own source, or none where it reads what the outer query reads.
    pub pipeline: Pipeline,
}

/// `SOURCE …` at the head of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Groups by name or ARN.
    pub names: Vec<String>,
    /// `logGroups(…)`.
    pub groups: Option<GroupSelector>,
    /// `dataSource([…])`.
    pub data_sources: Vec<String>,
    /// `START=…`.
    pub start: Option<SourceTime>,
    /// `END=…`.
    pub end: Option<SourceTime>,
    /// Where it stands in the query text, in characters.
    pub place: (usize, usize),
}

/// Groups by their properties; an empty list asks for nothing in particular.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSelector {
    pub name_prefixes: Vec<String>,
    pub account_identifiers: Vec<String>,
    pub classes: Vec<String>,
}

/// A bound of the range a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTime {
    /// Milliseconds since the epoch.
    Millis(i64),
    Now,
    /// So long before now.
    Ago(Period),
}
