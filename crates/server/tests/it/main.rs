//! A server with a small service of its own, spoken to over raw sockets: what clients do wrong, on
//! purpose or not, and what each of them must get for an answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod audit;
mod daemon;
mod limits;
mod otlp;
mod protocols;
mod signatures;
mod sockets;
mod support;
mod tls;
