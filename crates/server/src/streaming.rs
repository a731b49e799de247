//! Answers that go on: event streams (`application/vnd.amazon.eventstream`) behind a common body type.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::{Either, Full, StreamBody};
use smithy::EventStream;
use wire::WireResponse;

use crate::app::App;

/// The body of every answer: all there, or frames as they come.
pub(crate) type Body = Either<Full<Bytes>, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

/// The head of an event stream, with its first frame.
pub(crate) fn head(first: Vec<u8>) -> WireResponse {
    let mut headers = http::HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/vnd.amazon.eventstream"));
    WireResponse { status: http::StatusCode::OK, headers, body: first.into() }
}

/// Puts what follows behind a finished answer. The stream ends with its events, with the server, or after an
/// event that could not be written.
pub(crate) fn respond(
    app: &Arc<App>,
    request_id: &str,
    response: Response<Full<Bytes>>,
    events: Option<EventStream>,
) -> Response<Body> {
    let Some(events) = events else { return response.map(Either::Left) };
    let (app, request_id) = (app.clone(), request_id.to_owned());
    let stopping = app.stopping.clone().cancelled_owned();
    response.map(|first| {
        let first = stream::once(async move {
            use http_body_util::BodyExt as _;
            first.collect().await.map(|whole| Frame::data(whole.to_bytes()))
        });
        let frames = events.map(move |event| {
            let frame = wire::event_stream::event(event.as_ref());
            if let Err(error) = &frame {
                tracing::error!(%request_id, %error, "an event could not be written");
            }
            let bytes = frame.ok().map(Bytes::from);
            if let Some(bytes) = &bytes {
                app.metrics.bytes_sent.fetch_add(bytes.len() as u64, std::sync::atomic::Ordering::Relaxed);
            }
            bytes
        });
        let rest = frames
            .take_while(|frame| ready(frame.is_some()))
            .filter_map(|frame| ready(frame.map(|bytes| Ok(Frame::data(bytes)))));
        Either::Right(StreamBody::new(first.chain(rest.take_until(stopping)).boxed()))
    })
}

/// Puts trailers behind a finished answer.
pub(crate) fn with_trailers(response: Response<Full<Bytes>>, trailers: http::HeaderMap) -> Response<Body> {
    response.map(|body| {
        let first = stream::once(async move {
            use http_body_util::BodyExt as _;
            body.collect().await.map(|whole| Frame::data(whole.to_bytes()))
        });
        let last = stream::once(ready(Ok(Frame::trailers(trailers))));
        Either::Right(StreamBody::new(first.chain(last).boxed()))
    })
}
