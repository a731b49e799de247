//! Which operations a service answers: one line per operation, types checked by the compiler.
//!
//! ```ignore
//! ServiceTable::builder(&shapes::logs::SERVICE, Arc::new(logs))
//!     .on(PutRetentionPolicy, put_retention_policy)
//!     .build()
//! ```

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base::Timestamp;
use futures::{Stream, StreamExt};

use crate::constraint::{CheckedReader, Violation};
use crate::operation::{Caller, Cx, Operation, OperationError};
use crate::schema::{OperationSchema, ServiceSchema};
use crate::shape::{ReadError, Shape, ShapeReader, WriteShape};

/// What a handler's future yields.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<HandlerOutput, OperationError>> + Send>>;

/// The events of an operation whose output is an event stream: each a value of the output's union.
pub type EventStream = Pin<Box<dyn Stream<Item = Box<dyn WriteShape>> + Send>>;

/// A successful answer.
pub struct HandlerOutput {
    /// The output; of an event stream, its members outside the stream.
    pub output: Box<dyn WriteShape>,
    /// The events that follow, for operations served with [`ServiceTableBuilder::on_stream`].
    pub events: Option<EventStream>,
}

/// The answer to reading a request for a handler.
pub enum Reply {
    /// The request is sound; drive the future. `input` is there if it was asked for.
    Run { input: Option<Arc<dyn WriteShape>>, future: HandlerFuture },
    /// The request breaks constraints of the model; `input` holds what could be read.
    Violations { input: Option<Arc<dyn WriteShape>>, violations: Vec<Violation> },
}

/// One operation behind a type-free face.
pub trait Handler: Send + Sync {
    fn schema(&self) -> &'static OperationSchema;

    /// Reads and checks the input. The future does the work and is not yet started. With `keep_input`
    /// the reply carries a copy of the input, for the audit event.
    fn read(
        &self,
        reader: &mut dyn ShapeReader,
        caller: Arc<Caller>,
        now: Timestamp,
        keep_input: bool,
    ) -> Result<Reply, ReadError>;
}

/// All operations of one service that are served.
pub struct ServiceTable {
    schema: &'static ServiceSchema,
    handlers: HashMap<&'static str, Box<dyn Handler>>,
}

impl ServiceTable {
    pub fn builder<S: Send + Sync + 'static>(
        schema: &'static ServiceSchema,
        service: Arc<S>,
    ) -> ServiceTableBuilder<S> {
        ServiceTableBuilder { schema, service, handlers: HashMap::new() }
    }

    pub fn schema(&self) -> &'static ServiceSchema {
        self.schema
    }

    /// The handler of an operation; `None` for one that is not served.
    pub fn handler(&self, operation: &str) -> Option<&dyn Handler> {
        self.handlers.get(operation).map(AsRef::as_ref)
    }

    /// Operations of the model without a handler, in model order.
    pub fn uncovered(&self) -> impl Iterator<Item = &'static str> {
        self.schema.operations.iter().map(|o| o.name).filter(|name| !self.handlers.contains_key(name))
    }
}

pub struct ServiceTableBuilder<S> {
    schema: &'static ServiceSchema,
    service: Arc<S>,
    handlers: HashMap<&'static str, Box<dyn Handler>>,
}

impl<S: Send + Sync + 'static> ServiceTableBuilder<S> {
    /// Serves operation `O` with `handler`, an `async fn(Cx<S>, O::Input) -> Result<O::Output, E>`.
    #[must_use]
    pub fn on<O, F, Fut, E>(self, _operation: O, handler: F) -> Self
    where
        O: Operation,
        F: Fn(Cx<S>, O::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O::Output, E>> + Send + 'static,
        E: Into<OperationError> + Send + 'static,
        O::Input: Clone,
    {
        self.serve::<O, _, _, _, _>(handler, |output| HandlerOutput {
            output: Box::new(output),
            events: None,
        })
    }

    /// Serves operation `O`, whose output is an event stream, with `handler`, an
    /// `async fn(Cx<S>, O::Input) -> Result<(O::Output, impl Stream<Item = V>), E>` where `V` is the output's
    /// union. The output's stream member stays unset. The stream ends when it has no more events, the client
    /// goes away (it is dropped) or the server stops; a slow client makes it wait.
    #[must_use]
    pub fn on_stream<O, F, Fut, Events, V, E>(self, _operation: O, handler: F) -> Self
    where
        O: Operation,
        F: Fn(Cx<S>, O::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(O::Output, Events), E>> + Send + 'static,
        Events: Stream<Item = V> + Send + 'static,
        V: WriteShape + 'static,
        E: Into<OperationError> + Send + 'static,
        O::Input: Clone,
    {
        self.serve::<O, _, _, _, _>(handler, |(output, events)| HandlerOutput {
            output: Box::new(output),
            events: Some(Box::pin(events.map(|event| Box::new(event) as Box<dyn WriteShape>))),
        })
    }

    fn serve<O, F, Fut, T: 'static, E>(mut self, handler: F, output: fn(T) -> HandlerOutput) -> Self
    where
        O: Operation,
        F: Fn(Cx<S>, O::Input) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<OperationError> + Send + 'static,
        O::Input: Clone,
    {
        let service = self.service.clone();
        let typed = Typed::<O, _> {
            run: move |caller, now, input| {
                let cx = Cx { service: service.clone(), caller, now };
                let work = handler(cx, input);
                Box::pin(async move { work.await.map(output).map_err(Into::into) }) as HandlerFuture
            },
            _operation: std::marker::PhantomData,
        };
        let previous = self.handlers.insert(O::SCHEMA.name, Box::new(typed));
        assert!(previous.is_none(), "{} is served twice", O::SCHEMA.name);
        self
    }

    pub fn build(self) -> ServiceTable {
        ServiceTable { schema: self.schema, handlers: self.handlers }
    }
}

struct Typed<O, R> {
    run: R,
    _operation: std::marker::PhantomData<fn(O)>,
}

impl<O, R> Handler for Typed<O, R>
where
    O: Operation,
    O::Input: Clone,
    R: Fn(Arc<Caller>, Timestamp, O::Input) -> HandlerFuture + Send + Sync,
{
    fn schema(&self) -> &'static OperationSchema {
        O::SCHEMA
    }

    fn read(
        &self,
        reader: &mut dyn ShapeReader,
        caller: Arc<Caller>,
        now: Timestamp,
        keep_input: bool,
    ) -> Result<Reply, ReadError> {
        let mut checked = CheckedReader::new(reader);
        let input = O::Input::read(&mut checked)?;
        let violations = checked.violations();
        if !violations.is_empty() {
            return Ok(Reply::Violations { input: Some(Arc::new(input)), violations });
        }
        let kept = keep_input.then(|| Arc::new(input.clone()) as Arc<dyn WriteShape>);
        Ok(Reply::Run { input: kept, future: (self.run)(caller, now, input) })
    }
}
