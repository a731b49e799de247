//! Messages.

mod publish;
mod publish_batch;

pub(super) use publish::publish;
pub(super) use publish_batch::publish_batch;
