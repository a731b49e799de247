//! The request path, in the order things happen to a request:
//!
//! 1. preflights and reserved paths ([`answer`]);
//! 2. service, protocol and operation, as far as the head tells;
//! 3. room: concurrency and memory; the body is received ([`api_call`]);
//! 4. the rest, in a task of its own that a vanishing client cannot interrupt ([`Call::steps`]):
//!    the operation of a form, who is calling, the encodings of the body, the input and its
//!    constraints, the handler;
//! 5. the answer is written, the call recorded, and only then is the answer sent.
//!
//! The same audit rule holds for success and failure: a call whose caller is known is recorded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{Region, Timestamp};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use signals::ApiCall;
use smithy::{
    Caller, ErrorShape, EventStream, HandlerOutput, OperationError, OperationSchema, Protocol, ReadError,
    Reply, WriteShape, violations_message,
};
use wire::{FrameworkError, WireError, WireRequest, WireResponse};

use crate::app::App;
use crate::auth::chunked::ChunkVerifier;
use crate::auth::identity::{self, Identity};
use crate::auth::sigv4::{self, Presented, SignedParts};
use crate::body::{self, BodyError, Reservation};
use crate::config::AuthMode;
use crate::listener::{Door, Peer};
use crate::resolve::{Question, Route, Service, Target};
use crate::{admin, cors, finish, ingestion, otlp, pages, streaming};

/// Answers one request. Never fails and never panics on account of the client.
pub(crate) async fn answer(
    app: Arc<App>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Response<streaming::Body> {
    let started = app.network_clock.monotonic();
    let (head, body) = request.into_parts();
    let head = Arc::new(Head { parts: head, peer, request_id: app.entropy.uuid().to_string() });
    app.metrics.in_flight.fetch_add(1, Ordering::Relaxed);
    let in_flight = InFlight(app.clone());
    let mut answer = match Reserved::of(&head) {
        Reserved::Preflight(response) => Answer::new("server", "Preflight", response),
        Reserved::Admin => admin::answer(&app, &head, body).await,
        Reserved::Otlp(signal) => otlp::answer(&app, &head, body, signal).await,
        Reserved::OtlpGrpc(signal) => otlp::grpc::answer(&app, &head, body, signal).await,
        Reserved::Ingestion(form) => ingestion::answer(&app, &head, body, form).await,
        Reserved::No if pages::is_for(&app, &head) => pages::answer(&app, &head).await,
        Reserved::No => api_call(&app, &head, body).await,
    };
    drop(in_flight);
    let (events, trailers) = (answer.events.take(), answer.trailers.take());
    let response = finish::finish(&app, &head, answer, started);
    match trailers {
        Some(trailers) => streaming::with_trailers(response, trailers),
        None => streaming::respond(&app, &head.request_id, response, events),
    }
}

/// A request without its body.
pub(crate) struct Head {
    pub(crate) parts: http::request::Parts,
    pub(crate) peer: Arc<Peer>,
    pub(crate) request_id: String,
}

/// An answer and what it is counted as.
pub(crate) struct Answer {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) response: Response<Full<Bytes>>,
    /// Set for failures: code and message for the log.
    pub(crate) error: Option<(String, String)>,
    /// What follows the body, for an event stream.
    pub(crate) events: Option<EventStream>,
    /// What follows the body of a gRPC answer.
    pub(crate) trailers: Option<http::HeaderMap>,
}

impl Answer {
    pub(crate) fn new(
        service: &'static str,
        operation: &'static str,
        response: Response<Full<Bytes>>,
    ) -> Self {
        Self { service, operation, response, error: None, events: None, trailers: None }
    }
}

struct InFlight(Arc<App>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.metrics.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

enum Reserved {
    Preflight(Response<Full<Bytes>>),
    Admin,
    Otlp(otlp::Signal),
    OtlpGrpc(otlp::Signal),
    Ingestion(ingestion::Form),
    No,
}

impl Reserved {
    fn of(head: &Head) -> Self {
        if let Some(response) = cors::preflight(&head.parts.method, &head.parts.headers) {
            return Reserved::Preflight(response);
        }
        match (head.path(), &head.peer.door) {
            (_, Door::Daemon(_)) => Reserved::No,
            (path, _) if path.starts_with("/_nephoscope/") => Reserved::Admin,
            (path, _) => {
                let otlp = otlp::Signal::of_path(path).map(Reserved::Otlp);
                otlp.or_else(|| otlp::grpc::signal(path).map(Reserved::OtlpGrpc))
                    .or_else(|| ingestion::Form::of_path(path).map(Reserved::Ingestion))
                    .unwrap_or(Reserved::No)
            }
        }
    }
}

impl Head {
    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// `Host`, or `:authority` of HTTP/2.
    pub(crate) fn host(&self) -> Option<&str> {
        self.header("host").or_else(|| self.parts.uri.authority().map(http::uri::Authority::as_str))
    }

    pub(crate) fn source_ip(&self) -> String {
        self.peer.addr.ip().to_canonical().to_string()
    }

    fn expects_continue(&self) -> bool {
        self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    fn question<'a>(&'a self, presented: Option<&'a Presented>) -> Question<'a> {
        Question {
            method: &self.parts.method,
            path: self.path(),
            query: self.query(),
            headers: &self.parts.headers,
            scope_service: presented.map(|p| p.service.as_str()),
        }
    }

    pub(crate) fn wire<'a>(&'a self, body: &'a Bytes) -> WireRequest<'a> {
        WireRequest {
            method: self.parts.method.as_str(),
            path: self.path(),
            query: self.query(),
            headers: &self.parts.headers,
            body,
        }
    }
}

/// A call of an AWS API: everything that is not reserved.
async fn api_call(app: &Arc<App>, head: &Arc<Head>, body: Incoming) -> Answer {
    let presented = sigv4::presented(&head.parts.headers, head.query());
    let route = app.services.route(&head.question(presented.as_ref().ok().and_then(Option::as_ref)));
    let route = only_xray_at_the_daemons_door(route, head);
    let mut call = Call::new(app.clone(), head.clone(), presented);
    match route {
        Route::Operation(target) => call.aim(target),
        Route::Form => call.protocol = Protocol::AwsQuery,
        Route::Refused { protocol, service, error } => {
            call.protocol = protocol;
            call.service = service;
            give_up(app, head, body).await;
            return call.refuse(&Failure::Framework(error));
        }
        Route::S3 => {
            give_up(app, head, body).await;
            return finish::s3_not_served(head);
        }
    }
    let Ok(_permit) = app.admission.clone().try_acquire_owned() else {
        give_up(app, head, body).await;
        return call.refuse(&Failure::Framework(FrameworkError::Unavailable(OVERLOAD.to_owned())));
    };
    match receive(app, head, body, &mut call.room).await {
        Ok(raw) => call.raw = raw,
        Err(failure) => return call.refuse(&failure),
    }
    let fallback = Call::new(app.clone(), head.clone(), Ok(None)).in_place_of(&call);
    match app.running.spawn(call.run()).await {
        Ok(answer) => answer,
        Err(defect) => {
            app.metrics.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(request_id = %head.request_id, %defect, "a request ended in a defect");
            fallback.refuse(&Failure::Framework(FrameworkError::Internal))
        }
    }
}

fn only_xray_at_the_daemons_door(route: Route, head: &Head) -> Route {
    match (&head.peer.door, route) {
        (Door::Main, route) => route,
        (Door::Daemon(_), Route::Operation(target)) if target.service.schema.signing_name == "xray" => {
            Route::Operation(target)
        }
        (Door::Daemon(_), refused @ Route::Refused { protocol: Protocol::RestJson1, .. }) => refused,
        (Door::Daemon(_), _) => Route::Refused {
            protocol: Protocol::RestJson1,
            service: None,
            error: FrameworkError::UnknownOperation { operation: head.path().to_owned() },
        },
    }
}

/// Receives the body, answering for all that can go wrong with it.
async fn receive(
    app: &App,
    head: &Head,
    mut body: Incoming,
    room: &mut Reservation,
) -> Result<Bytes, Failure> {
    let result = body::receive(&mut body, app.network_clock.as_ref(), &app.config.limits, room).await;
    match result {
        Ok(raw) => {
            app.metrics.bytes_received.fetch_add(raw.len() as u64, Ordering::Relaxed);
            Ok(raw)
        }
        Err(BodyError::TooLarge) => {
            give_up(app, head, body).await;
            Err(Failure::Framework(FrameworkError::BodyTooLarge))
        }
        Err(BodyError::NoRoom) => {
            give_up(app, head, body).await;
            Err(Failure::Framework(FrameworkError::Unavailable(OVERLOAD.to_owned())))
        }
        Err(BodyError::TimedOut) => Err(Failure::BodyTimedOut),
        Err(BodyError::Broken(reason)) => Err(Failure::Framework(FrameworkError::Serialization(format!(
            "the request body could not be read: {reason}"
        )))),
    }
}

/// Lets a client finish sending a body nobody wants, unless it waits for `100 Continue`.
async fn give_up(app: &App, head: &Head, body: Incoming) {
    if !head.expects_continue() {
        body::discard(body, app.network_clock.as_ref(), &app.config.limits).await;
    }
}

/// Why a call failed.
enum Failure {
    Modelled(ErrorShape),
    Validation(String),
    Framework(FrameworkError),
    BodyTimedOut,
}

impl From<FrameworkError> for Failure {
    fn from(error: FrameworkError) -> Self {
        Failure::Framework(error)
    }
}

/// One API call on its way through the steps. What is not yet known has its neutral value.
struct Call {
    app: Arc<App>,
    head: Arc<Head>,
    presented: Result<Option<Presented>, FrameworkError>,
    now: Timestamp,
    protocol: Protocol,
    service: Option<Arc<Service>>,
    operation_name: String,
    /// `None` until the service's model is known to have the operation.
    operation: Option<&'static OperationSchema>,
    caller: Option<Arc<Caller>>,
    verifier: Option<ChunkVerifier>,
    raw: Bytes,
    body: Bytes,
    room: Reservation,
    /// Kept for the audit event.
    input: Option<Arc<dyn WriteShape>>,
}

impl Call {
    fn new(app: Arc<App>, head: Arc<Head>, presented: Result<Option<Presented>, FrameworkError>) -> Self {
        Self {
            now: app.clock.now(),
            room: app.bodies.reserve_nothing(),
            app,
            head,
            presented,
            protocol: Protocol::RestJson1,
            service: None,
            operation_name: String::new(),
            operation: None,
            caller: None,
            verifier: None,
            raw: Bytes::new(),
            body: Bytes::new(),
            input: None,
        }
    }

    fn aim(&mut self, target: Target) {
        self.protocol = target.protocol;
        self.operation = target.service.operation(&target.operation);
        self.service = Some(target.service);
        self.operation_name = target.operation;
    }

    fn in_place_of(mut self, other: &Call) -> Self {
        self.protocol = other.protocol;
        self.service = other.service.clone();
        self.operation = other.operation;
        self
    }

    /// Runs the steps, writes the answer and records the call.
    async fn run(mut self) -> Answer {
        let (answer, output) = match self.steps().await {
            Ok(HandlerOutput { output, events: None }) => (self.accept(output.as_ref()), Some(output)),
            Ok(HandlerOutput { output, events }) => (self.stream(output.as_ref(), events), Some(output)),
            Err(failure) => (self.refuse(&failure), None),
        };
        match self.record(output.as_deref(), answer.error.clone()).await {
            Ok(()) => answer,
            Err(failure) => self.refuse(&failure),
        }
    }

    async fn steps(&mut self) -> Result<HandlerOutput, Failure> {
        self.resolve_form()?;
        self.identify()?;
        self.decode()?;
        let handler = self.read_input()?;
        handler.await.map_err(|error| self.failure(error))
    }

    /// An AWS Query form names its operation in the body.
    fn resolve_form(&mut self) -> Result<(), Failure> {
        if self.service.is_some() {
            return Ok(());
        }
        // A compressed form must be opened to see what it asks for.
        let limit = self.app.config.limits.body_bytes_max;
        let plain = body::decode(&self.raw, &self.head.parts.headers, limit, None)?;
        let question = self.head.question(self.presented.as_ref().ok().and_then(Option::as_ref));
        match self.app.services.resolve_form(&question, &plain) {
            Route::Operation(target) => {
                self.aim(target);
                Ok(())
            }
            Route::Refused { service, error, .. } => {
                self.service = service;
                Err(error.into())
            }
            Route::Form | Route::S3 => Err(FrameworkError::MissingAction.into()),
        }
    }

    /// Who is calling: verified in enforced mode, believed in open mode.
    fn identify(&mut self) -> Result<(), Failure> {
        let identity = match &self.head.peer.door {
            Door::Daemon(scope) => Identity {
                principal: identity::root(&scope.account, scope.region.partition(), None),
                scope: scope.clone(),
            },
            Door::Main => {
                let service = self.service.as_ref().map_or("", |s| s.schema.signing_name);
                let unsigned_is_fine = self.operation.is_some_and(|o| o.unauthenticated);
                let (identity, verifier) = identify(
                    &self.app,
                    &self.head,
                    &self.presented,
                    &self.raw,
                    service,
                    unsigned_is_fine,
                    self.now,
                )?;
                self.verifier = verifier;
                identity
            }
        };
        self.caller = Some(Arc::new(Caller {
            scope: identity.scope,
            principal: identity.principal,
            source_ip: self.head.source_ip(),
            user_agent: self.head.header("user-agent").unwrap_or_default().to_owned(),
            request_id: self.head.request_id.clone(),
        }));
        Ok(())
    }

    fn decode(&mut self) -> Result<(), Failure> {
        let service = self.service.as_ref().map_or("", |s| s.schema.signing_name);
        let limit = (self.app.body_limit)(service, &self.operation_name)
            .unwrap_or(usize::MAX)
            .min(self.app.config.limits.body_bytes_max);
        self.body = body::decode(&self.raw, &self.head.parts.headers, limit, self.verifier.take())?;
        let is_copy = self.body.as_ptr() != self.raw.as_ptr();
        if is_copy && !self.room.grow(self.body.len()) {
            return Err(FrameworkError::Unavailable(OVERLOAD.to_owned()).into());
        }
        Ok(())
    }

    /// Reads and checks the input; the handler's future is ready to be driven.
    fn read_input(&mut self) -> Result<smithy::HandlerFuture, Failure> {
        let unknown = || {
            Failure::Framework(FrameworkError::UnknownOperation { operation: self.operation_name.clone() })
        };
        let (Some(service), Some(caller)) = (self.service.clone(), self.caller.clone()) else {
            return Err(unknown());
        };
        let handler = service.handler(&self.operation_name).ok_or_else(unknown)?;
        let keep_input = self.is_recorded();
        let mut reply = None;
        let request = self.head.wire(&self.body);
        let read = wire::codec(self.protocol).read(&request, handler.schema(), &mut |reader| {
            reply = Some(handler.read(reader, caller.clone(), self.now, keep_input)?);
            Ok(())
        });
        match (read, reply) {
            (Ok(()), Some(Reply::Run { input, future })) => {
                self.input = input;
                Ok(future)
            }
            (Ok(()), Some(Reply::Violations { input, violations })) => {
                self.input = input;
                Err(Failure::Validation(violations_message(&violations)))
            }
            (Err(error), _) => Err(Failure::Framework(match error {
                ReadError::Malformed(_) | ReadError::WrongType { .. } | ReadError::TooLarge(_) => {
                    FrameworkError::Serialization(error.to_string())
                }
            })),
            (Ok(()), None) => {
                Err(FrameworkError::Serialization("the request has no input".to_owned()).into())
            }
        }
    }

    /// What a handler's error means to the client. The unforeseen is logged here, once.
    fn failure(&self, error: OperationError) -> Failure {
        match error {
            OperationError::Modelled(shape) => Failure::Modelled(shape),
            OperationError::Validation(message) => Failure::Validation(message),
            OperationError::AccessDenied(message) => {
                Failure::Framework(FrameworkError::AccessDenied(message))
            }
            OperationError::Throttled(message) => Failure::Framework(FrameworkError::Throttled(message)),
            OperationError::Unavailable(message) => Failure::Framework(FrameworkError::Unavailable(message)),
            OperationError::Internal(error) => {
                let chain = error_chain(error.as_ref());
                tracing::error!(request_id = %self.head.request_id, operation = %self.operation_name, error = %chain, "internal failure");
                Failure::Framework(FrameworkError::Internal)
            }
        }
    }

    fn accept(&self, output: &dyn WriteShape) -> Answer {
        let (Some(service), Some(operation)) = (&self.service, self.operation) else {
            return self.refuse(&Failure::Framework(FrameworkError::Internal));
        };
        let request = self.head.wire(&self.body);
        let written = wire::codec(self.protocol).write_output(
            &request,
            service.schema,
            operation,
            output,
            &self.head.request_id,
        );
        match written {
            Ok(response) => self.answer(response),
            Err(error) => {
                tracing::error!(request_id = %self.head.request_id, %error, "the output could not be written");
                self.refuse(&Failure::Framework(FrameworkError::Internal))
            }
        }
    }

    /// Begins an event stream; its events follow when the answer is on its way.
    fn stream(&self, output: &dyn WriteShape, events: Option<EventStream>) -> Answer {
        // Of the services served, only one of AWS JSON has event streams; the REST and CBOR ones have none.
        if !matches!(self.protocol, Protocol::AwsJson1_0 | Protocol::AwsJson1_1) {
            let reason = "this operation's answer is an event stream, which needs the AWS JSON protocol";
            return self.refuse(&Failure::Framework(FrameworkError::Serialization(reason.to_owned())));
        }
        match wire::event_stream::initial_response(output) {
            Ok(first) => {
                let mut answer = self.answer(streaming::head(first));
                answer.events = events;
                answer
            }
            Err(error) => {
                tracing::error!(request_id = %self.head.request_id, %error, "the output could not be written");
                self.refuse(&Failure::Framework(FrameworkError::Internal))
            }
        }
    }

    fn refuse(&self, failure: &Failure) -> Answer {
        let too_slow = FrameworkError::Serialization("the request body did not arrive in time".to_owned());
        let error = match failure {
            Failure::Modelled(shape) => WireError::Modelled(shape),
            Failure::Validation(message) => WireError::Validation(message),
            Failure::Framework(error) => WireError::Framework(error),
            Failure::BodyTimedOut => WireError::Framework(&too_slow),
        };
        let request = self.head.wire(&self.body);
        let service = self.service.as_ref().map(|s| s.schema);
        let codec = wire::codec(self.protocol);
        let mut response =
            codec.write_error(&request, service, self.operation, &error, &self.head.request_id);
        if matches!(failure, Failure::BodyTimedOut) {
            response.status = StatusCode::REQUEST_TIMEOUT;
        }
        let mut answer = self.answer(response);
        answer.error = Some(wire::error_summary(&error, service, self.operation));
        answer
    }

    fn answer(&self, response: WireResponse) -> Answer {
        let mut http = Response::new(Full::new(response.body));
        *http.status_mut() = response.status;
        *http.headers_mut() = response.headers;
        let service = self.service.as_ref().map_or("unknown", |s| s.schema.signing_name);
        Answer::new(service, self.operation.map_or("unknown", |o| o.name), http)
    }

    /// Whether this call, however it ends, becomes an audit event: its caller is known and its
    /// operation exists and is one that is recorded.
    fn is_recorded(&self) -> bool {
        match (&self.service, self.operation, &self.caller) {
            (Some(service), Some(operation), Some(_)) => {
                service.handler(operation.name).is_some()
                    && (self.app.audit_rules.is_recorded)(service.event_source, operation.name)
            }
            _ => false,
        }
    }

    /// Records the call; durable when it returns.
    async fn record(
        &self,
        output: Option<&dyn WriteShape>,
        error: Option<(String, String)>,
    ) -> Result<(), Failure> {
        let (Some(service), Some(caller), true) = (&self.service, &self.caller, self.is_recorded()) else {
            return Ok(());
        };
        let read_only = (self.app.audit_rules.is_read_only)(service.event_source, &self.operation_name);
        let output = output.filter(|_| !read_only);
        let call = ApiCall {
            scope: caller.scope.clone(),
            principal: caller.principal.clone(),
            time: self.app.clock.now(),
            event_source: service.event_source,
            event_name: self.operation_name.clone(),
            source_ip: caller.source_ip.clone(),
            user_agent: caller.user_agent.clone(),
            request_id: caller.request_id.clone(),
            request_parameters: self.input.as_deref().and_then(audit_json),
            response_elements: output.and_then(audit_json),
            error,
            tls: self.head.peer.tls.clone(),
            host: self.head.host().map(str::to_owned),
        };
        match self.app.audit.record(call).await {
            Ok(()) => {
                self.app.metrics.audit_recorded.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.app.metrics.audit_failed.fetch_add(1, Ordering::Relaxed);
                let chain = error_chain(&error);
                tracing::error!(request_id = %self.head.request_id, error = %chain, "the audit event could not be kept");
                let message = "the call could not be recorded in the audit trail".to_owned();
                Err(Failure::Framework(FrameworkError::Unavailable(message)))
            }
        }
    }
}

/// The identity behind a request and, for a signed aws-chunked body, what its chunks are checked with.
pub(crate) fn identify(
    app: &App,
    head: &Head,
    presented: &Result<Option<Presented>, FrameworkError>,
    raw: &Bytes,
    service: &str,
    unsigned_is_fine: bool,
    now: Timestamp,
) -> Result<(Identity, Option<ChunkVerifier>), FrameworkError> {
    let scope = presented.as_ref().ok().and_then(Option::as_ref);
    let region: Region =
        identity::region(scope.map(|p| p.region.as_str()), head.host(), &app.config.default_scope.region);
    let default_account = &app.config.default_scope.account;
    if app.config.auth == AuthMode::Open {
        let key_id = match scope {
            Some(presented) => Some(presented.access_key_id.clone()),
            None => sigv4::bare_access_key_id(&head.parts.headers, head.query()),
        };
        let token = scope.and_then(|p| p.session_token.as_deref());
        let known = key_id.as_deref().and_then(|id| Some((app.keys.find(id, token)?, id)));
        let identity = match known {
            Some((key, id)) => identity::of_known_key(&key, id, region),
            None => identity::of_any_key(key_id.as_deref(), region, default_account),
        };
        return Ok((identity, None));
    }
    let presented = match presented {
        Ok(Some(presented)) => presented,
        Ok(None) if unsigned_is_fine => {
            return Ok((identity::of_any_key(None, region, default_account), None));
        }
        Ok(None) => return Err(FrameworkError::MissingAuthenticationToken),
        Err(error) => return Err(error.clone()),
    };
    let token = presented.session_token.as_deref();
    let key = app.keys.find(&presented.access_key_id, token).ok_or(FrameworkError::UnrecognizedClient)?;
    let parts = SignedParts {
        method: head.parts.method.as_str(),
        path: head.path(),
        query: head.query(),
        headers: &head.parts.headers,
        host: head.host(),
        body: raw,
    };
    sigv4::verify(presented, &key, parts, service, now, app.config.clock_skew_max)?;
    let identity = identity::of_known_key(&key, &presented.access_key_id, region);
    Ok((identity, chunk_verifier(head, presented, &key.secret)))
}

/// Chunk signatures are there only for `STREAMING-AWS4-HMAC-SHA256-PAYLOAD…`.
fn chunk_verifier(head: &Head, presented: &Presented, secret: &str) -> Option<ChunkVerifier> {
    let hash = head.header("x-amz-content-sha256")?;
    if !hash.starts_with("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") {
        return None;
    }
    Some(ChunkVerifier {
        signing_key: sigv4::signing_key(secret, presented),
        date: sigv4::header_date(&head.parts.headers)?,
        scope: presented.scope(),
        previous: presented.signature.clone(),
    })
}

/// A shape as an audit event shows it; `None` when it is empty or too large.
fn audit_json(shape: &dyn WriteShape) -> Option<serde_json::Value> {
    Some(wire::audit_json(shape)).filter(|value| !value.is_null())
}

/// An error with its causes, on one line.
pub(crate) fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

const OVERLOAD: &str = "The server is handling as many requests as it can. Try again.";
