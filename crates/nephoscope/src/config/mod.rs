//! Configuration: flags over environment over file over defaults, checked once, and then plain values.

mod buckets;
mod outgoing;
pub mod settings;
mod sockets;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{AccountId, Region, Scope, Timestamp};
use cloudtrail::CloudTrailConfig;
use server::SocketListen;
use store::StoreConfig;

pub use buckets::{Bucket, BucketPlace, S3Bucket};
pub use outgoing::Outgoing;
pub use settings::{Auth, LogFormat, OrOff, Settings};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a valid configuration file")]
    Syntax {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error("{setting}: {reason}")]
    Setting { setting: &'static str, reason: String },
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: Vec<SocketAddr>,
    pub tls: Option<Tls>,
    pub xray_daemon: Option<XrayDaemon>,
    /// Doors for embedded metrics and syslog.
    pub sockets: Vec<SocketListen>,
    /// Resource attributes of OTLP metrics that become dimensions.
    pub otlp_resource_dimensions: Vec<String>,
    pub default_scope: Scope,
    pub auth: Auth,
    /// Text of the credentials file.
    pub credentials: Option<PathBuf>,
    pub admin_remote: bool,
    /// Whether the server puts its own figures into namespace `Nephoscope`.
    pub own_metrics: bool,
    pub cors_origins: Vec<String>,
    pub clock: ClockChoice,
    pub query_memory_bytes_max: usize,
    /// Sizes of the store. Not settable by users: the defaults suit every load measured.
    pub store: StoreConfig,
    /// Quotas of CloudTrail.
    pub cloudtrail: CloudTrailConfig,
    /// How often the store's maintenance looks for work.
    pub maintenance_period: Duration,
    pub log_level: String,
    pub log_format: LogFormat,
    /// What the server calls.
    pub outgoing: Outgoing,
    /// Buckets that exports may be written to, by name.
    pub buckets: BTreeMap<String, Bucket>,
}

/// HTTPS: where, and with which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub listen: Vec<SocketAddr>,
    pub certificate: Certificate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    Files { cert: PathBuf, key: PathBuf },
    SelfSigned,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XrayDaemon {
    pub addr: SocketAddr,
    /// Whether the user asked for it: then not getting the address is an error.
    pub required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChoice {
    System,
    /// A clock that stands still; from the given time, or from now.
    Simulated(Option<Timestamp>),
}

/// Reads a configuration file; an unknown key is an error that names it.
pub fn read_file(path: &Path) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|source| ConfigError::Syntax { path: path.to_owned(), source })
}

impl Config {
    /// Checks `given`, with defaults where it says nothing.
    pub fn new(given: Settings) -> Result<Self, ConfigError> {
        let daemon_required = matches!(given.xray_daemon, Some(OrOff::On(_)));
        let emf_required = matches!(given.emf, Some(OrOff::On(_)));
        let all = given.or(Settings::defaults());
        let default_scope = Scope::new(
            parse::<AccountId>("default-account", &required(all.default_account.clone()))?,
            parse::<Region>("default-region", &required(all.default_region.clone()))?,
        );
        let data_dir = required(all.data_dir.clone());
        let clock = clock(&required(all.clock.clone()))?;
        let cloudtrail = match clock {
            ClockChoice::System => CloudTrailConfig::default(),
            ClockChoice::Simulated(_) => CloudTrailConfig { lookups_per_second: None },
        };
        let config = Config {
            tls: tls(&all)?,
            outgoing: outgoing::outgoing(&all)?,
            sockets: sockets::sockets(&all, emf_required, &default_scope)?,
            otlp_resource_dimensions: all.otlp_resource_dimension.clone().unwrap_or_default(),
            listen: required(all.listen),
            data_dir: data_dir.clone(),
            xray_daemon: match required(all.xray_daemon) {
                OrOff::On(addr) => Some(XrayDaemon { addr, required: daemon_required }),
                OrOff::Off => None,
            },
            default_scope,
            auth: required(all.auth),
            credentials: all.credentials,
            admin_remote: required(all.admin_remote),
            own_metrics: required(all.own_metrics),
            cors_origins: all.cors_origin.unwrap_or_default(),
            clock,
            query_memory_bytes_max: query_memory(required(all.query_memory_mib))?,
            store: StoreConfig::new(&data_dir),
            cloudtrail,
            maintenance_period: Duration::from_secs(5),
            log_level: log_level(required(all.log_level))?,
            log_format: required(all.log_format),
            buckets: buckets::buckets(all.buckets)?,
        };
        config.check(required(all.allow_open_network))?;
        Ok(config)
    }

    fn check(&self, allow_open_network: bool) -> Result<(), ConfigError> {
        if self.listen.is_empty() && self.tls.is_none() {
            return wrong("listen", "give at least one address");
        }
        if self.auth == Auth::Enforced && self.credentials.is_none() {
            return wrong("auth", "enforced mode needs --credentials FILE with the access keys it knows");
        }
        let tls = self.tls.iter().flat_map(|tls| &tls.listen);
        let daemon = self.xray_daemon.iter().map(|daemon| &daemon.addr);
        // These protocols know no signatures in any mode.
        let unsigned = daemon.chain(self.sockets.iter().map(|socket| &socket.addr));
        let open: Vec<&SocketAddr> = match self.auth {
            Auth::Open => self.listen.iter().chain(tls).chain(unsigned).collect(),
            Auth::Enforced => unsigned.collect(),
        };
        let reachable = open.into_iter().find(|addr| !addr.ip().is_loopback());
        match reachable {
            Some(addr) if !allow_open_network => wrong(
                "listen",
                &format!(
                    "{addr} can be reached by other machines and nothing there checks who calls; use --auth \
                     enforced with --credentials, or --allow-open-network if that is what you want"
                ),
            ),
            _ => Ok(()),
        }
    }
}

/// Defaults fill every setting this is called for.
fn required<T>(setting: Option<T>) -> T {
    setting.expect("a default is there")
}

fn wrong<T>(setting: &'static str, reason: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Setting { setting, reason: reason.to_owned() })
}

fn parse<T: std::str::FromStr>(setting: &'static str, text: &str) -> Result<T, ConfigError>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error: T::Err| ConfigError::Setting { setting, reason: error.to_string() })
}

fn tls(all: &Settings) -> Result<Option<Tls>, ConfigError> {
    let self_signed = all.tls_self_signed == Some(true);
    let certificate = match (&all.tls_cert, &all.tls_key) {
        (Some(_), Some(_)) if self_signed => {
            return wrong("tls-self-signed", "give either a certificate or --tls-self-signed");
        }
        (Some(cert), Some(key)) => Some(Certificate::Files { cert: cert.clone(), key: key.clone() }),
        (None, None) => self_signed.then_some(Certificate::SelfSigned),
        _ => return wrong("tls-cert", "--tls-cert and --tls-key belong together"),
    };
    match (certificate, all.tls_listen.clone().filter(|addrs| !addrs.is_empty())) {
        (Some(certificate), Some(listen)) => Ok(Some(Tls { listen, certificate })),
        (None, None) => Ok(None),
        (Some(_), None) => wrong("tls-listen", "say where to serve HTTPS, e.g. --tls-listen 127.0.0.1:4581"),
        (None, Some(_)) => wrong("tls-listen", "HTTPS needs --tls-cert and --tls-key, or --tls-self-signed"),
    }
}

fn clock(text: &str) -> Result<ClockChoice, ConfigError> {
    match text.split_once(':') {
        None if text == "system" => Ok(ClockChoice::System),
        None if text == "simulated" => Ok(ClockChoice::Simulated(None)),
        Some(("simulated", start)) => match chrono::DateTime::parse_from_rfc3339(start) {
            Ok(at) => Ok(ClockChoice::Simulated(Some(Timestamp::from_millis(at.timestamp_millis())))),
            Err(error) => wrong("clock", &format!("{start:?} is not an ISO 8601 time: {error}")),
        },
        _ => wrong("clock", &format!("{text:?} is not system, simulated or simulated:TIME")),
    }
}

fn query_memory(mib: u64) -> Result<usize, ConfigError> {
    match usize::try_from(mib).ok().and_then(|mib| mib.checked_mul(1 << 20)) {
        Some(bytes) if mib >= 16 => Ok(bytes),
        _ => wrong("query-memory-mib", "at least 16, and no more than fits in memory"),
    }
}

fn log_level(text: String) -> Result<String, ConfigError> {
    match tracing_subscriber::EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(error) => wrong("log-level", &error.to_string()),
    }
}

#[cfg(test)]
mod tests;
