//! The X-Ray daemon protocol over UDP (`spec/xray.md` §5): a header line and one segment document per
//! datagram, never answered. Documents wait in a bounded queue that drops its oldest.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::Scope;
use futures::future::{Either, select};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use crate::app::App;
use crate::listener::Lifetime;
use crate::request::error_chain;

/// The largest datagram the real daemon takes.
const DATAGRAM_BYTES_MAX: usize = 64 * 1024;
/// Documents handed over at one time, as the real daemon sends them.
const BATCH_MAX: usize = 50;
/// Batches on their way at the same time: while one waits for the disk, others can join it there.
const WORKERS: usize = 4;

/// Receives datagrams until the server stops, then stores what is left.
pub(crate) fn start(app: &Arc<App>, socket: UdpSocket, scope: Scope, lifetime: &Lifetime) {
    let limits = &app.config.limits;
    let queue = Arc::new(Queue::new(limits.daemon_queue_max, limits.daemon_queue_bytes_max));
    lifetime.tasks.spawn(receive(app.clone(), socket, queue.clone(), lifetime.clone()));
    for _ in 0..WORKERS {
        lifetime.tasks.spawn(store(app.clone(), queue.clone(), scope.clone(), lifetime.clone()));
    }
}

async fn receive(app: Arc<App>, socket: UdpSocket, queue: Arc<Queue>, lifetime: Lifetime) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let mut stopped = pin!(lifetime.stop.cancelled());
    loop {
        let received = match select(pin!(socket.recv_from(&mut buffer)), stopped.as_mut()).await {
            Either::Left((received, _)) => received,
            Either::Right(_) => return,
        };
        let document = match received {
            Ok((size, _)) => document(&buffer[..size]),
            Err(error) => {
                tracing::debug!(%error, "cannot receive a datagram");
                continue;
            }
        };
        match document {
            Some(document) => {
                app.metrics.daemon_received.fetch_add(1, Ordering::Relaxed);
                let dropped = queue.push(document.to_owned());
                app.metrics.daemon_dropped.fetch_add(dropped, Ordering::Relaxed);
            }
            None => {
                app.metrics.daemon_rejected.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

async fn store(app: Arc<App>, queue: Arc<Queue>, scope: Scope, lifetime: Lifetime) {
    loop {
        let stopping = lifetime.stop.is_cancelled();
        let batch = queue.take(BATCH_MAX);
        if batch.is_empty() {
            if stopping {
                return;
            }
            let _ = select(pin!(queue.filled.notified()), pin!(lifetime.stop.cancelled())).await;
            continue;
        }
        let count = batch.len() as u64;
        match app.traces.put_segment_documents(&scope, batch).await {
            Ok(rejections) => {
                app.metrics.daemon_rejected.fetch_add(rejections.len() as u64, Ordering::Relaxed);
                for rejection in rejections {
                    tracing::debug!(id = ?rejection.id, code = %rejection.error_code, message = %rejection.message, "segment document rejected");
                }
            }
            Err(error) => {
                app.metrics.daemon_dropped.fetch_add(count, Ordering::Relaxed);
                tracing::warn!(documents = count, error = %error_chain(&error), "segment documents are lost");
            }
        }
    }
}

#[derive(Deserialize)]
struct Header {
    format: String,
    version: i64,
}

/// The document of a datagram; `None` if the datagram breaks the protocol.
fn document(datagram: &[u8]) -> Option<&str> {
    let split = memchr::memchr(b'\n', datagram)?;
    let header: Header = serde_json::from_slice(&datagram[..split]).ok()?;
    let document = std::str::from_utf8(&datagram[split + 1..]).ok()?;
    let is_ours = header.format.eq_ignore_ascii_case("json") && header.version == 1;
    (is_ours && !document.trim().is_empty()).then_some(document)
}

/// Documents waiting to be stored.
struct Queue {
    waiting: Mutex<Waiting>,
    filled: Notify,
    len_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct Waiting {
    documents: VecDeque<String>,
    bytes: usize,
}

impl Queue {
    fn new(len_max: usize, bytes_max: usize) -> Self {
        Self { waiting: Mutex::default(), filled: Notify::new(), len_max, bytes_max }
    }

    /// Adds a document; returns how many old ones had to go for it.
    fn push(&self, document: String) -> u64 {
        let mut dropped = 0;
        let mut waiting = self.waiting.lock();
        waiting.bytes += document.len();
        waiting.documents.push_back(document);
        while waiting.documents.len() > self.len_max || waiting.bytes > self.bytes_max {
            let Some(oldest) = waiting.documents.pop_front() else { break };
            waiting.bytes -= oldest.len();
            dropped += 1;
        }
        drop(waiting);
        self.filled.notify_one();
        dropped
    }

    fn take(&self, max: usize) -> Vec<String> {
        let mut waiting = self.waiting.lock();
        let count = max.min(waiting.documents.len());
        let batch: Vec<String> = waiting.documents.drain(..count).collect();
        waiting.bytes -= batch.iter().map(String::len).sum::<usize>();
        let more = !waiting.documents.is_empty();
        drop(waiting);
        if more {
            self.filled.notify_one();
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_are_a_header_line_and_a_document() {
        let header = r#"{"format":"json","version":1}"#;
        assert_eq!(document(format!("{header}\n{{\"a\":\n1}}").as_bytes()), Some("{\"a\":\n1}"));
        assert_eq!(document(b"{\"format\": \"JSON\", \"version\": 1}\n{}"), Some("{}"));
        for bad in [
            "",
            "{}",
            "\n{}",
            "{}\n{}",
            "{\"format\":\"json\",\"version\":2}\n{}",
            "{\"format\":\"xml\",\"version\":1}\n{}",
            "{\"format\":\"json\",\"version\":1}\n",
            "{\"format\":\"json\",\"version\":1}{}",
        ] {
            assert_eq!(document(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(document(b"{\"format\":\"json\",\"version\":1}\n\xff"), None);
    }

    #[test]
    fn a_full_queue_drops_its_oldest() {
        let queue = Queue::new(2, 10);
        let pushed = ["a", "b", "c", "123456789"].map(|text| queue.push(text.to_owned()));
        assert_eq!(pushed, [0, 0, 1, 1]);
        assert_eq!(queue.take(1), ["c"]);
        assert_eq!(queue.push("0123456789x".to_owned()), 2);
        assert!(queue.take(10).is_empty());
    }
}
