//! SNS: topics, subscriptions, targets and the durable outbox that reaches them.
