//! Fields discovered in a message: the scalars of a JSON object by dotted path (`spec/logs-insights.md` §2).

use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Fields discovered in one event.
const FIELDS_MAX: usize = 200;
/// Deeper nesting yields no fields.
const DEPTH_MAX: usize = 100;

/// Path and text of each scalar, in document order; empty unless the message is a JSON object. Strings are
/// unescaped, numbers as they are written, booleans `1` and `0`; `null` is absent.
pub(crate) fn discover(message: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if message.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(message).is_ok() {
        walk(message.trim(), "", 0, &mut found);
    }
    found
}

fn walk(json: &str, path: &str, depth: usize, found: &mut Vec<(String, String)>) {
    if found.len() >= FIELDS_MAX || depth > DEPTH_MAX {
        return;
    }
    let child = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match json.as_bytes().first() {
        Some(b'{') => {
            for (key, value) in members(json) {
                // AWS: a key that starts with @ gets one more, so that it cannot pass for a system field.
                let key = if depth == 0 && key.starts_with('@') { format!("@{key}") } else { key };
                walk(value, &child(&key), depth + 1, found);
            }
        }
        Some(b'[') => {
            for (index, value) in elements(json).into_iter().enumerate() {
                walk(value, &child(&index.to_string()), depth + 1, found);
            }
        }
        Some(b'"') => found.extend(serde_json::from_str(json).ok().map(|text| (path.to_owned(), text))),
        Some(b't') => found.push((path.to_owned(), "1".to_owned())),
        Some(b'f') => found.push((path.to_owned(), "0".to_owned())),
        Some(b'n') | None => {}
        Some(_) => found.push((path.to_owned(), json.to_owned())),
    }
}

fn members(json: &str) -> Vec<(String, &str)> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de str)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
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

fn elements(json: &str) -> Vec<&str> {
    struct Elements;
    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<&'de str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_by_path_in_document_order() {
        let message =
            r#" {"b":"x\n","a":{"n":1.50,"list":[true,null,{"k":false}]},"@user":"u","none":null} "#;
        let found = discover(message);
        let shown: Vec<_> = found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            shown,
            [("b", "x\n"), ("a.n", "1.50"), ("a.list.0", "1"), ("a.list.2.k", "0"), ("@@user", "u")]
        );
        for nothing in ["", "text", "[1]", "12", "{\"a\":1", "{\"a\":1} tail"] {
            assert!(discover(nothing).is_empty(), "{nothing}");
        }
        let many = format!("{{{}}}", (0..300).map(|i| format!("\"k{i}\":{i}")).collect::<Vec<_>>().join(","));
        assert_eq!(discover(&many).len(), 200);
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(110), "]".repeat(110));
        assert!(discover(&deep).is_empty());
    }
}
