//! Reading policies, with AWS's refusals.

use serde_json::{Map, Value};

use super::condition::{Cidr, Comparison, Condition, Scalar, Wildcard};
use super::{FilterPolicy, Node, PolicyScope, Rule};

/// AWS: at most five keys, 150 combinations of values and 256 KB (subscription-filter-policy-constraints).
const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: usize = 150;
const BYTES_MAX: usize = 256 << 10;
/// Numbers AWS compares.
const MAGNITUDE_MAX: f64 = 1e9;
/// Depth of nesting that is read.
const DEPTH_MAX: usize = 64;

/// Why a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PolicyError {
    /// The text alone: after `Invalid parameter: [Attributes Reason: ]FilterPolicy: `.
    Refused(String),
    /// After `Invalid parameter: ` alone.
    Plain(&'static str),
}

impl FilterPolicy {
    /// `None` for the empty policy, which wants everything.
    pub(crate) fn parse(text: &str, scope: PolicyScope) -> Result<Option<Self>, PolicyError> {
        let refused = |message: String| PolicyError::Refused(placed(text, message));
        if text.len() > BYTES_MAX {
            return Err(PolicyError::Refused("Filter policy is too large".to_owned()));
        }
        let object = match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(refused("Filter is not an object".to_owned())),
            Err(_) => return Err(PolicyError::Refused("failed to parse JSON.".to_owned())),
        };
        let nested = "Filter policy scope MessageAttributes does not support nested filter policy";
        if scope == PolicyScope::MessageAttributes && has_nested(&object) {
            return Err(PolicyError::Plain(nested));
        }
        let root = node(&object, 0).map_err(refused)?;
        let (mut keys, mut combinations) = (0, 1_usize);
        count(&root, 1, &mut keys, &mut combinations);
        if keys > KEYS_MAX {
            return Err(PolicyError::Refused("Filter policy can not have more than 5 keys".to_owned()));
        }
        if combinations > COMBINATIONS_MAX {
            return Err(PolicyError::Refused("Filter policy is too complex".to_owned()));
        }
        Ok((!object.is_empty()).then_some(Self { scope, root }))
    }
}

/// Adds the place, as AWS's parser names it.
fn placed(text: &str, message: String) -> String {
    // AWS: the column is that of the parser's lookahead; clients show it and don't read it.
    let key = message.split('"').nth(1).and_then(|key| text.find(&format!("\"{key}\"")));
    let column = key.map_or(text.chars().count(), |at| text[..at].chars().count()) + 1;
    format!("{message}\n at [Source: (String)\"{text}\"; line: 1, column: {column}]")
}

fn has_nested(object: &Map<String, Value>) -> bool {
    object.iter().any(|(key, value)| match value {
        Value::Object(_) => true,
        Value::Array(items) if key == "$or" => items.iter().filter_map(Value::as_object).any(has_nested),
        _ => false,
    })
}

/// AWS: a nested key's values count as often as it is deep (example of subscription-filter-policy-constraints).
fn count(node: &Node, depth: usize, keys: &mut usize, combinations: &mut usize) {
    for (_, rule) in &node.fields {
        match rule {
            Rule::Any(conditions) => {
                *keys += 1;
                let values: usize = conditions
                    .iter()
                    .map(|condition| match condition {
                        Condition::AnythingBut(values) => values.len().max(1),
                        _ => 1,
                    })
                    .sum();
                *combinations = combinations.saturating_mul(values * depth);
            }
            Rule::Nested(nested) => count(nested, depth + 1, keys, combinations),
        }
    }
    for alternatives in &node.alternatives {
        alternatives.iter().for_each(|alternative| count(alternative, depth, keys, combinations));
    }
}

fn node(object: &Map<String, Value>, depth: usize) -> Result<Node, String> {
    if depth > DEPTH_MAX {
        return Err("Filter policy is too deep".to_owned());
    }
    let mut node = Node::default();
    for (key, value) in object {
        match value {
            Value::Array(items) if key == "$or" => node.alternatives.push(alternatives(items, depth)?),
            Value::Object(nested) if nested.is_empty() => {
                return Err("Empty objects are not allowed".to_owned());
            }
            Value::Object(nested) => {
                node.fields.push((key.clone(), Rule::Nested(self::node(nested, depth + 1)?)));
            }
            Value::Array(items) if items.is_empty() => return Err("Empty arrays are not allowed".to_owned()),
            Value::Array(items) => {
                let conditions = items.iter().map(condition).collect::<Result<_, _>>()?;
                node.fields.push((key.clone(), Rule::Any(conditions)));
            }
            _ => return Err(format!("\"{key}\" must be an object or an array")),
        }
    }
    Ok(node)
}

fn alternatives(items: &[Value], depth: usize) -> Result<Vec<Node>, String> {
    if items.len() < 2 {
        return Err("There must have at least 2 Objects in $or relationship.".to_owned());
    }
    let object = |item: &Value| match item {
        Value::Object(object) if !object.is_empty() => node(object, depth + 1),
        _ => Err("Only objects are allowed in $or relationship.".to_owned()),
    };
    items.iter().map(object).collect()
}

fn condition(value: &Value) -> Result<Condition, String> {
    match value {
        Value::Object(object) => {
            let mut members = object.iter();
            match (members.next(), members.next()) {
                (Some((operator, operand)), None) => matching(operator, operand),
                _ => Err("Only one key allowed in match expression".to_owned()),
            }
        }
        Value::Array(_) => Err("Match value must be String, number, true, false, or null".to_owned()),
        value => scalar(value).map(Condition::Equal),
    }
}

fn scalar(value: &Value) -> Result<Scalar, String> {
    let scalar = Scalar::of(value)
        .ok_or_else(|| "Match value must be String, number, true, false, or null".to_owned())?;
    match scalar {
        Scalar::Number(number) if number.abs() > MAGNITUDE_MAX => Err(out_of_range()),
        scalar => Ok(scalar),
    }
}

fn out_of_range() -> String {
    "Value must be between -1.0E9 and 1.0E9, inclusive".to_owned()
}

fn matching(operator: &str, operand: &Value) -> Result<Condition, String> {
    let text = || operand.as_str().ok_or_else(|| format!("{operator} match pattern must be a string"));
    Ok(match operator {
        "prefix" => Condition::Prefix(text()?.to_owned()),
        "suffix" => Condition::Suffix(text()?.to_owned()),
        "equals-ignore-case" => Condition::EqualsIgnoreCase(text()?.to_owned()),
        "wildcard" => Condition::Wildcard(Wildcard::parse(text()?)?),
        "cidr" => Condition::Cidr(Cidr::parse(text()?)?),
        "exists" => {
            Condition::Exists(operand.as_bool().ok_or("exists match pattern must be either true or false.")?)
        }
        "numeric" => numeric(operand)?,
        "anything-but" => anything_but(operand)?,
        other => return Err(format!("Unrecognized match type {other}")),
    })
}

fn anything_but(operand: &Value) -> Result<Condition, String> {
    match operand {
        Value::Array(items) if items.is_empty() => Err("Empty arrays are not allowed".to_owned()),
        Value::Array(items) => items.iter().map(scalar).collect::<Result<_, _>>().map(Condition::AnythingBut),
        Value::Object(object) => {
            let mut members = object.iter();
            match (members.next(), members.next()) {
                (Some((operator, operand)), None) if matches!(operator.as_str(), "prefix" | "wildcard") => {
                    matching(operator, operand).map(|condition| Condition::Not(Box::new(condition)))
                }
                (Some((operator, _)), None) => Err(format!("Unsupported anything-but pattern: {operator}")),
                _ => Err("Only one key allowed in match expression".to_owned()),
            }
        }
        value => Ok(Condition::AnythingBut(vec![scalar(value)?])),
    }
}

fn numeric(operand: &Value) -> Result<Condition, String> {
    let items = operand.as_array().ok_or("Value of numeric must be an array.")?;
    if items.is_empty() {
        return Err("Invalid member in numeric match: ]".to_owned());
    }
    let mut bounds = Vec::new();
    for pair in items.chunks(2) {
        let name = pair[0].as_str().ok_or_else(|| format!("Invalid member in numeric match: {}", pair[0]))?;
        let comparison = Comparison::by_name(name)
            .ok_or_else(|| format!("Unrecognized numeric range operator: {name}"))?;
        let value = pair.get(1).and_then(Value::as_f64).ok_or_else(|| {
            format!("Value of {} must be numeric", if name == "=" { "equals" } else { name })
        })?;
        if value.abs() > MAGNITUDE_MAX {
            return Err(out_of_range());
        }
        bounds.push((comparison, value));
    }
    let is_lower = |op: Comparison| matches!(op, Comparison::Greater | Comparison::GreaterOrEqual);
    let is_upper = |op: Comparison| matches!(op, Comparison::Less | Comparison::LessOrEqual);
    let name = |index: usize| items[index].as_str().unwrap_or_default().to_owned();
    match bounds.as_slice() {
        [_] => {}
        [(lower, bottom), (upper, top)] => {
            if !is_lower(*lower) {
                return Err("Too many elements in numeric expression".to_owned());
            }
            if !is_upper(*upper) {
                return Err(format!("Bad numeric range operator: {}", name(2)));
            }
            if bottom >= top {
                return Err("Bottom must be less than top".to_owned());
            }
        }
        _ => return Err("Too many elements in numeric expression".to_owned()),
    }
    Ok(Condition::Numeric(bounds))
}
