//! REST JSON 1.
//! Source: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>.

use http::HeaderValue;
use http::header::HeaderName;
use smithy::{OperationSchema, Protocol, ReadError, ServiceSchema, ShapeReader, WriteError, WriteShape};

use crate::aws_json::error_body;
use crate::error_form::{ErrorForm, status};
use crate::json::{JsonReader, JsonWriter};
use crate::message::{ProtocolCodec, WireError, WireRequest, WireResponse};
use crate::protocols::response;
use crate::rest::{BoundMembers, RestReader};
use crate::text::Names;

const CONTENT_TYPE: &str = "application/json";
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

pub(crate) struct RestJson;

impl ProtocolCodec for RestJson {
    fn protocol(&self) -> Protocol {
        Protocol::RestJson1
    }

    fn read(
        &self,
        request: &WireRequest<'_>,
        operation: &'static OperationSchema,
        shape: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let body = if request.body.is_empty() { b"{}" } else { request.body.as_ref() };
        let mut body = JsonReader::with_names(body, Names::Location)?;
        shape(&mut RestReader::new(request, operation, &mut body)?)?;
        body.finish()
    }

    fn write_output(
        &self,
        _request: &WireRequest<'_>,
        _service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        output: &dyn WriteShape,
        _request_id: &str,
    ) -> Result<WireResponse, WriteError> {
        let bound = BoundMembers::of(output)?;
        let mut writer = JsonWriter::with_names(Names::Location);
        writer.write_shape(output)?;
        let status = bound.status.unwrap_or_else(|| status(operation.http.status));
        let mut response = response(status, CONTENT_TYPE, writer.into_bytes());
        response.headers.extend(bound.headers);
        Ok(response)
    }

    fn write_error(
        &self,
        _request: &WireRequest<'_>,
        service: Option<&'static ServiceSchema>,
        operation: Option<&'static OperationSchema>,
        error: &WireError<'_>,
        _request_id: &str,
    ) -> WireResponse {
        let form = ErrorForm::of(error, service, operation);
        let body = error_body(&form, JsonWriter::with_names(Names::Location));
        let mut response = response(status(form.rest_status), CONTENT_TYPE, body);
        if let Ok(name) = HeaderValue::from_str(&form.name) {
            response.headers.insert(ERROR_TYPE, name);
        }
        response
    }
}
