//! Queries over stored signals: a `lang` pipeline is lowered to DataFusion and run as a job.
//!
//! DataFusion stays inside: what goes in is a [`lang::plan::Pipeline`] and a [`LogSource`], what comes out
//! is rows of text.

mod engine;
mod functions;
mod jobs;
mod lower;
mod tables;

pub use engine::{Engine, EngineConfig, EngineError, LogQuery};
pub use jobs::{EventPosition, Failure, JobHandle, QueryStatistics, QueryStatus, Row};
pub use tables::LogSource;
