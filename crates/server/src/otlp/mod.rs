//! OTLP over HTTP (`spec/otlp.md` §1–3): spans become segment documents and go where PutTraceSegments puts them,
//! log records go where PutLogEvents and data points where PutMetricData puts them. Over gRPC: [`grpc`].

mod export;
pub(crate) mod grpc;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use ingest::otlp::{
    Encoding, ExportRequest, LOGS_BODY_BYTES_MAX, METRICS_BODY_BYTES_MAX, Outcome, TRACES_BODY_BYTES_MAX,
    decode, status_response,
};
use prost::Message as _;
use smithy::Protocol;
use wire::{FrameworkError, WireError};

pub(crate) use export::rejection_message;
use export::{INVALID_ARGUMENT, Refusal, UNIMPLEMENTED};

use crate::app::App;
use crate::body;
use crate::request::{Answer, Head};

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

    /// The AWS service that takes the signal.
    fn signing_name(self) -> &'static str {
        match self {
            Signal::Traces => "xray",
            Signal::Logs => "logs",
            Signal::Metrics => "monitoring",
        }
    }

    /// Largest body after decompression.
    fn body_bytes_max(self) -> usize {
        match self {
            Signal::Traces => TRACES_BODY_BYTES_MAX,
            Signal::Logs => LOGS_BODY_BYTES_MAX,
            Signal::Metrics => METRICS_BODY_BYTES_MAX,
        }
    }
}

pub(crate) async fn answer(app: &Arc<App>, head: &Arc<Head>, mut body: Incoming, signal: Signal) -> Answer {
    let media_type = head.header("content-type").unwrap_or_default();
    let encoding = Encoding::from_content_type(media_type);
    let result = match check_head(app, head, encoding) {
        Ok(encoding) => take(app, head, &mut body, signal, encoding).await,
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

fn check_head(app: &App, head: &Head, encoding: Option<Encoding>) -> Result<Encoding, Refusal> {
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
        return Err(Refusal::too_large());
    }
    encoding.ok_or_else(|| unsupported("Content-Type must be application/x-protobuf or application/json"))
}

/// Takes the signals of a request; the answer's body.
async fn take(
    app: &Arc<App>,
    head: &Head,
    body: &mut Incoming,
    signal: Signal,
    encoding: Encoding,
) -> Result<Vec<u8>, Refusal> {
    let _permit =
        app.admission.clone().try_acquire_owned().map_err(|_| Refusal::unavailable(export::OVERLOAD))?;
    let mut room = app.bodies.reserve_nothing();
    let raw = export::receive(app, body, &mut room).await?;
    let scope = export::caller(app, head, &raw, signal)?;
    let plain = body::decode(&raw, &head.parts.headers, signal.body_bytes_max(), None).map_err(|error| {
        match (error, signal) {
            // AWS: the metrics endpoint answers 400 where the others answer as OTLP has it.
            (FrameworkError::BodyTooLarge, Signal::Metrics) => {
                Refusal::invalid("the request body is larger than 1 MB")
            }
            (FrameworkError::BodyTooLarge, _) => Refusal::too_large(),
            (FrameworkError::Serialization(message), _) => Refusal::invalid(message),
            _ => Refusal::invalid("the request body cannot be decoded"),
        }
    })?;
    drop(raw);
    let told = |outcome: &Outcome, message: Vec<u8>, counter: &str| match encoding {
        Encoding::Protobuf => message,
        Encoding::Json => outcome.to_json(counter).to_string().into_bytes(),
    };
    Ok(match signal {
        Signal::Traces => {
            let outcome = export::traces(app, scope, &decoded(encoding, &plain)?).await?;
            told(&outcome, outcome.of_traces().encode_to_vec(), "rejectedSpans")
        }
        Signal::Logs => {
            let outcome = export::logs(app, head, scope, &decoded(encoding, &plain)?).await?;
            told(&outcome, outcome.of_logs().encode_to_vec(), "rejectedLogRecords")
        }
        Signal::Metrics => {
            let outcome = export::metrics(app, head, scope, &decoded(encoding, &plain)?).await?;
            told(&outcome, outcome.of_metrics().encode_to_vec(), "rejectedDataPoints")
        }
    })
}

fn decoded<R: ExportRequest>(encoding: Encoding, plain: &[u8]) -> Result<R, Refusal> {
    decode(encoding, plain).map_err(|error| Refusal::invalid(error.to_string()))
}

fn denied(app: &App, head: &Head, signal: Signal, error: &FrameworkError) -> Answer {
    let service = app.services.by_signing_name(signal.signing_name()).map(|s| s.schema);
    let protocol = if signal == Signal::Traces { Protocol::RestJson1 } else { Protocol::AwsJson1_1 };
    let nothing = Bytes::new();
    let response = wire::codec(protocol).write_error(
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
