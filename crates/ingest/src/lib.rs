//! Pure translation of what clients send into signals: X-Ray segment documents, OTLP, JSON events and the
//! embedded metric format.
//!
//! No I/O, no clock, no randomness: the time of receipt is an argument, and ids that a translation
//! must make up are derived from the input, so that a repeated request makes the same records.

pub mod emf;
pub mod json_events;
pub mod otlp;
pub mod segment_document;
pub mod syslog;
