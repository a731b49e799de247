//! The worked vectors of the OTLP mappings, through the public face of the crate.
#![allow(clippy::unwrap_used, reason = "tests")]

mod otlp_logs;
mod otlp_metrics;
mod otlp_traces;
