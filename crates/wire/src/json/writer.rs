//! Writes shapes as JSON.

use base::Timestamp;
use smithy::{Document, Schema, ShapeWriter, TimestampFormat, WriteError, WriteShape};

use super::scan::find_special;
use crate::text::{
    Names, encode_base64, http_date, push_date_time, push_double, push_epoch_seconds, push_integer,
};

/// Appends to a JSON text.
#[derive(Debug)]
pub struct JsonWriter {
    out: Vec<u8>,
    names: Names,
    /// Whether the next member is the first of its object.
    first: bool,
    /// How the member being written wants its timestamps.
    format: Option<TimestampFormat>,
}

impl Default for JsonWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl JsonWriter {
    /// Writes members under their model names, as AWS JSON has them.
    pub fn new() -> Self {
        Self::with_names(Names::Model)
    }

    pub(crate) fn with_names(names: Names) -> Self {
        Self { out: Vec::with_capacity(256), names, first: true, format: None }
    }

    pub fn write_shape(&mut self, shape: &dyn WriteShape) -> Result<(), WriteError> {
        self.write_structure(shape.schema(), shape)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Opens an object that is not a shape, such as an error.
    pub(crate) fn begin_object(&mut self) {
        self.out.push(b'{');
        self.first = true;
    }

    pub(crate) fn end_object(&mut self) {
        self.out.push(b'}');
        self.first = false;
    }

    pub(crate) fn string_member(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
        self.first = false;
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.string(name);
        self.out.push(b':');
    }

    /// Copies the runs between characters that need an escape.
    fn string(&mut self, value: &str) {
        let bytes = value.as_bytes();
        self.out.reserve(bytes.len() + 2);
        self.out.push(b'"');
        let mut start = 0;
        loop {
            let special = find_special(bytes, start);
            self.out.extend_from_slice(&bytes[start..special]);
            let Some(byte) = bytes.get(special) else { break };
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                control => {
                    let hex = b"0123456789abcdef";
                    self.out.extend_from_slice(b"\\u00");
                    self.out.push(hex[usize::from(control >> 4)]);
                    self.out.push(hex[usize::from(control & 15)]);
                }
            }
            start = special + 1;
        }
        self.out.push(b'"');
    }

    fn double(&mut self, value: f64) {
        // JSON has no words for these; Smithy sends them as strings.
        if value.is_finite() {
            push_double(&mut self.out, value);
        } else {
            self.out.push(b'"');
            push_double(&mut self.out, value);
            self.out.push(b'"');
        }
    }

    fn document(&mut self, value: &Document) {
        match value {
            Document::Null => self.out.extend_from_slice(b"null"),
            Document::Boolean(value) => self.out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Document::Integer(value) => push_integer(&mut self.out, *value),
            Document::Double(value) => self.double(*value),
            Document::String(value) => self.string(value),
            Document::List(items) => {
                self.out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        self.out.push(b',');
                    }
                    self.document(item);
                }
                self.out.push(b']');
            }
            Document::Map(entries) => {
                self.begin_object();
                for (name, item) in entries {
                    self.name(name);
                    self.document(item);
                    self.first = false;
                }
                self.end_object();
            }
        }
    }
}

impl ShapeWriter for JsonWriter {
    fn write_structure(
        &mut self,
        _schema: &'static Schema,
        shape: &dyn WriteShape,
    ) -> Result<(), WriteError> {
        self.begin_object();
        shape.write_members(self)?;
        self.end_object();
        Ok(())
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let member = &schema.members[index];
        if self.names == Names::Location && member.http.is_some() {
            return Ok(());
        }
        self.name(self.names.of(member));
        self.format = member.timestamp_format;
        value(self)?;
        self.format = None;
        self.first = false;
        Ok(())
    }

    fn write_list(
        &mut self,
        _schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.out.push(b'[');
        for i in 0..len {
            if i > 0 {
                self.out.push(b',');
            }
            element(i, self)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn write_map(
        &mut self,
        _schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.begin_object();
        for (i, key) in keys.iter().enumerate() {
            self.name(key);
            entry(i, self)?;
            self.first = false;
        }
        self.end_object();
        Ok(())
    }

    fn write_string(&mut self, _schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.string(value);
        Ok(())
    }

    fn write_boolean(&mut self, _schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn write_integer(&mut self, _schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        push_integer(&mut self.out, value);
        Ok(())
    }

    fn write_double(&mut self, _schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.double(value);
        Ok(())
    }

    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        match self.format.or(schema.timestamp_format).unwrap_or(TimestampFormat::EpochSeconds) {
            TimestampFormat::EpochSeconds => push_epoch_seconds(&mut self.out, value),
            TimestampFormat::DateTime => {
                self.out.push(b'"');
                push_date_time(&mut self.out, value);
                self.out.push(b'"');
            }
            TimestampFormat::HttpDate => self.string(&http_date(value)),
        }
        Ok(())
    }

    fn write_blob(&mut self, _schema: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.out.push(b'"');
        self.out.extend_from_slice(encode_base64(value).as_bytes());
        self.out.push(b'"');
        Ok(())
    }

    fn write_document(&mut self, _schema: &'static Schema, value: &Document) -> Result<(), WriteError> {
        self.document(value);
        Ok(())
    }
}
