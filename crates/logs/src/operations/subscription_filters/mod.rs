//! Subscription filters: put, describe, delete.

mod delete_subscription_filter;
mod describe_subscription_filters;
mod put_subscription_filter;

pub(super) use delete_subscription_filter::delete_subscription_filter;
pub(super) use describe_subscription_filters::describe_subscription_filters;
pub(super) use put_subscription_filter::put_subscription_filter;
