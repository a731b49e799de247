//! Maps and lists as columns: their members, and their elements as rows.
//!
//! A map or list is compact JSON text. A value that may be either a scalar or a structure is two columns, one
//! of which is null in each row.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ListArray, StringViewArray, StringViewBuilder, StructArray, UInt32Array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::common::cast::as_string_view_array;

use super::discover;
use super::json::{self, Value};

/// Elements of one list; more fail the query by name.
const ELEMENTS_MAX: usize = 1 << 20;

/// Fields of an element: its text or its structure, and where it was.
pub(crate) const ELEMENT_TEXT: &str = "0";
pub(crate) const ELEMENT_STRUCTURE: &str = "1";
pub(crate) const ELEMENT_INDEX: &str = "2";

fn element_fields() -> Fields {
    Fields::from(vec![
        Field::new(ELEMENT_TEXT, DataType::Utf8View, true),
        Field::new(ELEMENT_STRUCTURE, DataType::Utf8View, true),
        Field::new(ELEMENT_INDEX, DataType::UInt32, true),
    ])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Struct(element_fields()), true))
}

pub(super) fn elements_type() -> DataType {
    DataType::List(item())
}

/// Where a member is sought.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Within {
    /// A map or list.
    Structure,
    /// JSON text.
    Text,
    /// The JSON of a message; with `embedded` also behind other text.
    Message { embedded: bool },
}

/// The member at the path: its text if it is a scalar, else its structure.
pub(super) fn member(column: &ArrayRef, path: &str, within: &Within, structure: bool) -> Result<ArrayRef> {
    let texts = as_string_view_array(column)?;
    let mut out = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        let found = text.and_then(|text| match within {
            Within::Structure => json::member(text, path),
            Within::Text => json::object(text, false).and_then(|object| json::member(object, path)),
            Within::Message { embedded } => {
                json::object(text, *embedded).and_then(|object| json::discovered(object, path))
            }
        });
        match found.and_then(json::value) {
            Some(Value::Scalar(text)) if !structure => out.append_value(text),
            Some(Value::Structure(text)) if structure => out.append_option(json::compact(text)),
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// A discovered field of lines that are no JSON, or that hold an object behind other text.
pub(super) fn discovered(column: &ArrayRef, name: &str, embedded: bool) -> Result<ArrayRef> {
    let texts = as_string_view_array(column)?;
    let mut out = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        let Some(text) = text.filter(|text| !text.trim_start().starts_with('{')) else {
            out.append_null();
            continue;
        };
        if let Some(value) = discover::field(text, name) {
            out.append_value(value);
            continue;
        }
        let object = if embedded { json::object(text, true) } else { None };
        match object.and_then(|object| json::discovered(object, name)).and_then(json::value) {
            Some(Value::Scalar(value)) => out.append_value(value),
            _ => out.append_null(),
        }
    }
    Ok(Arc::new(out.finish()))
}

/// The elements of each value, given as text and structure. In place, what is no list is its own only
/// element, and texts may hold lists.
pub(super) fn elements(texts: &ArrayRef, structures: &ArrayRef, in_place: bool) -> Result<ArrayRef> {
    let (texts, structures) = (as_string_view_array(texts)?, as_string_view_array(structures)?);
    let mut values = StringViewBuilder::new();
    let mut inner = StringViewBuilder::new();
    let mut indexes: Vec<u32> = Vec::new();
    let mut lengths = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        let at = |column: &StringViewArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let (text, structure) = (at(texts), at(structures));
        let parsed = text.as_deref().filter(|text| in_place && text.trim_start().starts_with('['));
        let list = structure
            .clone()
            .or_else(|| parsed.and_then(json::compact))
            .filter(|structure| structure.starts_with('['));
        let before = indexes.len();
        match list {
            Some(list) => {
                let found = json::elements(&list);
                if found.len() > ELEMENTS_MAX {
                    let message = format!("a list of more than {ELEMENTS_MAX} elements cannot be made rows");
                    return Err(datafusion::common::DataFusionError::ResourcesExhausted(message));
                }
                for (index, element) in found.into_iter().enumerate() {
                    let (mut value, mut structure) = (None, None);
                    match json::value(element) {
                        Some(Value::Scalar(text)) => value = Some(text),
                        Some(Value::Structure(text)) => structure = json::compact(text),
                        None => {}
                    }
                    values.append_option(value);
                    inner.append_option(structure);
                    indexes.push(index as u32);
                }
            }
            None if in_place || text.is_some() || structure.is_some() => {
                values.append_option(text);
                inner.append_option(structure);
                indexes.push(0);
            }
            None => {}
        }
        lengths.push(indexes.len() - before);
    }
    let columns: Vec<ArrayRef> =
        vec![Arc::new(values.finish()), Arc::new(inner.finish()), Arc::new(UInt32Array::from(indexes))];
    let rows = StructArray::try_new(element_fields(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(item(), OffsetBuffer::from_lengths(lengths), Arc::new(rows), None)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<StringViewArray>())
    }

    #[test]
    fn elements_of_values() {
        let texts = column(&[Some("x"), None, Some("[1]"), None]);
        let structures = column(&[None, Some(r#"["a",{"b":1},null]"#), None, None]);
        let lengths = |in_place| {
            let lists = elements(&texts, &structures, in_place).unwrap();
            let lists = datafusion::common::cast::as_list_array(&lists).unwrap().clone();
            (0..4).map(|row| lists.value_length(row)).collect::<Vec<_>>()
        };
        assert_eq!(lengths(false), [1, 3, 1, 0]);
        assert_eq!(lengths(true), [1, 3, 1, 1]);
    }
}
