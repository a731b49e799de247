//! JSON bodies, over AWS JSON and REST JSON.

#![no_main]

use fuzz::read;
use libfuzzer_sys::fuzz_target;
use smithy::Protocol;

fuzz_target!(|data: &[u8]| {
    read::<shapes::cloudwatch::operations::PutMetricData>(Protocol::AwsJson1_1, data);
    read::<shapes::cloudwatch::operations::GetMetricData>(Protocol::AwsJson1_1, data);
    read::<shapes::logs::operations::PutLogEvents>(Protocol::AwsJson1_1, data);
    read::<shapes::xray::operations::GetTraceSummaries>(Protocol::RestJson1, data);
});
