//! JSON values whose members keep their order, and dotted paths into them.

use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Number;

/// Members of an object in the order in which they were put.
pub(super) type Object = IndexMap<String, Value>;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
    Object(Object),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number if the text is one, otherwise the text.
    pub(super) fn number_or_text(text: &str) -> Self {
        if let Ok(number) = text.parse::<i64>() {
            return Self::Number(number.into());
        }
        match text.parse::<f64>().ok().and_then(Number::from_f64) {
            Some(number) if text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => {
                Self::Number(number)
            }
            _ => Self::text(text),
        }
    }

    fn step(&self, step: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.get(step),
            Self::List(elements) => elements.get(step.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn step_mut(&mut self, step: &str) -> Option<&mut Value> {
        match self {
            Self::Object(members) => members.get_mut(step),
            Self::List(elements) => elements.get_mut(step.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

/// What a path leads to.
pub(super) fn get<'v>(root: &'v Object, path: &str) -> Option<&'v Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = root.get(first)?;
    if rest.is_empty() {
        Some(value)
    } else {
        rest.split('.').try_fold(value, |value, step| value.step(step))
    }
}

pub(super) fn get_mut<'v>(root: &'v mut Object, path: &str) -> Option<&'v mut Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let value = root.get_mut(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    rest.split('.').try_fold(value, |value, step| value.step_mut(step))
}

/// Puts a value at a path, making the objects on the way. Nothing happens where something else is in the way, or
/// where there is a value already and `overwrite` is not set.
pub(super) fn set(root: &mut Object, path: &str, value: Value, overwrite: bool) {
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    let Some(parent) = object_at(root, parents) else { return };
    if overwrite || !parent.contains_key(last) {
        parent.insert(last.to_owned(), value);
    }
}

/// The object at a path (the root for an empty one), made if there is nothing.
pub(super) fn object_at<'v>(root: &'v mut Object, path: &str) -> Option<&'v mut Object> {
    if path.is_empty() {
        return Some(root);
    }
    path.split('.').try_fold(root, |object, step| {
        match object.entry(step.to_owned()).or_insert_with(|| Value::Object(Object::new())) {
            Value::Object(members) => Some(members),
            _ => None,
        }
    })
}

/// Takes out what a path leads to; what is around it stays.
pub(super) fn take(root: &mut Object, path: &str) -> Option<Value> {
    let Some((parents, last)) = path.rsplit_once('.') else { return root.shift_remove(path) };
    match get_mut(root, parents)? {
        Value::Object(members) => members.shift_remove(last),
        Value::List(elements) => {
            let index = last.parse::<usize>().ok().filter(|index| *index < elements.len())?;
            Some(elements.remove(index))
        }
        _ => None,
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Object(members) => serializer.collect_map(members),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Boolean(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(Value::Number(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::text(text))
            }
            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    elements.push(element);
                }
                Ok(Value::List(elements))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Object::new();
                while let Some((name, value)) = map.next_entry()? {
                    members.insert(name, value);
                }
                Ok(Value::Object(members))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// The object that a text is, if it is one.
pub(super) fn parse_object(text: &str) -> Option<Object> {
    match serde_json::from_str(text).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
