//! Filter patterns against their corpora, and against anything at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The vectors of `spec/filter-patterns.md` §11, and our own: pattern ⇥ message ⇥ yes, no or error ⇥ source.
const CORPORA: [(&str, &str); 3] = [
    ("unstructured", include_str!("../../tests/corpus/filter_pattern/unstructured.txt")),
    ("json", include_str!("../../tests/corpus/filter_pattern/json.txt")),
    ("space_delimited", include_str!("../../tests/corpus/filter_pattern/space_delimited.txt")),
];

#[test]
fn corpora() {
    for (name, corpus) in CORPORA {
        let mut rows = 0;
        let lines = corpus.lines().enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("# ")) {
            let place = format!("{name}, line {}: {line}", number + 1);
            let columns: Vec<&str> = line.split('\t').collect();
            let [pattern, message, verdict, _source] = columns[..] else { panic!("{place}") };
            assert_eq!(outcome(pattern, message), verdict, "{place}");
            rows += 1;
        }
        assert!(rows >= 40, "{name}: {rows}");
    }
}

fn outcome(pattern: &str, message: &str) -> String {
    match FilterPattern::compile(pattern) {
        Err(error) => error.to_string(),
        Ok(compiled) => {
            let found = compiled.matches(message);
            let held = compiled.must_contain().iter().all(|text| message.contains(text.as_str()));
            assert!(!found || held, "skipping would lose {message} for {pattern}");
            assert!(found || !compiled.matches_everything(), "{pattern} does not match {message}");
            if found { "yes" } else { "no" }.to_owned()
        }
    }
}

/// Pattern ⇥ message ⇥ what is extracted, as JSON ⇥ source.
#[test]
fn extracted_values() {
    let corpus = include_str!("../../tests/corpus/filter_pattern/extracted.txt");
    let mut rows = 0;
    for line in corpus.lines().filter(|line| !line.starts_with("# ")) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [pattern, message, expected, _source] = columns[..] else { panic!("{line}") };
        let compiled = FilterPattern::compile(pattern).unwrap();
        let found: BTreeMap<String, String> = compiled.extract(message).unwrap().into_iter().collect();
        let expected: BTreeMap<String, String> = serde_json::from_str(expected).unwrap();
        assert_eq!(found, expected, "{line}");
        // One by one, through the references a metric filter would name.
        for (reference, value) in &expected {
            assert!(compiled.mentions(reference), "{line}: {reference}");
            let one = compiled.extractor(&[reference]).unwrap();
            assert_eq!(one.values(message), [Some(value.clone())], "{line}: {reference}");
        }
        rows += 1;
    }
    assert!(rows >= 80, "{rows}");
}

#[test]
fn references_of_metric_filters() {
    let json = FilterPattern::compile("{ $.a = 1 }").unwrap();
    let both = json.extractor(&["$.b[1].c", "$.a"]).unwrap();
    assert_eq!(both.values(r#"{"a":1,"b":[0,{"c":"x"}]}"#), [Some("x".to_owned()), Some("1".to_owned())]);
    assert_eq!(both.values(r#"{"a":{}}"#), [None, None]);
    assert_eq!(both.values("no object"), [None, None]);
    for bad in ["a", "$", "$.", "$.a b", "$.*.b[*]", "", "$a"] {
        assert!(json.extractor(&[bad]).is_err(), "{bad}");
    }
    let line = FilterPattern::compile("[ip, ..., size > 3]").unwrap();
    let sizes = line.extractor(&["$size", "$1", "$2", "$9"]).unwrap();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(sizes.values("a b c 4"), [some("4"), some("a"), some("b"), None]);
    assert!(line.extractor(&["$other"]).is_err() && line.extractor(&["$.a"]).is_err());
    let terms = FilterPattern::compile("ERROR").unwrap();
    assert!(terms.extractor(&["$.a"]).is_err() && terms.extractor(&[]).is_ok());
}

#[test]
fn patterns_with_regular_expressions_are_told_apart() {
    for (pattern, expected) in [
        ("%a%", true),
        ("a -%b%", true),
        ("{ $.a = %b% }", true),
        ("[a = %b%]", true),
        ("a", false),
        ("{ $.a = b }", false),
        ("[a = b]", false),
        ("", false),
    ] {
        assert_eq!(FilterPattern::compile(pattern).unwrap().has_regex(), expected, "{pattern}");
    }
}

#[test]
fn a_pattern_has_at_most_1024_characters() {
    assert!(FilterPattern::compile(&"é".repeat(1024)).is_ok());
    assert_eq!(FilterPattern::compile(&"a".repeat(1025)).unwrap_err(), FilterPatternError::Malformed);
}

#[test]
fn patterns_as_large_as_they_can_be() {
    let tests = vec!["$.a=1"; 146].join("||");
    let pattern = FilterPattern::compile(&format!("{{{tests}}}")).unwrap();
    assert!(pattern.matches(r#"{"a":1}"#) && !pattern.matches(r#"{"a":2}"#));

    let deep = format!("{{$.a{}=1}}", "[0]".repeat(300));
    let message = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let pattern = FilterPattern::compile(&deep).unwrap();
    assert!(pattern.matches(&message(300)) && !pattern.matches(&message(301)));

    let nested =
        |depth| FilterPattern::compile(&format!("{{{}$.a=1{}}}", "(".repeat(depth), ")".repeat(depth)));
    assert!(nested(64).unwrap().matches(r#"{"a":1}"#));
    assert_eq!(outcome(&format!("{{{}", "(".repeat(1000)), ""), "Invalid filter pattern");
    let refused = FilterPatternError::Refused("parentheses are nested too deeply");
    assert_eq!(nested(65).unwrap_err(), refused);
}

#[test]
fn messages_of_any_depth_are_read_and_bad_ones_are_not_objects() {
    let pattern = FilterPattern::compile("{ $.b = 1 }").unwrap();
    let mixed = |depth: usize| (r#"{"x":["#.repeat(depth), "]}".repeat(depth));
    for depth in [0, 1, 31, 32, 33, 64, 65, 100_000] {
        let (open, close) = mixed(depth);
        assert!(pattern.matches(&format!(r#"{{"a":[{open}{close}],"b":1}}"#)), "{depth}");
        assert!(!pattern.matches(&format!(r#"{{"a":[{open}],"b":1}}"#)) || depth == 0, "{depth}");
        assert!(!pattern.matches(&format!(r#"{{"b":1,"a":{open}"#)), "{depth}");
    }
    for bad in [
        r#"{"b":1"#,
        r#"{"b":1}}"#,
        r#"{"b":1} x"#,
        r#"{"b":1,}"#,
        r#"{"b":01}"#,
        r#"{"b":1.}"#,
        r#"{"b":1,"c":tru}"#,
        r#"{"b":1,"c":[1,]}"#,
        r#"{"b":1,"c":"\x"}"#,
        r#"{"b":1,"c":"\u12"}"#,
        "{\"b\":1,\"c\":\"\t\"}",
        r#"[{"b":1}]"#,
        r#"{"b":1,"c":{"d"}}"#,
        r#"{"b":1,"c":[1}}"#,
        r#"{"b":1,c:2}"#,
        r#"{"b":1,"c":+1}"#,
        r#"{"b":1,"c":}"#,
        "1",
        "",
    ] {
        assert!(!pattern.matches(bad), "{bad}");
    }
}

#[test]
fn openings_without_their_partners_are_looked_for_once() {
    let pattern = FilterPattern::compile("[..., last = x]").unwrap();
    assert!(pattern.matches(&format!("{} x", "[ \" ".repeat(200_000))));
}

/// Pieces of patterns and messages, so that arbitrary sequences of them are often almost right.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "$",
        ".",
        "a",
        "b",
        "['a']",
        "[0]",
        "[*]",
        "*",
        " ",
        "=",
        "!=",
        "<=",
        ">",
        "1",
        "1.5e3",
        "\"",
        "\\",
        "\\u0061",
        "%",
        "|",
        "||",
        "&&",
        "...",
        ",",
        ":",
        "IS",
        "NULL",
        "NOT",
        "EXISTS",
        "TRUE",
        "null",
        "true",
        "é",
        "-",
        "?",
        "^",
        "+",
        "{1,3}",
        "[^a-b]",
        "\\x41",
        "\\d",
        "$.a",
        "$.a = ",
        "{\"a\":",
        "{ $.a = \"a*\" && ",
        "[a=1,",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|parts| parts.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        pieces(),
        pieces().prop_map(|p| format!("{{{p}}}")),
        pieces().prop_map(|p| format!("[{p}]")),
        ".{0,60}"
    ]
}

/// A JSON value, written with and without white space and escapes.
fn json() -> impl Strategy<Value = String> {
    let string = "[a-c*\\u{e9}]{0,3}".prop_flat_map(|text| {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        prop_oneof![Just(format!("\"{text}\"")), Just(format!("\"{escaped}\""))]
    });
    let scalar = prop_oneof![
        string,
        (-3..4).prop_map(|n: i32| n.to_string()),
        Just("true".to_owned()),
        Just("null".to_owned())
    ];
    let value = scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(("[ab]", inner), 0..3).prop_map(object),
        ]
    });
    prop::collection::vec(("[ab]", value), 0..3).prop_map(object)
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_answered(pattern in text(), message in text()) {
        outcome(&pattern, &message);
    }

    /// Looking first for texts that a match needs never loses a match, however the message is spelt.
    #[test]
    fn a_json_test_and_its_opposite(
        message in json(),
        selector in "\\$(\\.[ab]|\\[[01]\\]){1,2}",
        right in prop_oneof!["[a-c*é]{1,3}", "-?[0-3]"],
    ) {
        let found = |test: &str| outcome(&format!("{{ {selector} {test} }}"), &message) == "yes";
        let scalar = found("= *");
        prop_assert_eq!(found(&format!("= {right}")) || found(&format!("!= {right}")), scalar);
        prop_assert_eq!(found(&format!("= {right}")), found(&format!("= {right} || {selector} = {right}")));
        prop_assert!(!(scalar || found("IS NULL")) || !found("NOT EXISTS"));
    }
}
