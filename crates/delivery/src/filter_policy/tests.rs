//! The filter vectors of `spec/notifications.md` §6 and §7, and the pages it is drawn from.

use std::collections::BTreeMap;

use super::*;

fn parse(policy: &str, scope: PolicyScope) -> Result<Option<FilterPolicy>, PolicyError> {
    FilterPolicy::parse(policy, scope)
}

fn wants(policy: &str, attributes: &[(&str, &str, &str)]) -> bool {
    let attributes: BTreeMap<&str, AttributeValue<'_>> = attributes
        .iter()
        .map(|(name, data_type, text)| (*name, AttributeValue { data_type, text }))
        .collect();
    parse(policy, PolicyScope::MessageAttributes).unwrap().unwrap().wants(&attributes, "")
}

fn wants_body(policy: &str, body: &str) -> bool {
    parse(policy, PolicyScope::MessageBody).unwrap().unwrap().wants(&BTreeMap::new(), body)
}

#[test]
fn attributes() {
    let state = [("state", "String", "OK")];
    let number = [("n", "Number", "5")];
    let list = [("l", "String.Array", r#"["a", 7, true, null]"#)];
    for (policy, attributes, expected) in [
        // N7 to N10.
        (r#"{"state":["ALARM"]}"#, &state[..], false),
        (r#"{"n":[{"numeric":[">",0,"<=",5]}]}"#, &number, true),
        (r#"{"a":[{"exists":false}]}"#, &[], true),
        (r#"{"a":[{"anything-but":"x"}]}"#, &[], false),
        (r#"{"state":["ALARM","OK"]}"#, &state, true),
        (r#"{"state":["ok"]}"#, &state, false),
        (r#"{"state":[{"equals-ignore-case":"ok"}]}"#, &state, true),
        (r#"{"state":[{"prefix":"O"}]}"#, &state, true),
        (r#"{"state":[{"suffix":"O"}]}"#, &state, false),
        (r#"{"state":[{"wildcard":"*K"}]}"#, &state, true),
        (r#"{"state":[{"exists":true}]}"#, &state, true),
        (r#"{"state":[{"exists":false}]}"#, &state, false),
        (r#"{"state":[{"anything-but":["ALARM"]}]}"#, &state, true),
        (r#"{"state":[{"anything-but":{"prefix":"O"}}]}"#, &state, false),
        (r#"{"state":["OK"],"other":["x"]}"#, &state, false),
        (r#"{"$or":[{"state":["x"]},{"state":["OK"]}]}"#, &state, true),
        (r#"{"n":[5]}"#, &number, true),
        (r#"{"n":[5.000001]}"#, &number, true),
        (r#"{"n":[5.0001]}"#, &number, false),
        (r#"{"n":["5"]}"#, &number, false),
        (r#"{"n":[{"numeric":["=",5]}]}"#, &number, true),
        (r#"{"n":[{"numeric":["<",5]}]}"#, &number, false),
        (r#"{"n":[{"anything-but":[1,2]}]}"#, &number, true),
        (r#"{"l":["a"]}"#, &list, true),
        (r#"{"l":[7]}"#, &list, true),
        (r#"{"l":[true]}"#, &list, true),
        (r#"{"l":[null]}"#, &list, true),
        (r#"{"l":["b"]}"#, &list, false),
        (r#"{"b":[{"exists":true}]}"#, &[("b", "Binary", "AAAA")], false),
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, &[("ip", "String", "10.0.0.77")], true),
        (r#"{"ip":[{"cidr":"10.0.0.0/24"}]}"#, &[("ip", "String", "10.0.1.77")], false),
        (r#"{"ip":[{"cidr":"2001:db8::/32"}]}"#, &[("ip", "String", "2001:db8:1::1")], true),
        (r#"{"ip":[{"cidr":"0.0.0.0/0"}]}"#, &[("ip", "String", "1.2.3.4")], true),
    ] {
        assert_eq!(wants(policy, attributes), expected, "{policy}");
    }
}

#[test]
fn bodies() {
    for (policy, body, expected) in [
        // N11, N12.
        (r#"{"detail":{"k":["v"]}}"#, r#"{"detail":[{"k":"u"},{"k":"v"}]}"#, true),
        (r#"{"detail":{"k":["v"]}}"#, "not JSON", false),
        (r#"{"k":["v"]}"#, "[1]", false),
        (r#"{"k":["v"]}"#, r#"{"k":["u","v"]}"#, true),
        (r#"{"k":[{"exists":false}]}"#, "{}", true),
        (r#"{"a":{"k":[{"exists":false}]}}"#, "{}", true),
        (r#"{"k":[null]}"#, r#"{"k":null}"#, true),
        (r#"{"k":[{"anything-but":"x"}]}"#, r#"{"j":1}"#, false),
        (r#"{"a":{"b":{"c":[{"numeric":[">=",2]}]}}}"#, r#"{"a":{"b":{"c":2}}}"#, true),
        (r#"{"$or":[{"a":{"b":[1]}},{"c":[2]}]}"#, r#"{"c":2}"#, true),
        (r#"{"$or":[{"a":{"b":[1]}},{"c":[2]}]}"#, r#"{"c":3}"#, false),
    ] {
        assert_eq!(wants_body(policy, body), expected, "{policy} {body}");
    }
}

#[test]
fn what_is_refused() {
    let six = r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#;
    let many = format!(r#"{{"a":{0},"b":{0}}}"#, serde_json::json!((0..13).collect::<Vec<_>>()));
    for (policy, start) in [
        // N13.
        (six, "Filter policy can not have more than 5 keys"),
        (many.as_str(), "Filter policy is too complex"),
        (
            r#"{"a":1}"#,
            "\"a\" must be an object or an array\n at [Source: (String)\"{\"a\":1}\"; line: 1, column: ",
        ),
        (r#"{"a":[]}"#, "Empty arrays are not allowed\n at "),
        (r#"{"a":[{"EXISTS":true}]}"#, "Unrecognized match type EXISTS"),
        (r#"{"a":[{"exists":true,"prefix":"x"}]}"#, "Only one key allowed in match expression"),
        (r#"{"a":[[1]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a":[{"prefix":1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a":[{"exists":"yes"}]}"#, "exists match pattern must be either true or false."),
        (r#"{"a":[{"numeric":[">",1,">",2]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a":[{"numeric":[">",2,"<",1]}]}"#, "Bottom must be less than top"),
        (r#"{"a":[{"numeric":[">=","x"]}]}"#, "Value of >= must be numeric"),
        (r#"{"a":[{"numeric":["<",1,">",2]}]}"#, "Too many elements in numeric expression"),
        (r#"{"a":[{"cidr":"10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a":[{"anything-but":{"suffix":"x"}}]}"#, "Unsupported anything-but pattern: suffix"),
        (r#"{"a":[{"wildcard":"a**b"}]}"#, "Consecutive wildcard characters at pos 1"),
        ("[]", "Filter is not an object"),
        ("{", "failed to parse JSON."),
    ] {
        match parse(policy, PolicyScope::MessageBody) {
            Err(PolicyError::Refused(message)) => {
                assert!(message.starts_with(start), "{policy}: {message}");
            }
            other => panic!("{policy}: {other:?}"),
        }
    }
    let nested = parse(r#"{"a":{"b":[1]}}"#, PolicyScope::MessageAttributes);
    assert!(matches!(nested, Err(PolicyError::Plain(_))), "{nested:?}");
    assert_eq!(parse("{}", PolicyScope::MessageBody), Ok(None));
}

#[test]
fn wildcards_take_linear_time() {
    let policy = format!(r#"{{"k":[{{"wildcard":"{}"}}]}}"#, "*a".repeat(50));
    assert!(!wants_body(&policy, &format!(r#"{{"k":"{}b"}}"#, "a".repeat(100_000))));
}
