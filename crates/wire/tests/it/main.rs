//! The protocols against data: bytes of requests and answers beside the values they stand for.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod audit;
mod cases;
mod dynamic;
mod errors;
mod properties;
mod schemas;
mod vectors;
