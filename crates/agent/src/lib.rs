//! Publishes a host's metrics and log files to a server, as the CloudWatch agent does.
//!
//! It reads the CloudWatch agent's configuration file and uses nothing but public API calls, so it works with this
//! server and with AWS. What of a configuration is not honoured is named in a report ([`config::Report`]).
//! Everything read from a file is sent at least once: how far a file was sent is kept after the server confirmed
//! it, never before.

mod client;
pub mod config;
mod emf;
mod host;
mod logs;
mod metrics;
mod own;
mod run;
#[cfg(test)]
mod testing;

pub use client::Destination;
pub use run::{Agent, AgentError, AgentParts};
