//! The rejection table, what compilation keeps and drops, and that whatever compiles can be viewed.

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_736_949_770);

fn compile(text: &str) -> Result<TraceSegment, SegmentRejection> {
    parse(text, NOW, SegmentRules::default())
}

fn kept(text: &str) -> String {
    String::from_utf8(compile(text).unwrap().document.to_vec()).unwrap()
}

#[test]
fn rejections_in_order() {
    let id = r#""id":"a000000000000001""#;
    let trace = r#""trace_id":"1-6787c000-000000000000000000000001""#;
    let long = format!(r#"{{{id},{trace},"name":"{}","start_time":1}}"#, "n".repeat(201));
    let huge = format!(r#"{{"x":"{}"}}"#, "n".repeat(65_536));
    let rows: Vec<(String, &str)> = vec![
        (huge, "SegmentTooLarge"),
        ("".into(), "ParseError"),
        ("{".into(), "ParseError"),
        ("5".into(), "ParseError"),
        ("{} x".into(), "ParseError"),
        (r#"{"a":01}"#.into(), "ParseError"),
        (r#"{"a":"\ud800"}"#.into(), "ParseError"),
        (r#"{"a":[1,]}"#.into(), "ParseError"),
        ("[]".into(), "MissingId"),
        ("{}".into(), "MissingId"),
        (r#"{"id":null}"#.into(), "MissingId"),
        (r#"{"id":5}"#.into(), "InvalidId"),
        (r#"{"id":"a00000000000001"}"#.into(), "InvalidId"),
        (format!("{{{id}}}"), "MissingTraceId"),
        (format!(r#"{{{id},"trace_id":"1-xyz"}}"#), "InvalidTraceId"),
        (format!(r#"{{{id},"trace_id":"6787c000000000000000000000000001"}}"#), "InvalidTraceId"),
        (format!("{{{id},{trace}}}"), "MissingName"),
        (format!(r#"{{{id},{trace},"name":""}}"#), "InvalidName"),
        (format!(r#"{{{id},{trace},"name":"a?b"}}"#), "InvalidName"),
        (long, "InvalidName"),
        (format!(r#"{{{id},{trace},"name":"n"}}"#), "MissingStartTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":"1"}}"#), "InvalidStartTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":1e999}}"#), "InvalidStartTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":-1}}"#), "InvalidStartTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":1736950070.1}}"#), "InvalidStartTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":1}}"#), "MissingEndTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":1,"in_progress":false}}"#), "MissingEndTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":2,"end_time":1}}"#), "InvalidEndTime"),
        (format!(r#"{{{id},{trace},"name":"n","start_time":2,"end_time":[]}}"#), "InvalidEndTime"),
        (
            format!(r#"{{{id},{trace},"name":"n","start_time":1,"end_time":1,"type":"subsegment"}}"#),
            "MissingParentId",
        ),
        (
            format!(r#"{{{id},{trace},"name":"n","start_time":1,"end_time":1,"parent_id":"z"}}"#),
            "InvalidParentId",
        ),
    ];
    for (text, code) in rows {
        let rejection = compile(&text).unwrap_err();
        assert_eq!(rejection.error_code, code, "{text}");
        if !text.contains("subsegment") {
            assert_eq!(rejection.message, format!("Invalid segment. ErrorCode: {code}"));
        }
    }
}

#[test]
fn rejections_carry_the_id_and_the_message_of_their_kind() {
    let rejection = compile("[]").unwrap_err();
    assert_eq!((rejection.id, rejection.message.as_str()), (None, "Invalid segment. ErrorCode: MissingId"));
    let text = r#"{"type":"subsegment","id":"A000000000000001","trace_id":"1-6787c000-000000000000000000000001","name":"a?b"}"#;
    let rejection = compile(text).unwrap_err();
    assert_eq!(rejection.id.as_deref(), Some("A000000000000001"));
    assert_eq!(rejection.message, "Invalid subsegment. ErrorCode: InvalidName, Cause: null");
}

#[test]
fn strict_trace_time_refuses_old_and_future_ids() {
    let document = |epoch: i64| {
        format!(
            r#"{{"id":"a000000000000001","trace_id":"1-{epoch:08x}-000000000000000000000001","name":"n","start_time":1,"end_time":2}}"#
        )
    };
    let strict = SegmentRules { strict_trace_time: true };
    let now = NOW.as_secs();
    assert!(parse(&document(now - 30 * 86_400), NOW, strict).is_ok());
    assert!(parse(&document(now + 300), NOW, strict).is_ok());
    for epoch in [now - 30 * 86_400 - 1, now + 301] {
        assert_eq!(parse(&document(epoch), NOW, strict).unwrap_err().error_code, "InvalidTraceId");
        assert!(compile(&document(epoch)).is_ok());
    }
}

/// A document with `members` added to a sound one.
fn with(members: &str) -> String {
    format!(
        r#"{{"trace_id":"1-6787c000-000000000000000000000001","id":"a000000000000001","name":"n","start_time":1.5,"end_time":2.50{members}}}"#
    )
}

#[test]
fn compiles_to_compact_json_without_what_does_not_comply() {
    let rows = [
        ("", ""),
        (r#", "unknown" : {"a": [1, {"b": 2}]}"#, ""),
        (
            r#", "metadata" : {"ns": {"a": [1, { "b" : 2e400}, [], {}]}, "k\"": "ü\u00fc"}"#,
            r#","metadata":{"ns":{"a":[1,{"b":2e400},[],{}]},"k\"":"ü\u00fc"}"#,
        ),
        (
            r#","aws":{"operation":5,"retries": 1,"ec2":{"instance_id":"i","x":[]}}"#,
            r#","aws":{"retries":1,"ec2":{"instance_id":"i","x":[]}}"#,
        ),
        (
            r#","http":{"request":{"method":"GET","bogus":1},"response":{"status":"x","content_length":"5"},"y":1}"#,
            r#","http":{"request":{"method":"GET"},"response":{"content_length":"5"}}"#,
        ),
        (
            r#","annotations":{"a":"1","b":2,"c":true,"d":null,"e":[],"f":{},"g":1e999,"x.y":-1.5}"#,
            r#","annotations":{"a":"1","b":2,"c":true,"x.y":-1.5}"#,
        ),
        (r#","namespace":"local","error":"yes","fault":true"#, r#","fault":true"#),
        (r#","namespace":"aws","namespace":"remote""#, r#","namespace":"aws""#),
        (r#","cause":"e000000000000001""#, r#","cause":"e000000000000001""#),
        (
            r#","cause":{"exceptions":[{"id":"e","type":"T","x":1},5]}"#,
            r#","cause":{"exceptions":[{"id":"e","type":"T"}]}"#,
        ),
        (r#","cause":null,"user":null,"in_progress":true,"type":"segment","inferred":true"#, ""),
        (r#","n\u0061mespace":"aws""#, r#","namespace":"aws""#),
    ];
    for (members, expected) in rows {
        assert_eq!(kept(&with(members)), with(expected), "{members}");
        Entity::read(kept(&with(members)).as_bytes()).unwrap();
    }
}

#[test]
fn both_end_time_and_in_progress_is_complete() {
    let segment = compile(&with(r#","in_progress":true"#)).unwrap();
    assert!(!segment.in_progress);
    assert_eq!(segment.end_time, Some(Timestamp::from_millis(2500)));
    assert_eq!(segment.document, with(""));
    let first = with("").replacen('{', "{\"in_progress\":true, ", 1);
    assert_eq!(kept(&first), with(""));
}

#[test]
fn bad_embedded_subsegments_go_with_their_subtrees() {
    let good =
        |id: &str, inner: &str| format!(r#"{{"id":"{id}","name":"s","start_time":1,"end_time":2{inner}}}"#);
    let bad = r#"{"id":"b000000000000009","name":"s","start_time":1,"subsegments":[{"id":"b000000000000008","name":"s","start_time":1,"end_time":2}]}"#;
    let child = good("b000000000000002", "");
    let with_child =
        good("B000000000000001", &format!(r#","type":"subsegment","subsegments":[{bad},{child}, 7]"#));
    let text = with(&format!(r#","subsegments":[{bad},{with_child}]"#));
    let expected_child = good("b000000000000001", &format!(r#","subsegments":[{child}]"#));
    assert_eq!(kept(&text), with(&format!(r#","subsegments":[{expected_child}]"#)));
    let view = Entity::read(kept(&text).as_bytes()).unwrap();
    assert_eq!(view.walk().len(), 3);
    assert_eq!(view.subsegments[0].subsegments[0].id, 0xb000_0000_0000_0002);
}

#[test]
fn nesting_is_cut_at_a_hundred_levels_and_never_exhausts_the_stack() {
    let open = r#"{"id":"b000000000000001","name":"s","start_time":1,"end_time":2,"subsegments":["#;
    let text = with(&format!(r#","subsegments":[{}{}]"#, open.repeat(500), "]}".repeat(500)));
    let view = Entity::read(kept(&text).as_bytes()).unwrap();
    assert_eq!(view.walk().len(), 101);
    let text = with(&format!(r#","metadata":{{"a":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000)));
    assert!(Entity::read(kept(&text).as_bytes()).is_ok());
    assert_eq!(compile(&"[".repeat(60_000)).unwrap_err().error_code, "ParseError");
}

#[test]
fn upper_case_ids_are_folded() {
    let text = r#"{"trace_id":"1-6787C000-00000000000000000000000A","id":"A00000000000000F","name":"n","start_time":1,"end_time":1,"parent_id":"BBBBBBBBBBBBBBBB"}"#;
    assert_eq!(kept(text), text.to_ascii_lowercase());
    assert_eq!(compile(text).unwrap().parent_id, Some(0xbbbb_bbbb_bbbb_bbbb));
}

#[test]
fn times_keep_their_digits_and_may_be_scientific() {
    let text = r#"{"trace_id":"1-6787c000-000000000000000000000001","id":"a000000000000001","name":"n","start_time":1.736949760123456E9,"end_time":1736949760.9}"#;
    assert_eq!(kept(text), text);
    let segment = compile(text).unwrap();
    assert_eq!(segment.start_time, Timestamp::from_millis(1_736_949_760_123));
}

#[test]
fn flags_fall_back_to_the_status_only_when_none_is_set() {
    let flags = |members: &str| {
        let view = Entity::read(kept(&with(members)).as_bytes()).unwrap();
        (view.is_fault(), view.is_error(), view.is_throttle(), view.is_ok())
    };
    assert_eq!(flags(""), (false, false, false, true));
    assert_eq!(flags(r#","http":{"response":{"status":503}}"#), (true, false, false, false));
    assert_eq!(flags(r#","http":{"response":{"status":404}}"#), (false, true, false, false));
    assert_eq!(flags(r#","http":{"response":{"status":429}}"#), (false, true, true, false));
    assert_eq!(flags(r#","error":true,"http":{"response":{"status":503}}"#), (false, true, false, false));
    assert_eq!(flags(r#","fault":false,"http":{"response":{"status":500}}"#), (true, false, false, false));
}

#[test]
fn the_extent_covers_what_is_embedded_and_kept() {
    let sub = |start: f64, end: &str| {
        format!(r#"{{"id":"b000000000000001","name":"s","start_time":{start},{end}}}"#)
    };
    let text = with(&format!(
        r#","subsegments":[{},{},{}]"#,
        sub(0.5, r#""end_time":9"#),
        sub(7.0, r#""in_progress":true"#),
        sub(0.1, r#""end_time":0"#),
    ));
    let segment = compile(&text).unwrap();
    let (first, last) = (Timestamp::from_millis(500), Timestamp::from_secs(9));
    assert_eq!((segment.first_time, segment.last_time, segment.is_unfinished), (first, last, true));
    let segment = compile(&with("")).unwrap();
    assert_eq!(
        (segment.first_time, segment.last_time),
        (Timestamp::from_millis(1500), Timestamp::from_millis(2500))
    );
    assert!(!segment.is_unfinished && !segment.in_progress);
}

/// Any JSON of a few kinds of members, some of them known.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        ".{0,6}".prop_map(Value::from),
        Just(json!("a000000000000001")),
        Just(json!(1.5)),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let key = prop_oneof![
            proptest::sample::select(vec![
                "id",
                "name",
                "start_time",
                "end_time",
                "in_progress",
                "subsegments",
                "http",
                "request",
                "response",
                "status",
                "aws",
                "ec2",
                "annotations",
                "metadata",
                "cause",
                "exceptions",
                "type",
                "parent_id",
                "sql",
            ])
            .prop_map(str::to_owned),
            ".{0,3}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..8).prop_map(|pairs| pairs.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_json_that_can_be_viewed(members in any_json(), pretty in any::<bool>()) {
        let mut document: serde_json::Value = serde_json::from_str(&with("")).unwrap();
        if let (Some(document), serde_json::Value::Object(members)) = (document.as_object_mut(), members) {
            document.extend(members.into_iter().filter(|(key, _)| !matches!(key.as_str(), "id" | "name")));
        }
        let text = if pretty { format!("{document:#}") } else { document.to_string() };
        if let Ok(segment) = compile(&text) {
            let again: serde_json::Value = serde_json::from_slice(&segment.document).unwrap();
            prop_assert!(segment.document.len() <= document.to_string().len());
            // Both read from text: serde_json's reading of numbers can be off by the last bit.
            let sent: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&again["start_time"], &sent["start_time"]);
            Entity::read(&segment.document).unwrap();
            let twice = compile(std::str::from_utf8(&segment.document).unwrap()).unwrap();
            prop_assert_eq!(twice.document, segment.document);
        }
    }

    #[test]
    fn syntax_is_judged_as_serde_json_does(text in "[{}\\[\\]:,\"a1e.\\\\u0 tn-]{0,24}") {
        let valid = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
        let refused = compile(&text).err().is_some_and(|rejection| rejection.error_code == "ParseError");
        let plain = !text.trim_start().starts_with(['{', '[']);
        prop_assert_eq!(refused, !valid || plain);
    }
}
