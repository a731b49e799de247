//! The byte-exact vectors of `spec/protocols.md` §13 and §14 that concern the wire alone.

use serde_json::{Value, json};
use smithy::{Kind, Member, OperationSchema, Protocol, Schema};
use wire::{WireRequest, codec};

use crate::cases::{bytes_of, read_request, round_trip};
use crate::dynamic::{Dynamic, read};
use crate::schemas::{DOUBLE, SINK, SINK_OPERATION, STRING, TIMESTAMP};

static DIMENSION: Schema = Schema {
    members: &[Member::new("Name", || &STRING), Member::new("Value", || &STRING)],
    ..Schema::new("Dimension", Kind::Structure)
};
static DIMENSIONS: Schema =
    Schema { members: &[Member::new("member", || &DIMENSION)], ..Schema::new("Dimensions", Kind::List) };
static DATUM: Schema = Schema {
    members: &[
        Member::new("MetricName", || &STRING),
        Member::new("Dimensions", || &DIMENSIONS),
        Member::new("Timestamp", || &TIMESTAMP),
        Member::new("Value", || &DOUBLE),
        Member::new("Unit", || &STRING),
    ],
    ..Schema::new("MetricDatum", Kind::Structure)
};
static DATA: Schema =
    Schema { members: &[Member::new("member", || &DATUM)], ..Schema::new("MetricData", Kind::List) };
static INPUT: Schema = Schema {
    members: &[Member::new("Namespace", || &STRING), Member::new("MetricData", || &DATA)],
    ..Schema::new("PutMetricDataInput", Kind::Structure)
};
static PUT_METRIC_DATA: OperationSchema = OperationSchema {
    name: "PutMetricData",
    input: || &INPUT,
    output: || &SINK,
    has_output: false,
    errors: &[],
    http: SINK_OPERATION_HTTP,
    unauthenticated: false,
    host_prefix: None,
    request_compression: true,
};
const SINK_OPERATION_HTTP: smithy::HttpTrait = smithy::HttpTrait { method: "POST", uri: "/", status: 200 };

const B1: &str = "Action=PutMetricData&Version=2010-08-01&Namespace=App&MetricData.member.1.MetricName=Hits\
    &MetricData.member.1.Timestamp=2024-01-01T00%3A00%3A00Z&MetricData.member.1.Value=1.5\
    &MetricData.member.1.Unit=Count&MetricData.member.1.Dimensions.member.1.Name=Svc\
    &MetricData.member.1.Dimensions.member.1.Value=a";
const B2: &str = r#"{"Namespace": "App", "MetricData": [{"MetricName": "Hits", "Timestamp": 1704067200, "Value": 1.5, "Unit": "Count", "Dimensions": [{"Name": "Svc", "Value": "a"}]}]}"#;
const B3: &str = "a2 69 4e616d657370616365 63 417070 6a 4d657472696344617461 81 a5 6a 4d65747269634e616d65 \
    64 48697473 69 54696d657374616d70 c1 1a 65920080 65 56616c7565 fb 3ff8000000000000 64 556e6974 65 436f756e74 \
    6a 44696d656e73696f6e73 81 a2 64 4e616d65 63 537663 65 56616c7565 61 61";

#[test]
fn b1_b2_b3_are_the_same_request() {
    let expected = json!({"Namespace": "App", "MetricData": [{
        "MetricName": "Hits",
        "Timestamp": 1_704_067_200_000i64,
        "Value": 1.5,
        "Unit": "Count",
        "Dimensions": [{"Name": "Svc", "Value": "a"}],
    }]});
    for (protocol, message) in [
        (Protocol::AwsQuery, json!({"body": B1})),
        (Protocol::AwsJson1_0, json!({"body": B2})),
        (Protocol::RpcV2Cbor, json!({"hex": B3})),
    ] {
        let body = bytes_of(&message);
        let headers = http::HeaderMap::new();
        let request = WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &body };
        let mut found = Value::Null;
        codec(protocol)
            .read(&request, &PUT_METRIC_DATA, &mut |reader| {
                found = read(&INPUT, reader)?;
                Ok(())
            })
            .unwrap();
        assert_eq!(found, expected, "{protocol:?}");
        if protocol != Protocol::AwsQuery {
            assert_eq!(round_trip(protocol, &INPUT, &found), expected);
        }
    }
}

/// P7: an account without alarms has empty elements.
#[test]
fn p7_empty_lists_are_empty_elements() {
    let output = Dynamic { schema: &SINK, value: json!({"stringList": [], "pairList": []}) };
    let headers = http::HeaderMap::new();
    let request =
        WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &bytes::Bytes::new() };
    let response = codec(Protocol::AwsQuery)
        .write_output(&request, &crate::schemas::MONITORING, &SINK_OPERATION, &output, "id")
        .unwrap();
    assert!(String::from_utf8_lossy(&response.body).contains("<stringList/><pairList/>"));
}

/// P8: tag 1, then a number.
#[test]
fn p8_cbor_timestamps_have_tag_1() {
    let output = Dynamic { schema: &SINK, value: json!({"timestamp": 1_700_000_000_000i64}) };
    let bytes = wire::cbor::to_cbor(&output).unwrap();
    assert!(bytes.ends_with(&[0xc1, 0x1a, 0x65, 0x53, 0xf1, 0x00]));
}

#[test]
fn p14_an_empty_json_body_is_an_empty_structure() {
    assert_eq!(read_request(Protocol::AwsJson1_0, "Sink", &json!({})), Ok(json!({})));
}

#[test]
fn p15_a_cbor_double_may_be_an_integer() {
    let found = read_request(Protocol::RpcV2Cbor, "Sink", &json!({"hex": "a166646f75626c6503"}));
    assert_eq!(found, Ok(json!({"double": 3.0})));
}

#[test]
fn p16_query_lists_are_ordered_by_number() {
    let body = "stringList.member.2=b&stringList.member.10=c&stringList.member.1=a&Action=x";
    let found = read_request(Protocol::AwsQuery, "Sink", &json!({"body": body}));
    assert_eq!(found, Ok(json!({"stringList": ["a", "b", "c"]})));
}
