//! What daemons report of themselves.

mod put_telemetry_records;

pub(super) use put_telemetry_records::put_telemetry_records;
