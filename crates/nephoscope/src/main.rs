//! The `nephoscope` binary: reads the command line, gives the server the machine's clock, randomness
//! and disk, and stops it when told to.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use agent::config::Verdict;
use base::faults::{AbortAt, Faults, NoFaults};
use base::{Clock, SimulatedClock, SystemClock, SystemEntropy};
use clap::Parser as _;
use nephoscope::agent::AgentArgs;
use nephoscope::cli::{Cli, Command};
use nephoscope::config::{ClockChoice, Config, LogFormat, Settings};
use nephoscope::{Capabilities, Nephoscope};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("nephoscope: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    // The agent's file is not the server's.
    if let Some(Command::Agent(arguments)) = &cli.command {
        return run_agent(cli, arguments);
    }
    let config = cli.checked()?;
    match cli.command {
        None | Some(Command::Serve | Command::Agent(_)) => serve(cli, config),
        Some(Command::Check) => check(cli),
        Some(Command::Operations { uncovered }) => operations(cli, config, uncovered),
    }
}

fn serve(cli: &Cli, config: Config) -> Result<(), Failure> {
    start_logging(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before anything is opened, so that an early signal is not lost.
        let stop = StopSignal::new()?;
        let capabilities = capabilities(cli, &config)?;
        let server = Nephoscope::start(&config, capabilities).await?;
        greet(&config, &server)?;
        stop.received().await;
        tracing::info!("stopping");
        server.shutdown().await;
        Ok(())
    })
}

fn run_agent(cli: &Cli, arguments: &AgentArgs) -> Result<(), Failure> {
    let prepared = arguments.prepare(cli.config.as_deref(), SystemClock::new())?;
    if arguments.check {
        let mut out = std::io::stdout().lock();
        for line in &prepared.report.lines {
            writeln!(out, "{line}")?;
        }
    }
    if prepared.report.has_refusals() && (arguments.check || arguments.strict) {
        return Err("the configuration asks for what is refused".into());
    }
    if arguments.check {
        return Ok(());
    }
    let settings = cli.settings.clone().or(Settings::defaults());
    start_logging_as(settings.log_level.as_deref().unwrap_or("info"), settings.log_format)?;
    for line in prepared.report.lines.iter().filter(|line| line.verdict != Verdict::Honoured) {
        tracing::warn!("{line}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = StopSignal::new()?;
        prepared.run(stop.received()).await
    })
}

fn check(cli: &Cli) -> Result<(), Failure> {
    let effective = cli.given()?.or(Settings::defaults());
    if let Some(path) = &effective.credentials {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        server::AccessKeys::parse(&text)?;
    }
    print!("{}", toml::to_string(&effective)?);
    Ok(())
}

/// Lists operations on empty state in a folder that is removed afterwards.
fn operations(cli: &Cli, mut config: Config, uncovered: bool) -> Result<(), Failure> {
    let folder = std::env::temp_dir().join(format!("nephoscope-operations-{}", std::process::id()));
    config.data_dir.clone_from(&folder);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let lines = runtime.block_on(async {
        let capabilities = capabilities(cli, &config)?;
        Ok::<_, Failure>(nephoscope::list_operations(&config, &capabilities, uncovered).await?)
    });
    let _ = std::fs::remove_dir_all(&folder);
    let mut out = std::io::stdout().lock();
    for line in lines? {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn capabilities(cli: &Cli, config: &Config) -> Result<Capabilities, Failure> {
    let machine: Arc<dyn Clock> = SystemClock::new();
    let clock: Arc<dyn Clock> = match config.clock {
        ClockChoice::System => machine.clone(),
        ClockChoice::Simulated(start) => SimulatedClock::new(start.unwrap_or_else(|| machine.now())),
    };
    let faults: Arc<dyn Faults> = match &cli.abort_at {
        None => Arc::new(NoFaults),
        Some(text) => Arc::new(AbortAt::parse(text).ok_or_else(|| format!("{text:?} is not a fail point"))?),
    };
    Ok(Capabilities {
        clock,
        network_clock: machine,
        entropy: SystemEntropy::new(),
        objects: store::durable_local(&config.data_dir.join("objects"))?,
        faults,
    })
}

/// What a newcomer copies, and one line for programs.
fn greet(config: &Config, server: &Nephoscope) -> Result<(), Failure> {
    let bound = server.addresses();
    let mut out = std::io::stdout().lock();
    let plain = bound.plain.iter().map(|addr| format!("http://{addr}"));
    let urls: Vec<String> = plain.chain(bound.tls.iter().map(|addr| format!("https://{addr}"))).collect();
    let scope = &config.default_scope;
    writeln!(out, "Nephoscope {}; data in {}", env!("CARGO_PKG_VERSION"), config.data_dir.display())?;
    writeln!(out)?;
    writeln!(out, "  export AWS_ENDPOINT_URL={}", urls.first().map_or("", String::as_str))?;
    writeln!(out, "  export AWS_REGION={} AWS_DEFAULT_REGION={}", scope.region, scope.region)?;
    writeln!(out, "  export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=any", scope.account)?;
    if let Some(addr) = bound.daemon {
        writeln!(out, "  export AWS_XRAY_DAEMON_ADDRESS={addr}")?;
    }
    writeln!(out)?;
    for url in &urls {
        writeln!(out, "listening on {url}")?;
    }
    out.flush()?;
    Ok(())
}

fn start_logging(config: &Config) -> Result<(), Failure> {
    start_logging_as(&config.log_level, Some(config.log_format))
}

fn start_logging_as(level: &str, format: Option<LogFormat>) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(level)?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format.unwrap_or(LogFormat::Text) {
        LogFormat::Text => subscriber.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}

/// SIGTERM, or Ctrl-C.
struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn received(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
