//! Writes shapes as XML elements, the form of AWS Query answers.

use base::Timestamp;
use smithy::{Document, Schema, ShapeWriter, TimestampFormat, WriteError, WriteShape};

use crate::text::{
    Names, encode_base64, http_date, push_date_time, push_double, push_epoch_seconds, push_integer,
};

/// Appends elements to an XML text.
#[derive(Debug, Default)]
pub struct XmlWriter {
    out: Vec<u8>,
    /// The element the next value is written as.
    name: &'static str,
    flattened: bool,
    format: Option<TimestampFormat>,
}

impl XmlWriter {
    pub fn new() -> Self {
        Self { out: Vec::with_capacity(512), ..Self::default() }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Opens an element whose name is not that of a member.
    pub(crate) fn open(&mut self, name: &str, suffix: &str, namespace: Option<&str>) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        if let Some(namespace) = namespace {
            self.out.extend_from_slice(b" xmlns=\"");
            self.escape(namespace);
            self.out.push(b'"');
        }
        self.out.push(b'>');
    }

    pub(crate) fn close(&mut self, name: &str, suffix: &str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(suffix.as_bytes());
        self.out.push(b'>');
    }

    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.open(name, "", None);
        self.escape(text);
        self.close(name, "");
    }

    /// Writes `content` inside an element; `<name/>` if it writes nothing.
    fn wrapped(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut Self) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.open(name, "", None);
        let start = self.out.len();
        content(self)?;
        if self.out.len() == start {
            self.out.truncate(start - 1);
            self.out.extend_from_slice(b"/>");
        } else {
            self.close(name, "");
        }
        Ok(())
    }

    fn scalar(&mut self, text: impl FnOnce(&mut Vec<u8>)) -> Result<(), WriteError> {
        let name = self.name;
        self.open(name, "", None);
        text(&mut self.out);
        self.close(name, "");
        Ok(())
    }

    /// Text with markup escaped. XML 1.0 cannot represent most control characters, not even escaped: they
    /// become question marks. A carriage return is escaped, or parsers would turn it into a line feed.
    fn escape(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut start = 0;
        for (at, byte) in bytes.iter().enumerate() {
            // U+FFFE and U+FFFF, which XML excludes as well, start with 0xEF 0xBF.
            let (replacement, length): (&[u8], usize) = match byte {
                b'&' => (b"&amp;", 1),
                b'<' => (b"&lt;", 1),
                b'>' => (b"&gt;", 1),
                b'"' => (b"&quot;", 1),
                b'\r' => (b"&#xD;", 1),
                b'\t' | b'\n' => continue,
                0..=0x1f => (b"?", 1),
                0xef if bytes[at..].starts_with(&[0xef, 0xbf, 0xbe])
                    || bytes[at..].starts_with(&[0xef, 0xbf, 0xbf]) =>
                {
                    (b"?", 3)
                }
                _ => continue,
            };
            self.out.extend_from_slice(&bytes[start..at]);
            self.out.extend_from_slice(replacement);
            start = at + length;
        }
        self.out.extend_from_slice(&bytes[start..]);
    }
}

impl ShapeWriter for XmlWriter {
    fn write_structure(
        &mut self,
        _schema: &'static Schema,
        shape: &dyn WriteShape,
    ) -> Result<(), WriteError> {
        let name = self.name;
        self.wrapped(name, |writer| shape.write_members(writer))
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let member = &schema.members[index];
        self.name = Names::Location.of(member);
        self.flattened = member.flattened;
        self.format = member.timestamp_format;
        value(self)?;
        self.format = None;
        self.flattened = false;
        Ok(())
    }

    fn write_list(
        &mut self,
        schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let name = self.name;
        let item = schema.members[0].location_name;
        let flattened = std::mem::take(&mut self.flattened) || schema.flattened;
        if flattened {
            for i in 0..len {
                self.name = item.unwrap_or(name);
                element(i, self)?;
            }
            return Ok(());
        }
        // AWS: an empty list is an empty element, not an absent one, as observed for DescribeAlarms.
        self.wrapped(name, |writer| {
            (0..len).try_for_each(|i| {
                writer.name = item.unwrap_or("member");
                element(i, writer)
            })
        })
    }

    fn write_map(
        &mut self,
        schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let name = self.name;
        let key_name = schema.members[0].location_name.unwrap_or("key");
        let value_name = schema.members[1].location_name.unwrap_or("value");
        let flattened = std::mem::take(&mut self.flattened) || schema.flattened;
        let mut entries = |writer: &mut Self, element: &str| {
            keys.iter().enumerate().try_for_each(|(i, key)| {
                writer.wrapped(element, |writer| {
                    writer.element(key_name, key);
                    writer.name = value_name;
                    entry(i, writer)
                })
            })
        };
        if flattened { entries(self, name) } else { self.wrapped(name, |writer| entries(writer, "entry")) }
    }

    fn write_string(&mut self, _schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        let name = self.name;
        self.element(name, value);
        Ok(())
    }

    fn write_boolean(&mut self, _schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.scalar(|out| out.extend_from_slice(if value { b"true" } else { b"false" }))
    }

    fn write_integer(&mut self, _schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.scalar(|out| push_integer(out, value))
    }

    fn write_double(&mut self, _schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.scalar(|out| push_double(out, value))
    }

    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        let format = self.format.or(schema.timestamp_format).unwrap_or(TimestampFormat::DateTime);
        self.scalar(|out| match format {
            TimestampFormat::DateTime => push_date_time(out, value),
            TimestampFormat::EpochSeconds => push_epoch_seconds(out, value),
            TimestampFormat::HttpDate => out.extend_from_slice(http_date(value).as_bytes()),
        })
    }

    fn write_blob(&mut self, _schema: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.scalar(|out| out.extend_from_slice(encode_base64(value).as_bytes()))
    }

    fn write_document(&mut self, schema: &'static Schema, _value: &Document) -> Result<(), WriteError> {
        Err(WriteError { shape: schema.name, reason: "AWS Query has no documents".to_owned() })
    }
}
