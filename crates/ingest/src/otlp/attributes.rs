//! Attribute lists with a memory of what was used: whatever no rule takes goes into metadata.

use std::cell::Cell;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;

pub(super) struct Attributes<'a> {
    entries: Vec<Entry<'a>>,
}

struct Entry<'a> {
    key: &'a str,
    value: Option<&'a Any>,
    used: Cell<bool>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(pairs: &'a [KeyValue]) -> Self {
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let value = pair.value.as_ref().and_then(|v| v.value.as_ref());
            // Of a repeated key the last value counts.
            match entries.iter_mut().find(|entry| entry.key == pair.key) {
                Some(entry) => entry.value = value,
                None => entries.push(Entry { key: &pair.key, value, used: Cell::new(false) }),
            }
        }
        Self { entries }
    }

    /// The value of `key`, which is now used.
    pub(super) fn take(&self, key: &str) -> Option<&'a Any> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        entry.used.set(true);
        entry.value
    }

    /// The value of `key`, which stays as it is.
    pub(super) fn peek(&self, key: &str) -> Option<&'a Any> {
        self.entries.iter().find(|entry| entry.key == key)?.value
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether any key satisfies `test`.
    pub(super) fn any_key(&self, test: impl Fn(&str) -> bool) -> bool {
        self.entries.iter().any(|entry| test(entry.key))
    }

    /// Non-empty text under the first of `keys` that has one; all of them are used.
    pub(super) fn take_text(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().map(|key| self.take(key)).fold(None, |found, value| found.or_else(|| text(value)))
    }

    /// As `take_text`, using nothing.
    pub(super) fn peek_text(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|key| text(self.peek(key)))
    }

    /// An integer under the first of `keys` that has one, also when it was sent as text.
    pub(super) fn take_integer(&self, keys: &[&str]) -> Option<i64> {
        keys.iter().map(|key| self.take(key)).fold(None, |found, value| found.or_else(|| integer(value)))
    }

    pub(super) fn take_flag(&self, key: &str) -> Option<bool> {
        match self.take(key) {
            Some(Any::BoolValue(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Text elements of a list; a text alone counts as a list of its parts between `&`.
    pub(super) fn take_texts(&self, key: &str) -> Vec<&'a str> {
        texts(self.take(key))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a Any>)> + '_ {
        self.entries.iter().map(|entry| (entry.key, entry.value))
    }

    pub(super) fn unused(&self) -> impl Iterator<Item = (&'a str, Option<&'a Any>)> + '_ {
        self.entries.iter().filter(|entry| !entry.used.get()).map(|entry| (entry.key, entry.value))
    }
}

fn text(value: Option<&Any>) -> Option<&str> {
    match value {
        Some(Any::StringValue(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn integer(value: Option<&Any>) -> Option<i64> {
    match value {
        Some(Any::IntValue(number)) => Some(*number),
        Some(Any::StringValue(text)) => text.parse().ok(),
        _ => None,
    }
}

fn texts(value: Option<&Any>) -> Vec<&str> {
    match value {
        Some(Any::StringValue(text)) => text.split('&').filter(|part| !part.is_empty()).collect(),
        Some(Any::ArrayValue(list)) => list.values.iter().filter_map(|v| text(v.value.as_ref())).collect(),
        _ => Vec::new(),
    }
}
