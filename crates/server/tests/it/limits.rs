//! Nobody takes more than a share: of size, of time, of memory, of concurrency.

use std::time::Duration;

use server::Limits;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Harness, exchange, gzip, json_request, read_answer};

#[tokio::test]
async fn bodies_have_a_size_limit_before_and_after_decompression() {
    let harness = Harness::with(|config| config.limits.body_bytes_max = 1000).await;
    let big = format!(r#"{{"Text":"{}"}}"#, "a".repeat(2000));
    let too_large = harness.json("Echo", &big).await;
    assert_eq!(too_large.status, 413, "{}", too_large.text());
    let bomb = harness.send(json_request("Echo", "Content-Encoding: gzip\r\n", &gzip(big.as_bytes()))).await;
    assert_eq!(bomb.status, 413);
    // An operation may have a limit of its own.
    let own = harness.json("WhoAmI", &format!(r#"{{"Text":"{}"}}"#, "a".repeat(100))).await;
    assert_eq!(own.status, 413);
    assert_eq!(harness.json("WhoAmI", r#"{"Text":"a"}"#).await.status, 200);
}

#[tokio::test]
async fn an_oversized_body_is_not_awaited_when_the_client_asks_first() {
    let harness = Harness::with(|config| config.limits.body_bytes_max = 10).await;
    let mut stream = harness.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Notes_20200101.Echo\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n";
    assert_eq!(exchange(&mut stream, head).await.status, 413);
}

#[tokio::test]
async fn a_wrong_content_length_ends_in_an_error_or_a_closed_connection() {
    let harness = Harness::open().await;
    for length in ["-1", "abc", "1, 2", "99999999999999999999"] {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Notes_20200101.Echo\r\nContent-Length: {length}\r\n\r\n{{}}"
        );
        let mut stream = harness.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_answer(&mut stream).await.expect("an answer");
        assert_eq!(answer.status / 100, 4, "{length}");
    }
    // Shorter than declared, then closed.
    let mut stream = harness.connect().await;
    let request = json_request("Echo", "", br#"{"Text":"truncated"}"#);
    stream.write_all(&request[..request.len() - 5]).await.unwrap();
    stream.shutdown().await.unwrap();
    if let Some(answer) = read_answer(&mut stream).await {
        assert_eq!(answer.status, 400);
    }
    assert!(harness.kept.calls.lock().is_empty());
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped() {
    let harness = Harness::open().await;
    let limits = Limits::default();
    for beginning in ["", "P", "POST / HTTP/1.1\r\nHost", "PRI * HTTP/2.0\r\n"] {
        let mut stream = harness.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let ended = async { read_answer(&mut stream).await };
        let time = async {
            loop {
                harness.let_pass(limits.first_request_timeout / 2).await;
            }
        };
        tokio::select! {
            answer = ended => assert!(answer.is_none_or(|a| a.status == 408 || a.status == 400), "{beginning:?}"),
            () = time => {}
        }
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let harness = Harness::open().await;
    let mut stream = harness.connect().await;
    exchange(&mut stream, json_request("Echo", "", br#"{"Text":"x"}"#)).await;
    harness.let_pass(Duration::from_secs(60)).await;
    exchange(&mut stream, json_request("Echo", "", br#"{"Text":"x"}"#)).await;
    let ended = async { read_answer(&mut stream).await };
    let time = async {
        loop {
            harness.let_pass(Duration::from_secs(40)).await;
        }
    };
    tokio::select! {
        answer = ended => assert!(answer.is_none()),
        () = time => {}
    }
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_408() {
    let harness = Harness::open().await;
    let mut stream = harness.connect().await;
    let request = json_request("Echo", "", br#"{"Text":"slow"}"#);
    stream.write_all(&request[..request.len() - 5]).await.unwrap();
    let answer = async { read_answer(&mut stream).await };
    let time = async {
        loop {
            harness.let_pass(Duration::from_secs(5)).await;
        }
    };
    tokio::select! {
        answer = answer => assert_eq!(answer.expect("an answer").status, 408),
        () = time => {}
    }
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back() {
    let harness = Harness::with(|config| config.limits.requests_max = 1).await;
    let mut slow = harness.connect().await;
    let request = json_request("Echo", "", br#"{"Text":"slow"}"#);
    slow.write_all(&request[..request.len() - 1]).await.unwrap();
    // The first holds the only place from its head on.
    let refused = loop {
        let answer = harness.json("Echo", r#"{"Text":"x"}"#).await;
        if answer.status == 503 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    assert!(refused.text().contains("ServiceUnavailable"), "{}", refused.text());
    slow.write_all(&request[request.len() - 1..]).await.unwrap();
    assert_eq!(read_answer(&mut slow).await.unwrap().status, 200);
    // Health does not queue behind API calls.
    assert_eq!(harness.send("GET /_nephoscope/health HTTP/1.1\r\nHost: x\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn memory_for_bodies_is_shared() {
    let harness = Harness::with(|config| config.limits.bodies_in_memory_bytes_max = 100).await;
    let answer = harness.json("Echo", &format!(r#"{{"Text":"{}"}}"#, "a".repeat(200))).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(harness.json("Echo", r#"{"Text":"x"}"#).await.status, 200);
}

#[tokio::test]
async fn headers_have_a_limit() {
    let harness = Harness::open().await;
    let many: String = (0..200).map(|i| format!("X-H{i}: v\r\n")).collect();
    let answer = harness.send(json_request("Echo", &many, b"{}")).await;
    assert_eq!(answer.status, 431);
}

#[tokio::test]
async fn shutdown_lets_requests_finish_and_closes_idle_connections() {
    let harness = Harness::open().await;
    let mut idle = harness.connect().await;
    exchange(&mut idle, json_request("Echo", "", br#"{"Text":"x"}"#)).await;
    let mut busy = harness.connect().await;
    let request = json_request("Echo", "", br#"{"Text":"busy"}"#);
    busy.write_all(&request[..request.len() - 1]).await.unwrap();
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let finish = async {
        assert!(read_answer(&mut idle).await.is_none());
        busy.write_all(&request[request.len() - 1..]).await.unwrap();
        assert_eq!(read_answer(&mut busy).await.unwrap().status, 200);
    };
    tokio::join!(harness.server.shutdown(), finish);
    assert!(tokio::net::TcpStream::connect(harness.addr()).await.is_err());
}
