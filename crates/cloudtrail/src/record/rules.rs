//! Which calls are management events, and which of those only read. Source: `spec/cloudtrail.md` §7.

/// Data events, which nobody keeps unless asked to: operations that move a service's payload.
const DATA_EVENTS: [(&str, &[&str]); 6] = [
    (
        "monitoring.amazonaws.com",
        &["PutMetricData", "GetMetricData", "GetMetricWidgetImage", "GetMetricStatistics", "ListMetrics"],
    ),
    (
        "logs.amazonaws.com",
        &["PutLogEvents", "GetLogEvents", "FilterLogEvents", "GetLogRecord", "StartLiveTail", "GetLogObject"],
    ),
    (
        "xray.amazonaws.com",
        &[
            "PutTraceSegments",
            "PutTelemetryRecords",
            "BatchGetTraces",
            "GetTraceSummaries",
            "GetTraceGraph",
            "GetServiceGraph",
            "GetTimeSeriesServiceStatistics",
            "PutSpans",
        ],
    ),
    ("cloudtrail-data.amazonaws.com", &["PutAuditEvents"]),
    // https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html
    ("sns.amazonaws.com", &["Publish", "PublishBatch"]),
    ("events.amazonaws.com", &["PutEvents"]),
];

/// First words of actions that only read.
const READING_WORDS: [&str; 16] = [
    "Get", "List", "Describe", "Lookup", "BatchGet", "Filter", "Search", "Test", "Head", "Select", "Scan",
    "Query", "Check", "Validate", "Preview", "Estimate",
];

/// Actions that only read, though their names do not say so.
const READING_ACTIONS: [(&str, &str); 6] = [
    ("logs.amazonaws.com", "StartQuery"),
    ("logs.amazonaws.com", "StopQuery"),
    ("logs.amazonaws.com", "StartLiveTail"),
    ("logs.amazonaws.com", "GenerateQuery"),
    ("cloudtrail.amazonaws.com", "StartQuery"),
    ("cloudtrail.amazonaws.com", "GenerateQuery"),
];

/// Whether a call of `operation` is recorded. `event_source` is e.g. `logs.amazonaws.com`.
pub fn is_recorded(event_source: &str, operation: &str) -> bool {
    let data = DATA_EVENTS.iter().find(|(source, _)| *source == event_source);
    !data.is_some_and(|(_, operations)| operations.contains(&operation))
}

/// Whether a call of `operation` changes nothing.
pub fn is_read_only(event_source: &str, operation: &str) -> bool {
    READING_WORDS.iter().any(|word| begins_with_word(operation, word))
        || READING_ACTIONS.contains(&(event_source, operation))
}

/// Whether `name` begins with the whole word `word`: `Get` begins `GetTrail` but not `Getaway`.
fn begins_with_word(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_events_are_not_recorded() {
        for (source, operation, recorded) in [
            ("logs.amazonaws.com", "CreateLogGroup", true),
            ("logs.amazonaws.com", "PutLogEvents", false),
            ("logs.amazonaws.com", "StartQuery", true),
            ("logs.amazonaws.com", "GetQueryResults", true),
            ("monitoring.amazonaws.com", "PutMetricData", false),
            ("monitoring.amazonaws.com", "PutMetricAlarm", true),
            ("monitoring.amazonaws.com", "ListMetrics", false),
            ("xray.amazonaws.com", "PutTraceSegments", false),
            ("xray.amazonaws.com", "GetSamplingStatisticSummaries", true),
            ("xray.amazonaws.com", "GetSamplingRules", true),
            ("cloudtrail.amazonaws.com", "LookupEvents", true),
            ("sts.amazonaws.com", "GetCallerIdentity", true),
        ] {
            assert_eq!(is_recorded(source, operation), recorded, "{operation}");
        }
    }

    #[test]
    fn reading_is_told_by_the_name() {
        for (source, operation, read_only) in [
            ("logs.amazonaws.com", "DescribeLogGroups", true),
            ("logs.amazonaws.com", "CreateLogGroup", false),
            ("logs.amazonaws.com", "StartQuery", true),
            ("logs.amazonaws.com", "TestMetricFilter", true),
            ("logs.amazonaws.com", "PutRetentionPolicy", false),
            ("xray.amazonaws.com", "StartTraceRetrieval", false),
            ("cloudtrail.amazonaws.com", "LookupEvents", true),
            ("sts.amazonaws.com", "AssumeRole", false),
            ("x.amazonaws.com", "Getaway", false),
            ("x.amazonaws.com", "Testament", false),
        ] {
            assert_eq!(is_read_only(source, operation), read_only, "{operation}");
        }
    }
}
