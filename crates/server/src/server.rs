//! Starting a server and stopping it.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};
use tokio_rustls::TlsAcceptor;

use crate::app::{App, BoundAddresses, Parts};
use crate::config::{DaemonListen, ServerConfig};
use crate::daemon;
use crate::listener::{Door, Lifetime, accept};
use crate::metrics::Figures;
use crate::sockets::{self, Open, SocketListen, Transport};

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {addr}")]
    Listen {
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot serve the X-Ray daemon protocol on {addr}")]
    Daemon {
        addr: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("no address to listen on")]
    NoAddress,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    bound: BoundAddresses,
    lifetime: Lifetime,
}

impl Server {
    /// Binds every address and serves. Must be called inside a tokio runtime.
    pub async fn start(config: ServerConfig, parts: Parts) -> Result<Self, StartError> {
        let app = App::new(config, parts);
        let lifetime = Lifetime::default();
        let mut bound = BoundAddresses::default();
        let mut listeners = Vec::new();
        for addr in &app.config.listen {
            let (listener, addr) =
                bind_tcp(*addr).map_err(|source| StartError::Listen { addr: *addr, source })?;
            bound.plain.push(addr);
            listeners.push((listener, None));
        }
        if let Some(tls) = &app.config.tls {
            for addr in &tls.listen {
                let (listener, addr) =
                    bind_tcp(*addr).map_err(|source| StartError::Listen { addr: *addr, source })?;
                bound.tls.push(addr);
                listeners.push((listener, Some(TlsAcceptor::from(tls.config.clone()))));
            }
        }
        if listeners.is_empty() {
            return Err(StartError::NoAddress);
        }
        if let Some(daemon) = app.config.daemon.clone() {
            bound.daemon = start_daemon(&app, &daemon, &lifetime)?;
        }
        for door in app.config.sockets.clone() {
            bound.sockets.push(start_socket(&app, door, &lifetime)?);
        }
        for (listener, tls) in listeners {
            lifetime.tasks.spawn(accept(app.clone(), listener, Door::Main, tls, lifetime.clone()));
        }
        let _ = app.bound.set(bound.clone());
        Ok(Self { app, bound, lifetime })
    }

    pub fn addresses(&self) -> &BoundAddresses {
        &self.bound
    }

    /// Reads the server's own figures, for as long as anyone wants to know them.
    pub fn figures(&self) -> impl Fn() -> Figures + Send + Sync + 'static {
        let app = self.app.clone();
        move || {
            let mut figures = app.metrics.figures();
            figures.gauges = app.status.gauges();
            figures
        }
    }

    /// Stops listening, lets requests under way finish within `shutdown_timeout`, and drops the rest.
    pub async fn shutdown(&self) {
        self.app.stopping.cancel();
        self.lifetime.stop.cancel();
        self.lifetime.tasks.close();
        self.app.running.close();
        let drained = async {
            self.lifetime.tasks.wait().await;
            self.app.running.wait().await;
        };
        let deadline = self.app.network_clock.sleep(self.app.config.limits.shutdown_timeout);
        if let Either::Right(_) = select(pin!(drained), deadline).await {
            tracing::warn!("requests still under way at shutdown are dropped");
            self.lifetime.kill.cancel();
            self.lifetime.tasks.wait().await;
        }
    }
}

/// Serves the daemon protocol; `None` if its address is taken and it need not be served.
fn start_daemon(
    app: &Arc<App>,
    config: &DaemonListen,
    lifetime: &Lifetime,
) -> Result<Option<SocketAddr>, StartError> {
    let sockets = bind_tcp(config.addr).and_then(|(tcp, addr)| Ok((tcp, bind_udp(addr)?, addr)));
    match sockets {
        Ok((tcp, udp, addr)) => {
            daemon::start(app, udp, config.scope.clone(), lifetime);
            let door = Door::Daemon(config.scope.clone());
            lifetime.tasks.spawn(accept(app.clone(), tcp, door, None, lifetime.clone()));
            Ok(Some(addr))
        }
        Err(source) if config.required => Err(StartError::Daemon { addr: config.addr, source }),
        Err(error) => {
            tracing::warn!(addr = %config.addr, %error, "the X-Ray daemon protocol is not served: its address is taken");
            Ok(None)
        }
    }
}

/// Opens a door for log events; `None` if its address is taken and it need not be served.
fn start_socket(
    app: &Arc<App>,
    door: SocketListen,
    lifetime: &Lifetime,
) -> Result<Option<SocketAddr>, StartError> {
    let bound = match door.transport {
        Transport::Tcp => bind_tcp(door.addr).map(|(listener, addr)| (Open::Tcp(listener), addr)),
        Transport::Udp => {
            bind_udp(door.addr).and_then(|socket| socket.local_addr().map(|addr| (Open::Udp(socket), addr)))
        }
    };
    match bound {
        Ok((socket, addr)) => {
            sockets::start(app, socket, door, lifetime);
            Ok(Some(addr))
        }
        Err(source) if door.required => Err(StartError::Listen { addr: door.addr, source }),
        Err(error) => {
            tracing::warn!(addr = %door.addr, %error, "log events are not taken here: the address is taken");
            Ok(None)
        }
    }
}

fn bind_tcp(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server takes its port back although old connections linger.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into())?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn bind_udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    // Bursts of datagrams wait in the kernel; it may give less than this.
    let _ = socket.set_recv_buffer_size(4 << 20);
    socket.bind(&addr.into())?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}
