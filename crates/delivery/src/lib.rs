//! SNS: topics, subscriptions, targets and the durable outbox that reaches them.

pub mod mail;
pub mod target;
