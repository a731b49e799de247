//! Topics.

mod create_topic;
mod delete_topic;
mod get_topic_attributes;
mod list_topics;
mod set_topic_attributes;

pub(crate) use create_topic::create_topic;
pub(crate) use delete_topic::delete_topic;
pub(crate) use get_topic_attributes::get_topic_attributes;
pub(crate) use list_topics::list_topics;
pub(crate) use set_topic_attributes::set_topic_attributes;
