//! One service over three protocols, and the answers to requests that fit none.

use crate::support::{Harness, exchange, gzip, json_request, read_answer};

#[tokio::test]
async fn the_same_operation_over_three_protocols() {
    let harness = Harness::open().await;
    let json = harness.json("Echo", r#"{"Text":"hi"}"#).await;
    assert_eq!((json.status, json.text().as_str()), (200, r#"{"Text":"hi"}"#));
    assert_eq!(json.header("content-type"), Some("application/x-amz-json-1.0"));
    assert!(json.header("date").is_some() && json.header("x-amzn-requestid").unwrap().len() == 36);

    let form = "Action=Echo&Version=2020-01-01&Text=h%20i";
    let query = harness
        .send(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        ))
        .await;
    assert_eq!(query.status, 200);
    assert!(query.text().contains("<EchoResult><Text>h i</Text></EchoResult>"), "{}", query.text());
    let get = harness.send("GET /?Action=Echo&Version=2020-01-01&Text=hi HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(get.text().contains("<Text>hi</Text>"), "{}", get.text());

    let mut cbor = b"POST /service/Notes_20200101/operation/Echo HTTP/1.1\r\nHost: x\r\nsmithy-protocol: rpc-v2-cbor\r\n\
        Content-Type: application/cbor\r\nContent-Length: 9\r\n\r\n"
        .to_vec();
    cbor.extend(b"\xa1\x64Text\x62hi");
    let cbor = harness.send(cbor).await;
    assert_eq!((cbor.status, cbor.body.as_slice()), (200, &b"\xa1\x64Text\x62hi"[..]));
    assert_eq!(cbor.header("smithy-protocol"), Some("rpc-v2-cbor"));
}

#[tokio::test]
async fn what_cannot_be_answered_gets_a_4xx_of_its_protocol() {
    let harness = Harness::open().await;
    for (operation, body, status, holds) in [
        ("Nope", "{}", 400, "UnknownOperationException"),
        ("Unserved", r#"{"Text":"x"}"#, 400, "UnknownOperationException"),
        ("Echo", "{", 400, "SerializationException"),
        ("Echo", "[1]", 400, "SerializationException"),
        ("Echo", r#"{"Text":7}"#, 400, "SerializationException"),
        ("Echo", "\u{0}\u{1}", 400, "SerializationException"),
        ("Echo", "{}", 400, "1 validation error detected: Value null at 'text' failed to satisfy constraint"),
        ("Fail", r#"{"Text":"validation"}"#, 400, "the text is wrong"),
        ("Fail", r#"{"Text":"unavailable"}"#, 503, "no room"),
    ] {
        let answer = harness.json(operation, body).await;
        assert_eq!(answer.status, status, "{operation} {body}: {}", answer.text());
        assert!(answer.text().contains(holds), "{operation} {body}: {}", answer.text());
        assert!(answer.header("x-amzn-requestid").is_some());
    }
    for (request, status) in [
        ("POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Other.Op\r\nContent-Length: 2\r\n\r\n{}", 400),
        (
            "POST /service/Notes_20200101/operation/Echo HTTP/1.1\r\nHost: x\r\nsmithy-protocol: rpc-v2-cbor\r\nContent-Length: 1\r\n\r\n\u{7f}",
            400,
        ),
        (
            "POST /service/Nope/operation/Echo HTTP/1.1\r\nHost: x\r\nsmithy-protocol: rpc-v2-cbor\r\nContent-Length: 0\r\n\r\n",
            404,
        ),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b",
            400,
        ),
        ("GET /no/where HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        ("DELETE /TraceSegments HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (
            "GET /bucket HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\nX-Amz-Date: 20240101T000000Z\r\n\r\n",
            501,
        ),
        ("GET /_nephoscope/nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (
            "POST /_nephoscope/clock HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{\"advance_secs\": 60}",
            409,
        ),
    ] {
        let answer = harness.send(request).await;
        assert_eq!(answer.status, status, "{request}\n{}", answer.text());
    }
}

#[tokio::test]
async fn defects_are_ours_and_say_nothing() {
    let harness = Harness::open().await;
    for operation in ["Fail", "Panic"] {
        let answer = harness.json(operation, r#"{"Text":"x"}"#).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("secret") && !answer.text().contains("purpose"), "{}", answer.text());
    }
    assert_eq!(harness.json("Echo", r#"{"Text":"still here"}"#).await.status, 200);
}

#[tokio::test]
async fn bodies_may_be_compressed_both_ways() {
    let harness = Harness::open().await;
    let long = format!(r#"{{"Text":"{}"}}"#, "a".repeat(5000));
    let packed = gzip(long.as_bytes());
    let headers = "Content-Encoding: gzip\r\nAccept-Encoding: gzip\r\n";
    let answer = harness.send(json_request("Echo", headers, &packed)).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert!(answer.body.len() < 200);
    for (headers, body) in [
        ("Content-Encoding: gzip\r\n", &packed[..20]),
        ("Content-Encoding: gzip\r\n", b"{}"),
        ("Content-Encoding: br\r\n", b"{}"),
        ("Content-Encoding: aws-chunked\r\n", b"zz\r\n"),
    ] {
        let answer = harness.send(json_request("Echo", headers, body)).await;
        assert_eq!(answer.status, 400, "{headers}");
        assert!(answer.text().contains("SerializationException"), "{}", answer.text());
    }
}

#[tokio::test]
async fn connections_are_kept_and_requests_may_be_chunked() {
    let harness = Harness::open().await;
    let mut stream = harness.connect().await;
    for text in ["one", "two"] {
        let answer =
            exchange(&mut stream, json_request("Echo", "", format!(r#"{{"Text":"{text}"}}"#).as_bytes()))
                .await;
        assert!(answer.text().contains(text));
    }
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Notes_20200101.Echo\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\n{\"Tex\r\n8\r\nt\":\"hi\"}\r\n0\r\n\r\n";
    assert_eq!(exchange(&mut stream, chunked).await.text(), r#"{"Text":"hi"}"#);
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Notes_20200101.Echo\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n";
    assert_eq!(exchange(&mut stream, head).await.status, 100);
    assert_eq!(exchange(&mut stream, r#"{"Text":"hi"}"#).await.text(), r#"{"Text":"hi"}"#);
    // Nobody asks for the body of a request that is refused by its head.
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Other.Op\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n";
    assert_eq!(exchange(&mut stream, head).await.status, 400);
}

#[tokio::test]
async fn browsers_may_call() {
    let harness = Harness::open().await;
    let preflight = harness
        .send("OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n\r\n")
        .await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    let answer = harness.send(json_request("Echo", "Origin: http://a\r\n", br#"{"Text":"x"}"#)).await;
    assert!(answer.header("access-control-expose-headers").unwrap().contains("x-amzn-requestid"));
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let harness = Harness::open().await;
    harness.json("Echo", r#"{"Text":"x"}"#).await;
    let health = harness.send("GET /_nephoscope/health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let health: serde_json::Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!(health["status"], "ok");
    assert_eq!(health["listeners"][0], format!("http://{}", harness.addr()));
    let metrics = harness.send("GET /_nephoscope/metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.text();
    assert!(
        metrics.contains(r#"nephoscope_requests_total{service="notes",operation="Echo",status="200"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn http_2_with_prior_knowledge() {
    let harness = Harness::open().await;
    let (sender, connection) = h2::client::handshake(harness.connect().await).await.unwrap();
    tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    for text in ["one", "two"] {
        let request = http::Request::post(format!("http://{}/", harness.addr()))
            .header("x-amz-target", "Notes_20200101.Echo")
            .body(())
            .unwrap();
        let (response, mut body) = sender.send_request(request, false).unwrap();
        body.send_data(format!(r#"{{"Text":"{text}"}}"#).into(), true).unwrap();
        let mut response = response.await.unwrap();
        assert_eq!(response.status(), 200);
        let data = response.body_mut().data().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&data).contains(text));
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let harness = Harness::open().await;
    for bytes in ["\r\n\r\n\r\n", "HELLO\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n"] {
        let mut stream = harness.connect().await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, bytes.as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
        if let Some(answer) = read_answer(&mut stream).await {
            assert_eq!(answer.status, 400, "{bytes:?}");
        }
    }
    assert_eq!(harness.json("Echo", r#"{"Text":"x"}"#).await.status, 200);
}
