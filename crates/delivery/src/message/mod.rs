//! Messages: what Publish takes, and the forms in which subscribers get it.

pub(crate) mod attributes;
pub(crate) mod envelope;
mod record;
mod request;

pub(crate) use record::{FifoPlace, Message, MessageAttribute, message_key, sequence_text};
pub(crate) use request::{NewMessage, PublishParts};
