//! Messages.

mod publish;
mod publish_batch;

pub(crate) use publish::publish;
pub(crate) use publish_batch::publish_batch;
