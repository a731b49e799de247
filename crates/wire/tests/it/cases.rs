//! Runs the cases under `cases/`: what each protocol's published test suite covers, in our own data form.
//!
//! A request case has the bytes and the value they are read as, or the kind of failure. A response case
//! has the value and the bytes it is written as; where the protocol's codec reads as well as it writes,
//! the bytes are read back and the request's value is written again.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use smithy::{Protocol, ReadError, Schema};
use wire::{WireRequest, WireResponse, codec};

use crate::dynamic::{Dynamic, read};
use crate::schemas::{MONITORING, PLAIN, operation_named};

pub(crate) fn protocol_named(name: &str) -> Protocol {
    match name {
        "awsJson1_0" => Protocol::AwsJson1_0,
        "awsJson1_1" => Protocol::AwsJson1_1,
        "restJson1" => Protocol::RestJson1,
        "awsQuery" => Protocol::AwsQuery,
        "rpcv2Cbor" => Protocol::RpcV2Cbor,
        other => panic!("no protocol {other}"),
    }
}

fn run(file: &str) {
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    for case in &cases {
        for protocol in case["protocols"].as_array().unwrap() {
            let protocol = protocol_named(protocol.as_str().unwrap());
            let id = case["id"].as_str().unwrap();
            match (case.get("read"), case.get("write")) {
                (Some(request), None) => run_request(id, protocol, case, request),
                (None, Some(response)) => run_response(id, protocol, case, response),
                _ => panic!("{id}: either read or write"),
            }
        }
    }
}

pub(crate) fn bytes_of(message: &Value) -> Bytes {
    if let Some(hex) = message.get("hex") {
        let digits: String = hex.as_str().unwrap().split_whitespace().collect();
        return Bytes::from(hex::decode(digits).unwrap());
    }
    Bytes::from(message.get("body").and_then(Value::as_str).unwrap_or_default().to_owned())
}

pub(crate) fn headers_of(message: &Value) -> HeaderMap {
    let headers = message.get("headers").and_then(Value::as_object).into_iter().flatten();
    headers
        .map(|(name, value)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap())
        })
        .collect()
}

pub(crate) fn read_request(protocol: Protocol, operation: &str, request: &Value) -> Result<Value, ReadError> {
    let operation = operation_named(operation);
    let (headers, body) = (headers_of(request), bytes_of(request));
    let text = |key: &str| request.get(key).and_then(Value::as_str);
    let request = WireRequest {
        method: operation.http.method,
        path: text("path").unwrap_or("/"),
        query: text("query"),
        headers: &headers,
        body: &body,
    };
    let mut value = None;
    codec(protocol).read(&request, operation, &mut |reader| {
        value = Some(read((operation.input)(), reader)?);
        Ok(())
    })?;
    Ok(value.unwrap())
}

fn run_request(id: &str, protocol: Protocol, case: &Value, request: &Value) {
    let operation = case["operation"].as_str().unwrap();
    let found = read_request(protocol, operation, request);
    if let Some(failure) = case.get("failure") {
        let error = found.expect_err(id);
        let kind = match &error {
            ReadError::Malformed(_) => "Malformed",
            ReadError::WrongType { .. } => "WrongType",
            ReadError::TooLarge(_) => "TooLarge",
        };
        assert_eq!(failure, kind, "{id} {protocol:?}: {error}");
        return;
    }
    let found = found.unwrap_or_else(|e| panic!("{id} {protocol:?}: {e}"));
    assert_same(id, protocol, &found, &case["value"]);
    if matches!(protocol, Protocol::AwsJson1_0 | Protocol::AwsJson1_1 | Protocol::RpcV2Cbor) {
        let schema = (operation_named(operation).input)();
        assert_same(id, protocol, &round_trip(protocol, schema, &found), &found);
    }
}

/// The value after being written and read again.
pub(crate) fn round_trip(protocol: Protocol, schema: &'static Schema, value: &Value) -> Value {
    let shape = Dynamic { schema, value: value.clone() };
    if protocol == Protocol::RpcV2Cbor {
        let bytes = wire::cbor::to_cbor(&shape).unwrap();
        let mut reader = wire::cbor::CborReader::new(&bytes);
        let value = read(schema, &mut reader).unwrap();
        reader.finish().unwrap();
        return value;
    }
    let bytes = wire::json::to_json(&shape).unwrap();
    let mut reader = wire::json::JsonReader::new(&bytes).unwrap();
    let value = read(schema, &mut reader).unwrap();
    reader.finish().unwrap();
    value
}

fn run_response(id: &str, protocol: Protocol, case: &Value, expected: &Value) {
    let operation = operation_named(case["operation"].as_str().unwrap());
    let service = if MONITORING.operation(operation.name).is_some() { &MONITORING } else { &PLAIN };
    let output = Dynamic { schema: (operation.output)(), value: case["value"].clone() };
    let request_headers = case.get("request").map(headers_of).unwrap_or_default();
    let request = WireRequest {
        method: "POST",
        path: "/",
        query: None,
        headers: &request_headers,
        body: &Bytes::new(),
    };
    let response =
        codec(protocol).write_output(&request, service, operation, &output, "a-request-id").unwrap();
    assert_response(id, protocol, &response, expected);
    if protocol == Protocol::RpcV2Cbor && operation.has_output {
        assert_same(id, protocol, &round_trip(protocol, output.schema, &output.value), &output.value);
    }
}

pub(crate) fn assert_response(id: &str, protocol: Protocol, response: &WireResponse, expected: &Value) {
    let body = &response.body;
    assert_eq!(
        *body,
        bytes_of(expected),
        "{id} {protocol:?}: {}",
        if protocol == Protocol::RpcV2Cbor {
            hex::encode(body)
        } else {
            String::from_utf8_lossy(body).into_owned()
        }
    );
    let status = expected.get("status").map_or(200, |s| s.as_u64().unwrap());
    assert_eq!(u64::from(response.status.as_u16()), status, "{id} {protocol:?}");
    for (name, value) in &headers_of(expected) {
        assert_eq!(response.headers.get(name), Some(value), "{id} {protocol:?}: {name}");
    }
    for name in expected.get("absent").and_then(Value::as_array).into_iter().flatten() {
        assert_eq!(response.headers.get(name.as_str().unwrap()), None, "{id} {protocol:?}: {name}");
    }
}

/// Integers and doubles of the same value are the same; JSON keeps them apart.
fn assert_same(id: &str, protocol: Protocol, found: &Value, expected: &Value) {
    assert_eq!(normal(found), normal(expected), "{id} {protocol:?}");
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap()),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(k, v)| (k.clone(), normal(v))).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn aws_json() {
    run(include_str!("cases/aws_json.json"));
}

#[test]
fn rest_json() {
    run(include_str!("cases/rest_json.json"));
}

#[test]
fn aws_query() {
    run(include_str!("cases/aws_query.json"));
}

#[test]
fn rpc_v2_cbor() {
    run(include_str!("cases/rpc_v2_cbor.json"));
}
