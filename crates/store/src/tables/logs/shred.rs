//! Turns rows as they were received into a block: finds each message's template, gathers the scalars of
//! each field, and encodes them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, UInt64Array};
use bytes::Bytes;
use hashbrown::HashMap;
use indexmap::IndexMap;

use super::api::FieldKind;
use super::block::Block;
use super::json::{Class, Flat, flatten, is_number, number_length};
use super::layout::{FIRST_TEMPLATE, FieldColumn, Layout, PLAIN, Template, UNSHREDDED, Unshredded};
use super::values::{Cell, dictionary, encode, texts};

/// Shapes and columns of a block; messages of further shapes stay text.
pub(crate) const TEMPLATES_MAX: usize = 128;
pub(crate) const COLUMNS_MAX: usize = 512;
/// After this many rows, a new shape is only taken on while shapes have this many rows each on average.
const TEMPLATE_TRIAL_ROWS: usize = 256;
const ROWS_PER_TEMPLATE: usize = 16;
/// Recently used templates that are tried before the message is parsed.
const RECENT: usize = 6;

/// A row as received.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) timestamp: i64,
    pub(crate) sequence: u64,
    pub(crate) ingestion_time: i64,
    pub(crate) stream: u32,
    pub(crate) message: Bytes,
}

/// Builds a block. `rows` are put in order here; `streams` are the names `Row::stream` points to.
pub(crate) fn shred(mut rows: Vec<Row>, streams: &[Arc<str>]) -> Block {
    let key = |r: &Row| (r.timestamp, r.sequence);
    if !rows.is_sorted_by_key(key) {
        rows.sort_unstable_by_key(key);
    }
    let mut shredder = Shredder::default();
    let mut templates = Vec::with_capacity(rows.len());
    let mut kept: Vec<Cell<'_>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let message = std::str::from_utf8(&row.message).unwrap_or_default();
        let template = shredder.row(at, message);
        if template < FIRST_TEMPLATE {
            kept.push((at as u32, message));
        }
        templates.push(template);
    }
    let texts = downcast_text(&texts(rows.len(), &kept));
    let (layout, fields) = shredder.finish(&rows);
    let keys = Int32Array::from_iter_values(rows.iter().map(|r| r.stream as i32));
    let names: StringArray = StringArray::from_iter_values(streams.iter().map(|s| s.as_ref()));
    Block {
        layout: Arc::new(layout),
        timestamps: Int64Array::from_iter_values(rows.iter().map(|r| r.timestamp)),
        sequences: Some(UInt64Array::from_iter_values(rows.iter().map(|r| r.sequence))),
        ingestion_times: Some(Int64Array::from_iter_values(rows.iter().map(|r| r.ingestion_time))),
        streams: Some(dictionary(keys, Arc::new(names))),
        templates: Some(templates.into()),
        texts: Some(texts),
        fields: fields.into_iter().map(Some).collect(),
    }
}

fn downcast_text(array: &ArrayRef) -> StringArray {
    arrow::array::AsArray::as_string::<i32>(array).clone()
}

/// A scalar's row and its place in the row's message.
type Span = (u32, u32, u32);

/// The columns that slots of templates point to, while they are gathered.
#[derive(Default)]
struct Columns {
    by_name: IndexMap<(Arc<str>, Class), Gathered, foldhash::fast::FixedState>,
}

#[derive(Default)]
struct Gathered {
    spans: Vec<Span>,
    escapes: bool,
}

#[derive(Default)]
struct Shredder {
    columns: Columns,
    templates: Vec<(Template, Vec<Class>)>,
    by_shape: HashMap<u64, Vec<usize>, foldhash::fast::FixedState>,
    recent: Vec<usize>,
    unshredded: Unshredded,
    flat: Flat,
    seen: hashbrown::HashSet<u64, foldhash::fast::FixedState>,
    spans: Vec<(u32, u32)>,
}

impl Shredder {
    /// Notes the scalars of a message; the number of its template.
    fn row(&mut self, row: usize, message: &str) -> i32 {
        for nth in 0..self.recent.len() {
            let number = self.recent[nth];
            let (template, classes) = &self.templates[number];
            if follow(template, classes, message.as_bytes(), &mut self.spans) {
                self.recent[..=nth].rotate_right(1);
                self.note(row, number, false);
                return number as i32 + FIRST_TEMPLATE;
            }
        }
        if !flatten(message, &mut self.flat) {
            return PLAIN;
        }
        match self.shape(row, message) {
            Some(number) => {
                self.recent.retain(|n| *n != number);
                self.recent.insert(0, number);
                self.recent.truncate(RECENT);
                self.spans.clear();
                self.spans.extend(self.flat.scalars.iter().map(|s| (s.start, s.end)));
                let escapes = self.flat.escapes;
                self.note(row, number, escapes);
                number as i32 + FIRST_TEMPLATE
            }
            None => {
                for scalar in &self.flat.scalars {
                    let text = &message[scalar.start as usize..scalar.end as usize];
                    self.unshredded.add(self.flat.path(scalar), scalar_kind(scalar.class, text));
                }
                UNSHREDDED
            }
        }
    }

    fn note(&mut self, row: usize, template: usize, escapes: bool) {
        let (template, classes) = &self.templates[template];
        for ((column, (start, end)), class) in template.slots.iter().zip(&self.spans).zip(classes) {
            let gathered = &mut self.columns.by_name[*column as usize];
            gathered.spans.push((row as u32, *start, *end));
            gathered.escapes |= escapes && *class == Class::String;
        }
    }

    /// The template of the message in `flat`, made if it is new and there is room.
    fn shape(&mut self, row: usize, message: &str) -> Option<usize> {
        if self.flat.cut_off || self.flat.has_duplicates(&mut self.seen) {
            return None;
        }
        let bytes = message.as_bytes();
        let mut literals: Vec<&[u8]> = Vec::with_capacity(self.flat.scalars.len() + 1);
        let mut from = 0;
        for scalar in &self.flat.scalars {
            literals.push(&bytes[from..scalar.start as usize]);
            from = scalar.end as usize;
        }
        literals.push(&bytes[from..]);
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for literal in &literals {
            hasher.update(&(literal.len() as u64).to_le_bytes());
            hasher.update(literal);
        }
        self.flat.scalars.iter().for_each(|s| hasher.update(&[s.class as u8]));
        let hash = hasher.digest();
        let same = |(template, classes): &(Template, Vec<Class>)| {
            template.literals.iter().map(AsRef::as_ref).eq(literals.iter().copied())
                && classes.iter().copied().eq(self.flat.scalars.iter().map(|s| s.class))
        };
        if let Some(found) = self.by_shape.get(&hash)
            && let Some(number) = found.iter().find(|n| same(&self.templates[**n]))
        {
            return Some(*number);
        }
        let crowded = row >= TEMPLATE_TRIAL_ROWS && self.templates.len() * ROWS_PER_TEMPLATE > row;
        if crowded || self.templates.len() >= TEMPLATES_MAX {
            return None;
        }
        let new_columns =
            self.flat.scalars.iter().filter(|s| !self.columns.knows(self.flat.path(s), s.class)).count();
        if self.columns.by_name.len() + new_columns > COLUMNS_MAX {
            return None;
        }
        let scalars = &self.flat.scalars;
        let slots = scalars.iter().map(|s| self.columns.find(self.flat.path(s), s.class)).collect();
        let literals = literals.into_iter().map(Box::from).collect();
        let classes = scalars.iter().map(|s| s.class).collect();
        let number = self.templates.len();
        self.templates.push((Template { literals, slots }, classes));
        self.by_shape.entry(hash).or_default().push(number);
        Some(number)
    }

    fn finish(self, rows: &[Row]) -> (Layout, Vec<ArrayRef>) {
        let mut layout = Layout {
            templates: self.templates.into_iter().map(|(template, _)| template).collect(),
            unshredded: self.unshredded,
            ..Layout::default()
        };
        let mut fields = Vec::with_capacity(self.columns.by_name.len());
        let mut cells: Vec<Cell<'_>> = Vec::new();
        for ((path, class), gathered) in self.columns.by_name {
            cells.clear();
            cells.extend(gathered.spans.iter().map(|(row, start, end)| {
                let text = std::str::from_utf8(&rows[*row as usize].message[*start as usize..*end as usize]);
                (*row, text.unwrap_or_default())
            }));
            let (encoding, array) = encode(class, rows.len(), &cells);
            layout.columns.push(FieldColumn { path, class, encoding, escapes: gathered.escapes });
            fields.push(array);
        }
        (layout, fields)
    }
}

impl Columns {
    fn knows(&self, path: &str, class: Class) -> bool {
        self.by_name.contains_key(&(Arc::<str>::from(path), class))
    }

    fn find(&mut self, path: &str, class: Class) -> u32 {
        let entry = self.by_name.entry((path.into(), class));
        let index = entry.index();
        entry.or_default();
        index as u32
    }
}

/// The kind of a scalar of a message that is not shredded.
pub(crate) fn scalar_kind(class: Class, text: &str) -> FieldKind {
    match class {
        Class::Bool => FieldKind::Boolean,
        Class::String => FieldKind::Text,
        Class::Number if text.parse::<i64>().is_ok() => FieldKind::Integer,
        Class::Number => FieldKind::Float,
    }
}

/// Whether the message is of this shape; if so, `spans` are its scalars. Strings with escapes are left to
/// the parser, which checks them.
fn follow(template: &Template, classes: &[Class], message: &[u8], spans: &mut Vec<(u32, u32)>) -> bool {
    spans.clear();
    let mut literals = template.literals.iter();
    let Some(first) = literals.next() else { return false };
    if !message.starts_with(first) {
        return false;
    }
    let mut at = first.len();
    for (class, literal) in classes.iter().zip(literals) {
        let rest = &message[at..];
        let length = match class {
            Class::String => {
                let Some(length) = memchr::memchr(b'"', rest) else { return false };
                let dirty = rest[..length].iter().fold(false, |d, b| d | (*b < 0x20) | (*b == b'\\'));
                if dirty {
                    return false;
                }
                length
            }
            Class::Number => {
                let length = number_length(rest);
                if !is_number(&rest[..length]) {
                    return false;
                }
                length
            }
            Class::Bool if rest.starts_with(b"true") => 4,
            Class::Bool if rest.starts_with(b"false") => 5,
            Class::Bool => return false,
        };
        if !rest[length..].starts_with(literal) {
            return false;
        }
        spans.push((at as u32, (at + length) as u32));
        at += length + literal.len();
    }
    at == message.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(messages: &[&str]) -> Block {
        let rows = messages.iter().enumerate().map(|(i, m)| Row {
            timestamp: i as i64,
            sequence: i as u64,
            ingestion_time: 0,
            stream: 0,
            message: Bytes::copy_from_slice(m.as_bytes()),
        });
        shred(rows.collect(), &["s".into()])
    }

    #[test]
    fn messages_come_back_byte_for_byte() {
        let many: Vec<String> =
            (0..2000).map(|i| format!("{{\"k{i}\":{i},\"same\":\"x{}\"}}", i % 7)).collect();
        let messages: Vec<&str> = [
            "plain text",
            "",
            "{}",
            " { } \n",
            "{\"a\":1}",
            "{\"a\": 1}",
            "{\"a\":\"x\"}",
            "{\"a\":1.50}",
            "{\"a\":\"quote \\\" here\"}",
            "{\"a\":\"\\u00e9é\",\"b\":[1,2,{\"c\":null}]}",
            "{\"a\":1,\"a\":2}",
            "{\"a\":tru}",
            "{\"a\":true}",
            "{\"a\":-0}",
            "{\"a\":1e400}",
            "[1,2]",
            "{\"a\":{\"a\":{}}}",
        ]
        .into_iter()
        .chain(many.iter().map(String::as_str))
        .collect();
        let block = block(&messages);
        let view = block.messages();
        for (row, message) in messages.iter().enumerate() {
            let mut out = Vec::new();
            view.write(row, &mut out).expect("complete");
            assert_eq!(std::str::from_utf8(&out).expect("utf-8"), *message);
        }
        assert!(block.layout.templates.len() <= TEMPLATES_MAX);
        assert!(block.layout.unshredded.more);
    }

    #[test]
    fn equal_shapes_share_a_template() {
        let block = block(&["{\"a\":1,\"b\":\"x\"}", "{\"a\":2.5,\"b\":\"\"}", "{\"a\":3,\"b\":\"\\n\"}"]);
        assert_eq!(block.layout.templates.len(), 1);
        assert!(block.layout.columns[1].escapes && !block.layout.columns[0].escapes);
    }
}
