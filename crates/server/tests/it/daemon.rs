//! Segment documents by UDP and OTLP, and the daemon's TCP port.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use base::{AccountId, Region, Scope};
use server::DaemonListen;
use tokio::net::{TcpStream, UdpSocket};

use crate::support::{Harness, exchange, gzip, scope};

fn daemon_scope() -> Scope {
    Scope::new(AccountId::new("222222222222").unwrap(), Region::new("eu-north-1").unwrap())
}

async fn with_daemon() -> Harness {
    Harness::with(|config| {
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        config.auth = server::AuthMode::Enforced;
        config.daemon = Some(DaemonListen { addr, required: true, scope: daemon_scope() });
    })
    .await
}

#[tokio::test]
async fn datagrams_reach_the_sink() {
    let harness = with_daemon().await;
    let addr = harness.server.addresses().daemon.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for datagram in [
        "rubbish",
        "{\"format\":\"json\",\"version\":1}\n{\"id\":\"1\"}",
        "{\"format\": \"json\", \"version\": 1}\n{\"id\":\"2\"}",
    ] {
        socket.send_to(datagram.as_bytes(), addr).await.unwrap();
    }
    while harness.kept.documents.lock().len() < 2 {
        tokio::task::yield_now().await;
    }
    let mut documents = harness.kept.documents.lock().clone();
    documents.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(documents[0], (daemon_scope(), "{\"id\":\"1\"}".to_owned()));
    assert_eq!(documents.len(), 2);
}

#[tokio::test]
async fn the_tcp_port_answers_xray_unsigned_and_nothing_else() {
    let harness = with_daemon().await;
    let addr = harness.server.addresses().daemon.unwrap();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let body = r#"{"Text":"x"}"#;
    let post = |path: &str, headers: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let answer = exchange(&mut stream, post("/TraceSegments", "")).await;
    assert_eq!(answer.text(), r#"{"Text":"222222222222/eu-north-1 arn:aws:iam::222222222222:root"}"#);
    for request in [
        post("/", "X-Amz-Target: Notes_20200101.Echo\r\n"),
        post("/service/Notes_20200101/operation/Echo", "smithy-protocol: rpc-v2-cbor\r\n"),
        post("/nothing", ""),
        post("/v1/traces", ""),
        "GET /_nephoscope/metrics HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
    ] {
        assert_eq!(exchange(&mut stream, &request).await.status, 404, "{request}");
    }
}

#[tokio::test]
async fn a_taken_address_matters_only_when_asked_for() {
    let first = with_daemon().await;
    let addr = first.server.addresses().daemon.unwrap();
    let second = Harness::with(|config| {
        config.daemon = Some(DaemonListen { addr, required: false, scope: scope() });
    })
    .await;
    assert_eq!(second.server.addresses().daemon, None);
}

fn otlp(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len())
            .into_bytes();
    request.extend_from_slice(body);
    request
}

#[tokio::test]
async fn otlp_spans_become_segment_documents() {
    let harness = Harness::open().await;
    let start = crate::support::now().as_millis() * 1_000_000;
    let export = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
        "name":"GET /","kind":2,"startTimeUnixNano":"{start}","endTimeUnixNano":"{}"}}]}}]}}]}}"#,
        start + 5_000_000
    );
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    let answer = harness.send(otlp("/v1/traces", json, export.as_bytes())).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    let zipped = format!("{json}Content-Encoding: gzip\r\n");
    assert_eq!(harness.send(otlp("/v1/traces", &zipped, &gzip(export.as_bytes()))).await.status, 200);
    let documents = harness.kept.documents.lock().clone();
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].0, scope());
    assert!(documents[0].1.contains(r#""name":"shop""#), "{}", documents[0].1);
    // Overload is told as something to retry.
    harness.kept.is_full.store(true, Ordering::SeqCst);
    let full = harness.send(otlp("/v1/traces", json, export.as_bytes())).await;
    assert_eq!((full.status, full.header("retry-after")), (503, Some("1")));
}

#[tokio::test]
async fn otlp_refuses_in_its_own_form() {
    let harness = Harness::open().await;
    let json = "Content-Type: application/json\r\n";
    let protobuf = "Content-Type: application/x-protobuf\r\n";
    let bomb = gzip(&vec![b' '; 6 << 20]);
    for (request, status) in [
        (otlp("/v1/traces", protobuf, b""), 200),
        (otlp("/v1/traces", json, b"{}"), 200),
        (otlp("/v1/traces", "Content-Type: text/plain\r\n", b"{}"), 415),
        (otlp("/v1/traces", &format!("{json}Content-Encoding: br\r\n"), b"{}"), 415),
        (otlp("/v1/traces", json, b"{"), 400),
        (otlp("/v1/traces", protobuf, b"\xff\xff"), 400),
        (otlp("/v1/traces", &format!("{json}Content-Encoding: gzip\r\n"), b"{}"), 400),
        (otlp("/v1/traces", &format!("{json}Content-Encoding: gzip\r\n"), &bomb), 413),
        (otlp("/v1/logs", json, b"{}"), 400),
        (otlp("/v1/metrics", json, b"{}"), 200),
        (otlp("/v1/metrics", &format!("{json}Content-Encoding: gzip\r\n"), &bomb), 400),
        (b"GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), 405),
    ] {
        let answer = harness.send(&request).await;
        assert_eq!(
            answer.status,
            status,
            "{}\n{}",
            String::from_utf8_lossy(&request[..request.len().min(200)]),
            answer.text()
        );
    }
}
