//! The listeners and the request path: connections, TLS, routing, identity and signatures, limits,
//! dispatch to service tables, audit, the server's own endpoints, OTLP and the X-Ray daemon protocol.
//!
//! The server knows no service. It is given tables of operations and the schemas of services it does
//! not serve; everything else follows from their models. `request.rs` reads as the list of things
//! that happen to a request.

mod admin;
mod app;
mod audit;
pub mod auth;
mod body;
pub mod config;
mod cors;
mod daemon;
mod finish;
mod ingestion;
mod listener;
mod metrics;
mod otlp;
mod pages;
mod request;
mod resolve;
mod server;
mod sockets;
mod streaming;
mod timer;
pub mod tls;

pub use app::{BoundAddresses, NoStatus, Parts, StatusSource};
pub use audit::AuditRules;
pub use auth::{AccessKey, AccessKeys};
pub use config::{AuthMode, DaemonListen, Limits, ServerConfig, TlsListen};
pub use metrics::{Figures, Gauge, ServiceFigures};
pub use pages::{NoPages, Page, PageSource};
pub use server::{Server, StartError};
pub use sockets::{Format as SocketFormat, SocketListen, Transport};
