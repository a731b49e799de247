//! Query languages: text → spanned syntax tree → meaning. No I/O, no Arrow, no panics.
//!
//! Piped languages become a [`plan::Pipeline`]; filter patterns and trace filters compile to a matcher.

pub mod filter_pattern;
pub mod insights;
pub mod metric_math;
pub mod metric_search;
pub mod metrics_insights;
pub mod plan;
pub mod ppl;
pub mod sql;
pub mod text;
pub mod trace_filter;

pub use insights::compile;
pub use text::QueryError;
