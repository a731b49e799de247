//! Grouping by texts without hashing them row by row: the scan hands out dictionaries, and each of their
//! values is looked up once.
//!
//! [`GroupByKeys`] replaces the first stage of an aggregation right above a scan. What comes out is what
//! that stage would have put out, up to order; all aggregate functions are the engine's own.

mod codes;
mod exec;
mod rule;

pub(crate) use rule::GroupByKeys;
