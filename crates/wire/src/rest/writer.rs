//! Collects the members of an output that travel outside the body.

use base::Timestamp;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, StatusCode};
use smithy::{Document, HttpBinding, Schema, ShapeWriter, TimestampFormat, WriteError, WriteShape};

use crate::text::{encode_base64, http_date, push_date_time, push_double, push_epoch_seconds};

/// Status code and headers that members of an output set.
#[derive(Debug, Default)]
pub(crate) struct BoundMembers {
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    texts: Vec<String>,
    format: Option<TimestampFormat>,
}

impl BoundMembers {
    pub(crate) fn of(shape: &dyn WriteShape) -> Result<Self, WriteError> {
        let mut bound = Self::default();
        shape.write_members(&mut bound)?;
        Ok(bound)
    }

    fn push(&mut self, text: impl Into<String>) -> Result<(), WriteError> {
        self.texts.push(text.into());
        Ok(())
    }

    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), WriteError> {
        let mut text = Vec::new();
        write(&mut text);
        self.push(String::from_utf8_lossy(&text))
    }
}

impl ShapeWriter for BoundMembers {
    fn write_structure(&mut self, schema: &'static Schema, _: &dyn WriteShape) -> Result<(), WriteError> {
        Err(WriteError { shape: schema.name, reason: "a structure cannot be a header".to_owned() })
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let member = &schema.members[index];
        let Some(binding @ (HttpBinding::Header(_) | HttpBinding::StatusCode)) = member.http else {
            return Ok(());
        };
        self.format = member.timestamp_format;
        value(self)?;
        let text = std::mem::take(&mut self.texts).join(", ");
        match binding {
            HttpBinding::StatusCode => self.status = text.parse().ok(),
            HttpBinding::Header(name) => {
                // Text that no header can carry is left out rather than failing the call.
                if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&text)) {
                    self.headers.insert(name, value);
                }
            }
            HttpBinding::Label(_) | HttpBinding::Query(_) => {}
        }
        Ok(())
    }

    fn write_list(
        &mut self,
        _schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        (0..len).try_for_each(|i| element(i, self))
    }

    fn write_map(
        &mut self,
        schema: &'static Schema,
        _: &[&str],
        _: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        Err(WriteError { shape: schema.name, reason: "a map cannot be a header".to_owned() })
    }

    fn write_string(&mut self, _schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.push(value)
    }

    fn write_boolean(&mut self, _schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.push(value.to_string())
    }

    fn write_integer(&mut self, _schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.push(value.to_string())
    }

    fn write_double(&mut self, _schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.push_with(|out| push_double(out, value))
    }

    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        match self.format.or(schema.timestamp_format).unwrap_or(TimestampFormat::HttpDate) {
            TimestampFormat::HttpDate => self.push(http_date(value)),
            TimestampFormat::DateTime => self.push_with(|out| push_date_time(out, value)),
            TimestampFormat::EpochSeconds => self.push_with(|out| push_epoch_seconds(out, value)),
        }
    }

    fn write_blob(&mut self, _schema: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.push(encode_base64(value))
    }

    fn write_document(&mut self, schema: &'static Schema, _: &Document) -> Result<(), WriteError> {
        Err(WriteError { shape: schema.name, reason: "a document cannot be a header".to_owned() })
    }
}
