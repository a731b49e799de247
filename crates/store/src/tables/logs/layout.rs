//! Which columns a stretch of rows has, and how messages are put together from them.
//!
//! A *template* is what messages of one shape have in common: the text between their scalars (names,
//! punctuation, white space, nulls) and the column of each scalar. Template and columns give back the
//! message byte for byte. A message without a template is kept as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::api::FieldKind;
use super::json::Class;
use super::values::Encoding;
use crate::error::StoreError;

/// Template number of a message that is kept as text and has no discovered fields.
pub(crate) const PLAIN: i32 = 0;
/// Template number of a JSON message that is kept as text: its fields are parsed when asked for.
pub(crate) const UNSHREDDED: i32 = 1;
/// Number of the first template of the layout.
pub(crate) const FIRST_TEMPLATE: i32 = 2;

/// A column of discovered values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldColumn {
    pub(crate) path: Arc<str>,
    pub(crate) class: Class,
    pub(crate) encoding: Encoding,
    /// Some string of the column holds JSON escapes, so that its value differs from its text.
    pub(crate) escapes: bool,
}

impl FieldColumn {
    pub(crate) fn kind(&self) -> FieldKind {
        match (self.class, self.encoding) {
            (Class::Bool, _) => FieldKind::Boolean,
            (Class::String, _) => FieldKind::Text,
            (Class::Number, Encoding::Integer) => FieldKind::Integer,
            (Class::Number, _) => FieldKind::Float,
        }
    }
}

/// The least kind that serves both.
pub(crate) fn union(a: FieldKind, b: FieldKind) -> FieldKind {
    use FieldKind::*;
    match (a, b) {
        (a, b) if a == b => a,
        (Integer, Float) | (Float, Integer) => Float,
        _ => Text,
    }
}

/// A shape of messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    /// One more than slots.
    pub(crate) literals: Vec<Box<[u8]>>,
    /// Column of each slot.
    pub(crate) slots: Vec<u32>,
}

/// Fields of messages that were not shredded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unshredded {
    pub(crate) kinds: BTreeMap<Arc<str>, FieldKind>,
    /// There are more than `kinds` tells.
    pub(crate) more: bool,
}

const UNSHREDDED_PATHS_MAX: usize = 512;

impl Unshredded {
    pub(crate) fn add(&mut self, path: &str, kind: FieldKind) {
        if let Some(known) = self.kinds.get_mut(path) {
            *known = union(*known, kind);
        } else if self.kinds.len() < UNSHREDDED_PATHS_MAX {
            self.kinds.insert(path.into(), kind);
        } else {
            self.more = true;
        }
    }

    pub(crate) fn merge(&mut self, other: &Unshredded) {
        other.kinds.iter().for_each(|(path, kind)| self.add(path, *kind));
        self.more |= other.more;
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<FieldColumn>,
    pub(crate) templates: Vec<Template>,
    pub(crate) unshredded: Unshredded,
}

impl Layout {
    /// Columns of a path, at most one of each class.
    pub(crate) fn columns_of<'a>(
        &'a self,
        path: &'a str,
    ) -> impl Iterator<Item = (usize, &'a FieldColumn)> + 'a {
        self.columns.iter().enumerate().filter(move |(_, c)| &*c.path == path)
    }

    pub(crate) fn kind_of(&self, path: &str) -> Option<FieldKind> {
        let shredded = self.columns_of(path).map(|(_, c)| c.kind());
        // Of a path that is not listed nothing is known: text serves whatever it is.
        let unshredded = self.unshredded.kinds.get(path).copied();
        let unshredded = unshredded.or(self.unshredded.more.then_some(FieldKind::Text));
        shredded.chain(unshredded).reduce(union)
    }

    pub(crate) fn template(&self, number: i32) -> Option<&Template> {
        self.templates.get(usize::try_from(number - FIRST_TEMPLATE).ok()?)
    }

    /// For a part's object; read back by [`Layout::decode`].
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.columns.len());
        for column in &self.columns {
            put_bytes(out, column.path.as_bytes());
            out.push(column.class as u8);
            out.extend_from_slice(&column.encoding.to_bytes());
            out.push(u8::from(column.escapes));
        }
        put_count(out, self.templates.len());
        for template in &self.templates {
            put_count(out, template.slots.len());
            template.slots.iter().for_each(|slot| put_count(out, *slot as usize));
            template.literals.iter().for_each(|literal| put_bytes(out, literal));
        }
        put_count(out, self.unshredded.kinds.len());
        for (path, kind) in &self.unshredded.kinds {
            put_bytes(out, path.as_bytes());
            out.push(kind_index(*kind));
        }
        out.push(u8::from(self.unshredded.more));
    }

    pub(crate) fn decode(input: &mut &[u8]) -> Result<Self, StoreError> {
        decode_layout(input).ok_or_else(|| StoreError::damaged("a log part's layout", "it cannot be decoded"))
    }
}

fn kind_index(kind: FieldKind) -> u8 {
    match kind {
        FieldKind::Integer => 0,
        FieldKind::Float => 1,
        FieldKind::Boolean => 2,
        FieldKind::Text => 3,
    }
}

fn decode_layout(input: &mut &[u8]) -> Option<Layout> {
    let mut layout = Layout::default();
    for _ in 0..take_count(input)? {
        let path = take_text(input)?.into();
        let class = Class::from_index(take_byte(input)?)?;
        let encoding = Encoding::from_bytes([take_byte(input)?, take_byte(input)?])?;
        layout.columns.push(FieldColumn { path, class, encoding, escapes: take_byte(input)? == 1 });
    }
    for _ in 0..take_count(input)? {
        let count = take_count(input)?;
        let slots = (0..count).map(|_| take_count(input).map(|s| s as u32)).collect::<Option<Vec<_>>>()?;
        if slots.iter().any(|s| *s as usize >= layout.columns.len()) {
            return None;
        }
        let literals =
            (0..=count).map(|_| take_bytes(input).map(Box::from)).collect::<Option<Vec<Box<[u8]>>>>()?;
        layout.templates.push(Template { literals, slots });
    }
    for _ in 0..take_count(input)? {
        let path = take_text(input)?.into();
        let kinds = [FieldKind::Integer, FieldKind::Float, FieldKind::Boolean, FieldKind::Text];
        layout.unshredded.kinds.insert(path, *kinds.get(usize::from(take_byte(input)?))?);
    }
    layout.unshredded.more = take_byte(input)? == 1;
    Some(layout)
}

/// Appends a count as LEB128.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u64(out, count as u64);
}

pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number, small ones in few bytes.
pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, (value << 1 ^ value >> 63) as u64);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

pub(crate) fn take_u64(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(input)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(crate) fn take_i64(input: &mut &[u8]) -> Option<i64> {
    take_u64(input).map(|v| (v >> 1) as i64 ^ -((v & 1) as i64))
}

/// A count of things that take at least a byte each, so that damage cannot ask for more than there is.
pub(crate) fn take_count(input: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_u64(input)?).ok()
}

pub(crate) fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (first, rest) = input.split_first()?;
    *input = rest;
    Some(*first)
}

pub(crate) fn take_bytes<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_count(input)?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

pub(crate) fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    std::str::from_utf8(take_bytes(input)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_survives_its_encoding() {
        let mut layout = Layout {
            columns: vec![FieldColumn {
                path: "a.b".into(),
                class: Class::Number,
                encoding: Encoding::Decimal(3),
                escapes: false,
            }],
            templates: vec![Template {
                literals: vec![Box::from(&b"{\"a\":{\"b\":"[..]), Box::from(&b"}}"[..])],
                slots: vec![0],
            }],
            ..Layout::default()
        };
        layout.unshredded.add("x", FieldKind::Integer);
        layout.unshredded.add("x", FieldKind::Float);
        let mut bytes = Vec::new();
        layout.encode(&mut bytes);
        assert_eq!(Layout::decode(&mut bytes.as_slice()).expect("decodes"), layout);
        for cut in 0..bytes.len() {
            assert!(Layout::decode(&mut &bytes[..cut]).is_err());
        }
        assert_eq!(layout.kind_of("x"), Some(FieldKind::Float));
        assert_eq!(layout.kind_of("a.b"), Some(FieldKind::Float));
        assert_eq!(layout.kind_of("y"), None);
    }

    #[test]
    fn numbers_survive_their_encoding() {
        for value in [0, 1, -1, 63, 64, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_i64(&mut out, value);
            assert_eq!(take_i64(&mut out.as_slice()), Some(value));
        }
    }
}
