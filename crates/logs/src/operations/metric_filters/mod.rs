//! Metric filters: put, describe, delete, test.

mod delete_metric_filter;
mod describe_metric_filters;
mod put_metric_filter;
mod test_metric_filter;

pub(super) use delete_metric_filter::delete_metric_filter;
pub(super) use describe_metric_filters::describe_metric_filters;
pub(super) use put_metric_filter::put_metric_filter;
pub(super) use test_metric_filter::test_metric_filter;
