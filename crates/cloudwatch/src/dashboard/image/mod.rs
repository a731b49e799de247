//! The widget of GetMetricWidgetImage: what is asked for, and how what was found is drawn.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Metric-Widget-Structure.html>.

mod alarm;
mod definition;
mod drawing;
#[cfg(test)]
mod tests;

pub(crate) use definition::{ImageMetric, ImageWidget, MetricSource};
