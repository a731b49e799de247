//! Log events: which are accepted, how a place among them is written down, and what fields they have.

pub(crate) mod acceptance;
pub(crate) mod boundary;
pub(crate) mod entity;
pub(crate) mod fields;
pub(crate) mod id;
pub(crate) mod pointer;

/// What an event counts beyond its message's bytes, in batch and page limits and in stored bytes.
pub(crate) const EVENT_OVERHEAD_BYTES: usize = 26;
/// Bytes of a page of GetLogEvents and FilterLogEvents.
pub(crate) const PAGE_BYTES_MAX: usize = 1_048_576;
/// Events of a page, if the caller names no limit.
pub(crate) const PAGE_EVENTS_MAX: usize = 10_000;
