//! Groups log messages into patterns: constant words with typed gaps between them, found in one pass and in
//! bounded memory.
//!
//! One clustering serves the Insights commands `pattern`, `diff` and `anomaly` and the log anomaly detectors.
//! The method follows Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth
//! Tree", ICWS 2017) in its one pass over messages of equal shape, and departs from it in three ways that keep
//! words from being taken for one another or apart: values of known form (times, addresses, numbers, …) are
//! recognised before anything is compared ([`token`]); runs of values count as one; and patterns that differ in
//! a single word which takes many values are joined when the result is asked for ([`join`]).
//!
//! ```
//! use patterns::{MinerConfig, PatternMiner};
//! let mut miner = PatternMiner::new(MinerConfig::default());
//! for message in ["user 17 logged in from 10.0.0.1", "user 4 logged in from 10.0.0.9"] {
//!     miner.add(message);
//! }
//! let patterns = miner.patterns();
//! assert_eq!(patterns[0].text, "user <Number-1> logged in from <IPAddress-2>");
//! assert_eq!(patterns[0].count, 2);
//! ```

mod join;
mod miner;
mod pattern;
mod token;

pub use miner::{MinerConfig, PatternId, PatternMiner};
pub use pattern::{Pattern, PatternToken, Severity, Values};
pub use token::Kind;

#[cfg(test)]
mod tests;
