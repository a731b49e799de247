//! Log events from plain HTTP bodies: JSON lines, JSON documents, and the HTTP log collector's objects
//! (`spec/logs-api.md` §14).
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_HTTP_Endpoints.html>. The message of an
//! event is the text of its JSON value, as it was sent.

use base::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Deserializer, Value};
use signals::LogEvent;

/// What a body says: the events in it, and how much of it was no event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct JsonEvents {
    pub events: Vec<LogEvent>,
    pub invalid: usize,
}

impl JsonEvents {
    fn push(&mut self, text: &str, time: Option<Timestamp>, now: Timestamp) {
        self.events.push(LogEvent::new(time.unwrap_or(now), text));
    }
}

/// `/ingest/bulk`: a JSON value a line. An object or scalar is an event, an array one event per element; empty
/// lines are ignored, others that are no JSON are invalid.
pub fn bulk(body: &str, now: Timestamp) -> JsonEvents {
    let mut found = JsonEvents::default();
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match serde_json::from_str::<&RawValue>(line) {
            Ok(value) => match elements(value) {
                Some(elements) => elements.iter().for_each(|e| found.push(e.get(), timestamp(e), now)),
                None => found.push(value.get(), timestamp(value), now),
            },
            Err(_) => found.invalid += 1,
        }
    }
    found
}

/// `/ingest/json`: an object, or an array of which the objects count. What follows is ignored.
pub fn document(body: &str, now: Timestamp) -> JsonEvents {
    let mut found = JsonEvents::default();
    let Some(Ok(value)) = Deserializer::from_str(body).into_iter::<&RawValue>().next() else {
        found.invalid = 1;
        return found;
    };
    for element in elements(value).unwrap_or_else(|| vec![value]) {
        match is_object(element) {
            true => found.push(element.get(), timestamp(element), now),
            false => found.invalid += 1,
        }
    }
    found
}

/// `/services/collector/event`: objects with a member `event`, alone, in an array, or one after the other. `time` is
/// in seconds, as a number or a text.
pub fn collector(body: &str, now: Timestamp) -> JsonEvents {
    let mut found = JsonEvents::default();
    for value in Deserializer::from_str(body).into_iter::<&RawValue>() {
        let Ok(value) = value else {
            found.invalid += 1;
            break;
        };
        for element in elements(value).unwrap_or_else(|| vec![value]) {
            match serde_json::from_str::<Value>(element.get()) {
                Ok(Value::Object(members)) if members.contains_key("event") => {
                    found.push(element.get(), members.get("time").and_then(seconds), now);
                }
                _ => found.invalid += 1,
            }
        }
    }
    found
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// The elements of an array; `None` for other values.
fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    value.get().starts_with('[').then(|| serde_json::from_str(value.get()).unwrap_or_default())
}

/// The member `timestamp` of an object, when it is a number of milliseconds.
fn timestamp(value: &RawValue) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct Stamped {
        timestamp: Option<Value>,
    }
    if !is_object(value) {
        return None;
    }
    let stamped: Stamped = serde_json::from_str(value.get()).ok()?;
    stamped.timestamp?.as_i64().map(Timestamp::from_millis)
}

fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    let millis = (seconds * 1000.0).round();
    (millis.abs() < 9e15).then_some(Timestamp::from_millis(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(100);

    fn shown(found: JsonEvents) -> (Vec<(i64, String)>, usize) {
        let shown = |event: &LogEvent| (event.timestamp.as_millis(), event.text().to_owned());
        (found.events.iter().map(shown).collect(), found.invalid)
    }

    fn events(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
        expected.iter().map(|(time, text)| (*time, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_of_any_value() {
        let body = "{\"a\":1,\"timestamp\":5}\r\n\n[1, {\"b\": 2}]\n\"x\"\nbroken\n{\"timestamp\":\"7\"}";
        let expected = events(&[
            (5, "{\"a\":1,\"timestamp\":5}"),
            (100_000, "1"),
            (100_000, "{\"b\": 2}"),
            (100_000, "\"x\""),
            (100_000, "{\"timestamp\":\"7\"}"),
        ]);
        assert_eq!(shown(bulk(body, NOW)), (expected, 1));
    }

    #[test]
    fn documents_of_objects() {
        assert_eq!(shown(document("{\"a\":1} {\"b\":2}", NOW)), (events(&[(100_000, "{\"a\":1}")]), 0));
        let body = "[{\"timestamp\":3}, 4, {\"b\":2}]";
        assert_eq!(
            shown(document(body, NOW)),
            (events(&[(3, "{\"timestamp\":3}"), (100_000, "{\"b\":2}")]), 1)
        );
        assert_eq!(shown(document("nothing", NOW)), (vec![], 1));
        assert_eq!(shown(document("", NOW)), (vec![], 1));
    }

    #[test]
    fn objects_of_the_collector() {
        let body = r#"{"event":"a","time":1.5}{"event":{"b":1},"time":"2"} [{"event":1},{"x":1}, 3]"#;
        let expected = events(&[
            (1_500, r#"{"event":"a","time":1.5}"#),
            (2_000, r#"{"event":{"b":1},"time":"2"}"#),
            (100_000, r#"{"event":1}"#),
        ]);
        assert_eq!(shown(collector(body, NOW)), (expected, 2));
        assert_eq!(shown(collector(r#"{"event":1} {"#, NOW)).1, 1);
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body in "[ -~\\n]{0,200}") {
            bulk(&body, NOW);
            document(&body, NOW);
            collector(&body, NOW);
        }
    }
}
