//! What a span's segment is called, its namespace and its origin.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::span::SpanContext;
use crate::segment_document::{NAME_CHARS_MAX, is_name_character};

pub(super) struct Name {
    pub text: String,
    /// Whether the name is that of an AWS service by attribute.
    pub is_aws_service: bool,
}

/// The first source that has a name; the attribute stays in metadata unless another rule takes it.
pub(super) fn name(cx: &SpanContext<'_>) -> Name {
    let text = |keys: &[&str]| cx.attributes.peek_text(keys).map(str::to_owned);
    let is_service = cx.kind == SpanKind::Server
        || (cx.is_local_root && matches!(cx.kind, SpanKind::Internal | SpanKind::Unspecified));
    let is_outgoing = matches!(cx.kind, SpanKind::Client | SpanKind::Producer | SpanKind::Consumer);
    let before = is_service
        .then(|| text(&["aws.local.service"]))
        .flatten()
        .or_else(|| is_outgoing.then(|| remote_service(cx)).flatten())
        .or_else(|| text(&["peer.service"]));
    if let Some(name) = before {
        return Name { text: legal(&name), is_aws_service: false };
    }
    if let Some(name) = text(&["aws.service"]) {
        return Name { text: legal(&name), is_aws_service: true };
    }
    let name = database(cx)
        .or_else(|| {
            let server = cx.kind == SpanKind::Server;
            server.then(|| cx.resource.peek_text(&["service.name"]).map(str::to_owned)).flatten()
        })
        .or_else(|| text(&["rpc.service"]))
        .or_else(|| text(&["http.host"]))
        .or_else(|| text(&["net.peer.name"]))
        .or_else(|| (cx.kind == SpanKind::Client).then(|| text(&["server.address"])).flatten())
        .unwrap_or_else(|| cx.span.name.clone());
    Name { text: legal(&name), is_aws_service: false }
}

fn remote_service(cx: &SpanContext<'_>) -> Option<String> {
    let name = cx.attributes.peek_text(&["aws.remote.service"])?;
    let short = if cx.is_aws_sdk() {
        name.strip_prefix("AWS.SDK.").or_else(|| name.strip_prefix("AWS::")).unwrap_or(name)
    } else {
        name
    };
    Some(short.to_owned())
}

/// `name@host`, or the name alone when the connection string has no host.
fn database(cx: &SpanContext<'_>) -> Option<String> {
    let name = cx.attributes.peek_text(&["db.name"])?;
    let host = cx.attributes.peek_text(&["db.connection_string"]).and_then(|connection| {
        let connection = connection.strip_prefix("jdbc:").unwrap_or(connection);
        let authority = connection.split_once("://")?.1;
        let authority = authority.split(['/', '?', '#', ';']).next()?;
        let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host_and_port.strip_prefix('[') {
            Some(v6) => v6.split(']').next()?,
            None => host_and_port.split(':').next()?,
        };
        (!host.is_empty()).then_some(host)
    });
    Some(match host {
        Some(host) => format!("{name}@{host}"),
        None => name.to_owned(),
    })
}

/// `text` without what a segment's name must not have, cut to its length; `span` if nothing is left.
pub(super) fn legal(text: &str) -> String {
    let name: String =
        text.chars().filter(|c| is_name_character(*c) && *c != '\\').take(NAME_CHARS_MAX).collect();
    if name.is_empty() { "span".to_owned() } else { name }
}

pub(super) fn namespace(cx: &SpanContext<'_>, is_aws_service: bool) -> Option<&'static str> {
    if cx.is_aws_sdk() || is_aws_service {
        return Some("aws");
    }
    match cx.kind {
        SpanKind::Client => Some("remote"),
        SpanKind::Producer | SpanKind::Consumer => {
            cx.attributes.has("aws.remote.service").then_some("remote")
        }
        _ => None,
    }
}

/// The kind of AWS resource that runs the code.
pub(super) fn origin(cx: &SpanContext<'_>) -> Option<&'static str> {
    if !cx.is_in_aws() {
        return None;
    }
    let launch_type = cx.resource.peek_text(&["aws.ecs.launchtype"]);
    match cx.resource.peek_text(&["cloud.platform"])? {
        "aws_ec2" => Some("AWS::EC2::Instance"),
        "aws_ecs" => Some(match launch_type {
            Some("ec2") => "AWS::ECS::EC2",
            Some("fargate") => "AWS::ECS::Fargate",
            _ => "AWS::ECS::Container",
        }),
        "aws_eks" => Some("AWS::EKS::Container"),
        "aws_elastic_beanstalk" => Some("AWS::ElasticBeanstalk::Environment"),
        "aws_app_runner" => Some("AWS::AppRunner::Service"),
        "aws_lambda" => Some("AWS::Lambda::Function"),
        _ => None,
    }
}
