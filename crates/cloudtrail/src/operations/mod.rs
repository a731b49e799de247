//! The operations answered.

mod events;

use std::sync::Arc;

use shapes::cloudtrail::operations::LookupEvents;
use smithy::ServiceTable;

use crate::CloudTrail;

pub(crate) use events::lookup_events::LOOKUPS_PER_SECOND;
#[cfg(test)]
pub(crate) use events::lookup_events::lookup_events;

pub(crate) fn table(service: Arc<CloudTrail>) -> ServiceTable {
    ServiceTable::builder(&shapes::cloudtrail::SERVICE, service)
        .on(LookupEvents, events::lookup_events::lookup_events)
        .build()
}
