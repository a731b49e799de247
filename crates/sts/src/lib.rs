//! AWS Security Token Service, as far as it is served: who am I (`spec/protocols.md` §9.3,
//! `spec/neighbours.md` §2).
//!
//! Whom a request belongs to was decided before it got here; this service only tells.

mod operations;

use std::sync::Arc;

use smithy::ServiceTable;

/// The service's state: none yet.
#[derive(Debug, Default)]
pub struct Sts;

/// The operations served.
pub fn table(service: Arc<Sts>) -> ServiceTable {
    operations::table(service)
}
