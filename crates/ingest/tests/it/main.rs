//! The worked vectors of the OTLP trace mapping, through the public face of the crate.
#![allow(clippy::unwrap_used, reason = "tests")]

mod otlp_traces;
