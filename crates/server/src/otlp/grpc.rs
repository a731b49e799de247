//! OTLP over gRPC, on the same port as everything else: HTTP/2 requests to the paths of the three collector
//! services. The body is received within this server's limits; tonic does the framing.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlpgrpc>.

use std::sync::Arc;

use base::Scope;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use ingest::otlp::grpc::{
    LogsService, LogsServiceServer, MetricsService, MetricsServiceServer, TraceService, TraceServiceServer,
};
use ingest::otlp::{
    ExportLogsServiceRequest, ExportLogsServiceResponse, ExportMetricsServiceRequest,
    ExportMetricsServiceResponse, ExportTraceServiceRequest, ExportTraceServiceResponse, LOGS_BODY_BYTES_MAX,
    METRICS_BODY_BYTES_MAX, TRACES_BODY_BYTES_MAX,
};
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service as _;
use tonic::{Code, Status};
use wire::FrameworkError;

use super::Signal;
use super::export::{self, Refusal};
use crate::app::App;
use crate::body;
use crate::request::{Answer, Head};

/// The signal a path is for; `None` for other paths.
pub(crate) fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

pub(crate) async fn answer(app: &Arc<App>, head: &Arc<Head>, mut body: Incoming, signal: Signal) -> Answer {
    let Ok(_permit) = app.admission.clone().try_acquire_owned() else {
        body::discard(body, app.network_clock.as_ref(), &app.config.limits).await;
        return refuse(signal, &Status::unavailable(export::OVERLOAD));
    };
    let mut room = app.bodies.reserve_nothing();
    let raw = match export::receive(app, &mut body, &mut room).await {
        Ok(raw) => raw,
        Err(refusal) => {
            body::discard(body, app.network_clock.as_ref(), &app.config.limits).await;
            return refuse(signal, &status(refusal));
        }
    };
    let scope = match export::caller(app, head, &raw, signal) {
        Ok(scope) => scope,
        Err(refusal) => return refuse(signal, &status(refusal)),
    };
    let exporter = Exporter { app: app.clone(), head: head.clone(), scope };
    let request = http::Request::from_parts(head.parts.clone(), Full::new(raw));
    macro_rules! served {
        ($server:ident, $bytes_max:expr) => {{
            let server = $server::new(exporter).accept_compressed(CompressionEncoding::Gzip);
            server.max_decoding_message_size($bytes_max).call(request).await
        }};
    }
    let response = match signal {
        Signal::Traces => served!(TraceServiceServer, TRACES_BODY_BYTES_MAX),
        Signal::Logs => served!(LogsServiceServer, LOGS_BODY_BYTES_MAX),
        Signal::Metrics => served!(MetricsServiceServer, METRICS_BODY_BYTES_MAX),
    };
    let Ok(response) = response;
    let (parts, message) = response.into_parts();
    match message.collect().await {
        Ok(collected) => {
            let trailers = collected.trailers().cloned();
            let mut answer = Answer::new(
                "otlp",
                signal.name(),
                Response::from_parts(parts, Full::new(collected.to_bytes())),
            );
            let statuses = [trailers.as_ref(), Some(answer.response.headers())];
            answer.error = statuses.into_iter().flatten().find_map(failure);
            answer.trailers = trailers;
            answer
        }
        Err(status) => refuse(signal, &status),
    }
}

/// Code and message of a failure, for the log.
fn failure(headers: &HeaderMap) -> Option<(String, String)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let code = text("grpc-status");
    (!matches!(code, "" | "0")).then(|| (format!("grpc {code}"), text("grpc-message").to_owned()))
}

/// A failure before the message was looked at.
fn refuse(signal: Signal, status: &Status) -> Answer {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if status.add_header(headers).is_err() {
        headers.insert(Status::GRPC_STATUS, HeaderValue::from_static("2"));
    }
    let mut answer = Answer::new("otlp", signal.name(), response);
    answer.error = Some((format!("grpc {}", status.code() as i32), status.message().to_owned()));
    answer
}

fn status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Otlp(_, code, message) => Status::new(Code::from(code), message),
        Refusal::Aws(FrameworkError::AccessDenied(message)) => Status::permission_denied(message),
        Refusal::Aws(error) => {
            Status::unauthenticated(wire::error_summary(&wire::WireError::Framework(&error), None, None).1)
        }
    }
}

/// One request's side of the three services.
struct Exporter {
    app: Arc<App>,
    head: Arc<Head>,
    scope: Scope,
}

#[tonic::async_trait]
impl TraceService for Exporter {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let taken = export::traces(&self.app, self.scope.clone(), request.get_ref()).await;
        taken.map(|outcome| tonic::Response::new(outcome.of_traces())).map_err(status)
    }
}

#[tonic::async_trait]
impl LogsService for Exporter {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        let taken = export::logs(&self.app, &self.head, self.scope.clone(), request.get_ref()).await;
        taken.map(|outcome| tonic::Response::new(outcome.of_logs())).map_err(status)
    }
}

#[tonic::async_trait]
impl MetricsService for Exporter {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        let taken = export::metrics(&self.app, &self.head, self.scope.clone(), request.get_ref()).await;
        taken.map(|outcome| tonic::Response::new(outcome.of_metrics())).map_err(status)
    }
}
