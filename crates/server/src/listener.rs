//! Connections: accepting them, TLS, HTTP/1.1 or HTTP/2, and ending those that do nothing.
//!
//! A connection may be idle for as long as `keep_alive`; one that has not yet sent a request must do so
//! within `first_request_timeout`. Whatever a client does, it holds no more than its own connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use base::{Clock, Scope};
use futures::future::{Either, select};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use signals::audit::TlsDetails;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::Limits;
use crate::request;
use crate::timer::ClockTimer;

/// What a listener's callers may ask for, and as whom.
#[derive(Debug, Clone)]
pub(crate) enum Door {
    Main,
    /// The X-Ray daemon's TCP proxy: X-Ray only, unsigned, as this account and Region.
    Daemon(Scope),
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) door: Door,
    pub(crate) tls: Option<TlsDetails>,
}

/// Tokens and trackers that end a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lifetime {
    /// No new connections; open ones end after their current request.
    pub(crate) stop: CancellationToken,
    /// Open connections are dropped.
    pub(crate) kill: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

/// Time for a connection to end by itself after it was asked to.
const GOODBYE: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which is mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until the server stops.
pub(crate) async fn accept(
    app: Arc<App>,
    listener: TcpListener,
    door: Door,
    tls: Option<TlsAcceptor>,
    lifetime: Lifetime,
) {
    loop {
        let next = async {
            let permit = app.connections.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = match select(pin!(next), pin!(lifetime.stop.cancelled())).await {
            Either::Left((next, _)) => next,
            Either::Right(_) => return,
        };
        let (stream, addr) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                app.network_clock.sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (app, door, tls, ends) = (app.clone(), door.clone(), tls.clone(), lifetime.clone());
        lifetime.tasks.spawn(async move {
            app.metrics.connections.fetch_add(1, Ordering::Relaxed);
            connection(&app, stream, addr, door, tls, &ends).await;
            app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
            drop(permit);
        });
    }
}

async fn connection(
    app: &Arc<App>,
    stream: TcpStream,
    addr: SocketAddr,
    door: Door,
    tls: Option<TlsAcceptor>,
    ends: &Lifetime,
) {
    // Answers are written whole; waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = tls else {
        drive(app, stream, Peer { addr, door, tls: None }, ends).await;
        return;
    };
    let timeout = app.network_clock.sleep(app.config.limits.first_request_timeout);
    match select(pin!(acceptor.accept(stream)), select(timeout, pin!(ends.stop.cancelled()))).await {
        Either::Left((Ok(stream), _)) => {
            let tls = tls_details(stream.get_ref().1);
            drive(app, stream, Peer { addr, door, tls }, ends).await;
        }
        Either::Left((Err(error), _)) => tracing::debug!(peer = %addr, %error, "TLS handshake failed"),
        Either::Right(_) => tracing::debug!(peer = %addr, "TLS handshake took too long"),
    }
}

/// Serves one connection to its end.
async fn drive<S>(app: &Arc<App>, stream: S, peer: Peer, ends: &Lifetime)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let clock = &app.network_clock;
    let limits = &app.config.limits;
    let peer = Arc::new(peer);
    let activity = Arc::new(Activity::new(clock.clone()));
    let service = {
        let (app, peer, activity) = (app.clone(), peer.clone(), activity.clone());
        service_fn(move |request| {
            let busy = activity.request();
            let (app, peer) = (app.clone(), peer.clone());
            async move {
                let response = request::answer(app, peer, request).await;
                drop(busy);
                Ok::<_, Infallible>(response)
            }
        })
    };
    let io = TokioIo::new(Watched { stream, activity: activity.clone() });
    let builder = builder(app);
    let mut connection = pin!(builder.serve_connection(io, service));
    let (idle, stopped) = (pin!(activity.idle(limits)), pin!(ends.stop.cancelled()));
    match select(connection.as_mut(), select(idle, stopped)).await {
        Either::Left((Ok(()), _)) => return,
        Either::Left((Err(error), _)) => {
            tracing::debug!(peer = %peer.addr, %error, "connection ended");
            return;
        }
        Either::Right(_) => connection.as_mut().graceful_shutdown(),
    }
    // Requests under way end within their own limits; a connection without any has nothing to say.
    let goodbye = async {
        loop {
            clock.sleep(GOODBYE).await;
            if !activity.is_busy() {
                return;
            }
        }
    };
    let _ = select(connection, select(pin!(goodbye), pin!(ends.kill.cancelled()))).await;
}

fn builder(app: &App) -> auto::Builder<TokioExecutor> {
    let limits = &app.config.limits;
    let timer = ClockTimer::new(app.network_clock.clone());
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(timer.clone())
        .header_read_timeout(limits.keep_alive)
        .keep_alive(true)
        .half_close(false)
        .max_headers(100);
    builder
        .http2()
        .timer(timer)
        .max_concurrent_streams(128)
        .max_header_list_size(64 * 1024)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.first_request_timeout);
    builder
}

fn tls_details(connection: &rustls::ServerConnection) -> Option<TlsDetails> {
    let version = match connection.protocol_version()? {
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => return None,
    };
    let suite = connection.negotiated_cipher_suite()?.suite().as_str()?;
    // rustls spells `TLS13_AES_128_GCM_SHA256` what everybody else calls `TLS_AES_128_GCM_SHA256`.
    Some(TlsDetails { version: version.to_owned(), cipher_suite: suite.replacen("TLS13_", "TLS_", 1) })
}

/// What a connection is doing.
struct Activity {
    clock: Arc<dyn Clock>,
    opened: Duration,
    requests: AtomicU64,
    in_flight: AtomicUsize,
    /// Milliseconds of the clock when bytes last moved.
    moved_millis: AtomicU64,
}

impl Activity {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let opened = clock.monotonic();
        Self {
            clock,
            opened,
            requests: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            moved_millis: AtomicU64::new(millis(opened)),
        }
    }

    fn request(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    fn moved(&self) {
        self.moved_millis.store(millis(self.clock.monotonic()), Ordering::Relaxed);
    }

    /// Returns when the connection has been idle for too long.
    async fn idle(&self, limits: &Limits) {
        loop {
            let now = self.clock.monotonic();
            let wait = if self.is_busy() {
                limits.keep_alive
            } else {
                let until = if self.requests.load(Ordering::Relaxed) == 0 {
                    self.opened + limits.first_request_timeout
                } else {
                    Duration::from_millis(self.moved_millis.load(Ordering::Relaxed)) + limits.keep_alive
                };
                if until <= now {
                    return;
                }
                until - now
            };
            self.clock.sleep(wait).await;
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A request under way.
struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.moved();
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that notes when bytes move.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.activity.moved();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if polled.is_ready() {
            self.activity.moved();
        }
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        if polled.is_ready() {
            self.activity.moved();
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
