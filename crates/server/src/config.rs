//! What the server is told: addresses, limits, who callers are taken for. Plain values; files, flags
//! and environment are the binary's business.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::Scope;

/// Configuration of one [`crate::Server`].
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Addresses for plain HTTP/1.1 and HTTP/2 (prior knowledge). Port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// TLS listeners (HTTP/1.1 and HTTP/2 by ALPN).
    pub tls: Option<TlsListen>,
    /// The X-Ray daemon's UDP port and the TCP proxy beside it.
    pub daemon: Option<DaemonListen>,
    pub auth: AuthMode,
    /// How far the date of a signature may be from our clock, in enforced mode.
    pub clock_skew_max: Duration,
    /// Account and Region of requests that do not say.
    pub default_scope: Scope,
    /// Whether health and metrics answer callers from other machines also in enforced mode.
    pub admin_remote: bool,
    /// Origins browsers may call from; empty allows every origin.
    pub cors_origins: Vec<String>,
    /// Doors for embedded metrics and syslog.
    pub sockets: Vec<crate::SocketListen>,
    /// How data points of OTLP become metric data.
    pub otlp_metrics: ingest::otlp::MetricOptions,
    pub limits: Limits,
}

impl ServerConfig {
    /// Open mode on the given addresses with default limits.
    pub fn open(listen: Vec<SocketAddr>, default_scope: Scope) -> Self {
        Self {
            listen,
            tls: None,
            daemon: None,
            auth: AuthMode::Open,
            clock_skew_max: Duration::from_secs(300),
            default_scope,
            admin_remote: false,
            cors_origins: Vec::new(),
            sockets: Vec::new(),
            otlp_metrics: ingest::otlp::MetricOptions::default(),
            limits: Limits::default(),
        }
    }
}

/// TLS listeners and what they present.
#[derive(Debug, Clone)]
pub struct TlsListen {
    pub listen: Vec<SocketAddr>,
    /// See [`crate::tls`] for making one.
    pub config: Arc<rustls::ServerConfig>,
}

/// The X-Ray daemon protocol.
#[derive(Debug, Clone)]
pub struct DaemonListen {
    /// One address for UDP and TCP.
    pub addr: SocketAddr,
    /// Whether the server refuses to start when the address is taken; otherwise it warns.
    pub required: bool,
    /// Whose segments these are: the protocol carries no identity.
    pub scope: Scope,
}

/// Whether signatures are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Signatures say who calls but are not verified. For loopback.
    Open,
    /// Every request must carry a valid signature of a known key.
    Enforced,
}

/// Limits on what clients may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Body as received and after decompression, unless the operation has its own limit.
    pub body_bytes_max: usize,
    /// All bodies held at one time; beyond it requests are answered 503.
    pub bodies_in_memory_bytes_max: usize,
    /// Requests being answered at one time; beyond it requests are answered 503.
    pub requests_max: usize,
    /// Open connections; beyond it new ones wait in the operating system's backlog.
    pub connections_max: usize,
    /// From the connection to the end of its first request's header; also for the TLS handshake.
    pub first_request_timeout: Duration,
    /// Idle time of a connection, and time for the header of each further request.
    pub keep_alive: Duration,
    /// Longest pause inside a body.
    pub body_pause_max: Duration,
    /// Longest time for a whole body.
    pub body_timeout: Duration,
    /// How long a shutdown waits for requests under way.
    pub shutdown_timeout: Duration,
    /// Datagrams of the daemon protocol waiting to be stored; the oldest are dropped beyond it.
    pub daemon_queue_max: usize,
    /// Bytes of those.
    pub daemon_queue_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 << 20,
            bodies_in_memory_bytes_max: 256 << 20,
            requests_max: 1024,
            connections_max: 2048,
            first_request_timeout: Duration::from_secs(20),
            keep_alive: Duration::from_secs(75),
            body_pause_max: Duration::from_secs(20),
            body_timeout: Duration::from_secs(300),
            shutdown_timeout: Duration::from_secs(20),
            daemon_queue_max: 2000,
            daemon_queue_bytes_max: 16 << 20,
        }
    }
}
