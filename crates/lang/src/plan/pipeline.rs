//! Stages of a pipeline.

use crate::plan::{Expr, NestedQuery, Period, Source, Value};

/// A query: stages in order, then the columns to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pipeline {
    /// Where events come from, if the text says so.
    pub source: Option<Source>,
    pub stages: Vec<Stage>,
    /// Columns of the result, in order: the rules of "Output columns" (`logs-insights.md` §5) are already
    /// applied. Each names a field that exists after the last stage.
    pub output: Vec<String>,
    /// Whether rows are still log events, and so carry `@ptr`.
    pub yields_events: bool,
    /// Fields of `filterIndex`: only groups that have an index on all of them take part, with events that
    /// were ingested since. The condition itself is a filter among the stages.
    pub index_fields: Vec<String>,
    /// `unmask` stands in it.
    pub unmasks: bool,
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
    /// As `Extract` with a regular expression, but one record per match; without a match the record stays.
    ExtractAll(Extract),
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
    /// One record per element of a list.
    Explode(Explode),
    /// Adds columns of a lookup table.
    Lookup(Lookup),
    /// Pairs records with those of another query.
    Join(Join),
    /// Adds columns of another query, row by row.
    AppendColumns(AppendColumns),
    /// What needs to see all rows in their order.
    Table(TableStep),
    /// Groups texts into patterns.
    Pattern(PatternStep),
    /// Which fields tell records that meet the condition from the others.
    Relevant { fields: Vec<String>, condition: Expr },
    /// One row with what the query would scan; nothing is read.
    Estimate,
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
    /// A line of RFC 4180; spare columns are dropped, absent ones missing.
    Csv { source: Expr, fields: Vec<String> },
}

impl Extract {
    /// The fields it makes.
    pub fn fields(&self) -> &[String] {
        match self {
            Self::Glob { fields, .. } | Self::Regex { fields, .. } | Self::Csv { fields, .. } => fields,
        }
    }

    /// What it reads.
    pub fn source(&self) -> &Expr {
        match self {
            Self::Glob { source, .. } | Self::Regex { source, .. } | Self::Csv { source, .. } => source,
        }
    }
}

/// `unnest` and `expand`.
#[derive(Debug, Clone, PartialEq)]
pub struct Explode {
    pub list: Expr,
    pub into: String,
    /// What is no list keeps its record as it is (`expand`); else it counts as a list of one, and a missing
    /// or empty list leaves no record (`unnest`).
    pub in_place: bool,
}

/// `lookup` and `cidrlookup`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    pub table: String,
    pub keys: LookupKeys,
    /// Column of the table, and the field it becomes.
    pub outputs: Vec<(String, String)>,
    /// `OUTPUT`: fields that were there are replaced, also by nothing. Else only absent fields are filled.
    pub replaces: bool,
    /// Where the table's name stands in the query text, in characters.
    pub place: (usize, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub enum LookupKeys {
    /// All columns equal, as texts.
    Equal(Vec<(String, Expr)>),
    /// The address lies in the column's range; without a column, in the first that holds ranges.
    Cidr { address: Expr, column: Option<String> },
}

/// Records and those of `query` that have the same key. Fields are then addressed `left.f` and `right.f`.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    pub left: String,
    pub right: String,
    /// Records without a partner stay, without right fields.
    pub keeps_left: bool,
    pub left_key: String,
    pub right_key: String,
    pub query: Box<NestedQuery>,
}

/// Row i gets the columns of row i of `query`.
#[derive(Debug, Clone, PartialEq)]
pub struct AppendColumns {
    pub replaces: bool,
    pub rows_max: u64,
    pub query: Box<NestedQuery>,
}

/// A step over all rows in their order.
#[derive(Debug, Clone, PartialEq)]
pub enum TableStep {
    /// `accum`: running sum.
    RunningSum { value: Expr, into: String },
    /// `autoregress`: the value so many rows earlier, for each of the names.
    Earlier { value: Expr, into: Vec<(u32, String)> },
    /// `filldown`: the last value above.
    FillDown(Vec<String>),
    /// `fillmissing`: rows for absent buckets of `time`, per combination of `keys`, from the start to the end
    /// of the query's range.
    FillMissing {
        time: String,
        period: Period,
        offset: Option<Period>,
        keys: Vec<String>,
        fills: Vec<(Value, String)>,
    },
    /// `outlier`: bounds Q3 + param·IQR, and with `lower` Q1 − param·IQR.
    Outlier { fields: Vec<String>, removes: bool, param: f64, lower: bool, marks: bool },
    /// `sessionize`: rows with equal keys no further apart than `gap` share a session.
    Sessionize { keys: Vec<Expr>, gap: Period, into: String },
    /// `addtotals`: `row` adds a field with the sum of the row, `column` a row with the sums of the fields.
    /// Without `fields`, all that are numbers.
    Totals { fields: Vec<String>, into: String, row: bool, column: bool },
}

/// `pattern`, with what follows it.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternStep {
    pub text: Expr,
    /// `diff`, `logcompare`: compares with another range of equal length.
    pub baseline: Option<Baseline>,
    /// `anomaly`: adds what is unusual about a pattern.
    pub anomalies: bool,
}

/// The range a query is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// Right before.
    Preceding,
    /// So much earlier.
    Earlier(Period),
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

impl Stage {
    /// The expressions it evaluates over the records before it.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Filter(condition) | Self::Relevant { condition, .. } => vec![condition],
            Self::Extend(items) | Self::Project(items) => items.iter().map(|item| &item.expr).collect(),
            Self::Extract(extract) | Self::ExtractAll(extract) => vec![extract.source()],
            Self::Aggregate { by, aggregates } => {
                by.iter().chain(aggregates).map(|item| &item.expr).collect()
            }
            Self::Sort(keys) => keys.iter().map(|key| &key.expr).collect(),
            Self::Dedup(keys) => keys.iter().collect(),
            Self::Explode(explode) => vec![&explode.list],
            Self::Lookup(lookup) => match &lookup.keys {
                LookupKeys::Equal(keys) => keys.iter().map(|(_, expr)| expr).collect(),
                LookupKeys::Cidr { address, .. } => vec![address],
            },
            Self::Table(TableStep::RunningSum { value, .. } | TableStep::Earlier { value, .. }) => {
                vec![value]
            }
            Self::Table(TableStep::Sessionize { keys, .. }) => keys.iter().collect(),
            Self::Pattern(pattern) => vec![&pattern.text],
            Self::Limit { .. } | Self::Join(_) | Self::AppendColumns(_) | Self::Table(_) | Self::Estimate => {
                Vec::new()
            }
        }
    }

    /// The same, to be changed in place.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Filter(condition) | Self::Relevant { condition, .. } => vec![condition],
            Self::Extend(items) | Self::Project(items) => {
                items.iter_mut().map(|item| &mut item.expr).collect()
            }
            Self::Extract(extract) | Self::ExtractAll(extract) => match extract {
                Extract::Glob { source, .. }
                | Extract::Regex { source, .. }
                | Extract::Csv { source, .. } => {
                    vec![source]
                }
            },
            Self::Aggregate { by, aggregates } => {
                by.iter_mut().chain(aggregates).map(|item| &mut item.expr).collect()
            }
            Self::Sort(keys) => keys.iter_mut().map(|key| &mut key.expr).collect(),
            Self::Dedup(keys) => keys.iter_mut().collect(),
            Self::Explode(explode) => vec![&mut explode.list],
            Self::Lookup(lookup) => match &mut lookup.keys {
                LookupKeys::Equal(keys) => keys.iter_mut().map(|(_, expr)| expr).collect(),
                LookupKeys::Cidr { address, .. } => vec![address],
            },
            Self::Table(TableStep::RunningSum { value, .. } | TableStep::Earlier { value, .. }) => {
                vec![value]
            }
            Self::Table(TableStep::Sessionize { keys, .. }) => keys.iter_mut().collect(),
            Self::Pattern(pattern) => vec![&mut pattern.text],
            Self::Limit { .. } | Self::Join(_) | Self::AppendColumns(_) | Self::Table(_) | Self::Estimate => {
                Vec::new()
            }
        }
    }
}

impl Pipeline {
    /// The queries inside this one, by their index.
    pub fn nested(&self) -> Vec<&NestedQuery> {
        let mut found = Vec::new();
        for stage in &self.stages {
            match stage {
                Stage::Join(join) => found.push(&*join.query),
                Stage::AppendColumns(append) => found.push(&*append.query),
                _ => {}
            }
            stage.expressions().into_iter().for_each(|expr| nested_in(expr, &mut found));
        }
        found.sort_by_key(|query| query.index);
        found
    }

    /// The lookup tables it names.
    pub fn lookups(&self) -> impl Iterator<Item = &Lookup> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Lookup(lookup) => Some(lookup),
            _ => None,
        })
    }
}

fn nested_in<'e>(expr: &'e Expr, found: &mut Vec<&'e NestedQuery>) {
    if let Expr::InQuery { query, .. } = expr {
        found.push(query);
    }
    expr.children().into_iter().for_each(|child| nested_in(child, found));
}
