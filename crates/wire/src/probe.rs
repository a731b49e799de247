//! Looking at a shape's members without writing their values: how many there are, and which text an
//! error carries.

use base::Timestamp;
use smithy::{Document, Schema, ShapeWriter, WriteError, WriteShape};

/// Whether a member of an error shape is its message, which protocols write themselves.
pub(crate) fn is_message(name: &str) -> bool {
    name.eq_ignore_ascii_case("message")
}

/// Counts members that are set; values are not visited.
pub(crate) struct MemberCount;

impl MemberCount {
    pub(crate) fn of(shape: &dyn WriteShape) -> Result<usize, WriteError> {
        let mut probe = Probe::new(false);
        shape.write_members(&mut probe)?;
        Ok(probe.members)
    }
}

/// The member of a union that is set.
pub(crate) fn set_member(union: &dyn WriteShape) -> Result<Option<usize>, WriteError> {
    let mut probe = Probe::new(false);
    union.write_members(&mut probe)?;
    Ok(probe.last)
}

/// What protocols must know of an error shape before they write it.
pub(crate) struct ErrorMembers {
    /// Members that are set, without the message.
    pub(crate) structured: usize,
    /// The message, where the shape holds it.
    pub(crate) message: Option<String>,
}

impl ErrorMembers {
    pub(crate) fn of(shape: &dyn WriteShape) -> Result<Self, WriteError> {
        let mut probe = Probe::new(true);
        shape.write_members(&mut probe)?;
        Ok(Self { structured: probe.members, message: probe.message })
    }
}

/// An error shape without its message.
pub(crate) struct WithoutMessage<'a>(pub(crate) &'a dyn WriteShape);

impl WriteShape for WithoutMessage<'_> {
    fn schema(&self) -> &'static Schema {
        self.0.schema()
    }

    fn write_members(&self, writer: &mut dyn ShapeWriter) -> Result<(), WriteError> {
        self.0.write_members(&mut MessageFilter(writer))
    }
}

struct Probe {
    want_message: bool,
    members: usize,
    /// The member looked at last.
    last: Option<usize>,
    message: Option<String>,
}

impl Probe {
    fn new(want_message: bool) -> Self {
        Self { want_message, members: 0, last: None, message: None }
    }
}

impl ShapeWriter for Probe {
    fn write_structure(&mut self, _: &'static Schema, _: &dyn WriteShape) -> Result<(), WriteError> {
        Ok(())
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if self.want_message && is_message(schema.members[index].name) {
            return value(self);
        }
        self.members += 1;
        self.last = Some(index);
        Ok(())
    }

    fn write_list(
        &mut self,
        _: &'static Schema,
        _: usize,
        _: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_map(
        &mut self,
        _: &'static Schema,
        _: &[&str],
        _: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_string(&mut self, _: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.message = Some(value.to_owned());
        Ok(())
    }

    fn write_boolean(&mut self, _: &'static Schema, _: bool) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_integer(&mut self, _: &'static Schema, _: i64) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_double(&mut self, _: &'static Schema, _: f64) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_timestamp(&mut self, _: &'static Schema, _: Timestamp) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_blob(&mut self, _: &'static Schema, _: &[u8]) -> Result<(), WriteError> {
        Ok(())
    }

    fn write_document(&mut self, _: &'static Schema, _: &Document) -> Result<(), WriteError> {
        Ok(())
    }
}

/// Leaves the message member out; all else goes on to the writer behind.
struct MessageFilter<'a>(&'a mut dyn ShapeWriter);

impl ShapeWriter for MessageFilter<'_> {
    fn write_structure(&mut self, schema: &'static Schema, shape: &dyn WriteShape) -> Result<(), WriteError> {
        self.0.write_structure(schema, shape)
    }

    fn member(
        &mut self,
        schema: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        if is_message(schema.members[index].name) { Ok(()) } else { self.0.member(schema, index, value) }
    }

    fn write_list(
        &mut self,
        schema: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.0.write_list(schema, len, element)
    }

    fn write_map(
        &mut self,
        schema: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.0.write_map(schema, keys, entry)
    }

    fn write_string(&mut self, schema: &'static Schema, value: &str) -> Result<(), WriteError> {
        self.0.write_string(schema, value)
    }

    fn write_boolean(&mut self, schema: &'static Schema, value: bool) -> Result<(), WriteError> {
        self.0.write_boolean(schema, value)
    }

    fn write_integer(&mut self, schema: &'static Schema, value: i64) -> Result<(), WriteError> {
        self.0.write_integer(schema, value)
    }

    fn write_double(&mut self, schema: &'static Schema, value: f64) -> Result<(), WriteError> {
        self.0.write_double(schema, value)
    }

    fn write_timestamp(&mut self, schema: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        self.0.write_timestamp(schema, value)
    }

    fn write_blob(&mut self, schema: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        self.0.write_blob(schema, value)
    }

    fn write_document(&mut self, schema: &'static Schema, value: &Document) -> Result<(), WriteError> {
        self.0.write_document(schema, value)
    }
}
