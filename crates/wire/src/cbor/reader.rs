//! Reads shapes from CBOR.

use std::borrow::Cow;

use base::Timestamp;
use smithy::{Document, ReadError, Schema, ShapeReader};

use super::decode::{BYTES, Decoder, Item, malformed};
use crate::limits::Budget;
use crate::text::{Names, fit_integer, parse_timestamp, timestamp_of_seconds, whole_number, wrong_type};

/// Stands at one item of CBOR data.
pub struct CborReader<'a> {
    decoder: Decoder<'a>,
    budget: Budget,
}

impl<'a> CborReader<'a> {
    pub fn new(body: &'a [u8]) -> Self {
        Self { decoder: Decoder::new(body), budget: Budget::default() }
    }

    /// Checks that nothing follows the value.
    pub fn finish(&self) -> Result<(), ReadError> {
        if self.decoder.at_end() {
            Ok(())
        } else {
            Err(malformed("unexpected data", self.decoder.position()))
        }
    }

    fn open_map(&mut self, schema: &Schema) -> Result<Option<Option<u64>>, ReadError> {
        match self.decoder.item()?.1 {
            Item::Map(length) => {
                self.budget.enter()?;
                Ok(Some(length))
            }
            Item::Null if self.budget.depth() > 0 => Ok(None),
            other => Err(mismatch(schema, other)),
        }
    }

    fn key(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let at = self.decoder.position();
        match self.decoder.item()?.1 {
            Item::Text(length) => self.decoder.text(length),
            _ => Err(malformed("a map key that is not text", at)),
        }
    }

    fn skip(&mut self) -> Result<(), ReadError> {
        self.decoder.skip(self.budget.depth())
    }

    /// Lets `read` consume the value here; one it ignores is skipped, so that reading stays in step.
    fn consume(
        &mut self,
        read: impl FnOnce(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let before = self.decoder.position();
        read(self)?;
        if self.decoder.position() == before {
            self.skip()?;
        }
        Ok(())
    }

    fn document(&mut self) -> Result<Document, ReadError> {
        Ok(match self.decoder.item()?.1 {
            Item::Null => Document::Null,
            Item::Boolean(value) => Document::Boolean(value),
            Item::Double(value) => Document::Double(value),
            Item::Integer { negative, argument } => match integer(negative, argument) {
                Some(value) => Document::Integer(value),
                None => Document::Double(double(negative, argument)),
            },
            Item::Text(length) => Document::String(self.decoder.text(length)?.into_owned()),
            // Documents have no bytes; their JSON form is base64.
            Item::Bytes(length) => {
                Document::String(crate::text::encode_base64(&self.decoder.content(BYTES, length)?))
            }
            Item::Array(mut left) => {
                self.budget.enter()?;
                let mut items = Vec::new();
                while self.decoder.another(&mut left) {
                    self.budget.document_item()?;
                    items.push(self.document()?);
                }
                self.budget.leave();
                Document::List(items)
            }
            Item::Map(mut left) => {
                self.budget.enter()?;
                let mut entries = Vec::new();
                while self.decoder.another(&mut left) {
                    self.budget.document_item()?;
                    let key = self.key()?.into_owned();
                    entries.push((key, self.document()?));
                }
                self.budget.leave();
                Document::Map(entries)
            }
        })
    }
}

impl ShapeReader for CborReader<'_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Some(mut left) = self.open_map(schema)? else { return Ok(()) };
        let mut next = 0;
        while self.decoder.another(&mut left) {
            let name = self.key()?;
            match Names::Model.find(schema, &name, &mut next) {
                None => self.skip()?,
                Some(index) => {
                    if !self.decoder.take_null() {
                        self.consume(|reader| member(index, reader))?;
                    }
                }
            }
        }
        self.budget.leave();
        Ok(())
    }

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut left = match self.decoder.item()?.1 {
            Item::Array(length) => length,
            Item::Null => return Ok(()),
            other => return Err(mismatch(schema, other)),
        };
        self.budget.enter()?;
        let element_schema = schema.list_member();
        while self.decoder.another(&mut left) {
            self.budget.element(element_schema)?;
            if !self.decoder.take_null() {
                self.consume(&mut *element)?;
            }
        }
        self.budget.leave();
        Ok(())
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Some(mut left) = self.open_map(schema)? else { return Ok(()) };
        let value_schema = schema.map_value();
        while self.decoder.another(&mut left) {
            self.budget.element(value_schema)?;
            let key = self.key()?;
            if !self.decoder.take_null() {
                self.consume(|reader| entry(key.into_owned(), reader))?;
            }
        }
        self.budget.leave();
        Ok(())
    }

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError> {
        match self.decoder.item()?.1 {
            Item::Text(length) => self.decoder.text(length).map(Cow::into_owned),
            other => Err(mismatch(schema, other)),
        }
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        match self.decoder.item()?.1 {
            Item::Boolean(value) => Ok(value),
            other => Err(mismatch(schema, other)),
        }
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        let item = self.decoder.item()?.1;
        let value = match item {
            Item::Integer { negative, argument } => integer(negative, argument),
            Item::Double(value) => whole_number(value),
            other => return Err(mismatch(schema, other)),
        };
        fit_integer(schema, value.ok_or_else(|| mismatch(schema, item))?)
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        match self.decoder.item()?.1 {
            Item::Double(value) => Ok(value),
            Item::Integer { negative, argument } => Ok(double(negative, argument)),
            other => Err(mismatch(schema, other)),
        }
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        let (tag, item) = self.decoder.item()?;
        let at = match item {
            Item::Integer { negative, argument } if matches!(tag, None | Some(1)) => {
                timestamp_of_seconds(double(negative, argument))
            }
            Item::Double(value) if matches!(tag, None | Some(1)) => timestamp_of_seconds(value),
            // Tag 0 marks a date and time as text.
            Item::Text(length) if matches!(tag, None | Some(0)) => {
                parse_timestamp(&self.decoder.text(length)?)
            }
            other => return Err(mismatch(schema, other)),
        };
        at.ok_or_else(|| mismatch(schema, item))
    }

    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        match self.decoder.item()?.1 {
            Item::Bytes(length) => self.decoder.content(BYTES, length).map(Cow::into_owned),
            other => Err(mismatch(schema, other)),
        }
    }

    fn read_document(&mut self, _schema: &'static Schema) -> Result<Document, ReadError> {
        self.document()
    }
}

fn integer(negative: bool, argument: u64) -> Option<i64> {
    let value = i64::try_from(argument).ok()?;
    Some(if negative { -1 - value } else { value })
}

fn double(negative: bool, argument: u64) -> f64 {
    if negative { -1.0 - argument as f64 } else { argument as f64 }
}

fn mismatch(schema: &Schema, found: Item) -> ReadError {
    let found = match found {
        Item::Integer { .. } | Item::Double(_) => "NUMBER_VALUE",
        Item::Bytes(_) => "BINARY_VALUE",
        Item::Text(_) => "STRING_VALUE",
        Item::Array(_) => "START_ARRAY",
        Item::Map(_) => "START_OBJECT",
        Item::Boolean(true) => "TRUE_VALUE",
        Item::Boolean(false) => "FALSE_VALUE",
        Item::Null => "NULL_VALUE",
    };
    wrong_type(schema, found)
}
