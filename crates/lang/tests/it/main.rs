//! The languages against their corpora.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod insights;
