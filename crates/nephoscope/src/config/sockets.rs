//! Doors for log events on sockets of their own: embedded metrics and syslog.

use std::net::SocketAddr;

use base::Scope;
use server::{SocketFormat, SocketListen, Transport};

use super::settings::{OrOff, Settings};
use super::{ConfigError, required, wrong};

/// The doors the settings ask for. `given` are the settings before defaults: an address the user asked for must be
/// free.
pub(super) fn sockets(
    all: &Settings,
    emf_required: bool,
    scope: &Scope,
) -> Result<Vec<SocketListen>, ConfigError> {
    let mut doors = Vec::new();
    if let OrOff::On(addr) = required(all.emf) {
        for transport in [Transport::Tcp, Transport::Udp] {
            let format = SocketFormat::EmbeddedMetrics {
                default_log_group: "emf_default".to_owned(),
                default_log_stream: "default".to_owned(),
            };
            doors.push(SocketListen {
                addr,
                transport,
                format,
                required: emf_required,
                scope: scope.clone(),
            });
        }
    }
    for listen in all.syslog.iter().flatten() {
        let (transport, addr) = address(listen)?;
        let format = SocketFormat::Syslog {
            log_group: required(all.syslog_log_group.clone()),
            log_stream: required(all.syslog_log_stream.clone()),
        };
        doors.push(SocketListen { addr, transport, format, required: true, scope: scope.clone() });
    }
    Ok(doors)
}

fn address(listen: &str) -> Result<(Transport, SocketAddr), ConfigError> {
    let parsed = listen.split_once("://").and_then(|(transport, addr)| {
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return None,
        };
        Some((transport, addr.parse().ok()?))
    });
    parsed.map_or_else(
        || wrong("syslog", &format!("{listen:?} is not udp://ADDRESS:PORT or tcp://ADDRESS:PORT")),
        Ok,
    )
}
