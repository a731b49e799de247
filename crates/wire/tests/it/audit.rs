//! Shapes as audit records show them.

use serde_json::{Value, json};
use smithy::{Kind, Member, Schema};
use wire::audit_json;

use crate::dynamic::Dynamic;
use crate::schemas::{SINK, STRING};

fn audit(schema: &'static Schema, value: Value) -> Value {
    audit_json(&Dynamic { schema, value })
}

#[test]
fn members_are_lower_camel_and_map_keys_stay() {
    static INPUT: Schema = Schema {
        members: &[
            Member::new("LogGroupName", || &STRING),
            Member::new("Tags", || &crate::schemas::STRING_MAP),
        ],
        ..Schema::new("Input", Kind::Structure)
    };
    assert_eq!(
        audit(&INPUT, json!({"LogGroupName": "g", "Tags": {"Team": "x"}})),
        json!({"logGroupName": "g", "tags": {"Team": "x"}})
    );
}

#[test]
fn secrets_are_hidden_and_blobs_left_out() {
    let value = json!({"secret": "swordfish", "blob": "bytes", "string": "a", "pairList": [{"b": 1}]});
    assert_eq!(
        audit(&SINK, value),
        json!({"secret": "HIDDEN_DUE_TO_SECURITY_REASONS", "string": "a", "pairList": [{"b": 1}]})
    );
}

#[test]
fn times_are_spelled_out() {
    assert_eq!(
        audit(&SINK, json!({"timestamp": 1_704_067_200_000i64})),
        json!({"timestamp": "Jan 1, 2024, 12:00:00 AM"})
    );
    assert_eq!(
        audit(&SINK, json!({"timestamp": 1_398_796_238_000i64})),
        json!({"timestamp": "Apr 29, 2014, 6:30:38 PM"})
    );
}

#[test]
fn nothing_is_null_and_so_is_what_is_too_large() {
    assert_eq!(audit(&SINK, json!({})), Value::Null);
    assert_eq!(audit(&SINK, json!({"string": "x".repeat(101 * 1024)})), Value::Null);
    let long = "x".repeat(99 * 1024);
    assert_eq!(audit(&SINK, json!({"string": long})), json!({"string": long}));
}

#[test]
fn nested_structures_keep_their_place() {
    let value = json!({"pair": {"a": "x"}, "nested": {"nested": {"string": "deep"}, "boolean": false}, "double": 1.5});
    assert_eq!(audit(&SINK, value.clone()), value);
}
