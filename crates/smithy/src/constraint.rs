//! Constraint checks of the models (required members, enums, lengths, ranges, patterns), made while a
//! shape is read.
//!
//! [`CheckedReader`] wraps a codec's reader, lets every value through, and notes what breaks a
//! constraint under its path. All violations of a request are reported together, as AWS does:
//! `2 validation errors detected: Value '…' at 'logGroupName' failed to satisfy constraint: Member must …`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use base::Timestamp;
use regex::Regex;

use crate::schema::{Kind, Schema};
use crate::shape::{Document, ReadError, ShapeReader};

/// Violations kept; a request that breaks more is reported by these.
const VIOLATIONS_MAX: usize = 20;
/// Characters of a value that are repeated in a message.
const SHOWN_VALUE_MAX: usize = 1024;

/// One broken constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The value as text; `None` for an absent member.
    pub value: Option<String>,
    /// Lower-camel-case path, list items as `.N.member` counted from 1.
    pub path: String,
    /// e.g. `Member must not be null`.
    pub rule: String,
}

/// The message AWS gives for `violations`, which must not be empty.
pub fn violations_message(violations: &[Violation]) -> String {
    let mut message = format!(
        "{} validation error{} detected: ",
        violations.len(),
        if violations.len() == 1 { "" } else { "s" }
    );
    for (i, violation) in violations.iter().enumerate() {
        if i > 0 {
            message.push_str("; ");
        }
        let Violation { value, path, rule } = violation;
        let _ = match value {
            None => write!(message, "Value null at '{path}' failed to satisfy constraint: {rule}"),
            Some(value) => {
                write!(message, "Value '{value}' at '{path}' failed to satisfy constraint: {rule}")
            }
        };
    }
    message
}

/// Wraps a codec's reader and notes violations.
pub struct CheckedReader<'a> {
    inner: &'a mut dyn ShapeReader,
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    path: Vec<Step>,
    violations: Vec<Violation>,
}

enum Step {
    Member(&'static str),
    Element(usize),
    Entry(String),
}

impl<'a> CheckedReader<'a> {
    pub fn new(inner: &'a mut dyn ShapeReader) -> Self {
        Self { inner, state: Rc::default() }
    }

    /// What was violated so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.state.borrow().violations.clone()
    }

    fn note(&self, value: Option<String>, rule: String) {
        let mut state = self.state.borrow_mut();
        if state.violations.len() < VIOLATIONS_MAX {
            let path = path_text(&state.path);
            state.violations.push(Violation { value, path, rule });
        }
    }

    fn check_length(&self, schema: &Schema, length: usize, shown: impl Fn() -> String) {
        let length = length as u64;
        if let Some(max) = schema.length_max.filter(|max| length > *max) {
            self.note(Some(shown()), format!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = schema.length_min.filter(|min| length < *min) {
            self.note(Some(shown()), format!("Member must have length greater than or equal to {min}"));
        }
    }

    fn check_range(&self, schema: &Schema, value: f64, shown: impl Fn() -> String) {
        if let Some(max) = schema.range_max.filter(|max| value > *max) {
            self.note(Some(shown()), format!("Member must have value less than or equal to {max}"));
        }
        if let Some(min) = schema.range_min.filter(|min| value < *min) {
            self.note(Some(shown()), format!("Member must have value greater than or equal to {min}"));
        }
    }

    fn check_string(&self, schema: &Schema, value: &str) {
        if schema.kind == Kind::Enum && !schema.enum_values.contains(&value) {
            let rule = format!("Member must satisfy enum value set: [{}]", schema.enum_values.join(", "));
            self.note(Some(clip(value)), rule);
            return;
        }
        if schema.length_min.is_some() || schema.length_max.is_some() {
            self.check_length(schema, character_count(value), || clip(value));
        }
        if let Some(pattern) = schema.pattern
            && !matches_whole(pattern, value)
        {
            self.note(
                Some(clip(value)),
                format!("Member must satisfy regular expression pattern: {pattern}"),
            );
        }
    }
}

impl ShapeReader for CheckedReader<'_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let state = &self.state;
        // Structures have at most 64 required members among their first 128; checked by codegen.
        let mut seen = 0u128;
        self.inner.read_structure(schema, &mut |index, reader| {
            seen |= 1 << (index & 127);
            state.borrow_mut().path.push(Step::Member(schema.members[index].name));
            let result = member(index, &mut CheckedReader { inner: reader, state: state.clone() });
            state.borrow_mut().path.pop();
            result
        })?;
        for (index, member) in schema.members.iter().enumerate() {
            if member.required && seen & (1 << (index & 127)) == 0 {
                self.state.borrow_mut().path.push(Step::Member(member.name));
                self.note(None, "Member must not be null".to_owned());
                self.state.borrow_mut().path.pop();
            }
        }
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut count = 0;
        let state = &self.state;
        self.inner.read_list(schema, &mut |reader| {
            count += 1;
            state.borrow_mut().path.push(Step::Element(count));
            let result = element(&mut CheckedReader { inner: reader, state: state.clone() });
            state.borrow_mut().path.pop();
            result
        })?;
        self.check_length(schema, count, || format!("[{count} items]"));
        Ok(())
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut count = 0;
        let state = &self.state;
        let key_schema = (schema.members[0].schema)();
        self.inner.read_map(schema, &mut |key, reader| {
            count += 1;
            state.borrow_mut().path.push(Step::Entry(key.clone()));
            let mut checked = CheckedReader { inner: reader, state: state.clone() };
            checked.check_string(key_schema, &key);
            let result = entry(key, &mut checked);
            state.borrow_mut().path.pop();
            result
        })?;
        self.check_length(schema, count, || format!("{{{count} entries}}"));
        Ok(())
    }

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError> {
        let value = self.inner.read_string(schema)?;
        self.check_string(schema, &value);
        Ok(value)
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        self.inner.read_boolean(schema)
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        let value = self.inner.read_integer(schema)?;
        self.check_range(schema, value as f64, || value.to_string());
        Ok(value)
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        let value = self.inner.read_double(schema)?;
        self.check_range(schema, value, || value.to_string());
        Ok(value)
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        self.inner.read_timestamp(schema)
    }

    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        let value = self.inner.read_blob(schema)?;
        self.check_length(schema, value.len(), || format!("[{} bytes]", value.len()));
        Ok(value)
    }

    fn read_document(&mut self, schema: &'static Schema) -> Result<Document, ReadError> {
        self.inner.read_document(schema)
    }
}

fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        if !text.is_empty() {
            text.push('.');
        }
        let _ = match step {
            Step::Member(name) => write!(text, "{}", lower_camel(name)),
            Step::Element(number) => write!(text, "{number}.member"),
            Step::Entry(key) => write!(text, "{key}"),
        };
    }
    text
}

/// `LogGroupName` → `logGroupName`, as validation messages and CloudTrail records spell members.
pub fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// AWS counts UTF-16 code units; for text without surrogates that is the number of characters.
fn character_count(value: &str) -> usize {
    if value.is_ascii() { value.len() } else { value.encode_utf16().count() }
}

fn clip(value: &str) -> String {
    value.chars().take(SHOWN_VALUE_MAX).collect()
}

/// Whether the whole of `value` matches `pattern`. Patterns come from the models, so compiling each
/// once per thread is enough; one this engine cannot express constrains nothing (codegen's test lists them).
fn matches_whole(pattern: &'static str, value: &str) -> bool {
    thread_local! {
        static COMPILED: RefCell<HashMap<&'static str, Option<Regex>>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        let regex = compiled.entry(pattern).or_insert_with(|| compile(pattern));
        regex.as_ref().is_none_or(|r| r.is_match(value))
    })
}

/// Fragments of the models' patterns that this engine spells differently.
const TRANSLATIONS: &[(&str, &str)] = &[
    // UTF-16 surrogate pairs, and code points written as if \u took five digits.
    (r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}"),
    (r"\u10000-\u10FFFF", r"\x{10000}-\x{10FFFF}"),
    // A hyphen after a class is itself, not a range.
    (r"[\w-_]", r"[\w\-_]"),
    // No look-around here: "not only white space" is "some character that is not".
    (r"^(?!\s*$).+", r"^.*\S.*"),
];

/// The pattern as an anchored regular expression of this engine; `None` if it cannot be expressed.
pub fn compile(pattern: &str) -> Option<Regex> {
    let mut text = pattern.to_owned();
    for (fragment, translation) in TRANSLATIONS {
        if text.contains(fragment) {
            text = text.replace(fragment, translation);
        }
    }
    Regex::new(&format!("^(?s:{text})$")).ok()
}

#[cfg(test)]
mod tests;
