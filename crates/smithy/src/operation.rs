//! What a handler sees: an operation's types, who is calling, and how it fails.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base::{Scope, Timestamp};
use signals::Principal;

use crate::schema::{OperationSchema, Schema};
use crate::shape::{Shape, WriteShape};

/// A generated operation: its shapes and its descriptor.
pub trait Operation: 'static {
    type Input: Shape + Send;
    type Output: Shape + Send;
    const SCHEMA: &'static OperationSchema;
}

/// Who makes this request and how it can be recognised.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Account of the credentials and Region of the request.
    pub scope: Scope,
    pub principal: Principal,
    pub source_ip: String,
    pub user_agent: String,
    pub request_id: String,
}

/// The context of one request to service `S`.
pub struct Cx<S> {
    pub service: Arc<S>,
    pub caller: Arc<Caller>,
    /// The wall time, read once per request.
    pub now: Timestamp,
}

impl<S> Cx<S> {
    pub fn scope(&self) -> &Scope {
        &self.caller.scope
    }
}

impl<S> Clone for Cx<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), caller: self.caller.clone(), now: self.now }
    }
}

/// An exception of the model, with its members, ready to be written by any protocol.
pub struct ErrorShape {
    /// Has [`Schema::error`].
    pub shape: Box<dyn WriteShape>,
    /// The text clients show; protocols write it under the member the model names.
    pub message: Option<Cow<'static, str>>,
}

impl ErrorShape {
    pub fn schema(&self) -> &'static Schema {
        self.shape.schema()
    }
}

impl fmt::Debug for ErrorShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?})", self.schema().name, self.message)
    }
}

/// How an operation failed.
#[derive(Debug)]
pub enum OperationError {
    /// An exception the client can act on.
    Modelled(ErrorShape),
    /// A constraint the model does not state, reported in the form of a framework validation error:
    /// the service's own validation exception with this message.
    Validation(String),
    /// The caller may not do this; answered with the protocol's access-denied error and this message.
    AccessDenied(String),
    /// The server cannot take more now; answered with the service's throttling error.
    Throttled(String),
    /// No room on disk or shutting down; answered 503.
    Unavailable(String),
    /// Anything unforeseen. Logged once with its chain; the client sees only a generic text.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl OperationError {
    pub fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }
}

/// A service crate's error enum: converts into the wire's view of it.
pub trait ServiceError: Into<OperationError> + Send + 'static {}

impl<E: Into<OperationError> + Send + 'static> ServiceError for E {}
