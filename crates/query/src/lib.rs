//! Queries over stored signals: a `lang` pipeline is lowered to DataFusion and run as a job.
//!
//! DataFusion stays inside: what goes in is a [`lang::plan::Pipeline`] and a [`LogSource`], what comes out
//! is rows of text.

mod engine;
mod functions;
mod jobs;
mod lookup;
mod lower;
mod steps;
mod tables;

pub use engine::{Engine, EngineConfig, EngineError, LogQuery, NestedSource};
pub use jobs::{EventPosition, Failure, JobHandle, QueryStatistics, QueryStatus, Row};
pub use lookup::LookupTable;
pub use tables::LogSource;
