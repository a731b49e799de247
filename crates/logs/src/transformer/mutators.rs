//! Mutators: changes of members (`spec/logs-more.md` §4.2). What does not apply changes nothing.

use regex::Regex;
use serde_json::Number;

use super::value::{Object, Value, get, get_mut, object_at, set, take};

/// A regular expression and what replaces its matches, in the `regex` crate's form.
#[derive(Debug, Clone)]
pub(super) struct Replacement {
    pub(super) regex: Regex,
    pub(super) with: String,
}

/// `$1` and `${name}` of Java, `\x` for x, as the `regex` crate writes them.
pub(super) fn java_replacement(text: &str, groups: usize) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next() {
                Some('$') => out.push_str("$$"),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            '$' if rest.peek().is_some_and(char::is_ascii_digit) => {
                // Java takes further digits as long as there is such a group.
                let mut group = 0;
                while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if group > 0 && longer >= groups {
                        break;
                    }
                    group = longer;
                    rest.next();
                }
                out.push_str(&format!("${{{group}}}"));
            }
            '$' if rest.peek() == Some(&'{') => out.push('$'),
            '$' => out.push_str("$$"),
            other => out.push(other),
        }
    }
    out
}

pub(super) fn move_key(root: &mut Object, source: &str, target: &str, overwrite: bool) {
    let last = source.rsplit('.').next().unwrap_or(source);
    // AWS: into a target that is an object, the key moves under its own name.
    let path = match get(root, target) {
        Some(Value::Object(_)) => format!("{target}.{last}"),
        _ => target.to_owned(),
    };
    if path == source || (!overwrite && get(root, &path).is_some()) || get(root, source).is_none() {
        return;
    }
    if let Some(value) = take(root, source) {
        set(root, &path, value, true);
    }
}

pub(super) fn rename_key(root: &mut Object, key: &str, to: &str, overwrite: bool) {
    if key == to || get(root, key).is_none() || (!overwrite && get(root, to).is_some()) {
        return;
    }
    if let Some(value) = take(root, key) {
        set(root, to, value, true);
    }
}

pub(super) fn on_text(root: &mut Object, path: &str, change: impl FnOnce(&str) -> Value) {
    if let Some(value) = get_mut(root, path)
        && let Some(text) = value.as_text()
    {
        *value = change(text);
    }
}

pub(super) fn convert(root: &mut Object, key: &str, kind: &str) {
    let Some(value) = get_mut(root, key) else { return };
    if let Some(converted) = converted(value, kind) {
        *value = converted;
    }
}

fn converted(value: &Value, kind: &str) -> Option<Value> {
    let text = match value {
        Value::Text(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Object(_) => return None,
    };
    match kind {
        "string" => Some(match value {
            Value::Text(text) => Value::text(text.as_str()),
            _ => Value::Text(text),
        }),
        "boolean" if text.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
        "boolean" if text.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
        "integer" => {
            let whole = text.parse::<i64>().ok();
            let cut = || {
                let number = text.parse::<f64>().ok()?.trunc();
                (number.abs() < 9e15).then_some(number as i64)
            };
            whole.or_else(cut).map(|number| Value::Number(number.into()))
        }
        "double" => text.parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number),
        _ => None,
    }
}

/// Which element of several a flattened entry keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    All,
    First,
    Last,
}

/// A list of objects becomes a map by one of their members.
pub(super) fn list_to_map(
    root: &mut Object,
    source: &str,
    (key, value_key): (&str, Option<&str>),
    target: &str,
    kept: Kept,
) {
    let Some(Value::List(elements)) = get(root, source) else { return };
    let mut map = Object::new();
    for element in elements {
        let Value::Object(members) = element else { continue };
        let Some(Value::Text(name)) = get(members, key) else { continue };
        let value = match value_key {
            None => Some(element),
            Some(path) => get(members, path),
        };
        let Some(value) = value.cloned() else { continue };
        match (kept, map.get_mut(name)) {
            (Kept::All, Some(Value::List(values))) => values.push(value),
            (Kept::All, _) => {
                map.insert(name.clone(), Value::List(vec![value]));
            }
            (Kept::First, Some(_)) => {}
            (Kept::First | Kept::Last, _) => {
                map.insert(name.clone(), value);
            }
        }
    }
    if let Some(target) = object_at(root, target) {
        target.extend(map);
    }
}
