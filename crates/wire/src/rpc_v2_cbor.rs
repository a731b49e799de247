//! Smithy RPC v2 CBOR.
//! Source: <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use smithy::{OperationSchema, Protocol, ReadError, ServiceSchema, ShapeReader, WriteError, WriteShape};

use crate::cbor::{CborReader, CborWriter, to_cbor};
use crate::error_form::ErrorForm;
use crate::message::{ProtocolCodec, WireError, WireRequest, WireResponse};
use crate::probe::WithoutMessage;
use crate::protocols::{add_query_error, query_mode, response};

const SMITHY_PROTOCOL: HeaderName = HeaderName::from_static("smithy-protocol");

pub(crate) struct RpcV2Cbor;

impl ProtocolCodec for RpcV2Cbor {
    fn protocol(&self) -> Protocol {
        Protocol::RpcV2Cbor
    }

    fn read(
        &self,
        request: &WireRequest<'_>,
        _operation: &'static OperationSchema,
        shape: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        // Operations without input send no body, which is an empty map.
        let body = if request.body.is_empty() { &[0xa0] } else { request.body.as_ref() };
        let mut reader = CborReader::new(body);
        shape(&mut reader)?;
        reader.finish()
    }

    fn write_output(
        &self,
        _request: &WireRequest<'_>,
        _service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        output: &dyn WriteShape,
        _request_id: &str,
    ) -> Result<WireResponse, WriteError> {
        if operation.has_output {
            return Ok(cbor_response(StatusCode::OK, to_cbor(output)?));
        }
        let mut empty = cbor_response(StatusCode::OK, Vec::new());
        empty.headers.remove(CONTENT_TYPE);
        Ok(empty)
    }

    fn write_error(
        &self,
        request: &WireRequest<'_>,
        service: Option<&'static ServiceSchema>,
        operation: Option<&'static OperationSchema>,
        error: &WireError<'_>,
        _request_id: &str,
    ) -> WireResponse {
        let form = ErrorForm::of(error, service, operation);
        let query_mode = query_mode(request, service);
        let status = form.rpc_status(form.cbor_status, query_mode);
        let mut response = cbor_response(status, error_body(&form));
        if query_mode {
            add_query_error(&mut response.headers, &form);
        }
        response
    }
}

/// Every answer names the protocol; clients take one that does not for malformed.
fn cbor_response(status: StatusCode, body: Vec<u8>) -> WireResponse {
    let mut response = response(status, "application/cbor", body);
    response.headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static("rpc-v2-cbor"));
    response
}

fn error_body(form: &ErrorForm<'_>) -> Vec<u8> {
    let mut writer = CborWriter::new();
    writer.begin_map(1 + usize::from(form.message.is_some()) + form.structured);
    writer.text("__type");
    writer.text(&form.id);
    if let Some(message) = &form.message {
        writer.text(form.message_member);
        writer.text(message);
    }
    if let Some(error) = form.shape {
        // Only a defect could make this fail.
        let written = WithoutMessage(error.shape.as_ref()).write_members(&mut writer);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    writer.into_bytes()
}
