//! Plain HTTP doors for log events: `POST /ingest/bulk`, `/ingest/json` and `/services/collector/event` with the
//! group and stream in the query (`spec/logs-api.md` §14).
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_HTTP_Endpoints.html>.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use hyper::body::Incoming;
use ingest::json_events::{self, JsonEvents};
use serde_json::json;
use signals::{LogBatch, SinkError};
use wire::FrameworkError;

use crate::app::App;
use crate::auth::sigv4;
use crate::body::{self, BodyError};
use crate::finish;
use crate::otlp::rejection_message;
use crate::request::{Answer, Head, error_chain, identify};

/// Bytes and events of one request, and bytes of one event.
const BODY_BYTES_MAX: usize = 1_048_576;
const EVENTS_MAX: usize = 10_000;
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// How a body says its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Bulk,
    Document,
    Collector,
}

impl Form {
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path {
            "/ingest/bulk" => Some(Form::Bulk),
            "/ingest/json" => Some(Form::Document),
            "/services/collector/event" => Some(Form::Collector),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Form::Bulk => "IngestBulk",
            Form::Document => "IngestJson",
            Form::Collector => "CollectorEvent",
        }
    }

    fn takes(self, media_type: &str) -> bool {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
            || (self == Form::Bulk && essence.eq_ignore_ascii_case("application/x-ndjson"))
    }

    fn read(self, text: &str, now: base::Timestamp) -> JsonEvents {
        match self {
            Form::Bulk => json_events::bulk(text, now),
            Form::Document => json_events::document(text, now),
            Form::Collector => json_events::collector(text, now),
        }
    }
}

struct Refusal(StatusCode, String);

pub(crate) async fn answer(app: &Arc<App>, head: &Arc<Head>, mut body: Incoming, form: Form) -> Answer {
    let result = take(app, head, &mut body, form).await;
    if result.is_err() {
        body::discard(&mut body, app.network_clock.as_ref(), &app.config.limits).await;
    }
    match result {
        Ok(told) => Answer::new("logs", form.name(), finish::json(StatusCode::OK, &told)),
        Err(Refusal(status, message)) => {
            let mut response = finish::json(status, &json!({"message": message}));
            if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
                response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"));
            }
            let mut answer = Answer::new("logs", form.name(), response);
            answer.error = Some((status.as_u16().to_string(), message));
            answer
        }
    }
}

async fn take(
    app: &Arc<App>,
    head: &Head,
    body: &mut Incoming,
    form: Form,
) -> Result<serde_json::Value, Refusal> {
    let bad = |message: &str| Refusal(StatusCode::BAD_REQUEST, message.to_owned());
    if head.parts.method != Method::POST {
        return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "log events are sent by POST".to_owned()));
    }
    if !form.takes(head.header("content-type").unwrap_or_default()) {
        return Err(bad("Content-Type must be application/json"));
    }
    let named = |parameter: &str| {
        let query = head.query().unwrap_or_default();
        let mut pairs = form_pairs(query).filter(|(name, value)| name == parameter && !value.is_empty());
        pairs
            .next()
            .map(|(_, value)| value)
            .ok_or_else(|| bad(&format!("the parameter {parameter} is missing")))
    };
    let (log_group, log_stream) = (named("logGroup")?, named("logStream")?);
    let overloaded = || {
        Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server is handling as many requests as it can".to_owned(),
        )
    };
    let _permit = app.admission.clone().try_acquire_owned().map_err(|_| overloaded())?;
    let mut room = app.bodies.reserve_nothing();
    let received = body::receive(body, app.network_clock.as_ref(), &app.config.limits, &mut room).await;
    let raw = received.map_err(|error| match error {
        BodyError::TooLarge => bad("the request body is larger than 1 MB"),
        BodyError::NoRoom => overloaded(),
        BodyError::TimedOut => bad("the request body did not arrive in time"),
        BodyError::Broken(reason) => bad(&format!("the request body could not be read: {reason}")),
    })?;
    app.metrics.bytes_received.fetch_add(raw.len() as u64, Ordering::Relaxed);
    let presented = sigv4::presented(&head.parts.headers, head.query());
    let identified = identify(app, head, &presented, &raw, "logs", false, app.clock.now());
    let (identity, _) = identified.map_err(|error| denied(&error))?;
    let plain =
        body::decode(&raw, &head.parts.headers, BODY_BYTES_MAX, None).map_err(|error| match error {
            FrameworkError::BodyTooLarge => bad("the request body is larger than 1 MB"),
            _ => bad("the request body cannot be decoded"),
        })?;
    let text = std::str::from_utf8(&plain).map_err(|_| bad("the request body is not UTF-8"))?;
    let JsonEvents { mut events, invalid } = form.read(text, app.clock.now());
    let found = events.len();
    events.retain(|event| event.message.len() <= EVENT_BYTES_MAX);
    let invalid = invalid + found - events.len();
    if events.is_empty() && invalid > 0 {
        return Err(bad("All events were invalid"));
    }
    if events.len() > EVENTS_MAX {
        return Err(bad("a request may have 10000 events"));
    }
    let sent = events.len();
    let batch = LogBatch { scope: identity.scope, log_group, log_stream, create: false, events };
    let sink = app.logs.clone();
    let stored = app.running.spawn(async move { sink.put_log_batch(batch).await }).await;
    let rejections = match stored {
        Ok(Ok(rejections)) => rejections,
        Ok(Err(SinkError::NotFound(message))) => return Err(Refusal(StatusCode::NOT_FOUND, message)),
        Ok(Err(SinkError::Rejected(message))) => return Err(bad(&message)),
        Ok(Err(SinkError::Overloaded(message))) => {
            return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, message));
        }
        Ok(Err(error)) => {
            tracing::error!(error = %error_chain(&error), "log events could not be stored");
            return Err(internal());
        }
        Err(defect) => {
            app.metrics.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%defect, "an ingestion ended in a defect");
            return Err(internal());
        }
    };
    match rejections.total() {
        0 => Ok(json!({})),
        total if total == sent => Err(bad(&rejection_message(rejections))),
        total => Ok(json!({"partialSuccess": {
            "rejectedLogRecords": total,
            "errorMessage": rejection_message(rejections),
        }})),
    }
}

fn internal() -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log events could not be stored".to_owned())
}

fn denied(error: &FrameworkError) -> Refusal {
    let (code, message) = wire::error_summary(&wire::WireError::Framework(error), None, None);
    let status = match error {
        FrameworkError::MissingAuthenticationToken => StatusCode::UNAUTHORIZED,
        _ => StatusCode::FORBIDDEN,
    };
    Refusal(status, format!("{code}: {message}"))
}

fn form_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        (decoded(name), decoded(value))
    })
}
