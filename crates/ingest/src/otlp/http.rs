//! The `http` block, and the flags that follow from the response's status.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::span::SpanContext;

pub(super) struct HttpFacts {
    pub block: Option<Value>,
    pub status: Option<i64>,
    pub status_text: Option<String>,
}

pub(super) fn http(cx: &SpanContext<'_>) -> HttpFacts {
    let attributes = &cx.attributes;
    let is_http = attributes.any_key(|key| {
        key.starts_with("http.")
            || matches!(
                key,
                "url.full"
                    | "url.path"
                    | "url.query"
                    | "url.scheme"
                    | "user_agent.original"
                    | "client.address"
            )
    });
    if !is_http {
        return HttpFacts { block: None, status: None, status_text: None };
    }
    let mut request = Map::new();
    let mut put = |member: &str, value: Option<&str>| {
        if let Some(value) = value {
            request.insert(member.to_owned(), value.into());
        }
        value.is_some()
    };
    put("method", attributes.take_text(&["http.method", "http.request.method"]));
    put("user_agent", attributes.take_text(&["http.user_agent", "user_agent.original"]));
    let forwarded = put("client_ip", attributes.take_text(&["http.client_ip", "client.address"]));
    if !forwarded {
        put("client_ip", attributes.peek_text(&["net.peer.ip", "network.peer.address"]));
    }
    put("url", url(cx).as_deref());
    let forwarded_flag = attributes.take_flag("aws.xray.x_forwarded_for").or(forwarded.then_some(true));
    for (member, flag) in
        [("x_forwarded_for", forwarded_flag), ("traced", attributes.take_flag("aws.xray.traced"))]
    {
        if let Some(flag) = flag {
            request.insert(member.to_owned(), flag.into());
        }
    }
    let status = attributes.take_integer(&["http.status_code", "http.response.status_code"]);
    let status_text = attributes.take_text(&["http.status_text"]).map(str::to_owned);
    let mut response = Map::new();
    if let Some(status) = status {
        response.insert("status".to_owned(), status.into());
    }
    response.insert("content_length".to_owned(), content_length(cx).into());
    let mut block = Map::new();
    block.insert("request".to_owned(), request.into());
    block.insert("response".to_owned(), response.into());
    HttpFacts { block: Some(block.into()), status, status_text }
}

pub(super) struct Flags {
    pub fault: bool,
    pub error: bool,
    pub throttle: bool,
}

pub(super) fn flags(cx: &SpanContext<'_>, status: Option<i64>) -> Flags {
    let failed = cx.span.status.as_ref().is_some_and(|s| s.code == StatusCode::Error as i32);
    match status {
        Some(status @ 400..=499) => Flags { fault: false, error: true, throttle: status == 429 },
        Some(500..=599) => Flags { fault: true, error: false, throttle: false },
        _ => Flags { fault: failed, error: false, throttle: false },
    }
}

/// A status code attribute's number.
pub(super) fn status_of(value: &Any) -> Option<i64> {
    match value {
        Any::IntValue(number) => Some(*number),
        Any::StringValue(text) => text.parse().ok(),
        _ => None,
    }
}

/// The full URL if it was sent, else put together of its parts; `None` without a host.
fn url(cx: &SpanContext<'_>) -> Option<String> {
    let attributes = &cx.attributes;
    let full = attributes.take_text(&["http.url", "url.full"]);
    let scheme = attributes.take_text(&["http.scheme", "url.scheme"]).unwrap_or("http");
    let target = match attributes.take_text(&["http.target"]) {
        Some(target) => Some(target.to_owned()),
        None => attributes.take_text(&["url.path"]).map(|path| match attributes.take_text(&["url.query"]) {
            Some(query) => format!("{path}?{}", query.strip_prefix('?').unwrap_or(query)),
            None => path.to_owned(),
        }),
    };
    let http_host = attributes.take_text(&["http.host"]);
    if let Some(full) = full {
        return Some(full.to_owned());
    }
    let (host, port) = if cx.kind == SpanKind::Server {
        let host = attributes
            .take_text(&["http.server_name"])
            .or_else(|| attributes.take_text(&["net.host.name", "server.address"]))
            .or_else(|| attributes.peek_text(&["host.name"]))
            .or_else(|| cx.resource.peek_text(&["host.name"]));
        (host, attributes.take_integer(&["net.host.port", "server.port"]))
    } else {
        let host = attributes.peek_text(&["net.peer.name", "server.address", "net.peer.ip"]);
        (host, attributes.take_integer(&["net.peer.port", "server.port"]))
    };
    let (host, port) = match http_host {
        Some(host) => (host, None),
        None => (host?, port),
    };
    let port = match (scheme, port) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let target = target.unwrap_or_else(|| "/".to_owned());
    Some(format!("{scheme}://{host}{port}{target}"))
}

fn content_length(cx: &SpanContext<'_>) -> i64 {
    let keys = ["http.response.body.size", "http.response_content_length"];
    cx.attributes
        .take_integer(&keys)
        .or_else(|| {
            cx.span.events.iter().find_map(|event| {
                let attributes = Attributes::new(&event.attributes);
                let received = attributes.take_text(&["message.type"]) == Some("RECEIVED");
                received.then(|| attributes.take_integer(&["messaging.message_payload_size_bytes"])).flatten()
            })
        })
        .unwrap_or(0)
}
