//! `Pipeline`: what every piped query language means, free of syntax and of engine.
//!
//! Records are schema-on-read: a field is named by its path, may be missing in any record, and its values
//! coerce by the rules of `spec/logs-insights.md` §2. Those rules are implemented once, where a pipeline
//! is lowered (`query/src/lower/`).

mod expression;
mod nested;
mod pipeline;
mod print;

pub use expression::{Aggregate, BinaryOp, Expr, Function, IpVersion, Period, PeriodUnit, Value};
pub use nested::{GroupSelector, NestedQuery, Source, SourceTime};
pub use pipeline::{
    AppendColumns, Baseline, Explode, Extract, Join, Lookup, LookupKeys, Named, PatternStep, Pipeline,
    SortKey, Stage, TableStep,
};
