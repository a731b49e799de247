//! What must hold for any value and any bytes.

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use smithy::Protocol;

use crate::cases::{read_request, round_trip};
use crate::dynamic::Dynamic;
use crate::schemas::{PAIR_LIST, SINK, SINK_OPERATION};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\"\\\\]{0,40}", "(a\\\\|\"|\n|é|😀|\u{1}){0,20}"]
}

fn times() -> impl Strategy<Value = i64> {
    -62_135_596_800_000i64..253_402_300_799_000
}

/// A value of `SINK` in the order and form in which it is read.
fn sink() -> impl Strategy<Value = Value> {
    let scalars = (
        of(text()),
        of(any::<bool>()),
        of(any::<i32>()),
        of(any::<i64>()),
        of(-1e300f64..1e300),
        of(times()),
    );
    let lists = (
        of(vec(text(), 0..5)),
        of(vec(any::<i32>(), 0..5)),
        of(vec((text(), any::<i32>()), 0..4)),
        of(vec(times(), 0..3)),
    );
    let maps = (of(btree_map(text(), text(), 0..4)), of(text()));
    (scalars, lists, maps).prop_map(
        |((string, boolean, integer, long, double, time), (texts, integers, pairs, at), (map, secret))| {
            let pairs = pairs
                .map(|pairs| pairs.into_iter().map(|(a, b)| json!({"a": a, "b": b})).collect::<Vec<_>>());
            let members = [
                ("string", json!(string)),
                ("boolean", json!(boolean)),
                ("integer", json!(integer)),
                ("long", json!(long)),
                ("double", json!(double)),
                ("timestamp", json!(time)),
                ("blob", json!(secret)),
                ("stringList", json!(texts)),
                ("integerList", json!(integers)),
                ("timestampList", json!(at)),
                ("pairList", json!(pairs)),
                ("stringMap", json!(map)),
                ("secret", json!(secret)),
            ];
            let present = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(present.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        },
    )
}

/// The form body a client would send for `value`.
fn form(value: &Value) -> String {
    let mut pairs = vec!["Action=Sink".to_owned()];
    push_form("", value, &mut pairs);
    pairs.join("&")
}

fn push_form(path: &str, value: &Value, pairs: &mut Vec<String>) {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                if name == "stringMap" {
                    for (i, (key, value)) in value.as_object().unwrap().iter().enumerate() {
                        pairs.push(format!("{path}.entry.{}.key={}", i + 1, encode(key)));
                        push_form(&format!("{path}.entry.{}.value", i + 1), value, pairs);
                    }
                } else {
                    push_form(&path, value, pairs);
                }
            }
        }
        Value::Array(items) if items.is_empty() => pairs.push(format!("{path}=")),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                push_form(&format!("{path}.member.{}", i + 1), item, pairs);
            }
        }
        Value::String(text) => pairs.push(format!("{path}={}", encode(text))),
        other => pairs.push(format!("{path}={other}")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(value in sink()) {
        prop_assert_eq!(&round_trip(Protocol::AwsJson1_0, &SINK, &value), &value);
        prop_assert_eq!(&round_trip(Protocol::RpcV2Cbor, &SINK, &value), &value);
    }

    #[test]
    fn our_json_is_what_another_parser_reads(value in sink()) {
        let mut value = value;
        // Members whose JSON form differs from the test's own notation, and doubles, which that parser
        // rounds.
        for name in ["blob", "timestamp", "timestampList", "double"] {
            value.as_object_mut().unwrap().remove(name);
        }
        let bytes = wire::json::to_json(&Dynamic { schema: &SINK, value: value.clone() }).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn json_of_another_writer_is_what_we_read(value in sink()) {
        let mut value = value;
        for name in ["blob", "timestamp", "timestampList"] {
            value.as_object_mut().unwrap().remove(name);
        }
        for body in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(&read_request(Protocol::AwsJson1_0, "Sink", &json!({"body": body})).unwrap(), &value);
        }
    }

    #[test]
    fn form_bodies_are_read_as_they_were_meant(value in sink()) {
        let mut value = value;
        for name in ["blob", "timestamp", "timestampList", "double"] {
            value.as_object_mut().unwrap().remove(name);
        }
        if value["stringMap"].as_object().is_some_and(Map::is_empty) {
            value.as_object_mut().unwrap().remove("stringMap");
        }
        prop_assert_eq!(&read_request(Protocol::AwsQuery, "Sink", &json!({"body": form(&value)})).unwrap(), &value);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..300)) {
        no_panic(&bytes);
    }

    #[test]
    fn nearly_sound_bytes_make_no_decoder_panic(value in sink(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let shape = Dynamic { schema: &SINK, value: value.clone() };
        for mut bytes in [wire::json::to_json(&shape).unwrap(), wire::cbor::to_cbor(&shape).unwrap(), form(&value).into_bytes()] {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            no_panic(&bytes);
        }
    }

    #[test]
    fn accepted_json_is_sound_json(text in "[\\[\\]{}:,\"\\\\a1.e-]{0,24}") {
        let body = format!("{{\"unknown\":{text}}}");
        let ours = read_request(Protocol::AwsJson1_0, "Sink", &json!({"body": body}));
        prop_assert_eq!(ours.is_ok(), serde_json::from_str::<Value>(&body).is_ok(), "{}", body);
    }

    #[test]
    fn xml_is_well_formed(value in sink()) {
        let shape = Dynamic { schema: &SINK, value };
        let headers = http::HeaderMap::new();
        let body = bytes::Bytes::new();
        let request = wire::WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &body };
        let response = wire::codec(Protocol::AwsQuery)
            .write_output(&request, &crate::schemas::MONITORING, &SINK_OPERATION, &shape, "id")
            .unwrap();
        let text = std::str::from_utf8(&response.body).unwrap();
        let mut open = Vec::new();
        for piece in text.split('<').skip(1) {
            let (tag, content) = piece.split_once('>').unwrap();
            let markup_left = content.contains('>') || content.chars().any(|c| c < ' ' && c != '\n' && c != '\t');
            prop_assert!(!markup_left);
            match tag.strip_prefix('/') {
                Some(name) => prop_assert_eq!(open.pop(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap()),
            }
        }
        prop_assert!(open.is_empty());
    }
}

fn no_panic(bytes: &[u8]) {
    let message = json!({"hex": hex::encode(bytes)});
    for protocol in [Protocol::AwsJson1_1, Protocol::RestJson1, Protocol::AwsQuery, Protocol::RpcV2Cbor] {
        let _ = read_request(protocol, "Sink", &message);
    }
    let mut decoder = wire::event_stream::Decoder::new();
    decoder.feed(bytes);
    while let Ok(Some(_)) = decoder.next_message() {}
}

/// A request of many parameters in no order takes time in proportion to its size.
#[test]
fn a_hostile_form_is_read_in_order_of_its_size() {
    let body: String = (0..60_000u64)
        .map(|i| format!("x{}.y=1&pairList.member.{}.a=b&", i * 7919 % 60_000, i * 7919 % 60_000))
        .collect();
    let found =
        read_request(Protocol::AwsQuery, "Sink", &json!({"body": format!("Action=Sink&{body}")})).unwrap();
    assert_eq!(found["pairList"].as_array().unwrap().len(), 60_000);
    assert_eq!(PAIR_LIST.list_member().name, "Pair");
}

/// One byte of CBOR per structure must not become gigabytes.
#[test]
fn a_small_body_cannot_hold_a_million_structures() {
    let mut body = hex::decode("a168706169724c697374").unwrap();
    body.extend_from_slice(&[0x9a, 0x00, 0x0f, 0x42, 0x40]);
    body.resize(body.len() + 1_000_000, 0xa0);
    let found = read_request(Protocol::RpcV2Cbor, "Sink", &json!({"hex": hex::encode(body)}));
    assert!(matches!(found, Err(smithy::ReadError::TooLarge(_))), "{found:?}");
}
