//! Everything the request path holds on to, shared by all connections.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::task::TaskStatus;
use base::{Clock, Entropy};
use ingest::otlp::CumulativeState;
use parking_lot::Mutex;
use signals::{ApiCallSink, LogSink, MetricSink, TraceSink};
use smithy::{ServiceSchema, ServiceTable};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::AuditRules;
use crate::auth::AccessKeys;
use crate::body::BodyBudget;
use crate::config::ServerConfig;
use crate::finish::DateHeader;
use crate::metrics::{Gauge, Metrics};
use crate::pages::PageSource;
use crate::resolve::Services;

/// What a server is made of besides its configuration.
pub struct Parts {
    /// The time of requests and records.
    pub clock: Arc<dyn Clock>,
    /// What timeouts of connections are measured with: the machine's clock, also where `clock` is
    /// simulated and a user moves it by hours while clients hold idle connections.
    pub network_clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// The services that are served. Where REST services share a path, the first one wins.
    pub tables: Vec<ServiceTable>,
    /// Services whose model is known but of which nothing is served: their operations are answered as
    /// unknown, in their own protocol.
    pub unserved: Vec<&'static ServiceSchema>,
    pub keys: Arc<AccessKeys>,
    pub audit: Arc<dyn ApiCallSink>,
    pub audit_rules: AuditRules,
    /// Takes what arrives by OTLP and by the X-Ray daemon protocol.
    pub traces: Arc<dyn TraceSink>,
    /// Take what arrives by OTLP and by the other doors for logs and metrics.
    pub logs: Arc<dyn LogSink>,
    pub metrics: Arc<dyn MetricSink>,
    /// The decompressed body limit of an operation (signing name, operation name), where it is smaller
    /// than the general one.
    pub body_limit: fn(&str, &str) -> Option<usize>,
    pub status: Arc<dyn StatusSource>,
    /// What is served beside the API.
    pub pages: Arc<dyn PageSource>,
}

/// What the rest of the program reports through the server's own endpoints.
pub trait StatusSource: Send + Sync {
    fn tasks(&self) -> BTreeMap<&'static str, TaskStatus>;
    fn gauges(&self) -> Vec<Gauge>;
    /// Whether no background task is running at this moment; asked between two steps of a simulated clock.
    fn is_quiescent(&self) -> bool;
}

/// Nothing to report.
pub struct NoStatus;

impl StatusSource for NoStatus {
    fn tasks(&self) -> BTreeMap<&'static str, TaskStatus> {
        BTreeMap::new()
    }
    fn gauges(&self) -> Vec<Gauge> {
        Vec::new()
    }
    fn is_quiescent(&self) -> bool {
        true
    }
}

/// The addresses a server listens on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoundAddresses {
    pub plain: Vec<SocketAddr>,
    pub tls: Vec<SocketAddr>,
    /// UDP and TCP of the X-Ray daemon protocol.
    pub daemon: Option<SocketAddr>,
    /// In the order of the configuration; `None` for an address that was taken and need not be served.
    pub sockets: Vec<Option<SocketAddr>>,
}

pub(crate) struct App {
    pub(crate) config: ServerConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) network_clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) services: Services,
    pub(crate) keys: Arc<AccessKeys>,
    pub(crate) audit: Arc<dyn ApiCallSink>,
    pub(crate) audit_rules: AuditRules,
    pub(crate) traces: Arc<dyn TraceSink>,
    pub(crate) logs: Arc<dyn LogSink>,
    pub(crate) metric_sink: Arc<dyn MetricSink>,
    /// Cumulative series of OTLP clients.
    pub(crate) otlp_series: Mutex<CumulativeState>,
    pub(crate) body_limit: fn(&str, &str) -> Option<usize>,
    pub(crate) status: Arc<dyn StatusSource>,
    pub(crate) pages: Arc<dyn PageSource>,
    /// Memory for bodies.
    pub(crate) bodies: Arc<BodyBudget>,
    /// One permit per request being answered.
    pub(crate) admission: Arc<Semaphore>,
    /// One permit per open connection.
    pub(crate) connections: Arc<Semaphore>,
    /// Requests that must end before the server may.
    pub(crate) running: TaskTracker,
    /// Cancelled when the server stops: event streams end then.
    pub(crate) stopping: CancellationToken,
    pub(crate) metrics: Metrics,
    pub(crate) date: DateHeader,
    pub(crate) started: Duration,
    pub(crate) bound: OnceLock<BoundAddresses>,
}

/// Cumulative series that are remembered at a time: some 50 MB at most.
const OTLP_SERIES_MAX: usize = 100_000;

impl App {
    pub(crate) fn new(config: ServerConfig, parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            started: parts.network_clock.monotonic(),
            bodies: BodyBudget::new(config.limits.bodies_in_memory_bytes_max),
            admission: Arc::new(Semaphore::new(config.limits.requests_max)),
            connections: Arc::new(Semaphore::new(config.limits.connections_max)),
            config,
            clock: parts.clock,
            network_clock: parts.network_clock,
            entropy: parts.entropy,
            services: Services::new(parts.tables, parts.unserved),
            keys: parts.keys,
            audit: parts.audit,
            audit_rules: parts.audit_rules,
            traces: parts.traces,
            logs: parts.logs,
            metric_sink: parts.metrics,
            otlp_series: Mutex::new(CumulativeState::new(OTLP_SERIES_MAX)),
            body_limit: parts.body_limit,
            status: parts.status,
            pages: parts.pages,
            running: TaskTracker::new(),
            stopping: CancellationToken::new(),
            metrics: Metrics::default(),
            date: DateHeader::new(),
            bound: OnceLock::new(),
        })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}
