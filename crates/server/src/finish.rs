//! What every answer gets before it leaves: common headers, compression, figures and a line in the log
//! (`spec/protocols.md` §3).

use std::io::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Clock, Timestamp};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, DATE, VARY};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::Full;
use parking_lot::Mutex;

use crate::app::App;
use crate::cors;
use crate::request::{Answer, Head};

/// Bodies smaller than this are not worth compressing.
const COMPRESSED_BODY_MIN: u64 = 1024;

pub(crate) fn finish(app: &App, head: &Head, answer: Answer, started: Duration) -> Response<Full<Bytes>> {
    let Answer { service, operation, mut response, error, .. } = answer;
    if let Ok(id) = HeaderValue::from_str(&head.request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response.headers_mut().insert(DATE, app.date.header(app.clock.as_ref()));
    cors::decorate(&head.parts.headers, &app.config.cors_origins, response.headers_mut());
    let response = compress(head, response);
    let took = app.network_clock.monotonic().saturating_sub(started);
    let size = response.body().size_hint().lower();
    app.metrics.bytes_sent.fetch_add(size, Ordering::Relaxed);
    app.metrics.answered(service, operation, response.status().as_u16(), took);
    log(head, service, operation, response.status(), error.as_ref(), took, size);
    response
}

fn log(
    head: &Head,
    service: &str,
    operation: &str,
    status: StatusCode,
    error: Option<&(String, String)>,
    took: Duration,
    size_bytes: u64,
) {
    let request_id = head.request_id.as_str();
    let (code, message) = error.map_or(("", ""), |(code, message)| (code.as_str(), message.as_str()));
    let (status, took_ms) = (status.as_u16(), took.as_secs_f64() * 1000.0);
    match status {
        500.. => {
            tracing::warn!(request_id, service, operation, status, code, message, took_ms, peer = %head.peer.addr, "request failed");
        }
        400.. => {
            tracing::info!(request_id, service, operation, status, code, message, took_ms, peer = %head.peer.addr, "request refused");
        }
        _ => {
            tracing::debug!(request_id, service, operation, status, took_ms, size_bytes, peer = %head.peer.addr, "request answered");
        }
    }
}

/// Compresses larger bodies for clients that ask for it.
fn compress(head: &Head, response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    let wanted = head.parts.headers.get_all(ACCEPT_ENCODING).iter().any(accepts_gzip);
    let is_small = response.body().size_hint().lower() < COMPRESSED_BODY_MIN;
    // gRPC compresses its messages itself.
    let is_grpc = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    if !wanted
        || is_small
        || is_grpc
        || response.headers().contains_key(CONTENT_ENCODING)
        || head.parts.method == Method::HEAD
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Some(plain) = whole(body) else { return Response::from_parts(parts, Full::default()) };
    let mut encoder =
        flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 4), flate2::Compression::fast());
    let packed = encoder.write_all(&plain).and_then(|()| encoder.finish());
    match packed {
        Ok(packed) if packed.len() < plain.len() => {
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
            parts.headers.remove(http::header::CONTENT_LENGTH);
            Response::from_parts(parts, Full::new(packed.into()))
        }
        _ => Response::from_parts(parts, Full::new(plain)),
    }
}

fn accepts_gzip(value: &HeaderValue) -> bool {
    value.to_str().unwrap_or_default().split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let refused = |quality: &str| matches!(quality, "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(refused)
    })
}

/// The bytes of a body that is all there.
fn whole(body: Full<Bytes>) -> Option<Bytes> {
    use futures::FutureExt as _;
    use http_body_util::BodyExt as _;
    Some(body.collect().now_or_never()?.ok()?.to_bytes())
}

/// A plain JSON answer of the server itself.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// S3 is a neighbour this server does not imitate; the answer says where its address is set.
pub(crate) fn s3_not_served(head: &Head) -> Answer {
    let message = "this server does not serve S3; set AWS_ENDPOINT_URL_S3 to one that does";
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NotImplemented</Code><Message>{message}</Message><RequestId>{}</RequestId></Error>",
        head.request_id
    );
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    let mut answer = Answer::new("s3", "unknown", response);
    answer.error = Some(("NotImplemented".to_owned(), message.to_owned()));
    answer
}

/// The `Date` header by the injected clock, formatted once a second.
#[derive(Debug)]
pub(crate) struct DateHeader(Mutex<(i64, HeaderValue)>);

impl DateHeader {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((i64::MIN, HeaderValue::from_static(""))))
    }

    fn header(&self, clock: &dyn Clock) -> HeaderValue {
        let now = clock.now();
        let mut cached = self.0.lock();
        if cached.0 != now.as_secs() {
            *cached = (now.as_secs(), format_date(now));
        }
        cached.1.clone()
    }
}

fn format_date(at: Timestamp) -> HeaderValue {
    let text = at.to_datetime().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_rfc_1123() {
        assert_eq!(format_date(Timestamp::from_secs(1_704_067_230)), "Mon, 01 Jan 2024 00:00:30 GMT");
    }

    #[test]
    fn gzip_is_used_when_accepted() {
        for (value, accepted) in
            [("gzip", true), ("identity", false), ("deflate, GZIP;q=0.5", true), ("gzip;q=0", false)]
        {
            assert_eq!(accepts_gzip(&HeaderValue::from_static(value)), accepted, "{value}");
        }
    }
}
