//! Writes shapes as CBOR.

use base::Timestamp;
use smithy::{Document, Schema, ShapeWriter, WriteError, WriteShape};

use super::decode::{ARRAY, BYTES, MAP, NEGATIVE, TAG, TEXT, UNSIGNED};
use crate::probe::MemberCount;

const EPOCH_TAG: u64 = 1;

/// Appends to CBOR data.
#[derive(Debug, Default)]
pub struct CborWriter {
    out: Vec<u8>,
}

impl CborWriter {
    pub fn new() -> Self {
        Self { out: Vec::with_capacity(256) }
    }

    pub fn write_shape(&mut self, shape: &dyn WriteShape) -> Result<(), WriteError> {
        self.write_structure(shape.schema(), shape)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Opens a map that is not a shape, such as an error, of `entries` entries.
    pub(crate) fn begin_map(&mut self, entries: usize) {
        self.head(MAP, entries as u64);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A major type and its argument in the fewest bytes.
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        match argument {
            0..=23 => self.out.push(major | argument as u8),
            24..=0xff => self.out.extend_from_slice(&[major | 24, argument as u8]),
            0x100..=0xffff => {
                self.out.push(major | 25);
                self.out.extend_from_slice(&(argument as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(major | 26);
                self.out.extend_from_slice(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.out.push(major | 27);
                self.out.extend_from_slice(&argument.to_be_bytes());
            }
        }
    }

    fn integer(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            Err(_) => self.head(NEGATIVE, !value as u64),
        }
    }

    fn double(&mut self, value: f64) {
        self.out.push(0xfb);
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn boolean(&mut self, value: bool) {
        self.out.push(if value { 0xf5 } else { 0xf4 });
    }

    fn document(&mut self, value: &Document) {
        match value {
            Document::Null => self.out.push(0xf6),
            Document::Boolean(value) => self.boolean(*value),
            Document::Integer(value) => self.integer(*value),
            Document::Double(value) => self.double(*value),
            Document::String(value) => self.text(value),
            Document::List(items) => {
                self.head(ARRAY, items.len() as u64);
                items.iter().for_each(|item| self.document(item));
            }
            Document::Map(entries) => {
                self.begin_map(entries.len());
                for (key, item) in entries {
                    self.text(key);
                    self.document(item);
                }
            }
        }
    }
}

impl ShapeWriter for CborWriter {
    fn write_structure(
        &mut self,
        _schema: &'static Schema,
        shape: &dyn WriteShape,
    ) -> Result<(), WriteError> {
        self.begin_map(MemberCount::of(shape)?);
        shape.write_members(self)
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.text(schema.members[index].name);
        value(self)
    }

    fn write_list(
        &mut self,
        _schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.head(ARRAY, len as u64);
        (0..len).try_for_each(|i| element(i, self))
    }

    fn write_map(
        &mut self,
        _schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.begin_map(keys.len());
        for (i, key) in keys.iter().enumerate() {
            self.text(key);
            entry(i, self)?;
        }
        Ok(())
    }

    fn write_string(&mut self, _schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.text(value);
        Ok(())
    }

    fn write_boolean(&mut self, _schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.boolean(value);
        Ok(())
    }

    fn write_integer(&mut self, _schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.integer(value);
        Ok(())
    }

    fn write_double(&mut self, _schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.double(value);
        Ok(())
    }

    fn write_timestamp(&mut self, _schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        self.head(TAG, EPOCH_TAG);
        if value.as_millis() % 1000 == 0 {
            self.integer(value.as_millis() / 1000);
        } else {
            self.double(value.as_secs_f64());
        }
        Ok(())
    }

    fn write_blob(&mut self, _schema: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.head(BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn write_document(&mut self, _schema: &'static Schema, value: &Document) -> Result<(), WriteError> {
        self.document(value);
        Ok(())
    }
}
