//! Log events over plain sockets: the embedded metric format on the CloudWatch agent's port (25888, TCP and UDP) and
//! syslog (`spec/agent.md` §7). These protocols carry no identity and no answer, so events belong to a configured
//! account and Region; what cannot be stored closes a TCP connection, and is counted for UDP.

mod framing;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{Scope, Timestamp};
use futures::future::{Either, select};
use ingest::syslog;
use signals::{LogBatch, LogEvent, SinkError};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::app::App;
use crate::listener::Lifetime;
use crate::request::error_chain;
use framing::{Deframer, Frame, Framing};

/// Datagrams that are stored together when they are there already.
const DATAGRAMS_MAX: usize = 1_000;
/// Bytes read from a connection before they are stored.
const READ_BYTES_MAX: usize = 256 * 1024;

/// A socket door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketListen {
    pub addr: SocketAddr,
    pub transport: Transport,
    pub format: Format,
    /// Whether the server refuses to start when the address is taken; otherwise it warns.
    pub required: bool,
    /// Whose events these are.
    pub scope: Scope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Udp,
}

/// What is spoken, and where its events go. Groups and streams are created when they are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// JSON lines; group and stream are in `_aws`, or else these.
    EmbeddedMetrics { default_log_group: String, default_log_stream: String },
    /// Templates with `{hostname}`, `{app_name}` and `{source_ip}`.
    Syslog { log_group: String, log_stream: String },
}

impl Format {
    fn framing(&self) -> Framing {
        match self {
            Format::EmbeddedMetrics { .. } => Framing::Lines,
            Format::Syslog { .. } => Framing::Syslog,
        }
    }

    /// AWS: syslog messages have at most 64 KB over TCP and 8 KB over UDP.
    fn bytes_max(&self, transport: Transport) -> usize {
        match (self, transport) {
            (Format::EmbeddedMetrics { .. }, _) => 1_048_576 - 26,
            (Format::Syslog { .. }, Transport::Tcp) => 64 * 1024,
            (Format::Syslog { .. }, Transport::Udp) => 8 * 1024,
        }
    }

    /// Where a message goes and as what; `None` for one that is not in the format.
    fn read(&self, frame: &Frame, peer: SocketAddr, now: Timestamp) -> Option<Placed> {
        let text = String::from_utf8_lossy(&frame.bytes);
        match self {
            Format::EmbeddedMetrics { default_log_group, default_log_stream } => {
                if frame.is_cut {
                    return None;
                }
                let target = EmfTarget::of(&text)?;
                let group = target.log_group.unwrap_or_else(|| default_log_group.clone());
                let stream = target.log_stream.unwrap_or_else(|| default_log_stream.clone());
                let time = target.timestamp.map_or(now, Timestamp::from_millis);
                Some(Placed { group, stream, event: LogEvent::new(time, text.trim()) })
            }
            Format::Syslog { log_group, log_stream } => {
                let message = syslog::message(&text, now);
                let source_ip = peer.ip().to_canonical().to_string();
                let group = syslog::name_of(log_group, &message, &source_ip);
                let stream = syslog::name_of(log_stream, &message, &source_ip);
                Some(Placed { group, stream, event: message.event })
            }
        }
    }
}

struct Placed {
    group: String,
    stream: String,
    event: LogEvent,
}

/// The part of `_aws` that says where an event goes.
struct EmfTarget {
    log_group: Option<String>,
    log_stream: Option<String>,
    timestamp: Option<i64>,
}

impl EmfTarget {
    fn of(text: &str) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Root {
            #[serde(rename = "_aws")]
            aws: serde_json::Map<String, serde_json::Value>,
        }
        let Root { aws } = serde_json::from_str(text).ok()?;
        let name = |member: &str| {
            let name = aws.get(member).and_then(|value| value.as_str()).filter(|name| !name.is_empty());
            name.map(str::to_owned)
        };
        Some(Self {
            log_group: name("LogGroupName"),
            log_stream: name("LogStreamName"),
            timestamp: aws.get("Timestamp").and_then(serde_json::Value::as_i64),
        })
    }
}

/// An open door.
pub(crate) enum Open {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

/// Serves a door until the server stops.
pub(crate) fn start(app: &Arc<App>, socket: Open, door: SocketListen, lifetime: &Lifetime) {
    let (app, ends) = (app.clone(), lifetime.clone());
    let door = Arc::new(door);
    match socket {
        Open::Tcp(listener) => lifetime.tasks.spawn(accept(app, listener, door, ends)),
        Open::Udp(socket) => lifetime.tasks.spawn(receive(app, socket, door, ends)),
    };
}

async fn accept(app: Arc<App>, listener: TcpListener, door: Arc<SocketListen>, lifetime: Lifetime) {
    loop {
        let next = async {
            let permit = app.connections.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = match select(pin!(next), pin!(lifetime.stop.cancelled())).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                app.network_clock.sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (app, door, ends) = (app.clone(), door.clone(), lifetime.clone());
        lifetime.tasks.spawn(async move {
            if let Err(error) = connection(&app, stream, peer, &door, &ends).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            drop(permit);
        });
    }
}

/// Reads to the end of a connection. What was read is stored before more is read: a slow disk makes clients wait.
async fn connection(
    app: &App,
    mut stream: TcpStream,
    peer: SocketAddr,
    door: &SocketListen,
    lifetime: &Lifetime,
) -> io::Result<()> {
    let mut deframer = Deframer::new(door.format.framing(), door.format.bytes_max(Transport::Tcp));
    let mut buffer = vec![0; READ_BYTES_MAX];
    loop {
        let read = match select(pin!(stream.read(&mut buffer)), pin!(lifetime.stop.cancelled())).await {
            Either::Left((read, _)) => read?,
            Either::Right(_) => 0,
        };
        if read == 0 {
            let rest = deframer.finish();
            return store(app, door, rest.into_iter().map(|frame| (frame, peer))).await;
        }
        let frames = deframer.feed(&buffer[..read]);
        store(app, door, frames.into_iter().map(|frame| (frame, peer))).await?;
    }
}

async fn receive(app: Arc<App>, socket: UdpSocket, door: Arc<SocketListen>, lifetime: Lifetime) {
    let mut buffer = vec![0; 64 * 1024];
    let mut stopped = pin!(lifetime.stop.cancelled());
    let bytes_max = door.format.bytes_max(Transport::Udp);
    loop {
        let mut received = match select(pin!(socket.recv_from(&mut buffer)), stopped.as_mut()).await {
            Either::Left((received, _)) => received,
            Either::Right(_) => return,
        };
        let mut frames = Vec::new();
        while let Ok((size, peer)) = received {
            let lines =
                buffer[..size].split(|byte| *byte == b'\n' && door.format.framing() == Framing::Lines);
            for line in lines.filter(|line| !line.is_empty()) {
                let is_cut = line.len() > bytes_max;
                frames.push((Frame { bytes: line[..line.len().min(bytes_max)].to_vec(), is_cut }, peer));
            }
            if frames.len() >= DATAGRAMS_MAX {
                break;
            }
            received = socket.try_recv_from(&mut buffer);
        }
        // Nobody can be told: what is lost was counted.
        let _ = store(&app, &door, frames.into_iter()).await;
    }
}

/// Stores messages, those of one stream together.
async fn store(
    app: &App,
    door: &SocketListen,
    frames: impl Iterator<Item = (Frame, SocketAddr)>,
) -> io::Result<()> {
    let now = app.clock.now();
    let mut batches: BTreeMap<(String, String), Vec<LogEvent>> = BTreeMap::new();
    let dropped = |count: usize| {
        app.metrics.socket_dropped.fetch_add(count as u64, Ordering::Relaxed);
    };
    for (frame, peer) in frames {
        app.metrics.socket_received.fetch_add(1, Ordering::Relaxed);
        match door.format.read(&frame, peer, now) {
            Some(Placed { group, stream, event }) => batches.entry((group, stream)).or_default().push(event),
            None => dropped(1),
        }
    }
    let mut result = Ok(());
    for ((log_group, log_stream), events) in batches {
        let count = events.len();
        let batch = LogBatch { scope: door.scope.clone(), log_group, log_stream, create: true, events };
        match app.logs.put_log_batch(batch).await {
            Ok(rejections) => dropped(rejections.total()),
            Err(SinkError::Rejected(reason) | SinkError::NotFound(reason)) => {
                dropped(count);
                tracing::debug!(reason, "log events from a socket were refused");
            }
            Err(error) => {
                dropped(count);
                tracing::warn!(events = count, error = %error_chain(&error), "log events from a socket are lost");
                result = Err(io::Error::other(error.to_string()));
            }
        }
    }
    result
}
