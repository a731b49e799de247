//! The engine on events in memory: worked cases, a reference evaluator, and jobs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod generated;
mod jobs;
mod memory;
mod reference;
mod stored;
