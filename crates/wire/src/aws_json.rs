//! AWS JSON 1.0 and 1.1.
//! Sources: <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>,
//! <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use smithy::{OperationSchema, Protocol, ReadError, ServiceSchema, ShapeReader, WriteError, WriteShape};

use crate::error_form::ErrorForm;
use crate::json::{JsonReader, JsonWriter};
use crate::message::{ProtocolCodec, WireError, WireRequest, WireResponse};
use crate::probe::WithoutMessage;
use crate::protocols::{add_query_error, query_mode, response};

const CONTENT_TYPE_1_0: &str = "application/x-amz-json-1.0";
const CONTENT_TYPE_1_1: &str = "application/x-amz-json-1.1";

/// Either version; they differ in nothing but the content type.
pub(crate) struct AwsJson {
    protocol: Protocol,
}

impl AwsJson {
    pub(crate) const V1_0: AwsJson = AwsJson { protocol: Protocol::AwsJson1_0 };
    pub(crate) const V1_1: AwsJson = AwsJson { protocol: Protocol::AwsJson1_1 };

    /// The answer has the content type of the request; both versions are read for every service.
    fn content_type(&self, request: &WireRequest<'_>) -> &'static str {
        let sent = request.headers.get(CONTENT_TYPE).map(|v| v.as_bytes()).unwrap_or_default();
        for known in [CONTENT_TYPE_1_0, CONTENT_TYPE_1_1] {
            if sent.get(..known.len()).is_some_and(|s| s.eq_ignore_ascii_case(known.as_bytes())) {
                return known;
            }
        }
        match self.protocol {
            Protocol::AwsJson1_0 => CONTENT_TYPE_1_0,
            _ => CONTENT_TYPE_1_1,
        }
    }
}

impl ProtocolCodec for AwsJson {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn read(
        &self,
        request: &WireRequest<'_>,
        _operation: &'static OperationSchema,
        shape: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        // AWS: an empty body is an empty structure.
        let body = if request.body.is_empty() { b"{}" } else { request.body.as_ref() };
        let mut reader = JsonReader::new(body)?;
        shape(&mut reader)?;
        reader.finish()
    }

    fn write_output(
        &self,
        request: &WireRequest<'_>,
        _service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        output: &dyn WriteShape,
        _request_id: &str,
    ) -> Result<WireResponse, WriteError> {
        let body = if operation.has_output { crate::json::to_json(output)? } else { Vec::new() };
        Ok(response(StatusCode::OK, self.content_type(request), body))
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
        let status = form.rpc_status(form.json_status, query_mode);
        let mut response = response(status, self.content_type(request), error_body(&form, JsonWriter::new()));
        if query_mode {
            add_query_error(&mut response.headers, &form);
        }
        response
    }
}

/// `{"__type":"…","message":"…"}` with the exception's other members.
pub(crate) fn error_body(form: &ErrorForm<'_>, writer: JsonWriter) -> Vec<u8> {
    let mut writer = writer;
    writer.begin_object();
    writer.string_member("__type", &form.id);
    if let Some(message) = &form.message {
        // Old clients look for either spelling, whichever the model has.
        writer.string_member(form.message_member, message);
        if form.message_member != "message" {
            writer.string_member("message", message);
        }
    }
    if let Some(error) = form.shape {
        // Only a defect could make this fail; the members written so far are sound.
        let written = WithoutMessage(error.shape.as_ref()).write_members(&mut writer);
        debug_assert!(written.is_ok(), "{written:?}");
    }
    writer.end_object();
    writer.into_bytes()
}
