//! Finds the rows whose message may contain a text by looking into columns, without putting messages
//! together where that is not needed.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Int32Type;
use memchr::memmem::Finder;

use super::api::{FieldTest, FieldText};
use super::block::Block;
use super::fields::number_of;
use super::json::Class;
use super::layout::{FIRST_TEMPLATE, FieldColumn, Layout};
use super::values::{Cells, Encoding};
use crate::error::StoreError;

/// A text to be found in messages.
pub(crate) struct Needle {
    finder: Finder<'static>,
    bytes: Vec<u8>,
}

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        Self { finder: Finder::new(text.as_bytes()).into_owned(), bytes: text.as_bytes().to_vec() }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn found_in(&self, text: &[u8]) -> bool {
        self.finder.find(text).is_some()
    }

    /// Whether an occurrence can lie across a slot's edge in some message of this layout. It then holds a
    /// byte of the literal next to the slot, behind its first byte or before its last.
    pub(crate) fn may_cross_slots(&self, layout: &Layout) -> bool {
        let (Some(head), Some(tail)) =
            (self.bytes.split_last().map(|(_, head)| head), self.bytes.split_first().map(|(_, tail)| tail))
        else {
            return true;
        };
        layout.templates.iter().any(|template| {
            let count = template.literals.len();
            template.literals.iter().enumerate().any(|(at, literal)| {
                let (Some(first), Some(last)) = (literal.first(), literal.last()) else { return true };
                (at > 0 && tail.contains(first)) || (at + 1 < count && head.contains(last))
            })
        })
    }

    /// Whether the values of a column in this form can hold the needle's characters at all.
    fn fits(&self, column: &FieldColumn) -> bool {
        let all = |ok: fn(u8) -> bool| self.bytes.iter().all(|b| ok(*b));
        match column.encoding {
            Encoding::Dictionary | Encoding::Text => {
                column.class == Class::String
                    || all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            }
            Encoding::Hex(_) => all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            Encoding::Time => all(|b| matches!(b, b'0'..=b'9' | b'-' | b':' | b'.' | b'T' | b'Z')),
            Encoding::Integer | Encoding::Decimal(_) | Encoding::Double => {
                all(|b| matches!(b, b'0'..=b'9' | b'-' | b'.'))
            }
            Encoding::Bool => {
                self.found_in(b"true") || self.found_in(b"false") || {
                    let part_of = |word: &[u8]| memchr::memmem::find(word, &self.bytes).is_some();
                    part_of(b"true") || part_of(b"false")
                }
            }
        }
    }
}

/// What must be loaded to look for the needle; `None` is everything.
pub(crate) fn columns_needed(layout: &Layout, needle: &Needle) -> Option<Vec<usize>> {
    if needle.may_cross_slots(layout) {
        return None;
    }
    let fitting = layout.columns.iter().enumerate().filter(|(_, column)| needle.fits(column));
    Some(fitting.map(|(index, _)| index).collect())
}

/// Rows whose message contains the needle.
pub(crate) fn contains(block: &Block, needle: &Needle) -> Result<BooleanBuffer, StoreError> {
    let rows = block.rows();
    if needle.bytes.is_empty() {
        return Ok(BooleanBuffer::new_set(rows));
    }
    if needle.may_cross_slots(&block.layout) {
        let messages = block.messages();
        let mut text = Vec::with_capacity(1024);
        let mut hits = arrow::array::BooleanBufferBuilder::new(rows);
        for row in 0..rows {
            text.clear();
            messages.write(row, &mut text)?;
            hits.append(needle.found_in(&text));
        }
        return Ok(hits.finish());
    }
    let mut hits = vec![false; rows];
    if let Some(texts) = &block.texts {
        in_texts(texts, needle, &mut hits);
    }
    for (column, array) in block.layout.columns.iter().zip(&block.fields) {
        if let Some(array) = array
            && needle.fits(column)
        {
            in_column(column.encoding, array, needle, &mut hits);
        }
    }
    let in_literals: Vec<bool> =
        block.layout.templates.iter().map(|t| t.literals.iter().any(|l| needle.found_in(l))).collect();
    if in_literals.contains(&true)
        && let Some(templates) = &block.templates
    {
        for (hit, template) in hits.iter_mut().zip(templates.values()) {
            let index = usize::try_from(template - FIRST_TEMPLATE).ok();
            *hit |= index.is_some_and(|i| in_literals.get(i).copied().unwrap_or(false));
        }
    }
    Ok(BooleanBuffer::from(hits))
}

fn in_column(encoding: Encoding, array: &ArrayRef, needle: &Needle, hits: &mut [bool]) {
    match encoding {
        Encoding::Dictionary => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            let mut found = vec![false; values.len()];
            in_texts(values, needle, &mut found);
            if !found.contains(&true) {
                return;
            }
            let keys = dictionary.keys();
            for (row, hit) in hits.iter_mut().enumerate() {
                *hit |= keys.is_valid(row) && found[keys.value(row) as usize];
            }
        }
        Encoding::Text => in_texts(array.as_string(), needle, hits),
        _ => {
            let cells = Cells::new(encoding, array.as_ref());
            let mut text = Vec::with_capacity(64);
            for (row, hit) in hits.iter_mut().enumerate().filter(|(row, _)| array.is_valid(*row)) {
                text.clear();
                cells.write(row, &mut text);
                *hit |= needle.found_in(&text);
            }
        }
    }
}

/// One search over all texts, which lie side by side; an occurrence across an edge is none.
fn in_texts(texts: &StringArray, needle: &Needle, hits: &mut [bool]) {
    let offsets = texts.value_offsets();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return };
    let bytes = &texts.value_data()[..*last as usize];
    let mut from = *first as usize;
    let mut row = 0;
    while let Some(at) = needle.finder.find(&bytes[from..]) {
        let at = from + at;
        row += offsets[row..].partition_point(|o| *o as usize <= at) - 1;
        let end = offsets[row + 1] as usize;
        if at + needle.bytes.len() <= end {
            hits[row] |= texts.is_valid(row);
            from = end;
        } else {
            from = at + 1;
        }
    }
}

/// A value that a field must equal, both sides coerced: as numbers if both are, else as text.
pub(crate) struct Wanted {
    pub(crate) text: String,
    number: Option<f64>,
}

impl Wanted {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), number: number_of(text) }
    }

    /// Only texts equal to the wanted one can match.
    pub(crate) fn is_plain_text(&self) -> bool {
        self.number.is_none()
    }

    fn matches(&self, text: &str) -> bool {
        text == self.text || self.number.is_some_and(|wanted| number_of(text) == Some(wanted))
    }

    /// Rows of the block whose field may equal the wanted value; rows that were not shredded always may.
    pub(crate) fn rows(&self, block: &Block, path: &str) -> BooleanBuffer {
        let mut hits = vec![false; block.rows()];
        for (index, column) in block.layout.columns_of(path) {
            if let Some(array) = block.fields.get(index).and_then(Option::as_ref) {
                self.in_column(column, array, &mut hits);
            }
        }
        let fields = &block.layout.unshredded;
        if (fields.more || fields.kinds.contains_key(path))
            && let Some(templates) = &block.templates
        {
            for (hit, template) in hits.iter_mut().zip(templates.values()) {
                *hit |= *template == super::layout::UNSHREDDED;
            }
        }
        BooleanBuffer::from(hits)
    }

    fn in_column(&self, column: &FieldColumn, array: &ArrayRef, hits: &mut [bool]) {
        let check = |text: &str| match column.escapes && text.contains('\\') {
            true => super::json::unescape(text).is_some_and(|t| self.matches(&t)),
            false => self.matches(text),
        };
        match column.encoding {
            Encoding::Dictionary => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let values = dictionary.values().as_string::<i32>();
                let equal: Vec<bool> = values.iter().map(|v| v.is_some_and(check)).collect();
                if !equal.contains(&true) {
                    return;
                }
                let keys = dictionary.keys();
                for (row, hit) in hits.iter_mut().enumerate() {
                    *hit |= keys.is_valid(row) && equal[keys.value(row) as usize];
                }
            }
            Encoding::Text => {
                for (hit, text) in hits.iter_mut().zip(array.as_string::<i32>()) {
                    *hit |= text.is_some_and(check);
                }
            }
            Encoding::Bool => {
                let wanted =
                    |b: bool| self.number == Some(f64::from(u8::from(b))) || self.text == b.to_string();
                for (hit, value) in hits.iter_mut().zip(array.as_boolean()) {
                    *hit |= value.is_some_and(wanted);
                }
            }
            Encoding::Hex(_) if self.is_plain_text() => {
                let Some(bytes) = hex_bytes(&self.text) else { return };
                let values = array.as_fixed_size_binary();
                for (row, hit) in hits.iter_mut().enumerate() {
                    *hit |= values.is_valid(row) && values.value(row) == bytes;
                }
            }
            Encoding::Integer if self.number.is_some_and(|n| n.abs() < 9e15 && n.fract() == 0.0) => {
                let wanted = self.number.unwrap_or_default() as i64;
                let values = array.as_primitive::<arrow::datatypes::Int64Type>();
                for (row, hit) in hits.iter_mut().enumerate() {
                    *hit |= values.is_valid(row) && values.value(row) == wanted;
                }
            }
            Encoding::Integer | Encoding::Decimal(_) | Encoding::Double if self.is_plain_text() => {}
            _ => {
                let cells = Cells::new(column.encoding, array.as_ref());
                let mut text = Vec::with_capacity(64);
                for (row, hit) in hits.iter_mut().enumerate().filter(|(row, _)| array.is_valid(*row)) {
                    text.clear();
                    cells.write(row, &mut text);
                    *hit |= std::str::from_utf8(&text).is_ok_and(|t| self.matches(t));
                }
            }
        }
    }
}

/// Rows of the block whose field may pass the test; rows kept as text always may.
pub(crate) fn rows_passing(block: &Block, test: &FieldTest<'_>) -> BooleanBuffer {
    let mut hits = vec![false; block.rows()];
    if let Some(templates) = &block.templates {
        for (hit, template) in hits.iter_mut().zip(templates.values()) {
            *hit = *template < FIRST_TEMPLATE;
        }
    }
    for (index, column) in block.layout.columns_of(test.path) {
        if let Some(array) = block.fields.get(index).and_then(Option::as_ref) {
            test_column(column, array, test, &mut hits);
        }
    }
    BooleanBuffer::from(hits)
}

fn test_column(column: &FieldColumn, array: &ArrayRef, test: &FieldTest<'_>, hits: &mut [bool]) {
    let check = |text: &str| match column.class {
        Class::String if column.escapes && text.contains('\\') => {
            super::json::unescape(text).is_some_and(|text| (test.admits)(FieldText::String(&text)))
        }
        Class::String => (test.admits)(FieldText::String(text)),
        Class::Number | Class::Bool => (test.admits)(FieldText::Literal(text)),
    };
    match column.encoding {
        Encoding::Dictionary => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            let passing: Vec<bool> = values.iter().map(|v| v.is_some_and(check)).collect();
            if !passing.contains(&true) {
                return;
            }
            let keys = dictionary.keys();
            for (row, hit) in hits.iter_mut().enumerate() {
                *hit |= keys.is_valid(row) && passing[keys.value(row) as usize];
            }
        }
        Encoding::Bool => {
            let passing = [check("false"), check("true")];
            for (hit, value) in hits.iter_mut().zip(array.as_boolean()) {
                *hit |= value.is_some_and(|value| passing[usize::from(value)]);
            }
        }
        _ => {
            let cells = Cells::new(column.encoding, array.as_ref());
            let mut text = Vec::with_capacity(64);
            for (row, hit) in hits.iter_mut().enumerate().filter(|(row, _)| array.is_valid(*row)) {
                text.clear();
                cells.write(row, &mut text);
                *hit |= std::str::from_utf8(&text).is_ok_and(check);
            }
        }
    }
}

/// The bytes of lower-case hexadecimal digits.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if text.len() % 2 == 1 {
        return None;
    }
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    text.as_bytes().chunks_exact(2).map(|p| Some(digit(p[0])? << 4 | digit(p[1])?)).collect()
}
