//! Topics.

mod create_topic;
mod delete_topic;
mod get_topic_attributes;
mod list_topics;
mod set_topic_attributes;

pub(super) use create_topic::create_topic;
pub(super) use delete_topic::delete_topic;
pub(super) use get_topic_attributes::get_topic_attributes;
pub(super) use list_topics::list_topics;
pub(super) use set_topic_attributes::set_topic_attributes;
