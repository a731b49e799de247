//! `nephoscope agent`: the host agent with the machine's clock, environment and identity.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::config::{self, Identity};
use agent::{Agent, AgentParts, Destination};
use base::Clock;
use clap::Args;

type Failure = Box<dyn std::error::Error>;

/// Where the kernel keeps the host's name.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// The agent's own options.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AgentArgs {
    /// The CloudWatch agent's JSON, TOML of the same members, or folders of JSON files
    #[arg(value_name = "FILE|DIR")]
    pub files: Vec<PathBuf>,

    /// Where calls go, instead of to AWS
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    pub endpoint: Option<String>,

    /// Region of the calls
    #[arg(long, value_name = "REGION", env = "AWS_REGION")]
    pub region: Option<String>,

    /// Folder in which it keeps how far files were sent
    #[arg(
        long,
        value_name = "DIR",
        env = "NEPHOSCOPE_AGENT_STATE",
        default_value = "/var/lib/nephoscope/agent"
    )]
    pub state: PathBuf,

    /// What stands for {instance_id} and ${aws:InstanceId}
    #[arg(long, value_name = "ID", env = "NEPHOSCOPE_AGENT_INSTANCE_ID")]
    pub instance_id: Option<String>,

    /// Say what becomes of each member of the configuration, and end; fails if something is refused
    #[arg(long)]
    pub check: bool,

    /// Collect one interval, send what there is, and end
    #[arg(long)]
    pub once: bool,

    /// Do not start if something of the configuration is refused
    #[arg(long)]
    pub strict: bool,
}

/// A configuration that was read, and what was found in it.
pub struct Prepared {
    parts: AgentParts,
    pub report: config::Report,
}

impl AgentArgs {
    /// Reads configuration and environment.
    pub fn prepare(&self, config_option: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Prepared, Failure> {
        let mut files = self.files.clone();
        if files.is_empty() {
            files.extend(config_option.map(Path::to_owned));
        }
        let document = if files.is_empty() { config::default_document() } else { config::read(&files)? };
        let (config, report) = config::parse(&document, &self.identity(clock.as_ref()))?;
        let endpoint = self.endpoint.clone().or_else(|| config.endpoint.clone());
        let region = config.region.clone().or_else(|| self.region.clone());
        let region = match (region, &endpoint) {
            (Some(region), _) => region,
            (None, Some(_)) => "us-east-1".to_owned(),
            (None, None) => return Err("no Region: give --region, or agent.region in the file".into()),
        };
        let destination = destination(endpoint, region)?;
        let parts = AgentParts { config, destination, state_dir: self.state.clone(), clock, once: self.once };
        Ok(Prepared { parts, report })
    }

    fn identity(&self, clock: &dyn Clock) -> Identity {
        let hostname = std::fs::read_to_string(HOSTNAME).ok().map(|name| name.trim().to_owned());
        Identity {
            hostname: hostname.filter(|name| !name.is_empty()),
            instance_id: self.instance_id.clone(),
            region: self.region.clone(),
            date: clock.now().to_iso8601_secs().chars().take(10).collect(),
            ..Identity::default()
        }
    }
}

/// Keys are those of the environment. A server in open mode takes any.
fn destination(endpoint: Option<String>, region: String) -> Result<Destination, Failure> {
    let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let keys = given("AWS_ACCESS_KEY_ID").zip(given("AWS_SECRET_ACCESS_KEY"));
    let (access_key_id, secret_access_key) = match (keys, &endpoint) {
        (Some(keys), _) => keys,
        (None, Some(_)) => ("agent".to_owned(), "any".to_owned()),
        (None, None) => return Err("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into()),
    };
    let session_token = given("AWS_SESSION_TOKEN");
    Ok(Destination { endpoint, region, access_key_id, secret_access_key, session_token })
}

impl Prepared {
    /// Runs until `stopped`, or to the end if it runs once.
    pub async fn run(self, stopped: impl Future<Output = ()>) -> Result<(), Failure> {
        let once = self.parts.once;
        let agent = Agent::start(self.parts).await?;
        if once {
            agent.finished().await;
            return Ok(());
        }
        stopped.await;
        tracing::info!("stopping");
        agent.shutdown().await;
        Ok(())
    }
}
