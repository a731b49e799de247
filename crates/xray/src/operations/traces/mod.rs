//! Segments in, traces out.

mod batch_get_traces;
mod get_trace_summaries;
mod put_trace_segments;

pub(super) use batch_get_traces::batch_get_traces;
pub(super) use get_trace_summaries::get_trace_summaries;
pub(super) use put_trace_segments::put_trace_segments;
