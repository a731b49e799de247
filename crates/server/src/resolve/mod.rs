//! One endpoint for every service: deciding service, protocol and operation of a request
//! (`spec/protocols.md` §2). The first rule that matches wins.
//!
//! Nothing is verified and no body is read here, except that AWS Query names its operation in the body:
//! for it the decision is completed by [`Services::resolve_form`].

mod rest;

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, Method};
use smithy::{Handler, OperationSchema, Protocol, ServiceSchema, ServiceTable};
use wire::FrameworkError;

use crate::auth::sigv4::query_value;
use rest::RestRoutes;

/// All services the server can be asked for.
pub(crate) struct Services {
    services: Vec<Arc<Service>>,
    by_target: HashMap<&'static str, Arc<Service>>,
    rest: RestRoutes,
}

/// One service: its model and, where anything of it is served, its table.
pub(crate) struct Service {
    pub(crate) schema: &'static ServiceSchema,
    table: Option<ServiceTable>,
    /// `logs.amazonaws.com`, as audit events name the service.
    pub(crate) event_source: &'static str,
}

impl Service {
    pub(crate) fn handler(&self, operation: &str) -> Option<&dyn Handler> {
        self.table.as_ref()?.handler(operation)
    }

    pub(crate) fn operation(&self, name: &str) -> Option<&'static OperationSchema> {
        // The table's own index is faster than the model's list.
        self.handler(name).map(Handler::schema).or_else(|| self.schema.operation(name))
    }

    fn speaks(&self, protocol: Protocol) -> bool {
        self.schema.protocols.contains(&protocol)
    }
}

/// What a request asks for, as far as its head tells.
#[derive(Clone)]
pub(crate) enum Route {
    Operation(Target),
    /// An AWS Query form: [`Services::resolve_form`] decides when the body is there.
    Form,
    Refused {
        protocol: Protocol,
        service: Option<Arc<Service>>,
        error: FrameworkError,
    },
    /// Signed for S3, which this server does not serve.
    S3,
}

/// A service and an operation name; whether the operation exists and is served is not yet known.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) protocol: Protocol,
    pub(crate) service: Arc<Service>,
    pub(crate) operation: String,
}

/// What resolution looks at.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// The service of the credential scope.
    pub(crate) scope_service: Option<&'a str>,
}

impl Services {
    /// Where REST services share a path and a request is unsigned, the service given first wins.
    pub(crate) fn new(tables: Vec<ServiceTable>, unserved: Vec<&'static ServiceSchema>) -> Self {
        let tables = tables.into_iter().map(|table| (table.schema(), Some(table)));
        let all = tables.chain(unserved.into_iter().map(|schema| (schema, None)));
        let services: Vec<Arc<Service>> = all
            .map(|(schema, table)| {
                // A few bytes per service and server, so that audit events need not copy the name.
                let event_source = Box::leak(schema.event_source().into_boxed_str());
                Arc::new(Service { schema, table, event_source })
            })
            .collect();
        let by_target = services.iter().filter_map(|s| Some((s.schema.target_prefix?, s.clone()))).collect();
        let rest = RestRoutes::new(&services);
        Self { services, by_target, rest }
    }

    pub(crate) fn route(&self, question: &Question<'_>) -> Route {
        if question.scope_service == Some("s3") {
            return Route::S3;
        }
        None.or_else(|| self.cbor(question))
            .or_else(|| self.aws_json(question))
            .or_else(|| self.aws_query(question))
            .or_else(|| self.rest.route(question))
            .unwrap_or_else(|| unroutable(question))
    }

    /// RPC v2 CBOR: the last four path segments are `service/<S>/operation/<O>`.
    fn cbor(&self, question: &Question<'_>) -> Option<Route> {
        let is_cbor = question.headers.get("smithy-protocol").is_some_and(|value| value == "rpc-v2-cbor");
        if !is_cbor || question.method != Method::POST {
            return None;
        }
        let refuse = |service, error| Some(Route::Refused { protocol: Protocol::RpcV2Cbor, service, error });
        if target_header(question.headers).is_some() {
            let message = "X-Amz-Target must not be sent with smithy-protocol: rpc-v2-cbor";
            return refuse(None, FrameworkError::Serialization(message.to_owned()));
        }
        let mut segments = question.path.rsplit('/');
        let mut next = || segments.next().unwrap_or_default();
        let (operation, literal_operation, name, literal_service) = (next(), next(), next(), next());
        if literal_operation != "operation" || literal_service != "service" || !is_name(operation) {
            return refuse(None, unknown(question.path));
        }
        let name = name.rsplit('.').next().unwrap_or_default();
        match self.by_target(name).filter(|service| service.speaks(Protocol::RpcV2Cbor)) {
            Some(service) => Some(Route::Operation(Target {
                protocol: Protocol::RpcV2Cbor,
                service,
                operation: operation.to_owned(),
            })),
            None => refuse(None, unknown(&format!("{name}.{operation}"))),
        }
    }

    /// AWS JSON: `X-Amz-Target: <prefix>.<Operation>`, split at the last dot.
    fn aws_json(&self, question: &Question<'_>) -> Option<Route> {
        let target = question.headers.get("x-amz-target")?.to_str().unwrap_or_default();
        let stated = json_version(question.headers);
        let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
        let service = self.by_target(prefix);
        let own = |service: &Arc<Service>| {
            let speaks_1_0 = service.speaks(Protocol::AwsJson1_0);
            if speaks_1_0 { Protocol::AwsJson1_0 } else { Protocol::AwsJson1_1 }
        };
        let protocol = stated.or_else(|| service.as_ref().map(own)).unwrap_or(Protocol::AwsJson1_1);
        if question.method != Method::POST {
            return Some(Route::Refused { protocol, service, error: FrameworkError::MethodNotAllowed });
        }
        let speaks_json = |s: &Arc<Service>| s.speaks(Protocol::AwsJson1_0) || s.speaks(Protocol::AwsJson1_1);
        Some(match service.filter(speaks_json) {
            Some(service) if question.path == "/" => {
                Route::Operation(Target { protocol, service, operation: operation.to_owned() })
            }
            service => Route::Refused { protocol, service, error: unknown(target) },
        })
    }

    /// AWS Query: `Action=` in the query string, or in a form that is still to be read.
    fn aws_query(&self, question: &Question<'_>) -> Option<Route> {
        if *question.method == Method::POST && is_form(question.headers) {
            // Many HTTP clients call any body a form unless told otherwise; Query has no paths of its own.
            return self.rest.route(question).or(Some(Route::Form));
        }
        let query = question.query?;
        let action = query_value(query, "Action")?;
        Some(self.action(Some(&action), query_value(query, "Version").as_deref(), question.scope_service))
    }

    /// Completes the decision for an AWS Query form. An `Action` of the body wins over the URL's.
    pub(crate) fn resolve_form(&self, question: &Question<'_>, body: &[u8]) -> Route {
        let (mut action, mut version) = (None, None);
        for (name, value) in form_pairs(body) {
            match name {
                b"Action" if action.is_none() => action = Some(value),
                b"Version" if version.is_none() => version = Some(value),
                _ => {}
            }
            if action.is_some() && version.is_some() {
                break;
            }
        }
        let from_url = |name: &str| query_value(question.query?, name);
        let action = action.or_else(|| from_url("Action"));
        let version = version.or_else(|| from_url("Version"));
        self.action(action.as_deref(), version.as_deref(), question.scope_service)
    }

    /// The service of an action: by API version, by credential scope, or as the only one to define it.
    fn action(&self, action: Option<&str>, version: Option<&str>, scope_service: Option<&str>) -> Route {
        let protocol = Protocol::AwsQuery;
        let mut query_services = self.services.iter().filter(|s| s.speaks(protocol));
        let in_scope = |s: &&Arc<Service>| Some(s.schema.signing_name) == scope_service;
        let Some(action) = action else {
            let service = query_services.find(in_scope).cloned();
            return Route::Refused { protocol, service, error: FrameworkError::MissingAction };
        };
        let service = match (version, scope_service) {
            (Some(version), _) => query_services.find(|s| s.schema.api_version == version),
            (None, Some(_)) => query_services.find(in_scope),
            (None, None) => {
                let mut defining = query_services.filter(|s| s.schema.operation(action).is_some());
                defining.next().filter(|_| defining.next().is_none())
            }
        };
        match service {
            Some(service) => {
                Route::Operation(Target { protocol, service: service.clone(), operation: action.to_owned() })
            }
            None => Route::Refused { protocol, service: None, error: unknown(action) },
        }
    }

    fn by_target(&self, prefix: &str) -> Option<Arc<Service>> {
        // CloudTrail's prefix has a namespace that some clients leave out: names are compared by their
        // last part when the whole does not match.
        let last = |text: &str| text.rsplit('.').next().map(str::to_owned);
        self.by_target.get(prefix).cloned().or_else(|| {
            self.by_target
                .iter()
                .find(|(known, _)| last(known).as_deref() == Some(prefix))
                .map(|(_, s)| s.clone())
        })
    }

    /// The service with this SigV4 name.
    pub(crate) fn by_signing_name(&self, name: &str) -> Option<Arc<Service>> {
        self.services.iter().find(|s| s.schema.signing_name == name).cloned()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.iter()
    }
}

/// §8.4: nothing matched. The answer takes the form of the protocol the request looks like.
fn unroutable(question: &Question<'_>) -> Route {
    let refused = |protocol, error| Route::Refused { protocol, service: None, error };
    match json_version(question.headers) {
        Some(protocol) => refused(protocol, unknown(question.path)),
        None => refused(Protocol::RestJson1, unknown(question.path)),
    }
}

fn unknown(operation: &str) -> FrameworkError {
    FrameworkError::UnknownOperation { operation: operation.chars().take(256).collect() }
}

fn target_header(headers: &HeaderMap) -> Option<&http::HeaderValue> {
    headers.get("x-amz-target").or_else(|| headers.get("x-amzn-target"))
}

/// The JSON version a content type names.
fn json_version(headers: &HeaderMap) -> Option<Protocol> {
    match media_type(headers)? {
        t if t.eq_ignore_ascii_case("application/x-amz-json-1.0") => Some(Protocol::AwsJson1_0),
        t if t.eq_ignore_ascii_case("application/x-amz-json-1.1") => Some(Protocol::AwsJson1_1),
        _ => None,
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|t| t.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The content type without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The pairs of a form body; only those routing needs, whose names and
/// values hold nothing that forms encode but percent escapes.
fn form_pairs(body: &[u8]) -> impl Iterator<Item = (&[u8], String)> {
    body.split(|b| *b == b'&').filter_map(|pair| {
        let mut halves = pair.splitn(2, |b| *b == b'=');
        let name = halves.next().filter(|name| *name == b"Action" || *name == b"Version")?;
        let value = halves.next().unwrap_or_default();
        Some((name, percent_encoding::percent_decode(value).decode_utf8_lossy().into_owned()))
    })
}

#[cfg(test)]
mod tests;
