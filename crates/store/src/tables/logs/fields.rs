//! Discovered fields of a block, served as the kind that is asked for, whatever form they are kept in.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Int32Array, Int64Array,
    StringArray, StringViewArray, StringViewBuilder, new_null_array,
};
use arrow::compute;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};

use super::api::FieldKind;
use super::block::Block;
use super::json::{Class, Flat, flatten, unescape};
use super::layout::{FieldColumn, UNSHREDDED};
use super::values::{Cells, Encoding, dictionary, power_of_ten};
use crate::error::StoreError;

pub(crate) fn kind_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::Integer => DataType::Int64,
        FieldKind::Float => DataType::Float64,
        FieldKind::Boolean => DataType::Boolean,
        FieldKind::Text => DataType::Utf8View,
    }
}

/// The field of every row as `kind`; null where it is absent or cannot be one.
pub(crate) fn field(block: &Block, path: &str, kind: FieldKind) -> Result<ArrayRef, StoreError> {
    let mut found: Option<ArrayRef> = None;
    for (index, column) in block.layout.columns_of(path) {
        let Some(array) = block.fields.get(index).and_then(Option::as_ref) else { continue };
        let served = serve(column, array, kind)?;
        found = Some(either(found, served)?);
    }
    if let Some(parsed) = unshredded(block, path, kind) {
        found = Some(either(found, parsed)?);
    }
    Ok(found.unwrap_or_else(|| new_null_array(&kind_type(kind), block.rows())))
}

/// The field of every row as text in a dictionary: the one it is kept in, where there is one.
pub(crate) fn field_keys(block: &Block, path: &str) -> Result<ArrayRef, StoreError> {
    let mut columns = block.layout.columns_of(path);
    if let (Some((index, column)), None) = (columns.next(), columns.next())
        && let (Encoding::Dictionary, false) = (column.encoding, column.escapes)
        && let Some(Some(array)) = block.fields.get(index)
        && !may_be_unshredded(block, path)
    {
        return Ok(array.clone());
    }
    let texts = field(block, path, FieldKind::Text)?;
    let texts = compute::cast(&texts, &DataType::Utf8).map_err(|e| StoreError::format("a log field", e))?;
    let rows = Int32Array::from_iter_values(0..texts.len() as i32);
    let keys = Int32Array::new(rows.values().clone(), texts.logical_nulls());
    Ok(dictionary(keys, texts))
}

/// Whether rows that were not shredded may have this field.
pub(crate) fn may_be_unshredded(block: &Block, path: &str) -> bool {
    let fields = &block.layout.unshredded;
    (fields.more || fields.kinds.contains_key(path))
        && block.templates.as_ref().is_some_and(|t| t.values().contains(&UNSHREDDED))
}

fn either(first: Option<ArrayRef>, second: ArrayRef) -> Result<ArrayRef, StoreError> {
    let Some(first) = first else { return Ok(second) };
    let mask =
        compute::is_not_null(&first).and_then(|mask| compute::kernels::zip::zip(&mask, &first, &second));
    mask.map_err(|e| StoreError::format("a log field", e))
}

fn serve(column: &FieldColumn, array: &ArrayRef, kind: FieldKind) -> Result<ArrayRef, StoreError> {
    match kind {
        FieldKind::Text => text(column, array),
        FieldKind::Boolean => Ok(match column.class {
            Class::Bool => array.clone(),
            _ => new_null_array(&DataType::Boolean, array.len()),
        }),
        FieldKind::Integer if column.encoding == Encoding::Integer => Ok(array.clone()),
        FieldKind::Integer => {
            let numbers = numbers(column, array);
            let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 9.2e18).then_some(v as i64);
            Ok(Arc::new(numbers.iter().map(|v| v.and_then(whole)).collect::<Int64Array>()))
        }
        FieldKind::Float => Ok(Arc::new(numbers(column, array))),
    }
}

fn numbers(column: &FieldColumn, array: &ArrayRef) -> Float64Array {
    match column.encoding {
        Encoding::Integer => array.as_primitive::<Int64Type>().unary(|v| v as f64),
        Encoding::Decimal(scale) => {
            let scale = power_of_ten(scale);
            array.as_primitive::<Int64Type>().unary(|v| v as f64 / scale)
        }
        Encoding::Double => array.as_primitive::<Float64Type>().clone(),
        Encoding::Bool => array.as_boolean().iter().map(|b| b.map(|b| f64::from(u8::from(b)))).collect(),
        Encoding::Time => Float64Array::new_null(array.len()),
        Encoding::Text => numbers_of(array.as_string(), column.escapes),
        Encoding::Dictionary => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = numbers_of(dictionary.values().as_string(), column.escapes);
            let value = |k: i32| values.is_valid(k as usize).then(|| values.value(k as usize));
            dictionary.keys().iter().map(|k| k.and_then(value)).collect()
        }
        Encoding::Hex(_) => {
            let cells = Cells::new(column.encoding, array.as_ref());
            let mut text = Vec::with_capacity(64);
            let rows = (0..array.len()).map(|row| {
                text.clear();
                array.is_valid(row).then(|| cells.write(row, &mut text))?;
                number_of(std::str::from_utf8(&text).ok()?)
            });
            rows.collect()
        }
    }
}

fn numbers_of(texts: &StringArray, escapes: bool) -> Float64Array {
    let number = |text: &str| match escapes && text.contains('\\') {
        true => number_of(&unescape(text)?),
        false => number_of(text),
    };
    texts.iter().map(|t| t.and_then(number)).collect()
}

/// The number a text coerces to: the whole trimmed text must be a decimal number.
pub(crate) fn number_of(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // Neither "inf" nor "nan" is a decimal number.
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.parse().ok()
}

fn text(column: &FieldColumn, array: &ArrayRef) -> Result<ArrayRef, StoreError> {
    match column.encoding {
        Encoding::Dictionary => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string();
            let taken = if values.len() > array.len() {
                // Of a large dictionary only what these rows need is looked at.
                let texts = compute::take(values, dictionary.keys(), None);
                texts.map(|texts| Arc::new(views(texts.as_string(), column.escapes)) as ArrayRef)
            } else {
                compute::take(&views(values, column.escapes), dictionary.keys(), None)
            };
            taken.map_err(|e| StoreError::format("a log field", e))
        }
        Encoding::Text => Ok(Arc::new(views(array.as_string(), column.escapes))),
        Encoding::Bool => {
            let words = array.as_boolean().iter().map(|b| b.map(|b| if b { "1" } else { "0" }));
            Ok(Arc::new(words.collect::<StringViewArray>()))
        }
        _ => {
            let cells = Cells::new(column.encoding, array.as_ref());
            let (mut bytes, mut offsets) = (Vec::with_capacity(array.len() * 16), vec![0i32]);
            for row in 0..array.len() {
                if array.is_valid(row) {
                    cells.write(row, &mut bytes);
                }
                offsets.push(bytes.len() as i32);
            }
            Ok(Arc::new(view_of(bytes, offsets, array.nulls().cloned())?))
        }
    }
}

/// A view array over texts that were written one behind the other.
pub(crate) fn view_of(
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    nulls: Option<arrow::buffer::NullBuffer>,
) -> Result<StringViewArray, StoreError> {
    let offsets = arrow::buffer::OffsetBuffer::new(offsets.into());
    let texts = StringArray::try_new(offsets, arrow::buffer::Buffer::from_vec(bytes), nulls);
    Ok(StringViewArray::from(&texts.map_err(|e| StoreError::format("log text", e))?))
}

fn views(texts: &StringArray, escapes: bool) -> StringViewArray {
    if !escapes {
        return StringViewArray::from(texts);
    }
    let mut out = StringViewBuilder::with_capacity(texts.len());
    for value in texts.iter() {
        match value {
            Some(text) if text.contains('\\') => out.append_option(unescape(text)),
            other => out.append_option(other),
        }
    }
    out.finish()
}

/// The field in rows that are JSON but were not shredded.
fn unshredded(block: &Block, path: &str, kind: FieldKind) -> Option<ArrayRef> {
    if !may_be_unshredded(block, path) {
        return None;
    }
    let (templates, texts) = (block.templates.as_ref()?, block.texts.as_ref()?);
    let mut flat = Flat::default();
    let rows = templates.values().iter().enumerate().map(|(row, template)| {
        if *template != UNSHREDDED {
            return None;
        }
        let message = texts.value(row);
        flatten(message, &mut flat);
        // Of members with the same name the last counts, as JSON parsers have it.
        let scalar = flat.scalars.iter().rfind(|s| flat.path(s) == path)?;
        Some((scalar.class, &message[scalar.start as usize..scalar.end as usize]))
    });
    Some(from_scalars(rows, kind))
}

fn from_scalars<'a>(rows: impl Iterator<Item = Option<(Class, &'a str)>>, kind: FieldKind) -> ArrayRef {
    let number = |(class, text): (Class, &str)| match class {
        Class::Bool => Some(f64::from(u8::from(text == "true"))),
        Class::Number => text.parse().ok(),
        Class::String => number_of(&unescape(text)?),
    };
    match kind {
        FieldKind::Text => {
            let mut out = StringViewBuilder::new();
            for row in rows {
                match row {
                    Some((Class::Bool, text)) => out.append_value(if text == "true" { "1" } else { "0" }),
                    Some((Class::String, text)) if text.contains('\\') => out.append_option(unescape(text)),
                    Some((_, text)) => out.append_value(text),
                    None => out.append_null(),
                }
            }
            Arc::new(out.finish())
        }
        FieldKind::Float => Arc::new(rows.map(|r| r.and_then(number)).collect::<Float64Array>()),
        FieldKind::Integer => {
            let whole = |v: f64| (v.fract() == 0.0 && v.abs() < 9.2e18).then_some(v as i64);
            let integer = |scalar: (Class, &str)| match scalar.0 {
                Class::Number => scalar.1.parse().ok().or_else(|| number(scalar).and_then(whole)),
                _ => number(scalar).and_then(whole),
            };
            Arc::new(rows.map(|r| r.and_then(integer)).collect::<Int64Array>())
        }
        FieldKind::Boolean => {
            let mut out = BooleanBuilder::new();
            rows.for_each(|row| match row {
                Some((Class::Bool, text)) => out.append_value(text == "true"),
                _ => out.append_null(),
            });
            let values: BooleanArray = out.finish();
            Arc::new(values)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shred::{Row, shred};
    use super::*;

    fn block(messages: &[&str]) -> Block {
        let rows = messages.iter().enumerate().map(|(i, m)| Row {
            timestamp: i as i64,
            sequence: i as u64,
            ingestion_time: 0,
            stream: 0,
            message: bytes::Bytes::copy_from_slice(m.as_bytes()),
        });
        shred(rows.collect(), &["s".into()])
    }

    fn texts(block: &Block, path: &str) -> Vec<Option<String>> {
        let array = field(block, path, FieldKind::Text).expect("serves");
        array.as_string_view().iter().map(|t| t.map(str::to_owned)).collect()
    }

    #[test]
    fn a_field_is_served_as_text_and_as_number() {
        let block = block(&[
            r#"{"v":12.300}"#,
            r#"{"v":4.000}"#,
            r#"{"v":"x\ty"}"#,
            r#"{"v":" 7.5 "}"#,
            r#"{"v":true}"#,
            "{}",
            r#"{"v":1,"v":9}"#,
            "no json",
            r#"{"v":"inf"}"#,
        ]);
        assert_eq!(block.layout.kind_of("v"), Some(FieldKind::Text));
        let some = |t: &str| Some(t.to_owned());
        let expected = vec![
            some("12.300"),
            some("4.000"),
            some("x\ty"),
            some(" 7.5 "),
            some("1"),
            None,
            some("9"),
            None,
            some("inf"),
        ];
        assert_eq!(texts(&block, "v"), expected);
        let numbers = field(&block, "v", FieldKind::Float).expect("serves");
        let numbers: Vec<Option<f64>> = numbers.as_primitive::<Float64Type>().iter().collect();
        let expected = [Some(12.3), Some(4.0), None, Some(7.5), Some(1.0), None, Some(9.0), None, None];
        assert_eq!(numbers, expected);
        assert_eq!(texts(&block, "absent"), vec![None; 9]);
        for path in ["v", "absent"] {
            let keys = field_keys(&block, path).expect("serves");
            let keys = compute::cast(&keys, &DataType::Utf8View).expect("casts");
            assert_eq!(&keys, &field(&block, path, FieldKind::Text).expect("serves"), "{path}");
        }
    }

    #[test]
    fn kinds_are_the_union_of_what_is_there() {
        let block = block(&[r#"{"i":1,"f":1,"b":true,"t":1}"#, r#"{"i":2,"f":1.5,"b":false,"t":false}"#]);
        assert_eq!(block.layout.kind_of("i"), Some(FieldKind::Integer));
        assert_eq!(block.layout.kind_of("f"), Some(FieldKind::Float));
        assert_eq!(block.layout.kind_of("b"), Some(FieldKind::Boolean));
        assert_eq!(block.layout.kind_of("t"), Some(FieldKind::Text));
    }
}
