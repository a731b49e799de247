//! A shape made of a schema and a JSON value, so that test cases can be data.
//!
//! Timestamps are milliseconds, blobs are text, and doubles that JSON has no number for are their words.

use base::Timestamp;
use serde_json::{Map, Value, json};
use smithy::{Document, Kind, ReadError, Schema, ShapeReader, ShapeWriter, WriteError, WriteShape};

/// A structure or union.
#[derive(Debug, Clone)]
pub(crate) struct Dynamic {
    pub(crate) schema: &'static Schema,
    pub(crate) value: Value,
}

impl WriteShape for Dynamic {
    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn write_members(&self, writer: &mut dyn ShapeWriter) -> Result<(), WriteError> {
        for (index, member) in self.schema.members.iter().enumerate() {
            if let Some(value) = self.value.get(member.name) {
                writer.member(self.schema, index, &mut |writer| write((member.schema)(), value, writer))?;
            }
        }
        Ok(())
    }
}

fn write(schema: &'static Schema, value: &Value, writer: &mut dyn ShapeWriter) -> Result<(), WriteError> {
    match schema.kind {
        Kind::Structure | Kind::Union => {
            writer.write_structure(schema, &Dynamic { schema, value: value.clone() })
        }
        Kind::List => {
            let items = value.as_array().unwrap();
            writer.write_list(schema, items.len(), &mut |i, writer| {
                write(schema.list_member(), &items[i], writer)
            })
        }
        Kind::Map => {
            let entries: Vec<(&String, &Value)> = value.as_object().unwrap().iter().collect();
            let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
            writer.write_map(schema, &keys, &mut |i, writer| write(schema.map_value(), entries[i].1, writer))
        }
        Kind::String | Kind::Enum => writer.write_string(schema, value.as_str().unwrap()),
        Kind::Boolean => writer.write_boolean(schema, value.as_bool().unwrap()),
        Kind::Integer | Kind::Long => writer.write_integer(schema, value.as_i64().unwrap()),
        Kind::Float | Kind::Double => writer.write_double(schema, double_of(value)),
        Kind::Timestamp => writer.write_timestamp(schema, Timestamp::from_millis(value.as_i64().unwrap())),
        Kind::Blob => writer.write_blob(schema, value.as_str().unwrap().as_bytes()),
        Kind::Document => writer.write_document(schema, &document_of(value)),
    }
}

/// Reads one value of `schema`.
pub(crate) fn read(schema: &'static Schema, reader: &mut dyn ShapeReader) -> Result<Value, ReadError> {
    Ok(match schema.kind {
        Kind::Structure | Kind::Union => {
            let mut members = Map::new();
            reader.read_structure(schema, &mut |index, reader| {
                let member = &schema.members[index];
                members.insert(member.name.to_owned(), read((member.schema)(), reader)?);
                Ok(())
            })?;
            Value::Object(members)
        }
        Kind::List => {
            let mut items = Vec::new();
            reader.read_list(schema, &mut |reader| {
                items.push(read(schema.list_member(), reader)?);
                Ok(())
            })?;
            Value::Array(items)
        }
        Kind::Map => {
            let mut entries = Map::new();
            reader.read_map(schema, &mut |key, reader| {
                entries.insert(key, read(schema.map_value(), reader)?);
                Ok(())
            })?;
            Value::Object(entries)
        }
        Kind::String | Kind::Enum => Value::from(reader.read_string(schema)?),
        Kind::Boolean => Value::from(reader.read_boolean(schema)?),
        Kind::Integer | Kind::Long => Value::from(reader.read_integer(schema)?),
        Kind::Float | Kind::Double => value_of(reader.read_double(schema)?),
        Kind::Timestamp => Value::from(reader.read_timestamp(schema)?.as_millis()),
        Kind::Blob => Value::from(String::from_utf8_lossy(&reader.read_blob(schema)?)),
        Kind::Document => value_of_document(&reader.read_document(schema)?),
    })
}

fn double_of(value: &Value) -> f64 {
    match value.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => value.as_f64().unwrap(),
    }
}

fn value_of(double: f64) -> Value {
    if double.is_nan() {
        json!("NaN")
    } else if double.is_infinite() {
        json!(if double > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(double)
    }
}

fn document_of(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Document::Integer(integer),
            None => Document::Double(number.as_f64().unwrap()),
        },
        Value::String(text) => Document::String(text.clone()),
        Value::Array(items) => Document::List(items.iter().map(document_of).collect()),
        Value::Object(entries) => {
            Document::Map(entries.iter().map(|(key, value)| (key.clone(), document_of(value))).collect())
        }
    }
}

fn value_of_document(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Boolean(value) => json!(value),
        Document::Integer(value) => json!(value),
        Document::Double(value) => value_of(*value),
        Document::String(value) => json!(value),
        Document::List(items) => items.iter().map(value_of_document).collect(),
        Document::Map(entries) => Value::Object(
            entries.iter().map(|(key, value)| (key.clone(), value_of_document(value))).collect(),
        ),
    }
}
