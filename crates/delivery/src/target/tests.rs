//! Calls as endpoints see them, with a transport that answers by script.

use std::collections::VecDeque;

use base::{AccountId, Region, SimulatedClock, Timestamp};
use parking_lot::Mutex;
use serde_json::Value;

use super::*;

#[derive(Default)]
pub(crate) struct Script {
    pub(crate) calls: Mutex<Vec<HttpCall>>,
    pub(crate) answers: Mutex<VecDeque<Result<HttpAnswer, HttpError>>>,
}

#[async_trait]
impl HttpTransport for Script {
    async fn post(&self, call: HttpCall) -> Result<HttpAnswer, HttpError> {
        self.calls.lock().push(call);
        let empty = HttpAnswer { status: 200, body: Bytes::new() };
        self.answers.lock().pop_front().unwrap_or(Ok(empty))
    }
}

fn answer(status: u16, body: &str) -> Result<HttpAnswer, HttpError> {
    Ok(HttpAnswer { status, body: Bytes::from(body.to_owned()) })
}

fn target(kind: TargetKind, url: &str) -> Target {
    Target { kind, url: url.parse().unwrap(), credentials: None, headers: Vec::new(), routing_key: None }
}

fn targets(entries: Vec<(&str, Target)>) -> (Arc<Targets>, Arc<Script>) {
    let script = Arc::new(Script::default());
    let clock = SimulatedClock::new(Timestamp::from_secs(1_717_200_000));
    let map = TargetMap::new(entries.into_iter().map(|(arn, target)| (arn.to_owned(), target)));
    (Targets::new(map, script.clone(), clock.clone(), base::SystemClock::new()), script)
}

fn call(arn: &str, payload: TargetPayload) -> TargetCall {
    let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
    TargetCall { scope, arn: arn.to_owned(), payload }
}

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:notify:live";
const STREAM: &str = "arn:aws:firehose:us-east-1:123456789012:deliverystream/logs";

#[tokio::test]
async fn functions_are_invoked_asynchronously_and_signed_for_their_region() {
    let credentials =
        TargetCredentials { access_key_id: "AK".to_owned(), secret_access_key: "s".to_owned(), region: None };
    let lambda =
        Target { credentials: Some(credentials), ..target(TargetKind::Lambda, "http://127.0.0.1:9001") };
    let (targets, script) = targets(vec![(FUNCTION, lambda)]);
    targets.call(call(FUNCTION, TargetPayload::Invocation(Bytes::from("{}")))).await.unwrap();
    let calls = script.calls.lock();
    let url = "http://127.0.0.1:9001/2015-03-31/functions/notify/invocations?Qualifier=live";
    assert_eq!(calls[0].url.as_str(), url);
    assert_eq!(calls[0].headers["x-amz-invocation-type"], "Event");
    let authorization = calls[0].headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("/20240601/eu-west-1/lambda/aws4_request"), "{authorization}");
}

#[tokio::test]
async fn an_arn_without_a_mapping_is_an_error_with_its_name() {
    let (targets, _) = targets(vec![]);
    let error = targets.call(call(FUNCTION, TargetPayload::Invocation(Bytes::new()))).await.unwrap_err();
    assert_eq!(error, TargetError::Unmapped(FUNCTION.to_owned()));
    assert!(!targets.is_mapped(FUNCTION));
}

#[tokio::test]
async fn only_records_that_were_not_taken_are_put_again() {
    let (targets, script) =
        targets(vec![("arn:aws:firehose:*", target(TargetKind::Firehose, "http://127.0.0.1:9002"))]);
    let partly = r#"{"FailedPutCount":1,"RequestResponses":[{"RecordId":"1"},{"ErrorCode":"ServiceUnavailableException"},{"RecordId":"3"}]}"#;
    script.answers.lock().push_back(answer(200, partly));
    let records = ["a", "b", "c"].map(Bytes::from).to_vec();
    targets.call(call(STREAM, TargetPayload::DeliveryStream(records))).await.unwrap();
    let calls = script.calls.lock();
    assert_eq!(calls[0].headers["x-amz-target"], "Firehose_20150804.PutRecordBatch");
    let body: Value = serde_json::from_slice(&calls[0].body).unwrap();
    assert_eq!(body["DeliveryStreamName"], "logs");
    assert_eq!(body["Records"][0]["Data"], "YQ==");
    let again: Value = serde_json::from_slice(&calls[1].body).unwrap();
    assert_eq!(again["Records"], serde_json::json!([{ "Data": "Yg==" }]));
    assert_eq!(calls.len(), 2);
}

#[tokio::test]
async fn batches_keep_the_limit_of_one_call() {
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
    let (targets, script) = targets(vec![(arn, target(TargetKind::Kinesis, "http://127.0.0.1:9002"))]);
    let records = (0..1200).map(|n| (n.to_string(), Bytes::from("x"))).collect();
    targets.call(call(arn, TargetPayload::DataStream(records))).await.unwrap();
    let sizes: Vec<usize> = script
        .calls
        .lock()
        .iter()
        .map(|call| serde_json::from_slice::<Value>(&call.body).unwrap()["Records"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [500, 500, 200]);
}

#[tokio::test]
async fn statuses_tell_what_may_be_tried_again() {
    let (targets, script) =
        targets(vec![(FUNCTION, target(TargetKind::Webhook, "http://127.0.0.1:9001/hook"))]);
    for (given, retryable) in [
        (answer(500, "down"), true),
        (answer(429, ""), true),
        (answer(404, "nobody"), false),
        (answer(302, ""), false),
        (Err(HttpError::Unavailable("refused".to_owned())), true),
    ] {
        script.answers.lock().push_back(given);
        let error = targets.call(call(FUNCTION, TargetPayload::Invocation(Bytes::new()))).await.unwrap_err();
        assert_eq!(matches!(error, TargetError::Unavailable(_)), retryable, "{error}");
    }
}

#[tokio::test]
async fn a_queue_is_found_by_account_and_name() {
    let arn = "arn:aws:sqs:us-east-1:123456789012:dead";
    let (targets, script) = targets(vec![(arn, target(TargetKind::Sqs, "http://127.0.0.1:9324"))]);
    let message = QueueMessage {
        body: "b".to_owned(),
        attributes: vec![(
            "ErrorCode".to_owned(),
            "String".to_owned(),
            QueueValue::Text("ClientException".to_owned()),
        )],
        group_id: None,
        deduplication_id: None,
    };
    targets.enqueue(arn, &message).await.unwrap();
    let body: Value = serde_json::from_slice(&script.calls.lock()[0].body).unwrap();
    assert_eq!(body["QueueUrl"], "http://127.0.0.1:9324/123456789012/dead");
    assert_eq!(body["MessageAttributes"]["ErrorCode"]["StringValue"], "ClientException");
}
