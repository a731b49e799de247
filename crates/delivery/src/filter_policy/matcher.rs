//! Matching messages.

use std::collections::BTreeMap;

use serde_json::Value;

use super::condition::{Condition, Scalar};
use super::{FilterPolicy, Node, PolicyScope, Rule};

/// A message attribute as policies see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AttributeValue<'a> {
    /// `String`, `String.Array`, `Number` or `Binary`.
    pub(crate) data_type: &'a str,
    pub(crate) text: &'a str,
}

impl FilterPolicy {
    /// Whether a message with these attributes and this body is wanted.
    pub(crate) fn wants(&self, attributes: &BTreeMap<&str, AttributeValue<'_>>, body: &str) -> bool {
        match self.scope {
            PolicyScope::MessageAttributes => {
                let values = attributes.iter().map(|(name, value)| (*name, scalars(*value))).collect();
                attributes_match(&self.root, &values)
            }
            PolicyScope::MessageBody => match serde_json::from_str::<Value>(body) {
                Ok(body @ Value::Object(_)) => body_matches(&self.root, &[&body]),
                // AWS: a body that is no JSON object is not delivered (sns-message-filtering-scope).
                _ => false,
            },
        }
    }
}

/// The values of one attribute. Binary attributes are none.
fn scalars(attribute: AttributeValue<'_>) -> Vec<Scalar> {
    match attribute.data_type {
        "Number" => attribute.text.trim().parse().ok().map(Scalar::Number).into_iter().collect(),
        "String.Array" => match serde_json::from_str::<Value>(attribute.text) {
            Ok(Value::Array(items)) => items.iter().filter_map(Scalar::of).collect(),
            Ok(single) => Scalar::of(&single).into_iter().collect(),
            Err(_) => Vec::new(),
        },
        kind if kind.starts_with("Binary") => Vec::new(),
        _ => vec![Scalar::Text(attribute.text.to_owned())],
    }
}

fn attributes_match(node: &Node, values: &BTreeMap<&str, Vec<Scalar>>) -> bool {
    let field = |(name, rule): &(String, Rule)| match rule {
        Rule::Any(conditions) => any(conditions, values.get(name.as_str()).map_or(&[], Vec::as_slice)),
        // Policies of this scope are flat.
        Rule::Nested(_) => false,
    };
    node.fields.iter().all(field)
        && node.alternatives.iter().all(|nodes| nodes.iter().any(|node| attributes_match(node, values)))
}

/// Whether a condition holds for one of the values; without values, only `exists: false` does.
fn any(conditions: &[Condition], values: &[Scalar]) -> bool {
    conditions.iter().any(|condition| match condition {
        Condition::Exists(wanted) => *wanted != values.is_empty(),
        condition => values.iter().any(|value| condition.holds(value)),
    })
}

/// `objects` are the objects found at one place: more than one where arrays were on the way.
fn body_matches(node: &Node, objects: &[&Value]) -> bool {
    let field = |(name, rule): &(String, Rule)| {
        let mut found = Vec::new();
        for object in objects {
            if let Some(value) = object.get(name) {
                flatten(value, &mut found);
            }
        }
        match rule {
            Rule::Any(conditions) => {
                let values: Vec<Scalar> = found.iter().filter_map(|value| Scalar::of(value)).collect();
                any(conditions, &values)
            }
            Rule::Nested(nested) => {
                found.retain(|value| value.is_object());
                body_matches(nested, &found)
            }
        }
    };
    node.fields.iter().all(field)
        && node.alternatives.iter().all(|nodes| nodes.iter().any(|node| body_matches(node, objects)))
}

fn flatten<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, found)),
        value => found.push(value),
    }
}
