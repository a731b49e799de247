//! Frames of `application/vnd.amazon.eventstream`.
//! Source: <https://smithy.io/2.0/aws/amazon-eventstream.html>.

mod frame;
mod header;
mod output;

pub use frame::{Decoder, FrameError, HEADERS_BYTES_MAX, Message, PAYLOAD_BYTES_MAX};
pub use header::HeaderValue;
pub use output::{event, initial_response};
