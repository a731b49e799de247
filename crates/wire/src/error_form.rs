//! What every protocol must know to write an error: its names, status and text (`spec/protocols.md` §8).

use http::StatusCode;
use smithy::{ErrorShape, Fault, OperationSchema, ServiceSchema};

use crate::message::{FrameworkError, WireError};
use crate::probe::ErrorMembers;

/// Namespace of errors raised by AWS's service framework, where ids carry one.
const FRAMEWORK_NAMESPACE: &str = "com.amazon.coral.service";
/// Namespace of its constraint checks.
const VALIDATION_NAMESPACE: &str = "com.amazon.coral.validate";

/// One error in the words of each protocol.
pub(crate) struct ErrorForm<'a> {
    /// Shape name: what JSON and CBOR clients match on.
    pub(crate) name: String,
    /// `__type`: the name, with a namespace for services whose ids carry one.
    pub(crate) id: String,
    /// `Code` in AWS Query and in `x-amzn-query-error`.
    pub(crate) query_code: String,
    pub(crate) fault: Fault,
    pub(crate) query_status: u16,
    pub(crate) json_status: u16,
    pub(crate) cbor_status: u16,
    pub(crate) rest_status: u16,
    pub(crate) message: Option<String>,
    /// The member of the model that holds the message.
    pub(crate) message_member: &'static str,
    /// The exception whose other members are written.
    pub(crate) shape: Option<&'a ErrorShape>,
    /// How many members those are.
    pub(crate) structured: usize,
}

impl<'a> ErrorForm<'a> {
    pub(crate) fn of(
        error: &WireError<'a>,
        service: Option<&'static ServiceSchema>,
        operation: Option<&'static OperationSchema>,
    ) -> Self {
        match error {
            WireError::Modelled(shape) => modelled(shape, service),
            WireError::Validation(message) => validation(message, service, operation),
            WireError::Framework(error) => framework(error, service, operation),
        }
    }

    pub(crate) fn fault_name(&self) -> &'static str {
        match self.fault {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        }
    }

    /// The status in JSON or CBOR, `own` being that of the protocol.
    ///
    /// AWS: a service that also speaks Query uses Query's status when the client sends
    /// `x-amzn-query-mode: true`, and 400 for every client error without it (observed).
    pub(crate) fn rpc_status(&self, own: u16, query_mode: bool) -> StatusCode {
        status(if query_mode { self.query_status } else { own })
    }

    /// `x-amzn-query-error`.
    pub(crate) fn query_error(&self) -> String {
        format!("{};{}", self.query_code, self.fault_name())
    }
}

/// The name and the text of an error as clients see them: for audit events and logs.
pub fn error_summary(
    error: &WireError<'_>,
    service: Option<&'static ServiceSchema>,
    operation: Option<&'static OperationSchema>,
) -> (String, String) {
    let form = ErrorForm::of(error, service, operation);
    (form.name, form.message.unwrap_or_default())
}

pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn modelled<'a>(error: &'a ErrorShape, service: Option<&'static ServiceSchema>) -> ErrorForm<'a> {
    let schema = error.schema();
    // A shape without the trait is no exception: only a defect of this server could send it.
    let (fault, model_status, query_code) =
        schema.error.map_or((Fault::Receiver, 500, None), |e| (e.fault, e.status, e.query_code));
    let members =
        ErrorMembers::of(error.shape.as_ref()).unwrap_or(ErrorMembers { structured: 0, message: None });
    let message_member = schema.members.iter().map(|m| m.name).find(|name| crate::probe::is_message(name));
    // AWS: JSON services answer 400 to every client error, whatever the model says for other protocols.
    let rpc = if fault == Fault::Sender { 400 } else { model_status.max(500) };
    ErrorForm {
        name: schema.name.to_owned(),
        id: qualified(service, service.and_then(|s| s.error_namespace), schema.name),
        query_code: query_code.unwrap_or(schema.name).to_owned(),
        fault,
        query_status: model_status,
        json_status: rpc,
        cbor_status: rpc,
        rest_status: model_status,
        message: error.message.as_deref().map(str::to_owned).or(members.message),
        message_member: message_member.unwrap_or("message"),
        shape: Some(error),
        structured: members.structured,
    }
}

fn validation<'a>(
    message: &str,
    service: Option<&'static ServiceSchema>,
    operation: Option<&'static OperationSchema>,
) -> ErrorForm<'a> {
    let lists = |name: &str| operation.is_some_and(|o| o.errors.iter().any(|e| e().name == name));
    // AWS: monitoring reports constraint violations of its framework under the framework's own name;
    // other services have an exception of their own for them.
    let own = ["InvalidParameterException", "ValidationException", "InvalidRequestException"];
    let name = match service {
        Some(service) if service.error_namespace.is_some() => "ValidationException",
        _ => own.into_iter().find(|name| lists(name)).unwrap_or("ValidationException"),
    };
    ErrorForm {
        id: qualified(service, Some(VALIDATION_NAMESPACE), name),
        query_code: "ValidationError".to_owned(),
        message: Some(message.to_owned()),
        ..plain(name, Fault::Sender, [400; 4])
    }
}

fn framework<'a>(
    error: &FrameworkError,
    service: Option<&'static ServiceSchema>,
    operation: Option<&'static OperationSchema>,
) -> ErrorForm<'a> {
    let facts = facts(error, service, operation);
    let fault = if facts.statuses[0] >= 500 { Fault::Receiver } else { Fault::Sender };
    ErrorForm {
        id: qualified(service, Some(FRAMEWORK_NAMESPACE), facts.name),
        query_code: facts.query_code.to_owned(),
        message: facts.message,
        ..plain(facts.name, fault, facts.statuses)
    }
}

fn plain<'a>(name: &str, fault: Fault, [query, json, cbor, rest]: [u16; 4]) -> ErrorForm<'a> {
    ErrorForm {
        name: name.to_owned(),
        id: name.to_owned(),
        query_code: name.to_owned(),
        fault,
        query_status: query,
        json_status: json,
        cbor_status: cbor,
        rest_status: rest,
        message: None,
        message_member: "message",
        shape: None,
        structured: 0,
    }
}

/// The id with `namespace`, for services whose ids carry one.
fn qualified(service: Option<&'static ServiceSchema>, namespace: Option<&str>, name: &str) -> String {
    match (service.and_then(|s| s.error_namespace), namespace) {
        (Some(_), Some(namespace)) => format!("{namespace}#{name}"),
        _ => name.to_owned(),
    }
}

struct Facts {
    query_code: &'static str,
    name: &'static str,
    /// For Query, JSON, CBOR and REST JSON.
    statuses: [u16; 4],
    message: Option<String>,
}

/// A row of §8.4 or §8.5. Authentication failures are 403 in Query and REST, 400 in JSON and CBOR.
fn facts(
    error: &FrameworkError,
    service: Option<&'static ServiceSchema>,
    operation: Option<&'static OperationSchema>,
) -> Facts {
    let row = |query_code, name, statuses, message: Option<&str>| Facts {
        query_code,
        name,
        statuses,
        message: message.map(str::to_owned),
    };
    match error {
        FrameworkError::UnknownOperation { operation } => Facts {
            message: Some(match service {
                Some(service) => {
                    format!("Could not find operation {operation} for version {}", service.api_version)
                }
                None => format!("Could not find operation {operation}"),
            }),
            ..row("InvalidAction", "UnknownOperationException", [400, 400, 404, 404], None)
        },
        FrameworkError::MissingAction => {
            row("MissingAction", "UnknownOperationException", [400, 400, 404, 404], Some("Missing Action"))
        }
        FrameworkError::Serialization(text) => {
            let monitoring = service.is_some_and(|s| s.error_namespace.is_some());
            let code = if monitoring { "MalformedInput" } else { "MalformedQueryString" };
            row(code, "SerializationException", [400; 4], Some(text))
        }
        FrameworkError::BodyTooLarge => row(
            "RequestEntityTooLarge",
            "RequestEntityTooLarge",
            [413; 4],
            Some("Request size exceeded the limit"),
        ),
        FrameworkError::MethodNotAllowed => row("MethodNotAllowed", "MethodNotAllowed", [405; 4], None),
        FrameworkError::Unavailable(text) => {
            row("ServiceUnavailable", "ServiceUnavailableException", [503; 4], Some(text))
        }
        FrameworkError::Throttled(text) => throttled(text, service, operation),
        FrameworkError::Internal => row(
            "InternalFailure",
            "InternalFailure",
            [500; 4],
            Some("The request processing has failed because of an unknown error, exception or failure."),
        ),
        FrameworkError::ContentSha256Mismatch => row(
            "XAmzContentSHA256Mismatch",
            "XAmzContentSHA256Mismatch",
            [400; 4],
            Some("The provided 'x-amz-content-sha256' header does not match what was computed."),
        ),
        _ => authentication(error, service),
    }
}

fn authentication(error: &FrameworkError, service: Option<&'static ServiceSchema>) -> Facts {
    let row = |query_code, name, query_status, message: &str| Facts {
        query_code,
        name,
        statuses: [query_status, 400, 400, 403],
        message: Some(message.to_owned()),
    };
    match error {
        FrameworkError::MissingAuthenticationToken => row(
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            403,
            "Request is missing Authentication Token",
        ),
        FrameworkError::IncompleteSignature(text) => {
            row("IncompleteSignature", "IncompleteSignatureException", 400, text)
        }
        FrameworkError::UnrecognizedClient => row(
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            403,
            "The security token included in the request is invalid.",
        ),
        FrameworkError::SignatureMismatch(text) => {
            row("SignatureDoesNotMatch", "InvalidSignatureException", 403, text)
        }
        FrameworkError::RequestExpired => {
            row("RequestExpired", "RequestExpired", 400, "Request has expired.")
        }
        FrameworkError::ExpiredToken => row(
            "ExpiredToken",
            "ExpiredTokenException",
            403,
            "The security token included in the request is expired",
        ),
        FrameworkError::AccessDenied(text) => {
            // AWS: SNS has its own code for this.
            let sns = service.is_some_and(|s| s.signing_name == "sns");
            row(if sns { "AuthorizationError" } else { "AccessDenied" }, "AccessDeniedException", 403, text)
        }
        // All other errors are rows of `facts`.
        _ => row("InternalFailure", "InternalFailure", 500, ""),
    }
}

/// AWS: X-Ray says `ThrottledException` with 429 where others say `ThrottlingException` with 400, and SNS
/// `Throttled`; the operation's own list tells which.
fn throttled(
    text: &str,
    service: Option<&'static ServiceSchema>,
    operation: Option<&'static OperationSchema>,
) -> Facts {
    let listed = operation.and_then(|o| o.errors.iter().map(|e| e()).find(|e| e.name.starts_with("Throttl")));
    let message = Some(text.to_owned());
    if service.is_some_and(|s| s.signing_name == "sns") {
        return Facts { query_code: "Throttled", name: "ThrottledException", statuses: [429; 4], message };
    }
    match listed {
        Some(schema) => {
            let rest = schema.error.map_or(429, |e| e.status);
            Facts { query_code: "Throttling", name: schema.name, statuses: [400, 400, 400, rest], message }
        }
        None => Facts {
            query_code: "Throttling",
            name: "ThrottlingException",
            statuses: [400, 400, 400, 429],
            message,
        },
    }
}
