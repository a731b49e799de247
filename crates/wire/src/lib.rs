//! The wire protocols: bytes on one side, shapes on the other.
//!
//! Codecs (`json`, `cbor`, `aws_query` with XML, `event_stream`) implement [`smithy::ShapeReader`] and
//! [`smithy::ShapeWriter`] once for all shapes. Protocols add what is around them: bindings, envelopes,
//! headers, error forms. No protocol is ever converted into another through an untyped value.
//!
//! This crate decides nothing about routing, authentication or behaviour.

pub mod message;

pub use message::{FrameworkError, ProtocolCodec, WireError, WireRequest, WireResponse};
