//! A shape as CloudTrail shows it in `requestParameters` and `responseElements`.
//! Source: `spec/cloudtrail.md` §6.2.

use base::Timestamp;
use serde_json::{Map, Number, Value};
use smithy::constraint::lower_camel;
use smithy::{Document, Schema, ShapeWriter, WriteError, WriteShape};

/// What stands in place of a secret.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
/// Larger parameters are left out of the record.
const SIZE_BYTES_MAX: usize = 100 * 1024;

/// The members of `shape` under their lower-camel-case names; map keys stay as they are. Secrets are hidden,
/// blobs left out. `Null` when nothing is set, and when it would be larger than a record may hold.
pub fn audit_json(shape: &dyn WriteShape) -> Value {
    let mut writer = AuditWriter { value: Value::Null, members: Map::new(), size_bytes: 0 };
    match shape.write_members(&mut writer) {
        Ok(()) if !writer.members.is_empty() => Value::Object(writer.members),
        _ => Value::Null,
    }
}

struct AuditWriter {
    /// The value written last; `None` to leave the member out.
    value: Value,
    /// Members of the structure being written.
    members: Map<String, Value>,
    size_bytes: usize,
}

impl AuditWriter {
    fn grow(&mut self, schema: &'static Schema, by: usize) -> Result<(), WriteError> {
        self.size_bytes += by;
        if self.size_bytes > SIZE_BYTES_MAX {
            return Err(WriteError {
                shape: schema.name,
                reason: "too large for an audit record".to_owned(),
            });
        }
        Ok(())
    }

    fn set(&mut self, schema: &'static Schema, value: Value, size_bytes: usize) -> Result<(), WriteError> {
        if schema.sensitive {
            self.grow(schema, HIDDEN.len())?;
            self.value = Value::from(HIDDEN);
        } else {
            self.grow(schema, size_bytes)?;
            self.value = value;
        }
        Ok(())
    }
}

impl ShapeWriter for AuditWriter {
    fn write_structure(&mut self, schema: &'static Schema, shape: &dyn WriteShape) -> Result<(), WriteError> {
        if schema.sensitive {
            return self.set(schema, Value::Null, 0);
        }
        self.grow(schema, 2)?;
        let outer = std::mem::take(&mut self.members);
        shape.write_members(self)?;
        self.value = Value::Object(std::mem::replace(&mut self.members, outer));
        Ok(())
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let member = &schema.members[index];
        self.grow(schema, member.name.len() + 4)?;
        self.value = Value::Null;
        value(self)?;
        let value = std::mem::take(&mut self.value);
        if !value.is_null() {
            self.members.insert(lower_camel(member.name), value);
        }
        Ok(())
    }

    fn write_list(
        &mut self,
        schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if schema.sensitive {
            return self.set(schema, Value::Null, 0);
        }
        self.grow(schema, 2 + len)?;
        let mut items = Vec::with_capacity(len);
        for i in 0..len {
            self.value = Value::Null;
            element(i, self)?;
            items.push(std::mem::take(&mut self.value));
        }
        self.value = Value::Array(items);
        Ok(())
    }

    fn write_map(
        &mut self,
        schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if schema.sensitive {
            return self.set(schema, Value::Null, 0);
        }
        let mut entries = Map::new();
        for (i, key) in keys.iter().enumerate() {
            self.grow(schema, key.len() + 4)?;
            self.value = Value::Null;
            entry(i, self)?;
            entries.insert((*key).to_owned(), std::mem::take(&mut self.value));
        }
        self.value = Value::Object(entries);
        Ok(())
    }

    fn write_string(&mut self, schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        // Refuses a large text before copying it.
        self.grow(schema, if schema.sensitive { 0 } else { value.len() })?;
        let value = if schema.sensitive { Value::Null } else { Value::from(value) };
        self.set(schema, value, 2)
    }

    fn write_boolean(&mut self, schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.set(schema, Value::Bool(value), 5)
    }

    fn write_integer(&mut self, schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.set(schema, Value::from(value), 8)
    }

    fn write_double(&mut self, schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.set(schema, double(value), 8)
    }

    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        // AWS: records show times of requests in this form, e.g. `Jan 1, 2024, 12:00:00 AM`, as samples in
        // the CloudTrail user guide have it.
        let text = value.to_datetime().format("%b %-d, %Y, %-I:%M:%S %p").to_string();
        self.set(schema, Value::from(text), 24)
    }

    fn write_blob(&mut self, schema: &'static Schema, _value: &[u8]) -> Result<(), WriteError> {
        self.set(schema, Value::Null, 0)
    }

    fn write_document(&mut self, schema: &'static Schema, value: &Document) -> Result<(), WriteError> {
        let value = document(value);
        let size_bytes = value.to_string().len();
        self.set(schema, value, size_bytes)
    }
}

fn double(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::from(value.to_string()), Value::Number)
}

fn document(value: &Document) -> Value {
    match value {
        Document::Null => Value::Null,
        Document::Boolean(value) => Value::Bool(*value),
        Document::Integer(value) => Value::from(*value),
        Document::Double(value) => double(*value),
        Document::String(value) => Value::from(value.as_str()),
        Document::List(items) => items.iter().map(document).collect(),
        Document::Map(entries) => {
            Value::Object(entries.iter().map(|(key, item)| (key.clone(), document(item))).collect())
        }
    }
}
