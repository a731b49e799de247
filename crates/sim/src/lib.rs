//! Tests of the whole server: a simulated clock, a crash runner. Nothing here is shipped.

pub mod client;
pub mod ledger;
