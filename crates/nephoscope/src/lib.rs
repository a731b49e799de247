//! The whole server as a library: configuration, wiring and background tasks. `main.rs` runs it, and
//! `sim` starts it in-process with simulated time, randomness and storage.

pub mod agent;
mod buckets;
pub mod cli;
pub mod config;
mod credentials;
mod outgoing;
mod own_metrics;
mod services;
mod state;
mod tasks;
pub mod wiring;

pub use config::Config;
pub use wiring::{Capabilities, Nephoscope, StartError, list_operations};
