//! Metric streams: put, get, list, delete, start, stop.

mod delete_metric_stream;
mod get_metric_stream;
mod list_metric_streams;
mod put_metric_stream;
mod start_and_stop;

pub(crate) use delete_metric_stream::delete_metric_stream;
pub(crate) use get_metric_stream::get_metric_stream;
pub(crate) use list_metric_streams::list_metric_streams;
pub(crate) use put_metric_stream::put_metric_stream;
pub(crate) use start_and_stop::{start_metric_streams, stop_metric_streams};

fn state(running: bool) -> String {
    if running { "running" } else { "stopped" }.to_owned()
}
