//! Errors in every protocol: the tables of `spec/protocols.md` §8.

use bytes::Bytes;
use serde_json::{Value, json};
use smithy::{ErrorShape, OperationSchema, Protocol, ServiceSchema};
use wire::{FrameworkError, WireError, WireRequest, WireResponse, codec};

use crate::cases::headers_of;
use crate::dynamic::Dynamic;
use crate::schemas::{LOGS_LIKE, MONITORING, PLAIN, REST, SINK_OPERATION, error_named};

const QUERY: Protocol = Protocol::AwsQuery;
const JSON: Protocol = Protocol::AwsJson1_0;
const CBOR: Protocol = Protocol::RpcV2Cbor;
const REST_JSON: Protocol = Protocol::RestJson1;

fn answer(
    protocol: Protocol,
    service: &'static ServiceSchema,
    operation: Option<&'static OperationSchema>,
    query_mode: bool,
    error: &WireError<'_>,
) -> WireResponse {
    let headers = if query_mode { json!({"headers": {"x-amzn-query-mode": "true"}}) } else { json!({}) };
    let headers = headers_of(&headers);
    let request =
        WireRequest { method: "POST", path: "/", query: None, headers: &headers, body: &Bytes::new() };
    codec(protocol).write_error(&request, Some(service), operation, error, "a-request-id")
}

fn exception(name: &str, members: Value, message: Option<&'static str>) -> ErrorShape {
    let shape = Dynamic { schema: error_named(name), value: members };
    ErrorShape { shape: Box::new(shape), message: message.map(Into::into) }
}

fn modelled(protocol: Protocol, query_mode: bool, error: &ErrorShape) -> WireResponse {
    answer(protocol, &MONITORING, Some(&SINK_OPERATION), query_mode, &WireError::Modelled(error))
}

fn text(response: &WireResponse) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

fn header<'r>(response: &'r WireResponse, name: &str) -> Option<&'r str> {
    response.headers.get(name).map(|v| v.to_str().unwrap())
}

/// Vector P1; Query always tells the status of the model.
#[test]
fn p1_query_has_the_models_status_and_no_message_element() {
    let response = modelled(QUERY, false, &exception("ResourceNotFound", json!({}), None));
    assert_eq!(response.status, 404);
    assert_eq!(
        text(&response),
        "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</Type>\
         <Code>ResourceNotFound</Code></Error><RequestId>a-request-id</RequestId></ErrorResponse>"
    );
}

/// Vector P2.
#[test]
fn p2_json_without_query_mode_is_400() {
    let response = modelled(JSON, false, &exception("ResourceNotFound", json!({}), None));
    assert_eq!(response.status, 400);
    assert_eq!(text(&response), r#"{"__type":"com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound"}"#);
    assert_eq!(header(&response, "x-amzn-query-error"), None);
    assert_eq!(header(&response, "content-type"), Some("application/x-amz-json-1.0"));
}

/// Vector P3.
#[test]
fn p3_json_with_query_mode_has_the_models_status() {
    let response = modelled(JSON, true, &exception("ResourceNotFound", json!({}), None));
    assert_eq!(response.status, 404);
    assert_eq!(text(&response), r#"{"__type":"com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound"}"#);
    assert_eq!(header(&response, "x-amzn-query-error"), Some("ResourceNotFound;Sender"));
}

/// Vectors P4 and B4.
#[test]
fn p4_b4_cbor_error_body() {
    let response = modelled(CBOR, true, &exception("ResourceNotFound", json!({}), None));
    assert_eq!(response.status, 404);
    let mut expected = hex::decode("a1665f5f747970657835").unwrap();
    expected.extend_from_slice(b"com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound");
    assert_eq!(response.body, expected);
    assert_eq!(header(&response, "smithy-protocol"), Some("rpc-v2-cbor"));
    assert_eq!(header(&response, "x-amzn-query-error"), Some("ResourceNotFound;Sender"));
    assert_eq!(modelled(CBOR, false, &exception("ResourceNotFound", json!({}), None)).status, 400);
}

/// Vectors P5 and P6, and who else reports validation how.
#[test]
fn p5_p6_validation_errors() {
    let message = "1 validation error detected: Value 'INVALID' at 'stateValue' failed";
    let validation = WireError::Validation(message);
    let of =
        |protocol, query_mode| answer(protocol, &MONITORING, Some(&SINK_OPERATION), query_mode, &validation);
    let response = of(JSON, true);
    assert_eq!(response.status, 400);
    assert_eq!(
        text(&response),
        format!(r#"{{"__type":"com.amazon.coral.validate#ValidationException","message":"{message}"}}"#)
    );
    assert_eq!(header(&response, "x-amzn-query-error"), Some("ValidationError;Sender"));
    assert!(text(&of(QUERY, false)).contains("<Code>ValidationError</Code>"));
    assert_eq!(of(QUERY, false).status, 400);

    let plain = |operation| answer(Protocol::AwsJson1_1, &PLAIN, operation, false, &validation);
    assert!(text(&plain(Some(&LOGS_LIKE))).starts_with(r#"{"__type":"InvalidParameterException","message""#));
    assert!(text(&plain(Some(&REST))).starts_with(r#"{"__type":"InvalidRequestException","message""#));
    assert!(text(&plain(None)).starts_with(r#"{"__type":"ValidationException","message""#));
}

#[test]
fn query_codes_differ_from_shape_names() {
    let error = exception("InvalidParameterValueException", json!({}), Some("bad"));
    let response = modelled(QUERY, false, &error);
    assert!(text(&response).contains("<Code>InvalidParameterValue</Code><Message>bad</Message>"));
    let response = modelled(JSON, true, &error);
    assert_eq!(header(&response, "x-amzn-query-error"), Some("InvalidParameterValue;Sender"));
    let fault = exception("InternalServiceFault", json!({}), Some("oops"));
    let response = modelled(CBOR, true, &fault);
    assert_eq!(
        (response.status.as_u16(), header(&response, "x-amzn-query-error")),
        (500, Some("InternalServiceError;Receiver"))
    );
    assert!(text(&modelled(QUERY, false, &fault)).contains("<Type>Receiver</Type>"));
}

#[test]
fn structured_members_follow_the_message() {
    let members = json!({"message": "from the shape", "dashboardValidationMessages": [{"a": "x"}]});
    let error = exception("DashboardInvalidInputError", members, None);
    assert_eq!(
        text(&modelled(JSON, false, &error)),
        r#"{"__type":"com.amazonaws.cloudwatch.v2010_08_01#DashboardInvalidInputError","message":"from the shape","dashboardValidationMessages":[{"a":"x"}]}"#
    );
    assert!(text(&modelled(QUERY, false, &error)).contains(
        "<Message>from the shape</Message><dashboardValidationMessages><member><a>x</a></member>\
         </dashboardValidationMessages></Error>"
    ));
    let body = modelled(CBOR, false, &error).body;
    assert_eq!(body[0], 0xa3, "a map of three: __type, message and the list");
    let tail = hex::decode("781b64617368626f61726456616c69646174696f6e4d6573736167657381a161616178").unwrap();
    assert!(body.ends_with(&tail));
}

#[test]
fn a_capital_message_is_written_in_both_spellings() {
    let error = exception("InvalidRequestException", json!({}), Some("no"));
    let response = answer(REST_JSON, &PLAIN, Some(&REST), false, &WireError::Modelled(&error));
    assert_eq!(response.status, 400);
    assert_eq!(text(&response), r#"{"__type":"InvalidRequestException","Message":"no","message":"no"}"#);
    assert_eq!(header(&response, "x-amzn-errortype"), Some("InvalidRequestException"));
    assert_eq!(header(&response, "content-type"), Some("application/json"));
}

/// AWS JSON without Query: client errors are 400 whatever the model says; REST has the model's status.
#[test]
fn status_by_protocol() {
    let error = exception("ThrottledException", json!({}), None);
    let of = |protocol| answer(protocol, &PLAIN, Some(&REST), true, &WireError::Modelled(&error));
    assert_eq!(of(Protocol::AwsJson1_1).status, 400);
    assert_eq!(header(&of(Protocol::AwsJson1_1), "x-amzn-query-error"), None, "the service knows no Query");
    assert_eq!(of(REST_JSON).status, 429);
}

/// §8.4 and §8.5: code in Query, name in JSON; status in Query, JSON, CBOR and REST JSON.
#[test]
fn framework_errors() {
    use FrameworkError as F;
    let text_of = |s: &str| s.to_owned();
    let rows = [
        (
            F::UnknownOperation { operation: text_of("X") },
            "InvalidAction",
            "UnknownOperationException",
            [400, 400, 404, 404],
        ),
        (F::MissingAction, "MissingAction", "UnknownOperationException", [400, 400, 404, 404]),
        (F::Serialization(text_of("t")), "MalformedInput", "SerializationException", [400; 4]),
        (F::BodyTooLarge, "RequestEntityTooLarge", "RequestEntityTooLarge", [413; 4]),
        (F::MethodNotAllowed, "MethodNotAllowed", "MethodNotAllowed", [405; 4]),
        (F::Unavailable(text_of("t")), "ServiceUnavailable", "ServiceUnavailableException", [503; 4]),
        (F::Throttled(text_of("t")), "Throttling", "ThrottlingException", [400, 400, 400, 429]),
        (F::Internal, "InternalFailure", "InternalFailure", [500; 4]),
        (
            F::MissingAuthenticationToken,
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            [403, 400, 400, 403],
        ),
        (
            F::IncompleteSignature(text_of("t")),
            "IncompleteSignature",
            "IncompleteSignatureException",
            [400, 400, 400, 403],
        ),
        (F::UnrecognizedClient, "InvalidClientTokenId", "UnrecognizedClientException", [403, 400, 400, 403]),
        (
            F::SignatureMismatch(text_of("t")),
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            [403, 400, 400, 403],
        ),
        (F::RequestExpired, "RequestExpired", "RequestExpired", [400, 400, 400, 403]),
        (F::ExpiredToken, "ExpiredToken", "ExpiredTokenException", [403, 400, 400, 403]),
        (F::ContentSha256Mismatch, "XAmzContentSHA256Mismatch", "XAmzContentSHA256Mismatch", [400; 4]),
        (F::AccessDenied(text_of("t")), "AccessDenied", "AccessDeniedException", [403, 400, 400, 403]),
    ];
    for (error, code, name, statuses) in rows {
        let wire = WireError::Framework(&error);
        for (protocol, status) in [QUERY, JSON, CBOR, REST_JSON].into_iter().zip(statuses) {
            let response = answer(protocol, &MONITORING, None, false, &wire);
            assert_eq!(response.status.as_u16(), status, "{error:?} {protocol:?}");
            if protocol == REST_JSON {
                assert_eq!(header(&response, "x-amzn-errortype"), Some(name), "{error:?}");
            }
        }
        let query = answer(QUERY, &MONITORING, None, false, &wire);
        assert!(text(&query).contains(&format!("<Code>{code}</Code>")), "{error:?}: {}", text(&query));
        let json = answer(JSON, &MONITORING, None, false, &wire);
        assert!(
            text(&json).starts_with(&format!(r#"{{"__type":"com.amazon.coral.service#{name}""#)),
            "{error:?}"
        );
        let plain = answer(Protocol::AwsJson1_1, &PLAIN, None, false, &wire);
        assert!(text(&plain).starts_with(&format!(r#"{{"__type":"{name}""#)), "{error:?}");
    }
}

#[test]
fn each_service_throttles_in_its_own_words() {
    let error = FrameworkError::Throttled("Rate exceeded".to_owned());
    let response = answer(REST_JSON, &PLAIN, Some(&REST), false, &WireError::Framework(&error));
    assert_eq!(
        (response.status.as_u16(), header(&response, "x-amzn-errortype")),
        (429, Some("ThrottledException"))
    );
    let response =
        answer(Protocol::AwsJson1_1, &PLAIN, Some(&LOGS_LIKE), false, &WireError::Framework(&error));
    assert_eq!(response.status, 400);
    assert_eq!(text(&response), r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
}
