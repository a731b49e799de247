//! What generated code shares: writing one member of a common type, and the constant halves of members.
//!
//! Generated structures call these instead of spelling out a closure per member, which keeps compiling
//! them cheap.

use base::Timestamp;
use smithy::{ErrorShape, Member, OperationError, Schema, ShapeWriter, WriteError, WriteShape};

/// A member that must be present.
pub(crate) const fn required(name: &'static str, schema: fn() -> &'static Schema) -> Member {
    let mut member = Member::new(name, schema);
    member.required = true;
    member
}

/// A member that may be absent.
pub(crate) const fn optional(name: &'static str, schema: fn() -> &'static Schema) -> Member {
    Member::new(name, schema)
}

/// An exception of the model as an operation's failure.
pub(crate) fn modelled(shape: Box<dyn WriteShape>, message: Option<String>) -> OperationError {
    OperationError::Modelled(ErrorShape { shape, message: message.map(Into::into) })
}

/// Writes member `index` of `parent`; `schema` is the schema of `value`. So do all below.
pub(crate) fn structure(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: &dyn WriteShape,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_structure(schema, value))
}

pub(crate) fn string(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: &str,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_string(schema, value))
}

pub(crate) fn boolean(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: bool,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_boolean(schema, value))
}

pub(crate) fn integer(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: i64,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_integer(schema, value))
}

pub(crate) fn double(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: f64,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_double(schema, value))
}

pub(crate) fn timestamp(
    w: &mut dyn ShapeWriter,
    parent: &'static Schema,
    index: usize,
    schema: &'static Schema,
    value: Timestamp,
) -> Result<(), WriteError> {
    w.member(parent, index, &mut |w| w.write_timestamp(schema, value))
}

/// The conversions every generated enum has; a macro, because a trait cannot give a type `From<String>`.
macro_rules! enumeration {
    ($name:ident) => {
        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self::known(value).unwrap_or_else(|| Self::Unknown(value.to_owned()))
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::known(&value).unwrap_or(Self::Unknown(value))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use enumeration;
