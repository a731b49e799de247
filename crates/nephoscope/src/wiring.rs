//! Putting the server together, and taking it down again.
//!
//! Up: store, catalog, services, server, and only then background tasks, so that nothing works on state
//! that is not all there. Down, in the opposite order: stop listening, finish what is under way, stop the
//! tasks, flush, close.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base::faults::Faults;
use base::task::{TaskDriver, TaskStatus};
use base::{Clock, Entropy};
use object_store::ObjectStore;
use server::{
    AuthMode, BoundAddresses, Gauge, Limits, Page, PageSource, Parts, Server, ServerConfig, StatusSource,
};
use store::Store;

use crate::config::{Auth, Certificate, Config};
use crate::own_metrics::{self, OwnMetrics};
use crate::state::{AUDIT_RULES, State};
use crate::{services, tasks};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot use the data folder {path}")]
    DataDir {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read the credentials file {path}")]
    ReadCredentials {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot use the credentials file {path}")]
    Credentials {
        path: PathBuf,
        #[source]
        source: server::auth::CredentialsError,
    },
    #[error("cannot open the store")]
    Store(#[from] store::StoreError),
    #[error("cannot open the catalog")]
    Catalog(#[from] catalog::CatalogError),
    #[error("cannot keep the seal of temporary credentials")]
    Seal(#[source] object_store::Error),
    #[error("the seal of temporary credentials is damaged")]
    DamagedSeal,
    #[error("cannot start the query engine")]
    Engine(#[from] query::EngineError),
    #[error(transparent)]
    Outgoing(#[from] delivery::target::http::TransportError),
    #[error("cannot use the mail server")]
    Smtp(#[from] delivery::mail::SmtpError),
    #[error("cannot serve HTTPS")]
    Tls(#[from] server::tls::TlsError),
    #[error(transparent)]
    Server(#[from] server::StartError),
}

/// What the server is given from outside.
#[derive(Debug, Clone)]
pub struct Capabilities {
    pub clock: Arc<dyn Clock>,
    /// Measures timeouts of connections; the machine's clock, also where `clock` is simulated.
    pub network_clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    /// Where parts are kept.
    pub objects: Arc<dyn ObjectStore>,
    pub faults: Arc<dyn Faults>,
}

/// A running server.
pub struct Nephoscope {
    server: Server,
    state: State,
    driver: Arc<TaskDriver>,
}

impl Nephoscope {
    /// Opens everything in `config.data_dir` and serves. Must be called inside a tokio runtime.
    pub async fn start(config: &Config, capabilities: Capabilities) -> Result<Self, StartError> {
        let state = State::open(config, &capabilities).await?;
        let driver = TaskDriver::new(capabilities.clock.clone(), capabilities.entropy.clone());
        let status = Arc::new(Status {
            sns: state.services.sns.clone(),
            store: state.store.clone(),
            driver: driver.clone(),
        });
        let tables = state.services.tables();
        let parts = Parts {
            clock: capabilities.clock.clone(),
            network_clock: capabilities.network_clock.clone(),
            entropy: capabilities.entropy.clone(),
            unserved: services::unserved(&tables),
            tables,
            keys: state.keys.clone(),
            audit: state.audit.clone(),
            audit_rules: AUDIT_RULES,
            traces: state.traces.clone(),
            logs: state.services.logs.clone(),
            metrics: state.services.cloudwatch.clone(),
            body_limit,
            status,
            pages: Arc::new(Pages(state.services.sns.clone())),
        };
        let server = Server::start(server_config(config)?, parts).await?;
        state.services.sns.set_public_url(&public_url(config, server.addresses()));
        let period = config.maintenance_period;
        tasks::register(&driver, &state.store, &capabilities.clock, &state.services, period);
        if config.own_metrics {
            let task = OwnMetrics {
                read: Box::new(server.figures()),
                memory: own_metrics::resident_memory,
                sink: state.services.cloudwatch.clone(),
                scope: config.default_scope.clone(),
                clock: capabilities.clock.clone(),
                before: Mutex::default(),
            };
            driver.register(Arc::new(task));
        }
        Ok(Self { server, state, driver })
    }

    pub fn addresses(&self) -> &BoundAddresses {
        self.server.addresses()
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.state.store
    }

    /// Whether no background task is running at this moment.
    pub fn is_quiescent(&self) -> bool {
        self.driver.is_quiescent()
    }

    /// Stops listening, lets requests under way finish, and leaves nothing for the next start to replay.
    pub async fn shutdown(self) {
        self.server.shutdown().await;
        self.driver.shutdown().await;
        self.state.close().await;
    }
}

/// The operations answered (or not), as `service Operation` lines. Opens the services on empty state in
/// `config.data_dir`.
pub async fn list_operations(
    config: &Config,
    capabilities: &Capabilities,
    uncovered: bool,
) -> Result<Vec<String>, StartError> {
    let state = State::open(config, capabilities).await?;
    let lines = services::list_operations(&state.services.tables(), uncovered);
    state.close().await;
    Ok(lines)
}

/// The server's settings of this configuration.
fn server_config(config: &Config) -> Result<ServerConfig, StartError> {
    let tls = config.tls.as_ref().map(|tls| {
        let config = match &tls.certificate {
            Certificate::Files { cert, key } => server::tls::from_files(cert, key)?,
            Certificate::SelfSigned => {
                let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
                server::tls::self_signed(&config.data_dir.join("tls"), &names)?
            }
        };
        Ok::<_, StartError>(server::TlsListen { listen: tls.listen.clone(), config })
    });
    Ok(ServerConfig {
        tls: tls.transpose()?,
        daemon: config.xray_daemon.map(|daemon| server::DaemonListen {
            addr: daemon.addr,
            required: daemon.required,
            scope: config.default_scope.clone(),
        }),
        sockets: config.sockets.clone(),
        otlp_metrics: ingest::otlp::MetricOptions {
            resource_dimensions: config.otlp_resource_dimensions.clone(),
            ..ingest::otlp::MetricOptions::default()
        },
        auth: match config.auth {
            Auth::Open => AuthMode::Open,
            Auth::Enforced => AuthMode::Enforced,
        },
        admin_remote: config.admin_remote,
        cors_origins: config.cors_origins.clone(),
        limits: Limits::default(),
        ..ServerConfig::open(config.listen.clone(), config.default_scope.clone())
    })
}

/// Decompressed body limits that are smaller than the general one (`spec/protocols.md` §10).
fn body_limit(service: &str, operation: &str) -> Option<usize> {
    match (service, operation) {
        ("monitoring", "PutMetricData") => Some(1 << 20),
        ("monitoring", "PutMetricAlarm") => Some(120 << 10),
        _ => None,
    }
}

/// Where clients and people reach this server: where the configuration says, or else where it listens.
fn public_url(config: &Config, bound: &BoundAddresses) -> String {
    if let Some(url) = &config.outgoing.public_url {
        return url.to_string();
    }
    let reachable = |addr: &SocketAddr| match addr.ip() {
        // Listening everywhere is no address; this one works from the same machine.
        ip if ip.is_unspecified() => format!("localhost:{}", addr.port()),
        _ => addr.to_string(),
    };
    match (bound.plain.first(), bound.tls.first()) {
        (Some(addr), _) => format!("http://{}", reachable(addr)),
        (None, Some(addr)) => format!("https://{}", reachable(addr)),
        (None, None) => String::new(),
    }
}

/// The pages SNS's links lead to.
struct Pages(Arc<delivery::Sns>);

#[async_trait]
impl PageSource for Pages {
    fn has(&self, path: &str) -> bool {
        delivery::Sns::has_page(path)
    }

    async fn page(&self, path: &str, query: Option<&str>) -> Option<Page> {
        let delivery::Page { status, content_type, body } = self.0.page(path, query).await?;
        Some(Page { status, content_type, body: body.into() })
    }
}

/// What the server reports of the rest of the program.
struct Status {
    sns: Arc<delivery::Sns>,
    store: Arc<Store>,
    driver: Arc<TaskDriver>,
}

impl StatusSource for Status {
    fn tasks(&self) -> BTreeMap<&'static str, TaskStatus> {
        self.driver.statuses()
    }

    fn gauges(&self) -> Vec<Gauge> {
        let gauge = |name: &str, help, labels, value| Gauge {
            name: format!("nephoscope_{name}"),
            help,
            labels,
            value,
        };
        let mut gauges = vec![gauge(
            "wal_bytes",
            "Size of the write-ahead log.",
            Vec::new(),
            self.store.wal_bytes() as f64,
        )];
        let (waiting, bytes) = self.sns.backlog();
        let help = "Deliveries of SNS that wait or are under way.";
        gauges.push(gauge("sns_outbox_deliveries", help, Vec::new(), waiting as f64));
        let help = "Size of the messages they deliver.";
        gauges.push(gauge("sns_outbox_bytes", help, Vec::new(), bytes as f64));
        let statuses = self.driver.statuses();
        let of_task = |name: &str| vec![("task", name.to_owned())];
        gauges.extend(statuses.iter().map(|(name, status)| {
            gauge(
                "task_activations",
                "Activations of a background task.",
                of_task(name),
                status.activations as f64,
            )
        }));
        gauges.extend(statuses.iter().map(|(name, status)| {
            gauge(
                "task_failures",
                "Failed activations of a background task.",
                of_task(name),
                status.failures as f64,
            )
        }));
        gauges
    }

    fn is_quiescent(&self) -> bool {
        self.driver.is_quiescent()
    }
}
