//! A place in the body, and the checks that one kind of value needs.

use serde_json::{Map, Value};

use super::Finding;

/// A value with the path that leads to it.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// Empty for the body itself.
    path: String,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    pub(super) fn member(&self, name: &str) -> Option<Node<'a>> {
        let value = self.value.as_object()?.get(name)?;
        Some(Self { path: format!("{}/{}", self.path, escaped(name)), value })
    }

    pub(super) fn item(&self, index: usize, value: &'a Value) -> Node<'a> {
        Self { path: format!("{}/{index}", self.path), value }
    }

    pub(super) fn object(&self) -> Option<&'a Map<String, Value>> {
        self.value.as_object()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }
}

/// A member's name within a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Checker {
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

impl Checker {
    pub(super) fn error(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.errors.push(finding(node, message));
    }

    pub(super) fn warn(&mut self, node: &Node<'_>, message: impl Into<String>) {
        self.warnings.push(finding(node, message));
    }

    /// The member of an object that must have it.
    pub(super) fn required<'a>(&mut self, node: &Node<'a>, name: &str) -> Option<Node<'a>> {
        let member = node.member(name);
        if member.is_none() {
            self.error(node, format!("Should have required property '{name}'"));
        }
        member
    }

    /// Whether it is an object.
    pub(super) fn is_object(&mut self, node: &Node<'_>) -> bool {
        let is_object = node.value.is_object();
        if !is_object {
            self.error(node, "Should be object");
        }
        is_object
    }

    /// The items of an array of so many.
    pub(super) fn array<'a>(&mut self, node: &Node<'a>, min: usize, max: usize) -> Option<Vec<Node<'a>>> {
        let Value::Array(items) = node.value else {
            self.error(node, "Should be array");
            return None;
        };
        if items.len() < min {
            self.error(node, format!("Should NOT have fewer than {min} items"));
        }
        if items.len() > max {
            self.error(node, format!("Should NOT have more than {max} items"));
            return None;
        }
        Some(items.iter().enumerate().map(|(index, item)| node.item(index, item)).collect())
    }

    pub(super) fn string<'a>(&mut self, node: &Node<'a>) -> Option<&'a str> {
        if !node.value.is_string() {
            self.error(node, "Should be string");
        }
        node.text()
    }

    pub(super) fn boolean(&mut self, node: &Node<'_>) {
        if !node.value.is_boolean() {
            self.error(node, "Should be boolean");
        }
    }

    pub(super) fn number(&mut self, node: &Node<'_>) {
        if !node.value.is_number() {
            self.error(node, "Should be number");
        }
    }

    /// A whole number between two bounds.
    pub(super) fn integer(&mut self, node: &Node<'_>, min: i64, max: i64) -> Option<i64> {
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64);
        let number = node.value.as_i64().or_else(|| node.value.as_f64().and_then(whole));
        match number {
            None => self.error(node, "Should be integer"),
            Some(number) if number < min => self.error(node, format!("Should be >= {min}")),
            Some(number) if number > max => self.error(node, format!("Should be <= {max}")),
            Some(number) => return Some(number),
        }
        None
    }

    pub(super) fn one_of(&mut self, node: &Node<'_>, allowed: &[&str]) {
        if let Some(text) = self.string(node)
            && !allowed.contains(&text)
        {
            self.error(node, "Should be equal to one of the allowed values");
        }
    }

    pub(super) fn text_that(&mut self, node: &Node<'_>, accepts: impl Fn(&str) -> bool, message: &str) {
        if let Some(text) = self.string(node)
            && !accepts(text)
        {
            self.error(node, message);
        }
    }

    /// Optional members of one kind each.
    pub(super) fn strings(&mut self, node: &Node<'_>, names: &[&str]) {
        for member in names.iter().filter_map(|name| node.member(name)) {
            self.string(&member);
        }
    }

    pub(super) fn booleans(&mut self, node: &Node<'_>, names: &[&str]) {
        for member in names.iter().filter_map(|name| node.member(name)) {
            self.boolean(&member);
        }
    }

    /// Warns of members nobody reads.
    pub(super) fn known(&mut self, node: &Node<'_>, names: &[&str]) {
        for name in node.object().into_iter().flat_map(Map::keys) {
            if !names.contains(&name.as_str())
                && let Some(member) = node.member(name)
            {
                self.warn(&member, format!("The property '{name}' is not known and is ignored"));
            }
        }
    }
}

fn finding(node: &Node<'_>, message: impl Into<String>) -> Finding {
    let path = if node.path.is_empty() { "/".to_owned() } else { node.path.clone() };
    Finding { path, message: message.into() }
}
