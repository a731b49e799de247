//! TestMetricFilter: which sample messages a pattern matches, and what it extracts from them.

use lang::filter_pattern::FilterPattern;
use shapes::logs::{MetricFilterMatchRecord, TestMetricFilterRequest, TestMetricFilterResponse};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;

pub(in crate::operations) async fn test_metric_filter(
    _: Cx<Logs>,
    input: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, LogsError> {
    let pattern = FilterPattern::compile(&input.filter_pattern)
        .map_err(|error| LogsError::invalid(error.to_string()))?;
    let record = |(index, message): (usize, String)| {
        let extracted = pattern.extract(&message)?;
        Some(MetricFilterMatchRecord {
            event_message: Some(message),
            // AWS: zero-based (API_TestMetricFilter.html).
            event_number: i64::try_from(index).ok(),
            extracted_values: Some(extracted.into_iter().collect()),
        })
    };
    let matches = input.log_event_messages.into_iter().enumerate().filter_map(record).collect();
    Ok(TestMetricFilterResponse { matches: Some(matches) })
}
