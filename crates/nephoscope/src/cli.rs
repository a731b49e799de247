//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::agent::AgentArgs;
use crate::config::{self, Config, ConfigError, Settings};

/// A self-hosted server that speaks to AWS clients as Amazon CloudWatch, CloudWatch Logs, AWS X-Ray and
/// AWS CloudTrail do.
///
/// Without a command it serves. Point clients at it with AWS_ENDPOINT_URL; any credentials do, and an
/// access key of 12 digits is an account of its own. Every option can also be given as an environment
/// variable or, under the same name without the dashes, in the file of --config.
#[derive(Debug, Parser)]
#[command(name = "nephoscope", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// TOML file with any of these options, e.g. data-dir = "/var/lib/nephoscope"
    #[arg(long, value_name = "FILE", env = "NEPHOSCOPE_CONFIG", global = true)]
    pub config: Option<PathBuf>,

    /// Ends the process at this fail point, for crash tests: POINT or POINT:N for the N-th time
    #[arg(long, value_name = "POINT[:N]", env = "NEPHOSCOPE_ABORT_AT", hide = true, global = true)]
    pub abort_at: Option<String>,

    #[command(flatten)]
    pub settings: Settings,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Serve until told to stop (the default)
    Serve,
    /// Check the configuration and print what would hold
    Check,
    /// Publish this host's metrics and log files to a server, as the CloudWatch agent does
    Agent(AgentArgs),
    /// List the operations this server answers, one `service Operation` a line
    #[command(hide = true)]
    Operations {
        /// List those of the models it does not answer instead
        #[arg(long)]
        uncovered: bool,
    },
}

impl Cli {
    /// Everything given, the file included.
    pub fn given(&self) -> Result<Settings, ConfigError> {
        let from_file = self.config.as_deref().map(config::read_file).transpose()?;
        Ok(self.settings.clone().or(from_file.unwrap_or_default()))
    }

    pub fn checked(&self) -> Result<Config, ConfigError> {
        Config::new(self.given()?)
    }
}
