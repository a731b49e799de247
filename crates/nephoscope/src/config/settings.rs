//! Everything a user can set, once: each field is a flag, an environment variable and a key of the
//! configuration file, all of the same name (`--data-dir`, `NEPHOSCOPE_DATA_DIR`, `data-dir`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::outgoing::{Secret, SmtpSettings, TargetSettings};

/// The settings as given; what is not given is `None`.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Address to serve AWS clients on; give it again for more. Port 0 takes a free port [default: 127.0.0.1:4580]
    #[arg(long, value_name = "ADDR", env = "NEPHOSCOPE_LISTEN", value_delimiter = ',', global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<Vec<SocketAddr>>,

    /// Folder everything is kept in; created if need be [default: ./nephoscope-data]
    #[arg(long, value_name = "DIR", env = "NEPHOSCOPE_DATA_DIR", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,

    /// Address (UDP and TCP) for X-Ray SDKs that send to a local X-Ray daemon, or "off"
    /// [default: 127.0.0.1:2000, if it is free]
    #[arg(long, value_name = "ADDR|off", env = "NEPHOSCOPE_XRAY_DAEMON", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xray_daemon: Option<OrOff>,

    /// Address (TCP and UDP) for embedded metrics as the CloudWatch agent takes them, or "off"
    /// [default: 127.0.0.1:25888, if it is free]
    #[arg(long, value_name = "ADDR|off", env = "NEPHOSCOPE_EMF", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emf: Option<OrOff>,

    /// Where to take syslog messages (RFC 5424 and 3164), e.g. udp://127.0.0.1:514; give it again for more
    #[arg(
        long,
        value_name = "udp|tcp://ADDR",
        env = "NEPHOSCOPE_SYSLOG",
        value_delimiter = ',',
        global = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog: Option<Vec<String>>,

    /// Log group of syslog messages, with {hostname}, {app_name} and {source_ip} [default: /syslog/{hostname}]
    #[arg(long, value_name = "NAME", env = "NEPHOSCOPE_SYSLOG_LOG_GROUP", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_log_group: Option<String>,

    /// Log stream of syslog messages, with the same placeholders [default: {app_name}]
    #[arg(long, value_name = "NAME", env = "NEPHOSCOPE_SYSLOG_LOG_STREAM", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog_log_stream: Option<String>,

    /// Resource attribute that becomes a dimension of metrics sent by OTLP; give it again for more
    #[arg(
        long,
        value_name = "ATTRIBUTE",
        env = "NEPHOSCOPE_OTLP_RESOURCE_DIMENSION",
        value_delimiter = ',',
        global = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_resource_dimension: Option<Vec<String>>,

    /// Account of requests whose access key is not a 12-digit account id [default: 000000000000]
    #[arg(long, value_name = "ACCOUNT", env = "NEPHOSCOPE_DEFAULT_ACCOUNT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_account: Option<String>,

    /// Region of requests that are not signed for one [default: us-east-1]
    #[arg(long, value_name = "REGION", env = "NEPHOSCOPE_DEFAULT_REGION", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_region: Option<String>,

    /// Address to serve HTTPS on; give it again for more
    #[arg(long, value_name = "ADDR", env = "NEPHOSCOPE_TLS_LISTEN", value_delimiter = ',', global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_listen: Option<Vec<SocketAddr>>,

    /// PEM file with the certificate chain for HTTPS
    #[arg(long, value_name = "FILE", env = "NEPHOSCOPE_TLS_CERT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", env = "NEPHOSCOPE_TLS_KEY", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,

    /// Serve HTTPS with a certificate made at the first start and kept in the data folder
    #[arg(long, value_name = "BOOL", env = "NEPHOSCOPE_TLS_SELF_SIGNED", num_args = 0..=1, default_missing_value = "true", require_equals = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_self_signed: Option<bool>,

    /// "open" believes what requests say about themselves; "enforced" verifies every signature
    /// [default: open]
    #[arg(long, value_enum, value_name = "MODE", env = "NEPHOSCOPE_AUTH", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,

    /// TOML file with access keys: [[key]] access_key_id, secret_access_key, account, arn
    #[arg(long, value_name = "FILE", env = "NEPHOSCOPE_CREDENTIALS", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<PathBuf>,

    /// Let open mode listen on addresses other machines can reach: whoever reaches it can do everything
    /// [default: false]
    #[arg(long, value_name = "BOOL", env = "NEPHOSCOPE_ALLOW_OPEN_NETWORK", num_args = 0..=1, default_missing_value = "true", require_equals = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_open_network: Option<bool>,

    /// Let other machines read /_nephoscope/health and /_nephoscope/metrics in enforced mode
    /// [default: false]
    #[arg(long, value_name = "BOOL", env = "NEPHOSCOPE_ADMIN_REMOTE", num_args = 0..=1, default_missing_value = "true", require_equals = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_remote: Option<bool>,

    /// Put the server's own figures into namespace Nephoscope of the default account, every minute
    /// [default: true]
    #[arg(long, value_name = "BOOL", env = "NEPHOSCOPE_OWN_METRICS", num_args = 0..=1, default_missing_value = "true", require_equals = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_metrics: Option<bool>,

    /// Origin web pages may call from; give it again for more [default: every origin]
    #[arg(long, value_name = "ORIGIN", env = "NEPHOSCOPE_CORS_ORIGIN", value_delimiter = ',', global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors_origin: Option<Vec<String>>,

    /// "system", or "simulated" (from now) or "simulated:2026-01-01T00:00:00Z": a clock that stands still
    /// until POST /_nephoscope/clock moves it, for tests [default: system]
    #[arg(long, value_name = "CLOCK", env = "NEPHOSCOPE_CLOCK", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,

    /// Memory all queries may use together, in MiB; beyond it they spill to disk [default: 256]
    #[arg(long, value_name = "MIB", env = "NEPHOSCOPE_QUERY_MEMORY_MIB", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_memory_mib: Option<u64>,

    /// What to log: error, warn, info, debug, trace, or a filter such as "info,store=debug"
    /// [default: info]
    #[arg(long, value_name = "LEVEL", env = "NEPHOSCOPE_LOG_LEVEL", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,

    /// How to log, to standard error [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", env = "NEPHOSCOPE_LOG_FORMAT", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,

    /// Where clients and people reach this server, for links in notifications and for the address of the
    /// signing certificate, e.g. https://nephoscope.example.com [default: where it listens]
    #[arg(long, value_name = "URL", env = "NEPHOSCOPE_PUBLIC_URL", global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,

    /// Let subscribers name endpoints on this machine's loopback addresses
    /// [default: true in open mode, false in enforced mode]
    #[arg(long, value_name = "BOOL", env = "NEPHOSCOPE_ALLOW_LOOPBACK_ENDPOINTS", num_args = 0..=1, default_missing_value = "true", require_equals = true, global = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_loopback_endpoints: Option<bool>,

    /// The mail server for e-mail subscriptions; in the file only
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpSettings>,

    /// Endpoints behind ARNs: functions, queues, streams, chats and pagers; in the file only
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, TargetSettings>,

    /// Buckets that exports may be written to, by name; in the file only
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub buckets: BTreeMap<String, BucketSettings>,
}

/// `[buckets.NAME]`: a local folder, or a bucket of an S3-compatible service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BucketSettings {
    /// A folder that exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// URL of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Name of the bucket there, where it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<Secret>,
    /// Whether the bucket is in the path of URLs (the default) or in the host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    Open,
    Enforced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    Text,
    Json,
}

/// An address, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OrOff {
    On(SocketAddr),
    Off,
}

impl std::str::FromStr for OrOff {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(OrOff::Off);
        }
        text.parse()
            .map(OrOff::On)
            .map_err(|_| format!("{text:?} is neither an address with a port nor \"off\""))
    }
}

impl TryFrom<String> for OrOff {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<OrOff> for String {
    fn from(value: OrOff) -> String {
        match value {
            OrOff::On(addr) => addr.to_string(),
            OrOff::Off => "off".to_owned(),
        }
    }
}

impl Settings {
    /// These settings, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Settings) -> Settings {
        Settings {
            listen: self.listen.or(other.listen),
            data_dir: self.data_dir.or(other.data_dir),
            xray_daemon: self.xray_daemon.or(other.xray_daemon),
            emf: self.emf.or(other.emf),
            syslog: self.syslog.or(other.syslog),
            syslog_log_group: self.syslog_log_group.or(other.syslog_log_group),
            syslog_log_stream: self.syslog_log_stream.or(other.syslog_log_stream),
            otlp_resource_dimension: self.otlp_resource_dimension.or(other.otlp_resource_dimension),
            default_account: self.default_account.or(other.default_account),
            default_region: self.default_region.or(other.default_region),
            tls_listen: self.tls_listen.or(other.tls_listen),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            tls_self_signed: self.tls_self_signed.or(other.tls_self_signed),
            auth: self.auth.or(other.auth),
            credentials: self.credentials.or(other.credentials),
            allow_open_network: self.allow_open_network.or(other.allow_open_network),
            admin_remote: self.admin_remote.or(other.admin_remote),
            own_metrics: self.own_metrics.or(other.own_metrics),
            cors_origin: self.cors_origin.or(other.cors_origin),
            clock: self.clock.or(other.clock),
            query_memory_mib: self.query_memory_mib.or(other.query_memory_mib),
            log_level: self.log_level.or(other.log_level),
            log_format: self.log_format.or(other.log_format),
            public_url: self.public_url.or(other.public_url),
            allow_loopback_endpoints: self.allow_loopback_endpoints.or(other.allow_loopback_endpoints),
            smtp: self.smtp.or(other.smtp),
            targets: other.targets.into_iter().chain(self.targets).collect(),
            buckets: other.buckets.into_iter().chain(self.buckets).collect(),
        }
    }

    /// What holds where nothing is said.
    pub fn defaults() -> Settings {
        Settings {
            listen: Some(vec![SocketAddr::from(([127, 0, 0, 1], 4580))]),
            data_dir: Some(PathBuf::from("./nephoscope-data")),
            xray_daemon: Some(OrOff::On(SocketAddr::from(([127, 0, 0, 1], 2000)))),
            emf: Some(OrOff::On(SocketAddr::from(([127, 0, 0, 1], 25888)))),
            syslog: None,
            syslog_log_group: Some("/syslog/{hostname}".to_owned()),
            syslog_log_stream: Some("{app_name}".to_owned()),
            otlp_resource_dimension: None,
            default_account: Some("000000000000".to_owned()),
            default_region: Some("us-east-1".to_owned()),
            tls_listen: None,
            tls_cert: None,
            tls_key: None,
            tls_self_signed: Some(false),
            auth: Some(Auth::Open),
            credentials: None,
            allow_open_network: Some(false),
            admin_remote: Some(false),
            own_metrics: Some(true),
            cors_origin: None,
            clock: Some("system".to_owned()),
            query_memory_mib: Some(256),
            log_level: Some("info".to_owned()),
            log_format: Some(LogFormat::Text),
            public_url: None,
            allow_loopback_endpoints: None,
            smtp: None,
            targets: BTreeMap::new(),
            buckets: BTreeMap::new(),
        }
    }
}
