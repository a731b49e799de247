//! Form bodies.

#![no_main]

use fuzz::read;
use libfuzzer_sys::fuzz_target;
use smithy::Protocol;

fuzz_target!(|data: &[u8]| {
    read::<shapes::cloudwatch::operations::PutMetricData>(Protocol::AwsQuery, data);
    read::<shapes::cloudwatch::operations::GetMetricData>(Protocol::AwsQuery, data);
});
