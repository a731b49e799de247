//! What daemons report of themselves: kept for diagnostics, the latest only.

use std::collections::VecDeque;

use base::{Scope, Timestamp};
use parking_lot::Mutex;
use shapes::xray::TelemetryRecord;

/// One record of a daemon.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedTelemetry {
    pub scope: Scope,
    pub received: Timestamp,
    pub hostname: Option<String>,
    pub ec2_instance_id: Option<String>,
    pub resource_arn: Option<String>,
    pub record: TelemetryRecord,
}

#[derive(Default)]
pub(crate) struct Telemetry {
    records: Mutex<VecDeque<ReceivedTelemetry>>,
}

impl Telemetry {
    pub(crate) fn push(&self, record: ReceivedTelemetry) {
        let mut records = self.records.lock();
        if records.len() == RECORDS_MAX {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(crate) fn latest(&self) -> Vec<ReceivedTelemetry> {
        self.records.lock().iter().cloned().collect()
    }
}

const RECORDS_MAX: usize = 1000;
