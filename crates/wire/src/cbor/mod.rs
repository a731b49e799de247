//! CBOR (RFC 8949) as Smithy RPC v2 uses it.
//! Source: <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>.
//!
//! The reader takes every form the RFC allows for our kinds of values; the writer writes one: definite
//! lengths, doubles in eight bytes, no half floats.

mod decode;
mod reader;
mod writer;

pub use reader::CborReader;
pub use writer::CborWriter;

use smithy::{WriteError, WriteShape};

/// A shape as a CBOR map.
pub fn to_cbor(shape: &dyn WriteShape) -> Result<Vec<u8>, WriteError> {
    let mut writer = CborWriter::new();
    writer.write_shape(shape)?;
    Ok(writer.into_bytes())
}
