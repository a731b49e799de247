//! The catalog over its real embedded backend.
#![allow(clippy::unwrap_used, reason = "a failure of the fixture is a failure of the test")]

mod durability;
mod sharing;
mod support;
