//! The whole server in this process, over its real protocols, with a simulated clock and a disk that can be
//! full on demand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod full_disk;
mod harness;
mod hostile;
mod month;
