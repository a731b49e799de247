//! Shapes read and write themselves, once, against an object-safe reader or writer that a codec
//! provides. The schema passed along tells the codec what it needs to know.

use base::Timestamp;

use crate::schema::{Kind, Schema};

/// Why bytes are not the shape they should be. The request is answered with a serialization error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The body is not well-formed JSON, CBOR, XML or form data.
    #[error("{0}")]
    Malformed(String),
    /// Well-formed, but a value has the wrong type.
    #[error("{found} can not be converted to {expected}")]
    WrongType { expected: &'static str, found: String },
    /// Deeper, longer or larger than this server reads.
    #[error("{0}")]
    TooLarge(String),
}

/// Why a shape could not be written: only a defect of this server can cause it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot write {shape}: {reason}")]
pub struct WriteError {
    pub shape: &'static str,
    pub reason: String,
}

/// The codec's side of reading: hands out one value. Each method consumes the value it is called for.
///
/// `null` counts as absent everywhere: structure and map readers must not call back for a `null`
/// member. `null` list elements are skipped.
pub trait ShapeReader {
    /// Calls `member(index, reader)` once per member of `schema` that is present, in document order;
    /// unknown members are skipped by the codec.
    fn read_structure(
        &mut self,
        schema: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    fn read_list(
        &mut self,
        schema: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    fn read_map(
        &mut self,
        schema: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    fn read_string(&mut self, schema: &'static Schema) -> Result<String, ReadError>;
    fn read_boolean(&mut self, schema: &'static Schema) -> Result<bool, ReadError>;
    /// Any integer kind; out of the kind's range is a wrong type.
    fn read_integer(&mut self, schema: &'static Schema) -> Result<i64, ReadError>;
    /// Float or double; NaN and infinities are passed on where the protocol can carry them.
    fn read_double(&mut self, schema: &'static Schema) -> Result<f64, ReadError>;
    fn read_timestamp(&mut self, schema: &'static Schema) -> Result<Timestamp, ReadError>;
    fn read_blob(&mut self, schema: &'static Schema) -> Result<Vec<u8>, ReadError>;
    fn read_document(&mut self, schema: &'static Schema) -> Result<Document, ReadError>;
}

/// The codec's side of writing: takes one value. `schema` is always the schema of the value given.
pub trait ShapeWriter {
    /// Writes a structure or union; `shape` calls [`ShapeWriter::member`] for each member that is set.
    fn write_structure(&mut self, schema: &'static Schema, shape: &dyn WriteShape) -> Result<(), WriteError>;

    /// Writes member `index` of the structure being written; `value` writes exactly one value.
    /// Called only from inside [`WriteShape::write_members`], in model order.
    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError>;

    /// Writes a list of `len` elements; `element(i, writer)` writes exactly one value.
    fn write_list(
        &mut self,
        schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError>;

    /// Writes a map with these keys; `entry(i, writer)` writes the value of `keys[i]`.
    fn write_map(
        &mut self,
        schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError>;

    fn write_string(&mut self, schema: &'static Schema, value: &str) -> Result<(), WriteError>;
    fn write_boolean(&mut self, schema: &'static Schema, value: bool) -> Result<(), WriteError>;
    fn write_integer(&mut self, schema: &'static Schema, value: i64) -> Result<(), WriteError>;
    fn write_double(&mut self, schema: &'static Schema, value: f64) -> Result<(), WriteError>;
    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError>;
    fn write_blob(&mut self, schema: &'static Schema, value: &[u8]) -> Result<(), WriteError>;
    fn write_document(&mut self, schema: &'static Schema, value: &Document) -> Result<(), WriteError>;
}

/// The object-safe half of a structure or union: it can be written without knowing its type.
pub trait WriteShape: Send + Sync {
    fn schema(&self) -> &'static Schema;

    /// Calls [`ShapeWriter::member`] for each member that is set, in model order.
    fn write_members(&self, writer: &mut dyn ShapeWriter) -> Result<(), WriteError>;
}

/// A generated structure or union.
pub trait Shape: WriteShape + Sized + 'static {
    /// The shape's schema, without a value.
    fn shape_schema() -> &'static Schema;

    /// Reads one value. Absent required members get their type's default here; that they were absent
    /// is noticed by [`crate::CheckedReader`], which wraps the codec's reader.
    fn read(reader: &mut dyn ShapeReader) -> Result<Self, ReadError>;
}

/// The shape of operations without an input or output in the model.
static UNIT: Schema = Schema::new("Unit", Kind::Structure);

impl WriteShape for () {
    fn schema(&self) -> &'static Schema {
        &UNIT
    }

    fn write_members(&self, _writer: &mut dyn ShapeWriter) -> Result<(), WriteError> {
        Ok(())
    }
}

impl Shape for () {
    fn shape_schema() -> &'static Schema {
        &UNIT
    }

    fn read(reader: &mut dyn ShapeReader) -> Result<Self, ReadError> {
        reader.read_structure(&UNIT, &mut |_, _| Ok(()))
    }
}

/// Free-form data of a `document` member.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Document {
    #[default]
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    String(String),
    List(Vec<Document>),
    Map(Vec<(String, Document)>),
}
