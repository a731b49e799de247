//! Enforced mode: signed requests pass, everything else is told why not.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::support::{CREDENTIALS, Harness, json_request, now};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn hmac(key: &[u8], data: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Headers that sign an AWS JSON call of `body` as an SDK would.
fn sign(key_id: &str, secret: &str, service: &str, body: &str, age_secs: i64) -> String {
    let at = now().saturating_sub_millis(age_secs * 1000).to_datetime();
    let (stamp, day) = (at.format("%Y%m%dT%H%M%SZ").to_string(), at.format("%Y%m%d").to_string());
    let signed = "content-type;host;x-amz-date";
    let canonical = format!(
        "POST\n/\n\ncontent-type:application/x-amz-json-1.0\nhost:localhost\nx-amz-date:{stamp}\n\n{signed}\n{}",
        hex::encode(Sha256::digest(body))
    );
    let scope = format!("{day}/eu-west-1/{service}/aws4_request");
    let text =
        format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", hex::encode(Sha256::digest(canonical.as_bytes())));
    let mut key = format!("AWS4{secret}").into_bytes();
    for step in [day.as_str(), "eu-west-1", service, "aws4_request"] {
        key = hmac(&key, step);
    }
    let signature = hex::encode(hmac(&key, &text));
    format!(
        "X-Amz-Date: {stamp}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}\r\n"
    )
}

const BODY: &str = r#"{"Text":"x"}"#;

#[tokio::test]
async fn a_signed_call_acts_as_its_user() {
    let harness = Harness::enforced().await;
    let headers = sign("AKIDEXAMPLE", SECRET, "notes", BODY, 0);
    let answer = harness.send(json_request("WhoAmI", &headers, BODY.as_bytes())).await;
    assert_eq!(answer.text(), r#"{"Text":"111111111111/eu-west-1 arn:aws:iam::111111111111:user/alice"}"#);
    assert!(CREDENTIALS.contains("alice"));
}

#[tokio::test]
async fn everything_else_is_refused_and_not_recorded() {
    let harness = Harness::enforced().await;
    for (headers, body, error) in [
        (String::new(), BODY, "MissingAuthenticationTokenException"),
        ("Authorization: Bearer x\r\n".to_owned(), BODY, "MissingAuthenticationTokenException"),
        ("Authorization: AWS4-HMAC-SHA256 x\r\n".to_owned(), BODY, "IncompleteSignatureException"),
        (sign("AKIDOTHER", SECRET, "notes", BODY, 0), BODY, "UnrecognizedClientException"),
        (sign("AKIDEXAMPLE", "wrong", "notes", BODY, 0), BODY, "InvalidSignatureException"),
        (sign("AKIDEXAMPLE", SECRET, "notes", BODY, 0), r#"{"Text":"y"}"#, "InvalidSignatureException"),
        (sign("AKIDEXAMPLE", SECRET, "logs", BODY, 0), BODY, "correct service: 'notes'"),
        (sign("AKIDEXAMPLE", SECRET, "notes", BODY, 360), BODY, "Signature expired"),
        (sign("AKIDEXAMPLE", SECRET, "notes", BODY, -360), BODY, "Signature not yet current"),
    ] {
        let answer = harness.send(json_request("Echo", &headers, body.as_bytes())).await;
        assert_eq!(answer.status, 400, "{error}: {}", answer.text());
        assert!(answer.text().contains(error), "{error}: {}", answer.text());
    }
    assert!(harness.kept.calls.lock().is_empty());
}

#[tokio::test]
async fn query_clients_are_refused_in_xml() {
    let harness = Harness::enforced().await;
    let answer =
        harness.send("GET /?Action=Echo&Version=2020-01-01&Text=x HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("<Code>MissingAuthenticationToken</Code>"), "{}", answer.text());
}

#[tokio::test]
async fn otlp_needs_a_signature_too() {
    let harness = Harness::enforced().await;
    let answer = harness
        .send("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        .await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("issing Authentication Token"), "{}", answer.text());
}
