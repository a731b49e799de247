//! OTLP over HTTP (`spec/otlp.md` §1–3): spans become segment documents and go where PutTraceSegments
//! puts them. Logs and metrics are not served yet and say so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::Scope;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use ingest::otlp::{
    Encoding, TRACES_BODY_BYTES_MAX, decode_traces, status_response, traces, traces_response,
};
use signals::SinkError;
use smithy::Protocol;
use wire::{FrameworkError, WireError};

use crate::app::App;
use crate::auth::sigv4;
use crate::body::{self, BodyError};
use crate::request::{Answer, Head, error_chain, identify};

/// What an OTLP path carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path {
            "/v1/traces" => Some(Signal::Traces),
            "/v1/logs" => Some(Signal::Logs),
            "/v1/metrics" => Some(Signal::Metrics),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Signal::Traces => "Traces",
            Signal::Logs => "Logs",
            Signal::Metrics => "Metrics",
        }
    }
}

/// gRPC codes of `google.rpc.Status`.
const INVALID_ARGUMENT: i32 = 3;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const UNAVAILABLE: i32 = 14;

/// Why an export is not accepted.
enum Refusal {
    /// Status, gRPC code and message, told in OTLP's own form.
    Otlp(StatusCode, i32, String),
    /// AWS: failed authentication is told as the AWS service of the signal tells it.
    Aws(FrameworkError),
}

impl Refusal {
    fn invalid(message: impl Into<String>) -> Self {
        Refusal::Otlp(StatusCode::BAD_REQUEST, INVALID_ARGUMENT, message.into())
    }
}

pub(crate) async fn answer(app: &Arc<App>, head: &Arc<Head>, mut body: Incoming, signal: Signal) -> Answer {
    let media_type = head.header("content-type").unwrap_or_default();
    let encoding = Encoding::from_content_type(media_type);
    let result = match check_head(app, head, signal, encoding) {
        Ok(encoding) => export(app, head, &mut body, encoding).await,
        Err(refusal) => Err(refusal),
    };
    // Whatever is left of the body must not stand between the client and its answer.
    if result.is_err() {
        body::discard(&mut body, app.network_clock.as_ref(), &app.config.limits).await;
    }
    let encoding = encoding.unwrap_or(Encoding::Json);
    match result {
        Ok(response) => Answer::new("otlp", signal.name(), response_of(StatusCode::OK, encoding, response)),
        Err(Refusal::Otlp(status, code, message)) => {
            let mut response = response_of(status, encoding, status_response(encoding, code, &message));
            if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            let mut answer = Answer::new("otlp", signal.name(), response);
            answer.error = Some((format!("grpc {code}"), message));
            answer
        }
        Err(Refusal::Aws(error)) => denied(app, head, signal, &error),
    }
}

fn check_head(
    app: &App,
    head: &Head,
    signal: Signal,
    encoding: Option<Encoding>,
) -> Result<Encoding, Refusal> {
    if signal != Signal::Traces {
        let message = format!("OTLP {} are not served", signal.name().to_lowercase());
        return Err(Refusal::Otlp(StatusCode::NOT_FOUND, UNIMPLEMENTED, message));
    }
    if head.parts.method != Method::POST {
        let message = "OTLP exports are POST requests".to_owned();
        return Err(Refusal::Otlp(StatusCode::METHOD_NOT_ALLOWED, UNIMPLEMENTED, message));
    }
    let unsupported =
        |what: &str| Refusal::Otlp(StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT, what.to_owned());
    let coding = head.parts.headers.get(CONTENT_ENCODING).map_or("", |v| v.to_str().unwrap_or("?")).trim();
    if !["", "gzip", "identity"].iter().any(|known| coding.eq_ignore_ascii_case(known)) {
        return Err(unsupported("Content-Encoding must be gzip or none"));
    }
    let declared = head.header("content-length").and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if declared > app.config.limits.body_bytes_max {
        return Err(too_large());
    }
    encoding.ok_or_else(|| unsupported("Content-Type must be application/x-protobuf or application/json"))
}

/// Takes the spans of a request; the answer's body.
async fn export(
    app: &Arc<App>,
    head: &Head,
    body: &mut Incoming,
    encoding: Encoding,
) -> Result<Vec<u8>, Refusal> {
    let overloaded = || Refusal::Otlp(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, OVERLOAD.to_owned());
    let _permit = app.admission.clone().try_acquire_owned().map_err(|_| overloaded())?;
    let mut room = app.bodies.reserve_nothing();
    let received = body::receive(body, app.network_clock.as_ref(), &app.config.limits, &mut room).await;
    let raw = received.map_err(|error| match error {
        BodyError::TooLarge => too_large(),
        BodyError::NoRoom => overloaded(),
        BodyError::TimedOut => Refusal::Otlp(
            StatusCode::REQUEST_TIMEOUT,
            INVALID_ARGUMENT,
            "the request body did not arrive in time".to_owned(),
        ),
        BodyError::Broken(reason) => {
            Refusal::invalid(format!("the request body could not be read: {reason}"))
        }
    })?;
    app.metrics.bytes_received.fetch_add(raw.len() as u64, Ordering::Relaxed);
    let scope = caller(app, head, &raw).map_err(Refusal::Aws)?;
    let plain =
        body::decode(&raw, &head.parts.headers, TRACES_BODY_BYTES_MAX, None).map_err(
            |error| match error {
                FrameworkError::BodyTooLarge => too_large(),
                FrameworkError::Serialization(message) => Refusal::invalid(message),
                _ => Refusal::invalid("the request body cannot be decoded"),
            },
        )?;
    let request = decode_traces(encoding, &plain).map_err(|error| Refusal::invalid(error.to_string()))?;
    let translated =
        traces(&request, app.clock.now(), &[]).map_err(|refusal| Refusal::invalid(refusal.to_string()))?;
    drop((request, plain, raw));
    store(app, scope, translated)
        .await
        .map(|(rejected, message)| traces_response(encoding, rejected, message.as_deref()))
}

/// Hands the documents over in a task of its own, so that a client that goes away leaves nothing half done.
async fn store(
    app: &Arc<App>,
    scope: Scope,
    translated: ingest::otlp::Traces,
) -> Result<(u64, Option<String>), Refusal> {
    let mut rejected = translated.rejected_spans;
    let mut message = translated.error_message;
    app.metrics.otlp_spans.fetch_add(translated.documents.len() as u64 + rejected, Ordering::Relaxed);
    if translated.documents.is_empty() {
        return Ok((rejected, message));
    }
    let sink = app.traces.clone();
    let storing = async move { sink.put_segment_documents(&scope, translated.documents).await };
    let failed =
        |message: &str| Refusal::Otlp(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message.to_owned());
    match app.running.spawn(storing).await {
        Ok(Ok(rejections)) => {
            rejected += rejections.len() as u64;
            if let (None, Some(first)) = (&message, rejections.first()) {
                message = Some(match rejections.len() - 1 {
                    0 => first.message.clone(),
                    more => format!("{} (+{more} more)", first.message),
                });
            }
            Ok((rejected, message))
        }
        Ok(Err(SinkError::Rejected(message))) => Err(Refusal::invalid(message)),
        Ok(Err(SinkError::Overloaded(message))) => Err(failed(&message)),
        Ok(Err(error)) => {
            tracing::error!(error = %error_chain(&error), "spans could not be stored");
            Err(failed("the spans could not be stored"))
        }
        Err(defect) => {
            app.metrics.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%defect, "an export ended in a defect");
            Err(failed("the spans could not be stored"))
        }
    }
}

fn caller(app: &App, head: &Head, raw: &Bytes) -> Result<Scope, FrameworkError> {
    let presented = sigv4::presented(&head.parts.headers, head.query());
    let (identity, _) = identify(app, head, &presented, raw, "xray", false, app.clock.now())?;
    Ok(identity.scope)
}

fn denied(app: &App, head: &Head, signal: Signal, error: &FrameworkError) -> Answer {
    let service = app.services.by_signing_name("xray").map(|s| s.schema);
    let nothing = Bytes::new();
    let response = wire::codec(Protocol::RestJson1).write_error(
        &head.wire(&nothing),
        service,
        None,
        &WireError::Framework(error),
        &head.request_id,
    );
    let mut http = Response::new(Full::new(response.body));
    *http.status_mut() = response.status;
    *http.headers_mut() = response.headers;
    let mut answer = Answer::new("otlp", signal.name(), http);
    answer.error = Some(wire::error_summary(&WireError::Framework(error), service, None));
    answer
}

fn response_of(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()));
    response
}

fn too_large() -> Refusal {
    Refusal::Otlp(
        StatusCode::PAYLOAD_TOO_LARGE,
        RESOURCE_EXHAUSTED,
        "the request body is too large".to_owned(),
    )
}

const OVERLOAD: &str = "the server is handling as many requests as it can";
