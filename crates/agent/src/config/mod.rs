//! What the agent is to do, read from files of the CloudWatch agent's form (JSON) or of our short form (TOML).
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html>.

mod fields;
mod files;
mod logs;
mod metrics;
mod report;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

pub use files::read;
pub use report::{Line, Report, Verdict};
use walk::Walk;

pub(crate) use fields::unit_of;

/// Why a configuration cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path} could not be read")]
    Read { path: String, source: std::io::Error },
    #[error("{path} is not JSON: {detail}")]
    Json { path: String, detail: String },
    #[error("{path} is not TOML: {detail}")]
    Toml { path: String, detail: String },
    #[error("{member} is set in {first} and, differently, in {second}")]
    Conflict { member: String, first: String, second: String },
    #[error("{member}: {detail}")]
    Invalid { member: String, detail: String },
}

/// Everything the agent does.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AgentConfig {
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// Whether the agent's own figures are published; `None` is: not to AWS.
    pub own_metrics: Option<bool>,
    /// Of the agent's own figures.
    pub host_dimensions: BTreeMap<String, String>,
    pub metrics: Option<MetricsConfig>,
    pub logs: Option<LogsConfig>,
}

/// What is known of this host; what is `None` is unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Identity {
    pub hostname: Option<String>,
    pub ip_address: Option<String>,
    pub instance_id: Option<String>,
    pub instance_type: Option<String>,
    pub image_id: Option<String>,
    pub auto_scaling_group_name: Option<String>,
    pub region: Option<String>,
    pub account: Option<String>,
    /// `YYYY-MM-DD` at the start.
    pub date: String,
}

/// Host metrics and StatsD.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsConfig {
    pub namespace: String,
    /// In addition to each section's own: `host`, or what the file appends instead.
    pub dimensions: BTreeMap<String, String>,
    pub aggregation_dimensions: Vec<Vec<String>>,
    pub flush_secs: u64,
    pub endpoint: Option<String>,
    pub sections: Vec<Section>,
    pub statsd: Option<StatsdConfig>,
}

/// A kind of host metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SectionKind {
    Cpu,
    Mem,
    Swap,
    Disk,
    Diskio,
    Net,
    Netstat,
    Processes,
}

/// One kind of host metrics, and how it is collected.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub kind: SectionKind,
    pub measurements: Vec<Measurement>,
    /// `None` or `*` is everything.
    pub resources: Option<Vec<String>>,
    pub interval_secs: u64,
    pub dimensions: BTreeMap<String, String>,
    /// Published names whose form with all dimensions is not sent.
    pub drop_original: Vec<String>,
    /// Whether the sum of all processors is published.
    pub total_cpu: bool,
    pub drop_device: bool,
    pub ignored_file_systems: Vec<String>,
}

/// A field that is published.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Without the section's name.
    pub field: &'static str,
    pub name: String,
    pub unit: &'static str,
}

/// The StatsD listener.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsdConfig {
    pub address: SocketAddr,
    /// 0 publishes what arrives each `collection_secs`, in high resolution.
    pub aggregation_secs: u64,
    pub collection_secs: u64,
}

/// Files to follow and the EMF listeners.
#[derive(Debug, Clone, PartialEq)]
pub struct LogsConfig {
    pub files: Vec<FileConfig>,
    pub flush_secs: u64,
    pub endpoint: Option<String>,
    pub emf: Option<EmfConfig>,
}

/// Where embedded metric format is received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EmfConfig {
    pub tcp: Option<SocketAddr>,
    pub udp: Option<SocketAddr>,
    pub log_stream: String,
}

/// One entry of `collect_list`.
#[derive(Debug, Clone, PartialEq)]
pub struct FileConfig {
    pub file_path: String,
    pub log_group: String,
    pub log_stream: String,
    pub log_group_class: Option<String>,
    pub retention_days: Option<i32>,
    pub timestamp_format: Option<String>,
    pub utc: bool,
    pub trim_timestamp: bool,
    pub multi_line_start: Option<String>,
    pub filters: Vec<Filter>,
    pub blacklist: Option<String>,
    pub publish_multi_logs: bool,
    pub from_beginning: bool,
}

/// A condition every event must pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    pub include: bool,
    pub expression: String,
}

/// Reads a whole configuration; the report has a line for every member.
pub fn parse(value: &Value, identity: &Identity) -> Result<(AgentConfig, Report), ConfigError> {
    let mut report = Report::default();
    let root = Walk::root(value)?;
    let host = identity.hostname.iter().map(|host| ("host".to_owned(), host.clone()));
    let mut config = AgentConfig { host_dimensions: host.collect(), ..AgentConfig::default() };
    let mut interval_secs = 60;
    for (name, member) in root.members() {
        match name {
            "agent" => interval_secs = agent(&Walk::object(&member)?, &mut config, &mut report)?,
            "metrics" | "logs" => {}
            "$schema" => report.ignored(&member, "a note for editors"),
            "traces" => {
                report.refused(&member, "not supported: point the X-Ray daemon's clients at the server")
            }
            "opentelemetry" => report.refused(&member, "not supported: point OTLP exporters at the server"),
            _ => report.ignored(&member, "unknown member"),
        }
    }
    if let Some(member) = root.get("metrics") {
        let host = config.host_dimensions.clone();
        let walk = Walk::object(&member)?;
        config.metrics = Some(metrics::parse(&walk, identity, host, interval_secs, &mut report)?);
    }
    if let Some(member) = root.get("logs") {
        config.logs = Some(logs::parse(&Walk::object(&member)?, identity, &mut report)?);
    }
    Ok((config, report))
}

/// The `agent` object; the interval of sections without their own.
fn agent(walk: &Walk<'_>, config: &mut AgentConfig, report: &mut Report) -> Result<u64, ConfigError> {
    let mut interval_secs = 60;
    for (name, member) in walk.members() {
        match name {
            "metrics_collection_interval" => {
                interval_secs = member.secs(1..=172_800)?;
                report.honoured(&member);
            }
            "region" => {
                config.region = Some(member.text()?.to_owned());
                report.honoured(&member);
            }
            "endpoint" => {
                config.endpoint = Some(member.text()?.to_owned());
                report.honoured(&member);
            }
            // Ours, not the CloudWatch agent's.
            "own_metrics" => {
                config.own_metrics = Some(member.flag()?);
                report.honoured(&member);
            }
            "omit_hostname" => {
                if member.flag()? {
                    config.host_dimensions.clear();
                }
                report.honoured(&member);
            }
            "credentials" => report.ignored(&member, "credentials are taken from the environment"),
            "run_as_user" => report.ignored(&member, "the service manager chooses the user"),
            "debug" | "quiet" | "logfile" => report.ignored(&member, "logs go to standard error"),
            "aws_sdk_log_level" | "user_agent" | "internal" | "usage_data" => {
                report.ignored(&member, "has no meaning here");
            }
            "service.name" | "deployment.environment" => report.ignored(&member, "entities are not sent yet"),
            _ => report.ignored(&member, "unknown member"),
        }
    }
    Ok(interval_secs)
}

/// What is collected where no file is given: the CloudWatch agent's default on premises.
pub fn default_document() -> Value {
    serde_json::json!({ "metrics": { "metrics_collected": {
        "mem": { "measurement": ["mem_used_percent"] },
        "disk": { "measurement": ["used_percent"], "resources": ["*"] },
    } } })
}
