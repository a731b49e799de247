//! What a protocol is given and gives back.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use smithy::{
    ErrorShape, OperationSchema, Protocol, ReadError, ServiceSchema, ShapeReader, WriteError, WriteShape,
};

/// A request whose body is complete and decompressed, and whose operation is known.
pub struct WireRequest<'a> {
    pub method: &'a str,
    /// Path as received, still percent-encoded, without the query.
    pub path: &'a str,
    /// Query as received, without the question mark.
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

/// A complete answer, but for the headers common to all protocols (`x-amzn-RequestId`, `Date`, CORS).
#[derive(Debug)]
pub struct WireResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An error outside any operation (`spec/protocols.md` §8.4 and §8.5): the same situation has a different
/// code and status in each protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameworkError {
    /// The service has no such operation, or this server does not serve it.
    UnknownOperation {
        operation: String,
    },
    /// A form body without `Action`.
    MissingAction,
    /// The body is not what the protocol says, or a value has the wrong type.
    Serialization(String),
    BodyTooLarge,
    MethodNotAllowed,
    /// The server cannot take more at present; 503.
    Unavailable(String),
    /// Too many requests for this service; its throttling error.
    Throttled(String),
    /// Unforeseen failure; the text says nothing of the cause.
    Internal,
    MissingAuthenticationToken,
    IncompleteSignature(String),
    UnrecognizedClient,
    SignatureMismatch(String),
    RequestExpired,
    ExpiredToken,
    ContentSha256Mismatch,
    AccessDenied(String),
}

/// An error to be written.
#[derive(Debug)]
pub enum WireError<'a> {
    /// An exception of the model.
    Modelled(&'a ErrorShape),
    /// Constraint violations of the model: the whole message. The codec picks the code: `ValidationError`
    /// (Query), `com.amazon.coral.validate#ValidationException` (monitoring JSON and CBOR),
    /// `InvalidParameterException` or `ValidationException` (Logs, by what the operation lists),
    /// `InvalidRequestException` (X-Ray), `ValidationException` otherwise.
    Validation(&'a str),
    Framework(&'a FrameworkError),
}

/// One protocol, for all services and operations.
pub trait ProtocolCodec: Send + Sync {
    fn protocol(&self) -> Protocol;

    /// Reads the input of `operation`: calls `shape` once with a reader standing at the input structure.
    fn read(
        &self,
        request: &WireRequest<'_>,
        operation: &'static OperationSchema,
        shape: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;

    /// The successful answer. `request` supplies what depends on it, such as the JSON content type.
    fn write_output(
        &self,
        request: &WireRequest<'_>,
        service: &'static ServiceSchema,
        operation: &'static OperationSchema,
        output: &dyn WriteShape,
        request_id: &str,
    ) -> Result<WireResponse, WriteError>;

    /// The answer to a failed request. `operation` is unknown for errors before it could be resolved.
    fn write_error(
        &self,
        request: &WireRequest<'_>,
        service: Option<&'static ServiceSchema>,
        operation: Option<&'static OperationSchema>,
        error: &WireError<'_>,
        request_id: &str,
    ) -> WireResponse;
}
