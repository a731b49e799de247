//! The protocols by name, and what their answers have in common.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use smithy::{Protocol, ServiceSchema};

use crate::aws_json::AwsJson;
use crate::aws_query::AwsQuery;
use crate::error_form::ErrorForm;
use crate::message::{ProtocolCodec, WireRequest, WireResponse};
use crate::rest_json::RestJson;
use crate::rpc_v2_cbor::RpcV2Cbor;

/// The codec of a protocol.
pub fn codec(protocol: Protocol) -> &'static dyn ProtocolCodec {
    match protocol {
        Protocol::AwsJson1_0 => &AwsJson::V1_0,
        Protocol::AwsJson1_1 => &AwsJson::V1_1,
        Protocol::RestJson1 => &RestJson,
        Protocol::AwsQuery => &AwsQuery,
        Protocol::RpcV2Cbor => &RpcV2Cbor,
    }
}

const QUERY_MODE: &str = "x-amzn-query-mode";
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// Whether errors are to be told as AWS Query tells them: the client asks for it and the service can.
pub(crate) fn query_mode(request: &WireRequest<'_>, service: Option<&'static ServiceSchema>) -> bool {
    let asked = request.headers.get(QUERY_MODE).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"true"));
    // Before the service is known the wish alone counts: only SDKs of such services express it.
    asked && service.is_none_or(|s| s.aws_query_compatible)
}

pub(crate) fn add_query_error(headers: &mut HeaderMap, form: &ErrorForm<'_>) {
    if let Ok(value) = HeaderValue::from_str(&form.query_error()) {
        headers.insert(QUERY_ERROR, value);
    }
}

pub(crate) fn response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> WireResponse {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    WireResponse { status, headers, body: Bytes::from(body) }
}
