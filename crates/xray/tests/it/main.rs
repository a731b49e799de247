//! The worked vectors of the specification, through the service.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod reads;
mod summaries;
mod writes;
