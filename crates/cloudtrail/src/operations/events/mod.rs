//! Events.

pub(crate) mod lookup_events;
