//! The operations, one file each.

mod get_caller_identity;

use std::sync::Arc;

use shapes::sts::SERVICE;
use shapes::sts::operations::GetCallerIdentity;
use smithy::ServiceTable;

use crate::Sts;
use get_caller_identity::get_caller_identity;

pub(crate) fn table(service: Arc<Sts>) -> ServiceTable {
    ServiceTable::builder(&SERVICE, service).on(GetCallerIdentity, get_caller_identity).build()
}
