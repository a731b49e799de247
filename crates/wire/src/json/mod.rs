//! JSON: the body of the AWS JSON and REST JSON protocols, and of the events in event streams.
//!
//! The reader pulls values straight out of the request's bytes, with no tree in between. It is strict:
//! UTF-8, the grammar of RFC 8259, nothing after the value.

mod reader;
mod scan;
mod writer;

pub use reader::JsonReader;
pub use writer::JsonWriter;

use smithy::{WriteError, WriteShape};

/// A shape as a JSON object under its model names.
pub fn to_json(shape: &dyn WriteShape) -> Result<Vec<u8>, WriteError> {
    let mut writer = JsonWriter::new();
    writer.write_shape(shape)?;
    Ok(writer.into_bytes())
}
