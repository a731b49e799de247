//! The records Nephoscope keeps (log events, metric data, trace segments, audit events, bus
//! events) and the sink traits that accept them.
//!
//! A signal enters by many doors (an AWS call, OTLP, the X-Ray daemon protocol, a metric filter) and
//! is the same record whichever it used. Services meet here, never in one another's crates.

pub mod audit;
pub mod bus;
pub mod dist;
pub mod log;
pub mod metric;
pub mod sink;
pub mod target;
pub mod trace;

pub use audit::{ApiCall, AuditEvent, AuditResource, Principal};
pub use bus::BusEvent;
pub use dist::Dist;
pub use log::{LogBatch, LogEvent, LogRejections};
pub use metric::{Dimension, MetricDatum, MetricIdentity, MetricValue, Resolution, Unit, is_storable};
pub use sink::{ApiCallSink, BusSink, LogSink, MetricSink, SinkError, TraceSink};
pub use target::{
    AlarmAction, AlarmActionSink, BucketError, Buckets, TargetCall, TargetError, TargetPayload, TargetSink,
};
pub use trace::{SegmentRejection, TraceId, TraceSegment};
