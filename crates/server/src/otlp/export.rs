//! Exports, whatever door they came through: decoded requests go where their signal is kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::Scope;
use bytes::Bytes;
use http::StatusCode;
use hyper::body::Incoming;
use ingest::otlp::{
    self, ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest, MetricOptions,
    Outcome,
};
use signals::{LogBatch, LogRejections, SinkError};
use wire::FrameworkError;

use super::Signal;
use crate::app::App;
use crate::auth::sigv4;
use crate::body::{self, BodyError};
use crate::request::{Head, error_chain, identify};

/// gRPC codes of `google.rpc.Status`.
pub(super) const INVALID_ARGUMENT: i32 = 3;
pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
pub(super) const UNIMPLEMENTED: i32 = 12;
pub(super) const UNAVAILABLE: i32 = 14;

/// Why an export is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Status, gRPC code and message, told in OTLP's own form.
    Otlp(StatusCode, i32, String),
    /// AWS: failed authentication is told as the AWS service of the signal tells it.
    Aws(FrameworkError),
}

impl Refusal {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Refusal::Otlp(StatusCode::BAD_REQUEST, INVALID_ARGUMENT, message.into())
    }

    pub(super) fn unavailable(message: &str) -> Self {
        Refusal::Otlp(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, message.to_owned())
    }

    pub(super) fn too_large() -> Self {
        Refusal::Otlp(
            StatusCode::PAYLOAD_TOO_LARGE,
            RESOURCE_EXHAUSTED,
            "the request body is too large".to_owned(),
        )
    }
}

pub(super) const OVERLOAD: &str = "the server is handling as many requests as it can";

/// Receives a body within limits; `room` is its share of the memory for bodies.
pub(super) async fn receive(
    app: &App,
    body: &mut Incoming,
    room: &mut body::Reservation,
) -> Result<Bytes, Refusal> {
    let received = body::receive(body, app.network_clock.as_ref(), &app.config.limits, room).await;
    let raw = received.map_err(|error| match error {
        BodyError::TooLarge => Refusal::too_large(),
        BodyError::NoRoom => Refusal::unavailable(OVERLOAD),
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
    Ok(raw)
}

/// Who exports.
pub(super) fn caller(app: &App, head: &Head, raw: &Bytes, signal: Signal) -> Result<Scope, Refusal> {
    let presented = sigv4::presented(&head.parts.headers, head.query());
    let service = signal.signing_name();
    identify(app, head, &presented, raw, service, false, app.clock.now())
        .map(|(identity, _)| identity.scope)
        .map_err(Refusal::Aws)
}

/// Takes spans.
pub(super) async fn traces(
    app: &Arc<App>,
    scope: Scope,
    request: &ExportTraceServiceRequest,
) -> Result<Outcome, Refusal> {
    let translated = otlp::traces(request, app.clock.now(), &[]).map_err(refused)?;
    let mut outcome =
        Outcome { rejected: translated.rejected_spans, error_message: translated.error_message };
    let documents = translated.documents;
    let received = documents.len() as u64 + outcome.rejected;
    app.metrics.otlp_spans.fetch_add(received, Ordering::Relaxed);
    if documents.is_empty() {
        return Ok(outcome);
    }
    let sink = app.traces.clone();
    let rejections =
        stored(app, "spans", async move { sink.put_segment_documents(&scope, documents).await }).await?;
    outcome.rejected += rejections.len() as u64;
    if let (None, Some(first)) = (&outcome.error_message, rejections.first()) {
        outcome.error_message = Some(match rejections.len() - 1 {
            0 => first.message.clone(),
            more => format!("{} (+{more} more)", first.message),
        });
    }
    Ok(outcome)
}

/// Takes log records into the group and stream the headers name, which must exist.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html>.
pub(super) async fn logs(
    app: &Arc<App>,
    head: &Head,
    scope: Scope,
    request: &ExportLogsServiceRequest,
) -> Result<Outcome, Refusal> {
    let named = |header: &str| {
        let name = head.header(header).filter(|name| !name.is_empty());
        name.map(str::to_owned).ok_or_else(|| Refusal::invalid(format!("the header {header} is missing")))
    };
    let (log_group, log_stream) = (named("x-aws-log-group")?, named("x-aws-log-stream")?);
    let translated = otlp::logs(request, app.clock.now()).map_err(refused)?;
    let mut outcome = Outcome { rejected: translated.rejected, error_message: translated.error_message };
    let events = translated.events;
    let sent = events.len();
    app.metrics.otlp_log_records.fetch_add(sent as u64 + outcome.rejected, Ordering::Relaxed);
    let batch = LogBatch { scope, log_group, log_stream, create: false, events };
    let sink = app.logs.clone();
    let rejections = stored(app, "log records", async move { sink.put_log_batch(batch).await }).await?;
    let total = rejections.total();
    if total > 0 {
        let message = rejection_message(rejections);
        if total == sent && outcome.rejected == 0 {
            return Err(Refusal::invalid(message));
        }
        outcome.rejected += total as u64;
        outcome.error_message.get_or_insert(message);
    }
    Ok(outcome)
}

/// What the HTTP doors for log events say of events that were not taken.
pub(crate) fn rejection_message(rejections: LogRejections) -> String {
    let LogRejections { too_old, expired, too_new } = rejections;
    format!(
        r#"{{"tooOldLogEventCount": {too_old}, "tooNewLogEventCount": {too_new}, "expiredLogEventCount": {expired}}}"#
    )
}

/// Takes data points.
pub(super) async fn metrics(
    app: &Arc<App>,
    head: &Head,
    scope: Scope,
    request: &ExportMetricsServiceRequest,
) -> Result<Outcome, Refusal> {
    let options = match head.header("x-aws-metric-namespace").filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => {
            MetricOptions { namespace: Some(namespace.to_owned()), ..app.config.otlp_metrics.clone() }
        }
        None => app.config.otlp_metrics.clone(),
    };
    let now = app.clock.now();
    let translated = otlp::metrics(request, &scope, now, &options, &mut app.otlp_series.lock());
    let mut translated = translated.map_err(refused)?;
    let data = std::mem::take(&mut translated.data);
    let outcome = Outcome { rejected: translated.rejected, error_message: translated.error_message.clone() };
    app.metrics.otlp_data_points.fetch_add(data.len() as u64 + outcome.rejected, Ordering::Relaxed);
    if data.is_empty() {
        return Ok(outcome);
    }
    let sink = app.metric_sink.clone();
    let storing = async move { sink.put_metric_data(&scope, data).await };
    match stored(app, "data points", storing).await {
        Ok(()) => Ok(outcome),
        Err(refusal) => {
            // The client will send them again: what they are compared with must be what it was.
            translated.undo(&mut app.otlp_series.lock());
            Err(refusal)
        }
    }
}

/// Hands signals over in a task of its own, so that a client that goes away leaves nothing half done.
async fn stored<T: Send + 'static>(
    app: &App,
    what: &str,
    storing: impl Future<Output = Result<T, SinkError>> + Send + 'static,
) -> Result<T, Refusal> {
    match app.running.spawn(storing).await {
        Ok(Ok(taken)) => Ok(taken),
        Ok(Err(SinkError::Rejected(message) | SinkError::NotFound(message))) => {
            Err(Refusal::invalid(message))
        }
        Ok(Err(SinkError::Overloaded(message))) => Err(Refusal::unavailable(&message)),
        Ok(Err(error @ SinkError::Storage(_))) => {
            tracing::error!(error = %error_chain(&error), "{what} could not be stored");
            Err(Refusal::unavailable(&format!("the {what} could not be stored")))
        }
        Err(defect) => {
            app.metrics.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%defect, "an export ended in a defect");
            Err(Refusal::unavailable(&format!("the {what} could not be stored")))
        }
    }
}

fn refused(refusal: otlp::Refusal) -> Refusal {
    Refusal::invalid(refusal.to_string())
}
