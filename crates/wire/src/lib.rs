//! The wire protocols: bytes on one side, shapes on the other.
//!
//! Codecs (`json`, `cbor`, `aws_query` with XML, `event_stream`) implement [`smithy::ShapeReader`] and
//! [`smithy::ShapeWriter`] once for all shapes. Protocols add what is around them: bindings, envelopes,
//! headers, error forms. No protocol is ever converted into another through an untyped value.
//!
//! This crate decides nothing about routing, authentication or behaviour.

pub mod aws_query;
pub mod cbor;
pub mod event_stream;
pub mod json;
pub mod limits;
pub mod message;

mod audit_json;
mod aws_json;
mod error_form;
mod probe;
mod protocols;
mod rest;
mod rest_json;
mod rpc_v2_cbor;
mod text;

pub use audit_json::audit_json;
pub use error_form::error_summary;
pub use message::{FrameworkError, ProtocolCodec, WireError, WireRequest, WireResponse};
pub use protocols::codec;
