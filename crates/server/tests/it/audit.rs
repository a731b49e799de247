//! Every call of a recorded operation leaves one audit event, and has it before its answer.

use std::sync::atomic::Ordering;

use crate::support::{Harness, json_request};

const KEY: &str = "Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20240101/eu-west-1/notes/aws4_request, \
                   SignedHeaders=host, Signature=0\r\nX-Amz-Date: 20240101T000000Z\r\nUser-Agent: tester/1\r\n";

#[tokio::test]
async fn success_and_failure_are_recorded_alike() {
    let harness = Harness::open().await;
    let answer = harness.send(json_request("Echo", KEY, br#"{"Text":"hi"}"#)).await;
    harness.json("Echo", "{}").await;
    harness.json("Echo", "{").await;
    harness.json("Fail", r#"{"Text":"x"}"#).await;
    // Neither the excluded nor the unknown are recorded.
    harness.json("WhoAmI", r#"{"Text":"x"}"#).await;
    harness.json("Nope", "{}").await;
    harness.json("Unserved", r#"{"Text":"x"}"#).await;
    let calls = harness.kept.calls.lock();
    let errors: Vec<_> =
        calls.iter().map(|call| call.error.as_ref().map(|(code, _)| code.as_str())).collect();
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert_eq!((errors[0], errors[2]), (None, Some("SerializationException")));
    let first = &calls[0];
    assert_eq!(first.request_id, answer.header("x-amzn-requestid").unwrap());
    assert_eq!((first.event_source, first.event_name.as_str()), ("notes.amazonaws.com", "Echo"));
    assert_eq!(first.scope.to_string(), "123456789012/eu-west-1");
    assert_eq!(first.principal.arn, "arn:aws:iam::123456789012:root");
    assert_eq!((first.source_ip.as_str(), first.user_agent.as_str()), ("127.0.0.1", "tester/1"));
    assert_eq!(first.request_parameters.as_ref().unwrap()["text"], "hi");
    assert_eq!(first.response_elements.as_ref().unwrap()["text"], "hi");
    assert_eq!(calls[2].request_parameters, None);
    assert_eq!(calls[3].request_parameters.as_ref().unwrap()["text"], "x");
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_is_not_confirmed() {
    let harness = Harness::open().await;
    harness.kept.is_full.store(true, Ordering::SeqCst);
    assert_eq!(harness.json("Echo", r#"{"Text":"hi"}"#).await.status, 503);
    assert_eq!(harness.json("WhoAmI", r#"{"Text":"hi"}"#).await.status, 200);
}
