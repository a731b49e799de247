//! The running agent: one task for each thing it does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::{Clock, Timestamp};
use futures::future::{Either, select};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{Api, Destination, HttpApi};
use crate::config::{AgentConfig, EmfConfig, LogsConfig, MetricsConfig, Section, StatsdConfig};
use crate::emf::{EmfBuffer, LINE_BYTES_MAX};
use crate::host::Collector;
use crate::host::source::ThisHost;
use crate::logs::{Batch, Follow, LogSender, Target, follow};
use crate::metrics::{Combined, Publisher, Statsd};
use crate::own::{self, CountedApi, Counters};

const DATAGRAM_MAX: usize = 65_536;
/// Between figures of the agent itself.
const OWN_PERIOD: Duration = Duration::from_secs(60);
/// Connections of one listener; more wait.
const CONNECTIONS_MAX: usize = 256;

/// Why the agent could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("the state folder {path} cannot be used")]
    State { path: PathBuf, source: std::io::Error },
    #[error("{address} cannot be listened on")]
    Listen { address: String, source: std::io::Error },
    #[error("the HTTP client could not be made")]
    Http(#[from] reqwest::Error),
    #[error("{0}")]
    Pattern(String),
}

/// What the agent is made of.
pub struct AgentParts {
    pub config: AgentConfig,
    pub destination: Destination,
    /// Where it keeps how far files were sent.
    pub state_dir: PathBuf,
    pub clock: Arc<dyn Clock>,
    /// Collects one interval, sends what there is, and ends.
    pub once: bool,
}

/// A running agent.
pub struct Agent {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What every task has at hand.
#[derive(Clone)]
struct Context {
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    tasks: TaskTracker,
    once: bool,
    counters: Arc<Counters>,
}

impl Context {
    /// Sleeps; `false` if told to stop.
    async fn wait(&self, duration: Duration) -> bool {
        let sleep = self.clock.sleep(duration);
        let stopped = std::pin::pin!(self.stop.cancelled());
        matches!(select(sleep, stopped).await, Either::Left(_))
    }

    /// Waits until the next whole multiple of `period`; `false` if told to stop.
    async fn wait_for_next(&self, period: Duration) -> bool {
        let period_ms = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
        let over = self.clock.now().as_millis().rem_euclid(period_ms);
        self.wait(Duration::from_millis((period_ms - over).unsigned_abs())).await
    }
}

impl Agent {
    /// Starts everything the configuration asks for.
    pub async fn start(parts: AgentParts) -> Result<Self, AgentError> {
        let AgentParts { config, destination, state_dir, clock, once } = parts;
        std::fs::create_dir_all(&state_dir)
            .map_err(|source| AgentError::State { path: state_dir.clone(), source })?;
        let context = Context {
            clock,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            once,
            counters: Arc::default(),
        };
        let api = |endpoint: &Option<String>| -> Result<Arc<dyn Api>, AgentError> {
            let endpoint = endpoint.clone().or_else(|| destination.endpoint.clone());
            let destination = Destination { endpoint, ..destination.clone() };
            let api = Arc::new(HttpApi::new(context.clock.clone(), destination)?);
            Ok(Arc::new(CountedApi { api, counters: context.counters.clone() }))
        };
        if !once && config.own_metrics.unwrap_or(destination.endpoint.is_some()) {
            // Not counted themselves.
            let api = Arc::new(HttpApi::new(context.clock.clone(), destination.clone())?);
            let publisher = Publisher::new(api, context.clock.clone(), own::NAMESPACE.to_owned());
            context.tasks.spawn(publish_own(context.clone(), publisher, config.host_dimensions));
        }
        if let Some(metrics) = config.metrics {
            start_metrics(&context, api(&metrics.endpoint)?, metrics).await?;
        }
        if let Some(logs) = config.logs {
            start_logs(&context, api(&logs.endpoint)?, logs, state_dir).await?;
        }
        Ok(Self { stop: context.stop, tasks: context.tasks })
    }

    /// Returns when everything has ended by itself, which it does when it runs once.
    pub async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Sends what there is and ends.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.finished().await;
    }
}

/// Samples that wait to be sent.
type Pending = Arc<Mutex<Combined>>;

fn add(pending: &Pending, samples: Vec<crate::metrics::Sample>) {
    let mut pending = pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    samples.into_iter().for_each(|sample| pending.add(sample));
}

async fn start_metrics(
    context: &Context,
    api: Arc<dyn Api>,
    config: MetricsConfig,
) -> Result<(), AgentError> {
    let pending: Pending = Arc::default();
    let config = Arc::new(config);
    let collecting = TaskTracker::new();
    for section in config.sections.clone() {
        let (context, config, pending) = (context.clone(), config.clone(), pending.clone());
        collecting.spawn(collect(context, config, section, pending));
    }
    if let Some(statsd) = config.statsd.clone() {
        let socket = bind_udp(statsd.address).await?;
        let (context, config, pending) = (context.clone(), config.clone(), pending.clone());
        collecting.spawn(receive_statsd(context, config, statsd, socket, pending));
    }
    collecting.close();
    let publisher = Publisher::new(api, context.clock.clone(), config.namespace.clone());
    let period = Duration::from_secs(config.flush_secs);
    context.tasks.spawn(publish(context.clone(), publisher, pending, period, collecting));
    Ok(())
}

async fn collect(context: Context, config: Arc<MetricsConfig>, section: Section, pending: Pending) {
    let period = Duration::from_secs(section.interval_secs);
    let mut collector = Collector::new(Arc::new(ThisHost));
    loop {
        let (section_now, config_now, now) = (section.clone(), config.clone(), context.clock.now());
        let read = tokio::task::spawn_blocking(move || {
            let samples = collector.collect(&section_now, &config_now, now);
            (samples, collector)
        });
        let Ok((samples, same)) = read.await else { return };
        collector = same;
        match samples {
            Ok(samples) => add(&pending, samples),
            Err(error) => tracing::warn!(%error, section = section.kind.name(), "cannot be read"),
        }
        if context.once || !context.wait_for_next(period).await {
            return;
        }
    }
}

async fn publish(
    context: Context,
    mut publisher: Publisher,
    pending: Pending,
    period: Duration,
    collecting: TaskTracker,
) {
    loop {
        let goes_on = !context.once && context.wait(period).await;
        if !goes_on {
            // What the others still add is sent too.
            collecting.wait().await;
        }
        let (data, dropped) = {
            let mut pending = pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (pending.take(), pending.take_dropped())
        };
        if dropped > 0 {
            tracing::warn!(dropped, "more metrics were collected than can be held");
        }
        publisher.send(data).await;
        if !goes_on {
            return;
        }
    }
}

async fn publish_own(context: Context, mut publisher: Publisher, dimensions: BTreeMap<String, String>) {
    loop {
        let goes_on = context.wait(OWN_PERIOD).await;
        publisher.send(context.counters.take(&dimensions, context.clock.now())).await;
        if !goes_on {
            return;
        }
    }
}

async fn bind_udp(address: std::net::SocketAddr) -> Result<UdpSocket, AgentError> {
    let failed = |source| AgentError::Listen { address: format!("udp://{address}"), source };
    UdpSocket::bind(address).await.map_err(failed)
}

async fn receive_statsd(
    context: Context,
    config: Arc<MetricsConfig>,
    statsd: StatsdConfig,
    socket: UdpSocket,
    pending: Pending,
) {
    let mut state = Statsd::default();
    let mut buffer = vec![0; DATAGRAM_MAX];
    let secs = if statsd.aggregation_secs == 0 { statsd.collection_secs } else { statsd.aggregation_secs };
    let period = Duration::from_secs(secs);
    let high_resolution = statsd.aggregation_secs == 0 || secs < 60;
    let mut due = context.clock.now() + period;
    while !context.stop.is_cancelled() && !context.once {
        let left = Duration::from_millis(due.millis_since(context.clock.now()).max(0).unsigned_abs());
        let length = {
            let received = std::pin::pin!(socket.recv(&mut buffer));
            let waited = std::pin::pin!(context.wait(left));
            match select(received, waited).await {
                Either::Left((received, _)) => received.ok(),
                Either::Right(_) => None,
            }
        };
        if let Some(length) = length {
            state.receive(&buffer[..length]);
        }
        let now = context.clock.now();
        if now >= due || context.stop.is_cancelled() {
            hand_over(&context, &mut state, &config, now, high_resolution, &pending);
            due = now + period;
        }
    }
}

fn hand_over(
    context: &Context,
    state: &mut Statsd,
    config: &MetricsConfig,
    now: Timestamp,
    high_resolution: bool,
    pending: &Pending,
) {
    let samples = state.take(&config.dimensions, now, high_resolution);
    for sample in samples {
        add(pending, crate::metrics::rolled_up(sample, &config.aggregation_dimensions, true));
    }
    let (errors, dropped) = (std::mem::take(&mut state.parse_errors), std::mem::take(&mut state.dropped));
    if errors + dropped > 0 {
        context.counters.statsd_parse_errors.fetch_add(errors, Ordering::Relaxed);
        tracing::warn!(errors, dropped, "StatsD lines were not used");
    }
}

async fn start_logs(
    context: &Context,
    api: Arc<dyn Api>,
    config: LogsConfig,
    state_dir: PathBuf,
) -> Result<(), AgentError> {
    let flush = Duration::from_secs(config.flush_secs);
    for file in config.files {
        // Patterns were compiled when the configuration was read.
        crate::logs::compile(&file).map_err(AgentError::Pattern)?;
        let following = Follow {
            api: api.clone(),
            clock: context.clock.clone(),
            state_dir: state_dir.clone(),
            flush,
            once: context.once,
            stop: context.stop.clone(),
            tasks: context.tasks.clone(),
        };
        context.tasks.spawn(async move {
            if let Err(error) = follow(following, file).await {
                tracing::error!(error, "a log file is not followed");
            }
        });
    }
    let Some(emf) = config.emf else { return Ok(()) };
    if context.once {
        return Ok(());
    }
    let buffer: Arc<Mutex<EmfBuffer>> = Arc::default();
    listen_for_emf(context, &emf, &buffer).await?;
    context.tasks.spawn(send_emf(context.clone(), api, buffer, flush));
    Ok(())
}

async fn listen_for_emf(
    context: &Context,
    emf: &EmfConfig,
    buffer: &Arc<Mutex<EmfBuffer>>,
) -> Result<(), AgentError> {
    if let Some(address) = emf.udp {
        let socket = bind_udp(address).await?;
        let (context, buffer, stream) = (context.clone(), buffer.clone(), emf.log_stream.clone());
        let tasks = context.tasks.clone();
        tasks.spawn(async move {
            let mut bytes = vec![0; DATAGRAM_MAX];
            let stopped = context.stop.clone();
            let mut stopped = std::pin::pin!(stopped.cancelled());
            loop {
                let received = {
                    let received = std::pin::pin!(socket.recv(&mut bytes));
                    match select(received, stopped.as_mut()).await {
                        Either::Left((received, _)) => received,
                        Either::Right(_) => return,
                    }
                };
                match received {
                    Ok(length) => take_emf(&context, &buffer, &stream, &bytes[..length]),
                    Err(error) => tracing::debug!(%error, "a datagram was lost"),
                }
            }
        });
    }
    if let Some(address) = emf.tcp {
        let failed = |source| AgentError::Listen { address: format!("tcp://{address}"), source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let (context, buffer, stream) = (context.clone(), buffer.clone(), emf.log_stream.clone());
        let tasks = context.tasks.clone();
        tasks.spawn(accept_emf(context, listener, buffer, stream));
    }
    Ok(())
}

fn take_emf(context: &Context, buffer: &Mutex<EmfBuffer>, stream: &str, bytes: &[u8]) {
    let mut buffer = buffer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    buffer.receive(&String::from_utf8_lossy(bytes), stream, context.clock.now());
}

async fn accept_emf(context: Context, listener: TcpListener, buffer: Arc<Mutex<EmfBuffer>>, stream: String) {
    let connections = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    let stopped = context.stop.clone();
    let mut stopped = std::pin::pin!(stopped.cancelled());
    loop {
        let Ok(permit) = connections.clone().acquire_owned().await else { return };
        let accepted = std::pin::pin!(listener.accept());
        match select(accepted, stopped.as_mut()).await {
            Either::Left((Ok((connection, _)), _)) => {
                let (context, buffer, stream) = (context.clone(), buffer.clone(), stream.clone());
                let tasks = context.tasks.clone();
                tasks.spawn(async move {
                    read_emf(&context, connection, &buffer, &stream).await;
                    drop(permit);
                });
            }
            Either::Left((Err(error), _)) => tracing::debug!(%error, "a connection was not accepted"),
            Either::Right(_) => return,
        }
    }
}

async fn read_emf(context: &Context, connection: TcpStream, buffer: &Mutex<EmfBuffer>, stream: &str) {
    let mut reader = BufReader::new(connection);
    let stopped = std::pin::pin!(context.stop.cancelled());
    let reading = std::pin::pin!(async {
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut reader).take(LINE_BYTES_MAX as u64 + 1);
            match limited.read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                // What follows a line that is too long cannot be told from it.
                Ok(length) if length > LINE_BYTES_MAX => return,
                Ok(_) => take_emf(context, buffer, stream, &line),
            }
        }
    });
    select(reading, stopped).await;
}

async fn send_emf(context: Context, api: Arc<dyn Api>, buffer: Arc<Mutex<EmfBuffer>>, period: Duration) {
    loop {
        let goes_on = context.wait(period).await;
        let (waiting, rejected, dropped) = {
            let mut buffer = buffer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (buffer.take(), std::mem::take(&mut buffer.rejected), std::mem::take(&mut buffer.dropped))
        };
        if rejected + dropped > 0 {
            context.counters.events_dropped.fetch_add(rejected + dropped, Ordering::Relaxed);
            tracing::warn!(rejected, dropped, "embedded metric format was not used");
        }
        for ((log_group, log_stream), events) in waiting {
            let target = Target { log_group, log_stream, log_group_class: None, retention_days: None };
            let mut sender = LogSender::new(api.clone(), context.clock.clone(), target);
            let mut batch = Batch::default();
            for event in events {
                if !batch.has_room(&event) && !send_unless_stopped(&context, &mut sender, &mut batch).await {
                    return;
                }
                batch.push(event);
            }
            if !send_unless_stopped(&context, &mut sender, &mut batch).await {
                return;
            }
        }
        if !goes_on {
            return;
        }
    }
}

/// Sends the batch; `false` if told to stop before the server took it.
async fn send_unless_stopped(context: &Context, sender: &mut LogSender, batch: &mut Batch) -> bool {
    let sent = std::pin::pin!(sender.send(std::mem::take(batch)));
    let deadline = std::pin::pin!(async {
        context.stop.cancelled().await;
        context.clock.sleep(Duration::from_secs(1)).await;
    });
    matches!(select(sent, deadline).await, Either::Left(_))
}
