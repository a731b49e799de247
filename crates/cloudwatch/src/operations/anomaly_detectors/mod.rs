//! Anomaly detectors: put, describe, delete.

mod delete_anomaly_detector;
mod describe_anomaly_detectors;
mod put_anomaly_detector;

pub(crate) use delete_anomaly_detector::delete_anomaly_detector;
pub(crate) use describe_anomaly_detectors::describe_anomaly_detectors;
pub(crate) use put_anomaly_detector::put_anomaly_detector;
