//! The server as a process of its own: this test binary, started again with a variable that makes one of
//! its tests serve until it is killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base::{AbortAt, Faults, NoFaults, SystemClock, SystemEntropy};
use nephoscope::config::{Config, OrOff, Settings};
use nephoscope::wiring::{Capabilities, Nephoscope};

const FOLDER: &str = "NEPHOSCOPE_CRASH_CHILD_FOLDER";
const ABORT_AT: &str = "NEPHOSCOPE_CRASH_CHILD_ABORT_AT";
const READY: &str = "crash child serves on ";

/// How a round ends.
#[derive(Debug)]
pub(crate) enum Ending {
    /// SIGKILL once so many records were acknowledged.
    KillAfterRecords(u64),
    /// The process aborts itself when it reaches a fail point for the n-th time.
    AbortAt(String),
}

pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: SocketAddr,
}

impl Child {
    /// Starts a server over `folder` and waits until it listens.
    pub(crate) fn start(folder: &Path, abort_at: Option<&str>) -> Result<Self, String> {
        let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
        command
            .args(["--exact", "server_process", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        if let Some(point) = abort_at {
            command.env(ABORT_AT, point);
        }
        let mut process = command.spawn().map_err(|e| e.to_string())?;
        let output = BufReader::new(process.stdout.take().expect("piped"));
        for line in output.lines() {
            let line = line.map_err(|e| e.to_string())?;
            if let Some((_, address)) = line.split_once(READY) {
                let address = address.trim().parse().map_err(|_| format!("not an address: {line}"))?;
                return Ok(Self { process, address });
            }
        }
        let status = process.wait().map_err(|e| e.to_string())?;
        Err(format!("the server process ended with {status}"))
    }

    /// Whether the process has died by itself.
    pub(crate) fn is_dead(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(_)))
    }

    /// Sends SIGKILL, whatever the process is doing; it may have died by itself.
    pub(crate) fn signal_kill(&mut self) {
        let _ = self.process.kill();
    }

    /// Kills the process and waits for its end.
    pub(crate) fn kill(mut self) {
        self.signal_kill();
        let _ = self.process.wait();
    }

    /// SIGTERM, and a clean end.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().map_err(|e| e.to_string())?;
        let status = self.process.wait().map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("SIGTERM ended in {status}")) }
    }
}

/// Serves until killed if this process was started by [`Child::start`]; returns at once otherwise.
pub(crate) fn serve_if_asked() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr).init();
    let faults: Arc<dyn Faults> = match std::env::var(ABORT_AT) {
        Ok(point) => Arc::new(AbortAt::parse(&point).expect("a fail point")),
        Err(_) => Arc::new(NoFaults),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async move {
        let config = config(Path::new(&folder));
        let clock = SystemClock::new();
        let capabilities = Capabilities {
            clock: clock.clone(),
            network_clock: clock,
            entropy: SystemEntropy::new(),
            objects: store::durable_local(&config.data_dir.join("objects")).unwrap(),
            faults,
        };
        let server = Nephoscope::start(&config, capabilities).await.unwrap();
        println!("{READY}{}", server.addresses().plain[0]);
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        terminate.recv().await;
        server.shutdown().await;
        std::process::exit(0);
    });
}

/// Sizes so small that every round flushes, compacts and truncates.
fn config(folder: &Path) -> Config {
    let settings = Settings {
        listen: Some(vec!["127.0.0.1:0".parse().unwrap()]),
        data_dir: Some(folder.to_owned()),
        xray_daemon: Some(OrOff::Off),
        emf: Some(OrOff::Off),
        own_metrics: Some(false),
        ..Settings::default()
    };
    let mut config = Config::new(settings).unwrap();
    config.store.wal_segment_bytes_max = 16 << 10;
    config.store.wal_bytes_max = 64 << 10;
    config.cloudtrail.lookups_per_second = None;
    config.maintenance_period = std::time::Duration::from_millis(20);
    config
}
