//! Event-stream outputs of the JSON protocols: union values as frames.

use smithy::{WriteError, WriteShape};

use super::{FrameError, Message};
use crate::json::to_json;
use crate::probe::set_member;

/// The first frame of a stream: the output's members outside the stream.
pub fn initial_response(output: &dyn WriteShape) -> Result<Vec<u8>, WriteError> {
    frame(output.schema().name, &Message::initial_response(to_json(output)?))
}

/// One event: a union value with exactly one member set, whose payload is a structure. A member that is an
/// exception of the model becomes an exception message.
pub fn event(union: &dyn WriteShape) -> Result<Vec<u8>, WriteError> {
    let schema = union.schema();
    let Some(index) = set_member(union)? else {
        return Err(WriteError { shape: schema.name, reason: "no event is set".to_owned() });
    };
    let member = &schema.members[index];
    // The JSON of the union is `{"name":payload}`: both are of our own making, so the payload is cut out.
    let text = to_json(union)?;
    let payload = text[member.name.len() + 4..text.len() - 1].to_vec();
    let message = match (member.schema)().error {
        Some(_) => Message::exception(member.name, payload),
        None => Message::event(member.name, payload),
    };
    frame(schema.name, &message)
}

fn frame(shape: &'static str, message: &Message) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    message.encode(&mut out).map_err(|error: FrameError| WriteError { shape, reason: error.to_string() })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use shapes::logs::{
        LiveTailSessionMetadata, LiveTailSessionUpdate, SessionTimeoutException, StartLiveTailResponse,
        StartLiveTailResponseStream,
    };

    use super::super::{Decoder, HeaderValue};
    use super::*;

    fn decoded(frame: &[u8]) -> (Vec<(String, String)>, String) {
        let mut decoder = Decoder::new();
        decoder.feed(frame);
        let message = decoder.next_message().unwrap().unwrap();
        let text = |(name, value): (String, HeaderValue)| match value {
            HeaderValue::String(value) => (name, value),
            other => panic!("{other:?}"),
        };
        (message.headers.into_iter().map(text).collect(), String::from_utf8(message.payload).unwrap())
    }

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn streams_begin_with_what_is_outside_the_stream() {
        let (found, payload) = decoded(&initial_response(&StartLiveTailResponse::default()).unwrap());
        let expected = headers(&[
            (":message-type", "event"),
            (":event-type", "initial-response"),
            (":content-type", "application/x-amz-json-1.1"),
        ]);
        assert_eq!((found, payload.as_str()), (expected, "{}"));
    }

    #[test]
    fn an_event_is_named_by_its_member_and_holds_its_structure() {
        let update = LiveTailSessionUpdate {
            session_metadata: Some(LiveTailSessionMetadata { sampled: Some(false) }),
            session_results: Some(Vec::new()),
        };
        let (found, payload) = decoded(&event(&StartLiveTailResponseStream::SessionUpdate(update)).unwrap());
        let expected = headers(&[
            (":message-type", "event"),
            (":event-type", "sessionUpdate"),
            (":content-type", "application/json"),
        ]);
        assert_eq!(found, expected);
        assert_eq!(payload, r#"{"sessionMetadata":{"sampled":false},"sessionResults":[]}"#);
    }

    #[test]
    fn an_exception_is_sent_as_one() {
        let timeout = SessionTimeoutException { message: Some("over".to_owned()) };
        let (found, payload) =
            decoded(&event(&StartLiveTailResponseStream::SessionTimeoutException(timeout)).unwrap());
        let expected = headers(&[
            (":message-type", "exception"),
            (":exception-type", "SessionTimeoutException"),
            (":content-type", "application/json"),
        ]);
        assert_eq!((found, payload.as_str()), (expected, r#"{"message":"over"}"#));
    }

    #[test]
    fn nothing_is_no_event() {
        assert!(event(&StartLiveTailResponseStream::Unknown).is_err());
    }
}
