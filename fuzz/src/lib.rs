//! What the fuzz targets share: a request read as one operation's input, with its constraints checked.

use bytes::Bytes;
use http::HeaderMap;
use smithy::{CheckedReader, Operation, Protocol, Shape, WriteShape};
use wire::{WireRequest, codec};

/// Reads `body` as the input of `O`; what was read must be writable again.
pub fn read<O: Operation>(protocol: Protocol, body: &[u8]) {
    let (headers, body) = (HeaderMap::new(), Bytes::copy_from_slice(body));
    let request = WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &body };
    let mut input: Option<O::Input> = None;
    let read = codec(protocol).read(&request, O::SCHEMA, &mut |reader| {
        input = Some(O::Input::read(&mut CheckedReader::new(reader))?);
        Ok(())
    });
    if let (Ok(()), Some(input)) = (read, input) {
        let shape: &dyn WriteShape = &input;
        wire::json::to_json(shape).expect("what was read can be written as JSON");
        wire::cbor::to_cbor(shape).expect("what was read can be written as CBOR");
        let _ = wire::audit_json(shape);
    }
}
