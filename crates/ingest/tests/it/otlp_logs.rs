//! Vectors of OTLP logs.

use base::Timestamp;
use ingest::otlp::{self, Encoding, ExportLogsServiceRequest, Refusal};
use serde_json::{Value, json};

use crate::otlp_traces::attributes;

const NOW: Timestamp = Timestamp::from_secs(1_736_949_770);
const NANOS: u64 = 1_736_949_760_000_000_000;

fn translate(resource: Value, scope: Value, records: Vec<Value>) -> Result<otlp::Logs, Refusal> {
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": attributes(resource)},
        "scopeLogs": [{"scope": scope, "logRecords": records}],
    }]});
    let request: ExportLogsServiceRequest =
        otlp::decode(Encoding::Json, body.to_string().as_bytes()).unwrap();
    otlp::logs(&request, NOW)
}

fn messages(logs: &otlp::Logs) -> Vec<Value> {
    logs.events.iter().map(|event| serde_json::from_str(event.text()).unwrap()).collect()
}

#[test]
fn a_record_is_an_object_without_its_empty_members() {
    let record =
        json!({"timeUnixNano": NANOS.to_string(), "severityNumber": 9, "body": {"stringValue": "hi"}});
    let logs = translate(json!({}), json!({}), vec![record]).unwrap();
    assert_eq!(
        logs.events[0].text(),
        r#"{"timeUnixNano":1736949760000000000,"severityNumber":9,"body":"hi"}"#
    );
    assert_eq!(logs.events[0].timestamp, Timestamp::from_millis(1_736_949_760_000));
}

#[test]
fn everything_a_record_says_is_kept() {
    let record = json!({
        "observedTimeUnixNano": NANOS.to_string(), "severityText": "WARN", "flags": 1, "eventName": "e",
        "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "droppedAttributesCount": 2,
        "body": {"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "7"}}]}},
        "attributes": [
            {"key": "a", "value": {"intValue": "1"}},
            {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": true}, {"doubleValue": 0.5}]}}},
            {"key": "a", "value": {"stringValue": "last wins"}},
        ],
    });
    let logs =
        translate(json!({"service.name": "shop"}), json!({"name": "lib", "version": "1"}), vec![record])
            .unwrap();
    assert_eq!(
        messages(&logs),
        [json!({
            "resource": {"attributes": {"service.name": "shop"}},
            "scope": {"name": "lib", "version": "1"},
            "observedTimeUnixNano": NANOS, "severityText": "WARN", "flags": 1, "eventName": "e",
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "droppedAttributesCount": 2,
            "body": {"n": 7}, "attributes": {"a": "last wins", "l": [true, 0.5]},
        })]
    );
    assert_eq!(logs.events[0].timestamp, Timestamp::from_millis(1_736_949_760_000));
}

#[test]
fn a_record_without_a_time_is_from_now() {
    let logs = translate(json!({}), json!({}), vec![json!({"body": {"boolValue": false}})]).unwrap();
    assert_eq!((logs.events[0].timestamp, messages(&logs)), (NOW, vec![json!({"body": false})]));
}

#[test]
fn limits_are_named() {
    let many = vec![json!({}); 10_001];
    let refusal = translate(json!({}), json!({}), many).unwrap_err();
    assert_eq!(refusal, Refusal::TooManyItems { count: 10_001, what: "log records", most: 10_000 });
    let refusal = translate(json!({"x": "y".repeat(17_000)}), json!({}), vec![json!({})]).unwrap_err();
    assert_eq!(refusal, Refusal::ContextTooLarge);
    let at = |nanos: u64| json!({"timeUnixNano": nanos.to_string()});
    let refusal =
        translate(json!({}), json!({}), vec![at(NANOS), at(NANOS + 86_400_000_000_000 + 1_000_000)]);
    assert_eq!(refusal.unwrap_err(), Refusal::TooFarApart("log records"));
    let big = json!({"body": {"stringValue": "x".repeat(1_048_576)}});
    let logs = translate(json!({}), json!({}), vec![big.clone(), at(NANOS)]).unwrap();
    assert_eq!((logs.events.len(), logs.rejected), (1, 1));
    assert!(matches!(translate(json!({}), json!({}), vec![big]), Err(Refusal::AllRejected(_))));
    let half = json!({"body": {"stringValue": "x".repeat(600_000)}});
    assert!(matches!(translate(json!({}), json!({}), vec![half.clone(), half]), Err(Refusal::TooLarge(_))));
}
