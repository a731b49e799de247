//! From an observed call to a CloudTrail event. Pure: the same call and id give the same event.

mod document;
mod identity;
mod redact;
mod resources;
mod rules;

use signals::{ApiCall, AuditEvent};

pub use rules::{is_read_only, is_recorded};

/// The event of `call`.
pub(crate) fn event(call: &ApiCall, event_id: String) -> AuditEvent {
    let read_only = is_read_only(call.event_source, &call.event_name);
    let touched = resources::of_call(call);
    AuditEvent {
        scope: call.scope.clone(),
        event_time: call.time,
        event_name: call.event_name.clone(),
        event_source: call.event_source.to_owned(),
        user_name: identity::lookup_name(&call.principal),
        access_key_id: call.principal.access_key_id.clone(),
        read_only,
        record: document::text(call, &event_id, read_only, &touched),
        resources: touched.into_iter().map(resources::Touched::into_attribute).collect(),
        event_id,
    }
}

#[cfg(test)]
pub(crate) mod tests;
