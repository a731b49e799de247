//! Request bodies: receiving them within limits of size, time and memory, and undoing their encodings
//! (`spec/protocols.md` §10).

use std::future::Future;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use base::Clock;
use bytes::{Buf, Bytes, BytesMut};
use futures::future::{Either, select};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt as _;
use wire::FrameworkError;

use crate::auth::chunked::{self, ChunkVerifier};
use crate::config::Limits;

/// Why a body could not be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    TimedOut,
    /// The connection broke or the framing is wrong.
    Broken(String),
    /// All bodies together are at their limit.
    NoRoom,
}

/// Bytes all bodies may hold together.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    used: AtomicUsize,
    max: usize,
}

/// A request's share of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Arc<BodyBudget>,
    bytes: usize,
}

impl BodyBudget {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), max })
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn reserve_nothing(self: &Arc<Self>) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }
}

impl Reservation {
    /// Whether `bytes` more fit.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used > self.budget.max {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a whole body as it was sent.
pub(crate) async fn receive<B>(
    mut body: B,
    clock: &dyn Clock,
    limits: &Limits,
    room: &mut Reservation,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let declared = body.size_hint().lower();
    if declared > limits.body_bytes_max as u64 {
        return Err(BodyError::TooLarge);
    }
    let deadline = clock.monotonic() + limits.body_timeout;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = next_frame(&mut body, clock, limits, deadline).await? {
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limits.body_bytes_max {
            return Err(BodyError::TooLarge);
        }
        if !room.grow(data.len()) {
            return Err(BodyError::NoRoom);
        }
        // A body of one frame, the usual case, is never copied.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(
                    usize::try_from(declared).unwrap_or(0).min(1 << 20).max(first.len() + data.len()),
                );
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// How long a refused body is read on: a client that stalls should not wait for its answer.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads and forgets what a client is still sending, so that it comes to read our answer instead of
/// seeing its connection break. Gives up at four times the largest body, or after [`DISCARD_TIMEOUT`].
pub(crate) async fn discard<B>(mut body: B, clock: &dyn Clock, limits: &Limits)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let deadline = clock.monotonic() + limits.body_timeout.min(DISCARD_TIMEOUT);
    let mut left = limits.body_bytes_max.saturating_mul(4);
    while let Ok(Some(frame)) = next_frame(&mut body, clock, limits, deadline).await {
        let size = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(size) {
            Some(remaining) => left = remaining,
            None => return,
        }
    }
}

async fn next_frame<B>(
    body: &mut B,
    clock: &dyn Clock,
    limits: &Limits,
    deadline: Duration,
) -> Result<Option<http_body::Frame<Bytes>>, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut frame = body.frame();
    let polled = std::future::poll_fn(|cx| {
        Poll::Ready(match std::pin::Pin::new(&mut frame).poll(cx) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        })
    })
    .await;
    let result = match polled {
        Some(result) => result,
        None => {
            let left = deadline.saturating_sub(clock.monotonic()).min(limits.body_pause_max);
            match select(frame, clock.sleep(left)).await {
                Either::Left((result, _)) => result,
                Either::Right(_) => return Err(BodyError::TimedOut),
            }
        }
    };
    result.transpose().map_err(|error| BodyError::Broken(error.to_string()))
}

/// The body with its content encodings undone, at most `limit` bytes.
pub(crate) fn decode(
    raw: &Bytes,
    headers: &HeaderMap,
    limit: usize,
    verifier: Option<ChunkVerifier>,
) -> Result<Bytes, FrameworkError> {
    let codings = codings(headers, raw)?;
    let mut verifier = verifier;
    let mut body = raw.clone();
    for coding in codings {
        body = match coding {
            Coding::Gzip => inflate(flate2::read::MultiGzDecoder::new(&body[..]), limit)?,
            // RFC 9110 says zlib format; some clients send raw deflate all the same.
            Coding::Deflate if looks_like_zlib(&body) => {
                inflate(flate2::read::ZlibDecoder::new(&body[..]), limit)?
            }
            Coding::Deflate => inflate(flate2::read::DeflateDecoder::new(&body[..]), limit)?,
            Coding::AwsChunked => {
                let declared = headers
                    .get("x-amz-decoded-content-length")
                    .and_then(|value| value.to_str().ok()?.trim().parse().ok());
                Bytes::from(chunked::decode(&body, declared, verifier.take())?)
            }
        };
    }
    if body.len() > limit { Err(FrameworkError::BodyTooLarge) } else { Ok(body) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    AwsChunked,
}

/// The encodings in the order they must be undone.
fn codings(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Coding>, FrameworkError> {
    let mut codings = Vec::new();
    for value in headers.get_all(http::header::CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or("?");
        for name in text.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            codings.push(match name.as_str() {
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "aws-chunked" => Coding::AwsChunked,
                "" | "identity" => continue,
                other => {
                    let message = format!("Content-Encoding '{other}' is not supported");
                    return Err(FrameworkError::Serialization(message));
                }
            });
        }
    }
    codings.reverse();
    // AWS: clients name aws-chunked first although it is the outermost coding of the transfer.
    let compressed = body.starts_with(&[0x1f, 0x8b]) || looks_like_zlib(body);
    if codings.len() > 1 && codings.last() == Some(&Coding::AwsChunked) && !compressed {
        codings.rotate_right(1);
    }
    Ok(codings)
}

fn looks_like_zlib(body: &[u8]) -> bool {
    matches!(body, [cmf, flg, ..] if cmf & 15 == 8 && u16::from_be_bytes([*cmf, *flg]) % 31 == 0)
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Bytes, FrameworkError> {
    let mut plain = Vec::new();
    let read = decoder.take(limit as u64 + 1).read_to_end(&mut plain);
    if plain.len() > limit {
        return Err(FrameworkError::BodyTooLarge);
    }
    match read {
        Ok(_) => Ok(Bytes::from(plain)),
        Err(_) => Err(FrameworkError::Serialization("the compressed body cannot be decompressed".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base::{SimulatedClock, Timestamp};
    use http_body_util::{Empty, Full, StreamBody};

    use super::*;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::header::CONTENT_ENCODING, http::HeaderValue::from_static(encoding))])
    }

    fn gzip(plain: &[u8]) -> Bytes {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn undoes_every_encoding() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"hello").unwrap();
        let mut raw = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        raw.write_all(b"hello").unwrap();
        let chunked = Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n");
        let packed = gzip(b"hello");
        let mut wrapped = format!("{:x}\r\n", packed.len()).into_bytes();
        wrapped.extend_from_slice(&packed);
        wrapped.extend_from_slice(b"\r\n0\r\n\r\n");
        for (encoding, body) in [
            ("identity", Bytes::from_static(b"hello")),
            ("gzip", gzip(b"hello")),
            ("X-GZIP", gzip(b"hello")),
            ("deflate", zlib.finish().unwrap().into()),
            ("deflate", raw.finish().unwrap().into()),
            ("aws-chunked", chunked.clone()),
            ("aws-chunked, gzip", gzip(&chunked)),
            ("aws-chunked,gzip", wrapped.into()),
            ("gzip, gzip", gzip(&gzip(b"hello"))),
        ] {
            assert_eq!(decode(&body, &headers(encoding), 100, None).unwrap(), "hello", "{encoding}");
        }
    }

    #[test]
    fn stops_at_the_limit_and_at_damage() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert_eq!(decode(&bomb, &headers("gzip"), 1 << 20, None).unwrap().len(), 1 << 20);
        assert_eq!(decode(&bomb, &headers("gzip"), (1 << 20) - 1, None), Err(FrameworkError::BodyTooLarge));
        assert_eq!(
            decode(&Bytes::from_static(b"abc"), &HeaderMap::new(), 2, None),
            Err(FrameworkError::BodyTooLarge)
        );
        let truncated = gzip(b"hello, hello").slice(..12);
        for (encoding, body) in [
            ("gzip", truncated),
            ("gzip", Bytes::from_static(b"{}")),
            ("gzip", Bytes::new()),
            ("br", Bytes::new()),
        ] {
            let result = decode(&body, &headers(encoding), 100, None);
            assert!(matches!(result, Err(FrameworkError::Serialization(_))), "{encoding} {result:?}");
        }
    }

    #[tokio::test]
    async fn receives_within_limits() {
        let clock = SimulatedClock::new(Timestamp::EPOCH);
        let limits = Limits { body_bytes_max: 10, ..Limits::default() };
        let budget = BodyBudget::new(15);
        let mut room = budget.reserve_nothing();
        let whole = receive(Full::from("0123456789"), clock.as_ref(), &limits, &mut room).await;
        assert_eq!(whole.unwrap(), "0123456789");
        assert_eq!(budget.used(), 10);
        let again =
            receive(Full::from("012345"), clock.as_ref(), &limits, &mut budget.reserve_nothing()).await;
        assert_eq!(again, Err(BodyError::NoRoom));
        drop(room);
        assert_eq!(budget.used(), 0);
        let long =
            receive(Full::from("0123456789a"), clock.as_ref(), &limits, &mut budget.reserve_nothing()).await;
        assert_eq!(long, Err(BodyError::TooLarge));
        let none = receive(Empty::new(), clock.as_ref(), &limits, &mut budget.reserve_nothing()).await;
        assert_eq!(none.unwrap(), "");
        let frames = futures::stream::iter(
            ["ab", "cd", "ef"].map(|text| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(text)))),
        );
        let parts =
            receive(StreamBody::new(frames), clock.as_ref(), &limits, &mut budget.reserve_nothing()).await;
        assert_eq!(parts.unwrap(), "abcdef");
    }

    #[tokio::test]
    async fn a_silent_sender_times_out() {
        let clock = SimulatedClock::new(Timestamp::EPOCH);
        let silent =
            StreamBody::new(futures::stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>());
        let limits = Limits::default();
        let mut room = BodyBudget::new(10).reserve_nothing();
        let waiting = receive(silent, clock.as_ref(), &limits, &mut room);
        let advance = async {
            while clock.next_deadline().is_none() {
                tokio::task::yield_now().await;
            }
            clock.advance(limits.body_pause_max);
        };
        let (result, ()) = futures::join!(waiting, advance);
        assert_eq!(result, Err(BodyError::TimedOut));
    }
}
