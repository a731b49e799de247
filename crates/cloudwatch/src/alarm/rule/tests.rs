//! Rules: what they mean, and what is not one.

use super::*;

fn states(pairs: &str) -> BTreeMap<String, StateValue> {
    let pair = |text: &str| {
        let (name, state) = text.split_once('=').unwrap();
        let state = match state {
            "A" => StateValue::Alarm,
            "O" => StateValue::Ok,
            _ => StateValue::InsufficientData,
        };
        (name.to_owned(), state)
    };
    pairs.split_whitespace().map(pair).collect()
}

#[test]
fn rules_are_met_as_documented() {
    for (rule, given, expected) in [
        // Vectors C1, C3 to C7.
        ("ALARM(a) OR ALARM(b)", "a=O b=A", true),
        ("ALARM(a) OR ALARM(b)", "a=O b=O", false),
        ("ALARM(a) AND NOT ALARM(d)", "a=A d=A", false),
        ("ALARM(a) AND NOT ALARM(d)", "a=A d=O", true),
        ("AT_LEAST(2, ALARM, (a,b,c))", "a=A b=A c=O", true),
        ("AT_LEAST(2, ALARM, (a,b,c))", "a=A b=O c=O", false),
        ("AT_LEAST(50%, OK, (a,b,c,d))", "a=O b=O c=A d=A", true),
        ("AT_LEAST(\"51%\", OK, (a,b,c,d))", "a=O b=O c=A d=A", false),
        ("AT_LEAST(1, NOT OK, (a, b))", "a=O b=I", true),
        ("NOT (OK(a) AND OK(b))", "a=O b=I", true),
        ("FALSE", "", false),
        ("true and not false", "", true),
        ("NOT NOT ALARM(a)", "a=A", true),
        // AND binds tighter than OR.
        ("ALARM(a) OR ALARM(b) AND ALARM(c)", "a=A b=O c=O", true),
        ("(ALARM(a) OR ALARM(b)) AND ALARM(c)", "a=A b=O c=O", false),
        ("INSUFFICIENT_DATA(a)", "a=I", true),
        ("ALARM(\"a \\\"quoted\\\" (name), with all\")", "x=A", false),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", "x=A", false),
    ] {
        assert_eq!(parse(rule).unwrap().is_met(&states(given)), expected, "{rule} with {given}");
    }
    let quoted = parse("ALARM(\"a \\\"b\\\" (c), d\") AND OK( plain )").unwrap();
    assert_eq!(quoted.references().into_iter().collect::<Vec<_>>(), ["a \"b\" (c), d", "plain"]);
}

#[test]
fn what_is_not_a_rule_is_refused_by_place() {
    for (rule, message) in [
        ("", "The rule ends where a condition is expected at position 0"),
        ("ALARM(a", "')' expected at position 7"),
        ("ALARM()", "An alarm name is expected at position 6"),
        ("ALARM(a) b", "Unexpected 'b' at position 9"),
        ("ALARM(a) OR", "The rule ends where a condition is expected at position 11"),
        ("BROKEN(a)", "Unknown function or keyword 'BROKEN' at position 0"),
        ("ALARM a", "'(' expected, not 'a' at position 6"),
        ("AT_LEAST(0, ALARM, (a))", "'0' is not a number or percentage of alarms at position 9"),
        ("AT_LEAST(3, ALARM, (a,b))", "AT_LEAST wants 3 of 2 alarms at position 25"),
        ("AT_LEAST(101%, OK, (a))", "'101%' is not a number or percentage of alarms at position 9"),
        ("AT_LEAST(1, BAD, (a))", "'BAD' is not a state at position 12"),
        ("ALARM(\"a)", "The quoted name does not end at position 6"),
        ("OK(a))", "Unexpected ')' at position 5"),
    ] {
        assert_eq!(parse(rule).unwrap_err().to_string(), message, "{rule}");
    }
    let deep = format!("{}TRUE{}", "(".repeat(101), ")".repeat(101));
    assert!(parse(&deep).unwrap_err().message.contains("too deep"));
    let long = vec!["TRUE"; 501].join(" OR ");
    assert!(parse(&long).unwrap_err().message.contains("more than 500 elements"));
    assert!(parse(&vec!["TRUE"; 500].join(" OR ")).is_ok());
}

#[test]
fn cycles_are_found_and_what_depends_on_them_is_not_part() {
    let graph = |edges: &[(&'static str, &[&'static str])]| -> BTreeMap<&'static str, Vec<&'static str>> {
        edges.iter().map(|(alarm, children)| (*alarm, children.to_vec())).collect()
    };
    let found =
        |edges: &[(&'static str, &[&'static str])]| in_cycles(&graph(edges)).into_iter().collect::<Vec<_>>();
    assert_eq!(found(&[("a", &["b"]), ("b", &["a"])]), ["a", "b"]);
    assert_eq!(found(&[("a", &["a"])]), ["a"]);
    assert_eq!(found(&[("a", &["b", "m"]), ("b", &["m"])]), Vec::<&str>::new());
    let two =
        [("a", &["b"][..]), ("b", &["a", "c"]), ("c", &["d"]), ("d", &["e"]), ("e", &["d"]), ("top", &["a"])];
    assert_eq!(found(&two), ["a", "b", "d", "e"]);
}
