//! The data model between protocols and behaviour: what a shape looks like ([`Schema`]), how it reads
//! and writes itself ([`Shape`], [`ShapeReader`], [`ShapeWriter`]), what an operation is
//! ([`Operation`]) and which operations a service answers ([`ServiceTable`]).
//!
//! Each shape reads and writes itself once, each protocol is written once, and they meet only here.
//! Nothing in this crate knows JSON, CBOR or XML, and nothing knows a service.

pub mod constraint;
pub mod operation;
pub mod schema;
pub mod shape;
pub mod table;

pub use constraint::{CheckedReader, Violation, violations_message};
pub use operation::{Caller, Cx, ErrorShape, Operation, OperationError, ServiceError};
pub use schema::{
    ErrorTrait, Fault, HttpBinding, HttpTrait, Kind, Member, OperationSchema, Protocol, Schema,
    ServiceSchema, TimestampFormat,
};
pub use shape::{Document, ReadError, Shape, ShapeReader, ShapeWriter, WriteError, WriteShape};
pub use table::{
    EventStream, Handler, HandlerFuture, HandlerOutput, Reply, ServiceTable, ServiceTableBuilder,
};
