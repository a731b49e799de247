//! JSON text: members, elements, and the compact form in which maps and lists are kept.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The text without white space between tokens, if it is a map or list.
pub(crate) fn compact(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let (mut inside, mut escaped) = (false, false);
    for c in text.chars() {
        if inside {
            out.push(c);
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => inside = false,
                _ => {}
            }
        } else if !matches!(c, ' ' | '\t' | '\n' | '\r') {
            inside = c == '"';
            out.push(c);
        }
    }
    Some(out)
}

/// A text as a JSON string.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// A value inside JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// A string, a number by its text, a boolean as `1` or `0`.
    Scalar(Cow<'a, str>),
    /// A map or list, as it is written.
    Structure(&'a str),
}

/// What a JSON value is; `None` for null.
pub(crate) fn value(json: &str) -> Option<Value<'_>> {
    Some(match json.as_bytes().first()? {
        b'{' | b'[' => Value::Structure(json),
        b'"' => match json.get(1..json.len().checked_sub(1)?)? {
            plain if !plain.contains('\\') => Value::Scalar(plain.into()),
            _ => Value::Scalar(serde_json::from_str::<String>(json).ok()?.into()),
        },
        b't' => Value::Scalar("1".into()),
        b'f' => Value::Scalar("0".into()),
        b'n' => return None,
        _ => Value::Scalar(json.into()),
    })
}

/// The value at a dotted path in the text of a map or list. Where a key holds dots itself, the longest key
/// that leads on is taken. What lies deeper than 100 levels is not looked for, as it is not discovered.
pub(crate) fn member<'a>(json: &'a str, path: &str) -> Option<&'a str> {
    member_within(json, path, DEPTH_MAX)
}

fn member_within<'a>(json: &'a str, path: &str, levels: usize) -> Option<&'a str> {
    let levels = levels.checked_sub(1)?;
    let found = match json.as_bytes().first()? {
        b'{' => {
            let members = members(json);
            let exact = members.iter().rfind(|(key, _)| key == path);
            if let Some((_, value)) = exact {
                return Some(value);
            }
            let mut leading: Vec<_> = members
                .iter()
                .filter_map(|(key, value)| {
                    let rest = path.strip_prefix(key.as_str())?.strip_prefix('.')?;
                    Some((key.len(), *value, rest))
                })
                .collect();
            leading.sort_by_key(|(length, ..)| std::cmp::Reverse(*length));
            leading.into_iter().find_map(|(_, value, rest)| member_within(value, rest, levels))
        }
        b'[' => {
            let (index, rest) =
                path.split_once('.').map_or((path, None), |(index, rest)| (index, Some(rest)));
            let value = elements(json).into_iter().nth(index.parse().ok()?)?;
            match rest {
                Some(rest) => member_within(value, rest, levels),
                None => Some(value),
            }
        }
        _ => None,
    };
    found.filter(|value| *value != "null")
}

/// Keys and values of a map, in the order of the text.
pub(crate) fn members(json: &str) -> Vec<(String, &str)> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de str)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                members.push((key, value.get()));
            }
            Ok(members)
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_map(Members).unwrap_or_default()
}

/// Elements of a list.
pub(crate) fn elements(json: &str) -> Vec<&str> {
    struct Elements;
    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<&'de str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut elements = Vec::new();
            while let Some(value) = list.next_element::<&'de RawValue>()? {
                elements.push(value.get());
            }
            Ok(elements)
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_seq(Elements).unwrap_or_default()
}

/// The JSON object from which fields of a message are discovered: the whole message, or for a line of a
/// Lambda function the first object in it.
pub(crate) fn object(message: &str, embedded: bool) -> Option<&str> {
    let trimmed = message.trim();
    if trimmed.starts_with('{') && serde_json::from_str::<IgnoredAny>(trimmed).is_ok() {
        return Some(trimmed);
    }
    if !embedded {
        return None;
    }
    // A line may hold braces that begin no object; a few are tried.
    memchr::memchr_iter(b'{', message.as_bytes()).take(8).find_map(|at| {
        let mut stream = serde_json::Deserializer::from_str(&message[at..]).into_iter::<&RawValue>();
        stream.next()?.ok().map(RawValue::get)
    })
}

/// The value at the path of a discovered field: keys at the top that begin with `@` have one more.
pub(crate) fn discovered<'a>(object: &'a str, path: &str) -> Option<&'a str> {
    match path.strip_prefix("@@") {
        Some(_) => member(object, &path[1..]),
        None if path.starts_with('@') => None,
        None => member(object, path),
    }
}

/// Paths and texts of the numbers among the first 200 scalars of an object.
pub(crate) fn numbers(json: &str, found: &mut Vec<(String, f64)>) {
    let mut scalars = 0;
    walk(json, "", 0, &mut scalars, &mut |path, value| {
        if let Ok(number) = value.parse::<f64>()
            && number.is_finite()
            && !value.starts_with('"')
        {
            found.push((path.to_owned(), number));
        }
    });
}

/// Every scalar by its path, as it stands in the text; at most 200.
pub(crate) fn scalars<'a>(json: &'a str, take: &mut dyn FnMut(&str, &'a str)) {
    walk(json, "", 0, &mut 0, take);
}

const SCALARS_MAX: usize = 200;
const DEPTH_MAX: usize = 100;

fn walk<'a>(json: &'a str, path: &str, depth: usize, count: &mut usize, take: &mut dyn FnMut(&str, &'a str)) {
    if *count >= SCALARS_MAX || depth > DEPTH_MAX {
        return;
    }
    let child = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match json.as_bytes().first() {
        Some(b'{') => {
            for (key, value) in members(json) {
                let key = if depth == 0 && key.starts_with('@') { format!("@{key}") } else { key };
                walk(value, &child(&key), depth + 1, count, take);
            }
        }
        Some(b'[') => {
            for (index, value) in elements(json).into_iter().enumerate() {
                walk(value, &child(&index.to_string()), depth + 1, count, take);
            }
        }
        Some(b'n') | None => {}
        Some(_) => {
            *count += 1;
            take(path, json);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements() {
        let json = r#"{"a":{"b.c":[1,{"d":"x\n"}],"n":null},"t":true}"#;
        assert_eq!(member(json, "a.b.c.0"), Some("1"));
        assert_eq!(member(json, "a.b.c.1.d").and_then(value), Some(Value::Scalar("x\n".into())));
        assert_eq!(member(json, "a.n"), None);
        assert_eq!(member(json, "a.b.c").and_then(value), Some(Value::Structure(r#"[1,{"d":"x\n"}]"#)));
        assert_eq!(member(json, "t").and_then(value), Some(Value::Scalar("1".into())));
        assert_eq!(member(json, "a.zz"), None);
    }

    #[test]
    fn compact_form_and_embedded_objects() {
        assert_eq!(
            compact(" { \"a b\" : [ 1 , \"x \\\" y\" ] } ").as_deref(),
            Some(r#"{"a b":[1,"x \" y"]}"#)
        );
        assert_eq!(compact("12"), None);
        assert_eq!(compact("{\"a\":1"), None);
        assert_eq!(object("2024 {x} INFO {\"a\":1} tail", true), Some("{\"a\":1}"));
        assert_eq!(object("INFO {\"a\":1}", false), None);
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(compact(&deep).map(|text| text.len()), Some(deep.len()));
        assert_eq!(elements(&deep).len(), 1);
        // As deep as a query's longest path could lead, on a stack that is not ours to size.
        assert_eq!(member(&deep, &format!("{}0", "0.".repeat(4_900))), None);
        assert!(member(&deep, &format!("{}0", "0.".repeat(98))).is_some());
        numbers(&deep, &mut Vec::new());
        let mut found = Vec::new();
        numbers(r#"{"a":1,"b":"2","c":{"d":2.5},"e":true}"#, &mut found);
        assert_eq!(found, [("a".to_owned(), 1.0), ("c.d".to_owned(), 2.5)]);
    }
}
