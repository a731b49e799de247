//! One span as one segment document, or as two when it is the local root of a call to elsewhere.
//!
//! The rules follow the X-Ray exporter of the OpenTelemetry Collector, with newer attribute names added:
//! <https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsxrayexporter>.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Map, Value, json};
use signals::TraceId;
use xxhash_rust::xxh3::Xxh3;

use super::attributes::Attributes;
use super::{aws, cause, http, naming, to_json};

/// A span with its context, as the rules see it.
pub(super) struct SpanContext<'a> {
    pub span: &'a Span,
    pub attributes: Attributes<'a>,
    pub resource: &'a Attributes<'a>,
    pub kind: SpanKind,
    pub is_local_root: bool,
    /// Whether the document is a segment; otherwise it is a lone subsegment.
    pub is_segment: bool,
}

impl SpanContext<'_> {
    pub(super) fn is_aws_sdk(&self) -> bool {
        matches!(self.attributes.peek_text(&["rpc.system"]), Some("aws-api" | "aws.api"))
    }

    /// Whether the resource is in AWS, as far as it says.
    pub(super) fn is_in_aws(&self) -> bool {
        self.resource.peek_text(&["cloud.provider"]).is_none_or(|provider| provider == "aws")
    }

    /// An id that is the same whenever the same span is translated.
    pub(super) fn derived_id(&self, purpose: &str, number: usize) -> String {
        let mut hash = Xxh3::new();
        for part in [&self.span.trace_id, &self.span.span_id] {
            hash.update(part);
        }
        hash.update(purpose.as_bytes());
        hash.update(&(number as u64).to_le_bytes());
        format!("{:016x}", hash.digest())
    }
}

/// Whether the span says of itself that it is not finished.
pub(super) fn is_in_progress(span: &Span) -> bool {
    Attributes::new(&span.attributes).take_flag("aws.xray.inprogress") == Some(true)
}

pub(super) fn documents(span: &Span, resource: &Attributes<'_>, indexed: &[String]) -> Vec<Value> {
    let context = context(span, resource);
    if context.is_local_root && is_outgoing(context.kind) {
        let service = service_segment(&context);
        let parent = service["id"].clone();
        let mut call = document(&context, indexed);
        call["parent_id"] = parent;
        if !call.contains_key("namespace") {
            call.insert("namespace".to_owned(), "remote".into());
        }
        if context.kind == SpanKind::Consumer {
            call.remove("links");
        }
        return vec![service, Value::Object(call)];
    }
    vec![Value::Object(document(&context, indexed))]
}

fn context<'a>(span: &'a Span, resource: &'a Attributes<'a>) -> SpanContext<'a> {
    let attributes = Attributes::new(&span.attributes);
    let kind = SpanKind::try_from(span.kind).unwrap_or(SpanKind::Unspecified);
    let is_local_root = attributes.take_text(&["aws.span.kind"]) == Some("LOCAL_ROOT");
    let is_segment = if is_local_root {
        !is_outgoing(kind)
    } else {
        kind == SpanKind::Server || parent_id(span).is_none()
    };
    SpanContext { span, attributes, resource, kind, is_local_root, is_segment }
}

fn is_outgoing(kind: SpanKind) -> bool {
    matches!(kind, SpanKind::Client | SpanKind::Producer | SpanKind::Consumer)
}

fn parent_id(span: &Span) -> Option<String> {
    span.parent_span_id.iter().any(|b| *b != 0).then(|| hex::encode(&span.parent_span_id))
}

/// The members every document of a span has.
fn skeleton(span: &Span, id: String, name: String) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("trace_id".to_owned(), Value::from(trace_id(&span.trace_id)));
    document.insert("id".to_owned(), id.into());
    document.insert("name".to_owned(), name.into());
    document.insert("start_time".to_owned(), seconds(span.start_time_unix_nano));
    if span.end_time_unix_nano == 0 && is_in_progress(span) {
        document.insert("in_progress".to_owned(), true.into());
    } else {
        document.insert("end_time".to_owned(), seconds(span.end_time_unix_nano));
    }
    if let Some(parent) = parent_id(span) {
        document.insert("parent_id".to_owned(), parent.into());
    }
    document
}

fn document(cx: &SpanContext<'_>, indexed: &[String]) -> Map<String, Value> {
    let name = naming::name(cx);
    let mut document = skeleton(cx.span, hex::encode(&cx.span.span_id), name.text);
    let mut put = |member: &str, value: Option<Value>| {
        if let Some(value) = value {
            document.insert(member.to_owned(), value);
        }
    };
    let http = http::http(cx);
    let flags = http::flags(cx, http.status);
    put("http", http.block);
    for (flag, is_set) in [("fault", flags.fault), ("error", flags.error), ("throttle", flags.throttle)] {
        put(flag, is_set.then_some(Value::Bool(true)));
    }
    put("cause", cause::cause(cx, &http.status_text));
    put("aws", aws::block(cx));
    put("sql", aws::sql(cx));
    if cx.is_segment {
        put("origin", naming::origin(cx).map(Value::from));
        put(
            "service",
            cx.resource.peek_text(&["service.version"]).map(|version| json!({"version": version})),
        );
        put("user", cx.attributes.take_text(&["enduser.id"]).map(Value::from));
    } else {
        put("type", Some("subsegment".into()));
        put("namespace", naming::namespace(cx, name.is_aws_service).map(Value::from));
    }
    put("resource_arn", cx.attributes.take_text(&["aws.xray.resource_arn"]).map(Value::from));
    put("links", links(cx.span));
    cx.attributes.take("aws.xray.inprogress");
    put("annotations", annotations(cx, indexed));
    put("metadata", metadata(cx));
    document
}

/// The segment that stands for the service itself when its only span is the call it makes.
fn service_segment(cx: &SpanContext<'_>) -> Value {
    let local = cx.attributes.peek_text(&["aws.local.service"]);
    let name = local.or_else(|| cx.resource.peek_text(&["service.name"])).unwrap_or(&cx.span.name);
    let mut document = skeleton(cx.span, cx.derived_id("service", 0), naming::legal(name));
    let flags = http::flags(cx, cx.attributes.peek("http.response.status_code").and_then(http::status_of));
    for (flag, is_set) in [("fault", flags.fault), ("error", flags.error), ("throttle", flags.throttle)] {
        if is_set {
            document.insert(flag.to_owned(), true.into());
        }
    }
    let members = [
        ("aws", aws::resource_block(cx)),
        ("origin", naming::origin(cx).map(Value::from)),
        ("service", cx.resource.peek_text(&["service.version"]).map(|version| json!({"version": version}))),
        ("links", if cx.kind == SpanKind::Consumer { links(cx.span) } else { None }),
        ("metadata", {
            let resource = resource_metadata(cx);
            (!resource.is_empty()).then(|| json!({"default": resource}))
        }),
    ];
    for (member, value) in members {
        if let Some(value) = value {
            document.insert(member.to_owned(), value);
        }
    }
    Value::Object(document)
}

fn links(span: &Span) -> Option<Value> {
    let links: Vec<Value> = span
        .links
        .iter()
        .filter(|link| link.trace_id.len() == 16 && link.span_id.len() == 8)
        .take(LINKS_MAX)
        .map(|link| {
            let mut value = json!({"trace_id": trace_id(&link.trace_id), "id": hex::encode(&link.span_id)});
            if !link.attributes.is_empty() {
                let attributes = Attributes::new(&link.attributes);
                value["attributes"] = attributes
                    .iter()
                    .map(|(key, v)| (key.to_owned(), to_json(v)))
                    .collect::<Map<_, _>>()
                    .into();
            }
            value
        })
        .collect();
    (!links.is_empty()).then(|| links.into())
}

fn annotations(cx: &SpanContext<'_>, indexed: &[String]) -> Option<Value> {
    let named = cx.attributes.take_texts("aws.xray.annotations");
    let keys = named.into_iter().chain(indexed.iter().map(String::as_str));
    let mut annotations = Map::new();
    for key in keys {
        let value = match key.strip_prefix("otel.resource.") {
            Some(resource_key) => cx.resource.peek(resource_key),
            None => cx.attributes.take(key),
        };
        let scalar = match value {
            Some(Any::StringValue(_) | Any::IntValue(_) | Any::BoolValue(_)) => true,
            Some(Any::DoubleValue(number)) => number.is_finite(),
            _ => false,
        };
        if scalar {
            let legal = |c: char| if c.is_alphanumeric() || c == '.' { c } else { '_' };
            annotations.insert(key.chars().map(legal).collect(), to_json(value));
        }
    }
    (!annotations.is_empty()).then(|| annotations.into())
}

/// Whatever no other rule took. Must come last.
fn metadata(cx: &SpanContext<'_>) -> Option<Value> {
    let mut spaces = Map::new();
    let mut default = Map::new();
    for (key, value) in cx.attributes.unused() {
        let json = to_json(value);
        let named = key.strip_prefix("aws.xray.metadata.").and_then(|space| {
            let object = serde_json::from_str::<Map<String, Value>>(json.as_str()?).ok()?;
            Some((space, object))
        });
        match named {
            Some(("default", object)) => default.extend(object),
            Some((space, object)) => {
                spaces.insert(space.to_owned(), object.into());
            }
            None => {
                default.insert(key.to_owned(), json);
            }
        }
    }
    if cx.is_segment {
        default.extend(resource_metadata(cx));
    }
    if !default.is_empty() {
        spaces.insert("default".to_owned(), default.into());
    }
    (!spaces.is_empty()).then(|| spaces.into())
}

fn resource_metadata(cx: &SpanContext<'_>) -> Map<String, Value> {
    cx.resource.iter().map(|(key, value)| (format!("otel.resource.{key}"), to_json(value))).collect()
}

fn trace_id(bytes: &[u8]) -> String {
    let bits = bytes.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    TraceId::from_bits(bits).to_string()
}

fn seconds(nanos: u64) -> Value {
    Value::from(nanos as f64 / 1e9)
}

const LINKS_MAX: usize = 20;
