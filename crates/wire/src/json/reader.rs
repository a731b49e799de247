//! Reads shapes from JSON.

use std::borrow::Cow;

use base::Timestamp;
use smithy::{Document, Kind, ReadError, Schema, ShapeReader};

use super::scan::Scanner;
use crate::limits::Budget;
use crate::text::{
    Names, decode_base64, fit_integer, parse_timestamp, special_double, timestamp_of_seconds, whole_number,
    wrong_type,
};

/// Stands at one value of a JSON text.
pub struct JsonReader<'a> {
    scan: Scanner<'a>,
    names: Names,
    budget: Budget,
}

impl<'a> JsonReader<'a> {
    /// Reads members under their model names, as AWS JSON has them.
    pub fn new(body: &'a [u8]) -> Result<Self, ReadError> {
        Self::with_names(body, Names::Model)
    }

    pub(crate) fn with_names(body: &'a [u8], names: Names) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(body)
            .map_err(|e| ReadError::Malformed(format!("invalid UTF-8 at offset {}", e.valid_up_to())))?;
        Ok(Self { scan: Scanner::new(text), names, budget: Budget::default() })
    }

    /// Checks that nothing follows the value.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        if self.scan.peek() == 0 && self.scan.at_end() { Ok(()) } else { Err(self.scan.unexpected()) }
    }

    /// Opens a container; false for `null`.
    fn open(&mut self, schema: &Schema, opening: u8) -> Result<bool, ReadError> {
        if self.scan.take(opening) {
            self.budget.enter()?;
            return Ok(true);
        }
        if self.budget.depth() > 0 && self.scan.take_null()? {
            return Ok(false);
        }
        Err(self.mismatch(schema))
    }

    /// Takes the comma before another item, or the end of the container.
    fn more(&mut self, closing: u8) -> Result<bool, ReadError> {
        if self.scan.take(b',') {
            return Ok(true);
        }
        self.scan.expect(closing)?;
        self.budget.leave();
        Ok(false)
    }

    fn close_if_empty(&mut self, closing: u8) -> bool {
        let empty = self.scan.take(closing);
        if empty {
            self.budget.leave();
        }
        empty
    }

    fn name(&mut self) -> Result<Cow<'a, str>, ReadError> {
        let name = self.scan.string()?;
        self.scan.expect(b':')?;
        Ok(name)
    }

    fn skip(&mut self) -> Result<(), ReadError> {
        self.scan.skip_value(self.budget.depth())
    }

    /// Lets `read` consume the value here; one it ignores is skipped, so that reading stays in step.
    fn consume(
        &mut self,
        read: impl FnOnce(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let before = self.scan.position();
        read(self)?;
        if self.scan.position() == before {
            self.skip()?;
        }
        Ok(())
    }

    /// What is here is a sound value of another type, or no value at all.
    fn mismatch(&mut self, schema: &Schema) -> ReadError {
        match self.scan.peek() {
            b'"' => wrong_type(schema, "STRING_VALUE"),
            b'{' => wrong_type(schema, "START_OBJECT"),
            b'[' => wrong_type(schema, "START_ARRAY"),
            b't' => wrong_type(schema, "TRUE_VALUE"),
            b'f' => wrong_type(schema, "FALSE_VALUE"),
            b'n' => wrong_type(schema, "NULL_VALUE"),
            b'-' | b'0'..=b'9' => wrong_type(schema, "NUMBER_VALUE"),
            _ => self.scan.unexpected(),
        }
    }

    fn at_number(&mut self) -> bool {
        matches!(self.scan.peek(), b'-' | b'0'..=b'9')
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        let text = self.scan.number()?;
        text.parse().map_err(|_| ReadError::Malformed(format!("malformed number {text}")))
    }

    fn text(&mut self, schema: &Schema) -> Result<Cow<'a, str>, ReadError> {
        if self.scan.peek() == b'"' { self.scan.string() } else { Err(self.mismatch(schema)) }
    }

    fn document(&mut self) -> Result<Document, ReadError> {
        Ok(match self.scan.peek() {
            b'{' => Document::Map(self.document_map()?),
            b'[' => Document::List(self.document_list()?),
            b'"' => Document::String(self.scan.string()?.into_owned()),
            b't' => {
                self.scan.word("true")?;
                Document::Boolean(true)
            }
            b'f' => {
                self.scan.word("false")?;
                Document::Boolean(false)
            }
            b'n' => {
                self.scan.word("null")?;
                Document::Null
            }
            _ => {
                let text = self.scan.number()?;
                match text.parse() {
                    Ok(integer) => Document::Integer(integer),
                    Err(_) => Document::Double(text.parse().unwrap_or(f64::NAN)),
                }
            }
        })
    }

    fn document_map(&mut self) -> Result<Vec<(String, Document)>, ReadError> {
        let mut entries = Vec::new();
        self.scan.expect(b'{')?;
        self.budget.enter()?;
        if self.close_if_empty(b'}') {
            return Ok(entries);
        }
        loop {
            self.budget.document_item()?;
            let name = self.name()?.into_owned();
            entries.push((name, self.document()?));
            if !self.more(b'}')? {
                return Ok(entries);
            }
        }
    }

    fn document_list(&mut self) -> Result<Vec<Document>, ReadError> {
        let mut items = Vec::new();
        self.scan.expect(b'[')?;
        self.budget.enter()?;
        if self.close_if_empty(b']') {
            return Ok(items);
        }
        loop {
            self.budget.document_item()?;
            items.push(self.document()?);
            if !self.more(b']')? {
                return Ok(items);
            }
        }
    }
}

impl ShapeReader for JsonReader<'_> {
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.open(schema, b'{')? || self.close_if_empty(b'}') {
            return Ok(());
        }
        let mut next = 0;
        loop {
            let name = self.name()?;
            let found = self.names.find(schema, &name, &mut next);
            // A member that travels elsewhere in the message means nothing in the body.
            let found = found.filter(|i| self.names == Names::Model || schema.members[*i].http.is_none());
            match found {
                None => self.skip()?,
                Some(index) => {
                    if !self.scan.take_null()? {
                        self.consume(|reader| member(index, reader))?;
                    }
                }
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.open(schema, b'[')? || self.close_if_empty(b']') {
            return Ok(());
        }
        let element_schema = schema.list_member();
        loop {
            self.budget.element(element_schema)?;
            if !self.scan.take_null()? {
                self.consume(&mut *element)?;
            }
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.open(schema, b'{')? || self.close_if_empty(b'}') {
            return Ok(());
        }
        let value_schema = schema.map_value();
        loop {
            self.budget.element(value_schema)?;
            let key = self.name()?;
            if !self.scan.take_null()? {
                self.consume(|reader| entry(key.into_owned(), reader))?;
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError> {
        self.text(schema).map(Cow::into_owned)
    }

    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError> {
        match self.scan.peek() {
            b't' => self.scan.word("true").map(|()| true),
            b'f' => self.scan.word("false").map(|()| false),
            _ => Err(self.mismatch(schema)),
        }
    }

    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError> {
        if !self.at_number() {
            return Err(self.mismatch(schema));
        }
        let text = self.scan.number()?;
        let value = match text.parse() {
            Ok(integer) => Some(integer),
            Err(_) => text.parse().ok().and_then(whole_number),
        };
        fit_integer(schema, value.ok_or_else(|| wrong_type(schema, "NUMBER_VALUE"))?)
    }

    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError> {
        if self.at_number() {
            return self.double();
        }
        let text = self.text(schema)?;
        special_double(&text).ok_or_else(|| wrong_type(schema, "STRING_VALUE"))
    }

    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError> {
        let at = if self.at_number() {
            timestamp_of_seconds(self.double()?)
        } else {
            parse_timestamp(&self.text(schema)?)
        };
        at.ok_or_else(|| wrong_type(schema, "value"))
    }

    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError> {
        debug_assert_eq!(schema.kind, Kind::Blob);
        decode_base64(&self.text(schema)?)
    }

    fn read_document(&mut self, _schema: &'static Schema) -> Result<Document, ReadError> {
        self.document()
    }
}
