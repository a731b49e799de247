//! Reads shapes from a tree of form keys.

use std::fmt::Display;

use base::Timestamp;
use smithy::{Document, Kind, Member, ReadError, Schema, ShapeReader};

use super::form::Tree;
use crate::limits::Budget;
use crate::text::{Names, decode_base64, fit_integer, parse_timestamp, special_double, wrong_type};

/// Stands at one node of a tree.
pub struct QueryReader<'t, 'f> {
    tree: &'t Tree<'f>,
    node: u32,
    /// The member being read is flattened whatever its shape says.
    flattened: bool,
    budget: Budget,
}

impl<'t, 'f> QueryReader<'t, 'f> {
    /// Stands at the root: the input structure.
    pub fn new(tree: &'t Tree<'f>) -> Self {
        Self { tree, node: 0, flattened: false, budget: Budget::default() }
    }

    fn text(&self, schema: &Schema) -> Result<&'f str, ReadError> {
        if self.tree.has_children(self.node) {
            return Err(wrong_type(schema, "a structure"));
        }
        Ok(self.tree.value(self.node).unwrap_or_default())
    }

    /// Reads the value at `node`, then comes back.
    fn visit(
        &mut self,
        node: u32,
        flattened: bool,
        read: impl FnOnce(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let back = (self.node, self.flattened);
        (self.node, self.flattened) = (node, flattened);
        self.budget.enter()?;
        read(self)?;
        self.budget.leave();
        (self.node, self.flattened) = back;
        Ok(())
    }

    /// The nodes of a list's items or a map's entries, in order. Both the wrapped form (`Name.member.1`)
    /// and the flattened form (`Name.1`) are read, whichever the shape states, since old clients differ.
    fn items(&self, schema: &Schema, wrapper: &str) -> Result<Vec<u32>, ReadError> {
        if let Some(wrapped) = self.tree.child(self.node, wrapper) {
            return Ok(self.tree.numbered(wrapped));
        }
        // AWS: `Name=` without an index is an empty list.
        if !self.tree.has_children(self.node) && !self.tree.value(self.node).unwrap_or_default().is_empty() {
            return Err(wrong_type(schema, "a plain value"));
        }
        Ok(self.tree.numbered(self.node))
    }
}

/// The element name of list items and map parts.
fn name_or(member: &Member, default: &'static str) -> &'static str {
    member.location_name.unwrap_or(default)
}

fn parse_failure(schema: &Schema, text: &str) -> ReadError {
    let shown: String = text.chars().take(100).collect();
    wrong_type(schema, format!("'{}'", &shown as &dyn Display))
}

impl ShapeReader for QueryReader<'_, '_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.tree.has_children(self.node) && self.tree.value(self.node).is_some_and(|v| !v.is_empty()) {
            return Err(wrong_type(schema, "a plain value"));
        }
        let tree = self.tree;
        let mut next = 0;
        for child in tree.children(self.node) {
            if let Some(index) = Names::Location.find(schema, tree.key(child), &mut next) {
                self.visit(child, schema.members[index].flattened, |reader| member(index, reader))?;
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let element_schema = schema.list_member();
        for item in self.items(schema, name_or(&schema.members[0], "member"))? {
            self.budget.element(element_schema)?;
            self.visit(item, false, &mut *element)?;
        }
        Ok(())
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let (key_name, value_name) =
            (name_or(&schema.members[0], "key"), name_or(&schema.members[1], "value"));
        let value_schema = schema.map_value();
        for item in self.items(schema, "entry")? {
            self.budget.element(value_schema)?;
            let key = self.tree.child(item, key_name).and_then(|node| self.tree.value(node));
            let key = key
                .ok_or_else(|| ReadError::Malformed(format!("a map entry without {key_name}")))?
                .to_owned();
            let value = self.tree.child(item, value_name);
            let value =
                value.ok_or_else(|| ReadError::Malformed(format!("a map entry without {value_name}")))?;
            self.visit(value, false, |reader| entry(key, reader))?;
        }
        Ok(())
    }

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError> {
        self.text(schema).map(str::to_owned)
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        parse_boolean(schema, self.text(schema)?)
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        parse_integer(schema, self.text(schema)?)
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        parse_double(schema, self.text(schema)?)
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        let text = self.text(schema)?;
        parse_timestamp(text).ok_or_else(|| parse_failure(schema, text))
    }

    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        decode_base64(self.text(schema)?)
    }

    fn read_document(&mut self, schema: &'static Schema) -> Result<Document, ReadError> {
        debug_assert_eq!(schema.kind, Kind::Document);
        self.text(schema).map(|text| Document::String(text.to_owned()))
    }
}

pub(crate) fn parse_boolean(schema: &Schema, text: &str) -> Result<bool, ReadError> {
    if text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(parse_failure(schema, text))
    }
}

pub(crate) fn parse_integer(schema: &Schema, text: &str) -> Result<i64, ReadError> {
    let value = text.trim().parse().map_err(|_| parse_failure(schema, text))?;
    fit_integer(schema, value)
}

/// A double in the lexical form of XML Schema: Rust's own parser also takes `inf` and `nan`.
pub(crate) fn parse_double(schema: &Schema, text: &str) -> Result<f64, ReadError> {
    let trimmed = text.trim();
    if let Some(value) = special_double(trimmed) {
        return Ok(value);
    }
    let lexical = trimmed.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    trimmed.parse().ok().filter(|_| lexical).ok_or_else(|| parse_failure(schema, text))
}
