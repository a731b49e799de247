//! The protocol around the codec: where parameters come from, the envelope of answers and errors.

use http::StatusCode;
use smithy::{OperationSchema, Protocol, ReadError, ServiceSchema, ShapeReader, WriteError, WriteShape};

use super::form::{Form, Tree};
use super::reader::QueryReader;
use super::xml::XmlWriter;
use crate::error_form::{ErrorForm, status};
use crate::message::{ProtocolCodec, WireError, WireRequest, WireResponse};
use crate::probe::WithoutMessage;
use crate::protocols::response;

pub(crate) struct AwsQuery;

impl ProtocolCodec for AwsQuery {
    fn protocol(&self) -> Protocol {
        Protocol::AwsQuery
    }

    fn read(
        &self,
        request: &WireRequest<'_>,
        _operation: &'static OperationSchema,
        shape: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let body = Form::parse(request.body)?;
        // Parameters stand in the body or in the URL; where both have an action, the body wins.
        let form = match request.query {
            Some(query) if body.get("Action").is_none() => Form::parse(query.as_bytes())?,
            _ => body,
        };
        let tree = Tree::build(&form)?;
        shape(&mut QueryReader::new(&tree))
    }

    fn write_output(
        &self,
        _request: &WireRequest<'_>,
        service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        output: &dyn WriteShape,
        request_id: &str,
    ) -> Result<WireResponse, WriteError> {
        let mut writer = XmlWriter::new();
        writer.open(operation.name, "Response", service.xml_namespace);
        if operation.has_output {
            writer.open(operation.name, "Result", None);
            output.write_members(&mut writer)?;
            writer.close(operation.name, "Result");
        }
        writer.open("ResponseMetadata", "", None);
        writer.element("RequestId", request_id);
        writer.close("ResponseMetadata", "");
        writer.close(operation.name, "Response");
        Ok(xml_response(StatusCode::OK, writer))
    }

    fn write_error(
        &self,
        _request: &WireRequest<'_>,
        service: Option<&'static ServiceSchema>,
        operation: Option<&'static OperationSchema>,
        error: &WireError<'_>,
        request_id: &str,
    ) -> WireResponse {
        let form = ErrorForm::of(error, service, operation);
        let mut writer = XmlWriter::new();
        writer.open("ErrorResponse", "", service.and_then(|s| s.xml_namespace));
        writer.open("Error", "", None);
        writer.element("Type", form.fault_name());
        writer.element("Code", &form.query_code);
        // AWS: an error without a text has no Message element at all, as observed for ResourceNotFound.
        if let Some(message) = &form.message {
            writer.element("Message", message);
        }
        if let Some(error) = form.shape {
            // Only a defect could make this fail.
            let written = WithoutMessage(error.shape.as_ref()).write_members(&mut writer);
            debug_assert!(written.is_ok(), "{written:?}");
        }
        writer.close("Error", "");
        writer.element("RequestId", request_id);
        writer.close("ErrorResponse", "");
        xml_response(status(form.query_status), writer)
    }
}

fn xml_response(status: StatusCode, writer: XmlWriter) -> WireResponse {
    response(status, "text/xml", writer.into_bytes())
}
