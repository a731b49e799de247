//! Functions by their names.

/// A function of metric math.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Abs,
    AnomalyDetectionBand,
    Avg,
    Ceil,
    DatapointCount,
    Date,
    Day,
    DbPerfInsights,
    Diff,
    DiffTime,
    Epoch,
    Fill,
    First,
    Floor,
    Hour,
    If,
    InsightRuleMetric,
    Lambda,
    Last,
    Log,
    Log10,
    Max,
    MetricCount,
    Metrics,
    Min,
    Minute,
    Month,
    Period,
    Rate,
    RemoveEmpty,
    RunningSum,
    Search,
    ServiceQuota,
    Slice,
    Sort,
    Stddev,
    Sum,
    TimeSeries,
    Year,
}

const NAMES: [(&str, Function); 39] = [
    ("ABS", Function::Abs),
    ("ANOMALY_DETECTION_BAND", Function::AnomalyDetectionBand),
    ("AVG", Function::Avg),
    ("CEIL", Function::Ceil),
    ("DATAPOINT_COUNT", Function::DatapointCount),
    ("DATE", Function::Date),
    ("DAY", Function::Day),
    ("DB_PERF_INSIGHTS", Function::DbPerfInsights),
    ("DIFF", Function::Diff),
    ("DIFF_TIME", Function::DiffTime),
    ("EPOCH", Function::Epoch),
    ("FILL", Function::Fill),
    ("FIRST", Function::First),
    ("FLOOR", Function::Floor),
    ("HOUR", Function::Hour),
    ("IF", Function::If),
    ("INSIGHT_RULE_METRIC", Function::InsightRuleMetric),
    ("LAMBDA", Function::Lambda),
    ("LAST", Function::Last),
    ("LOG", Function::Log),
    ("LOG10", Function::Log10),
    ("MAX", Function::Max),
    ("METRICS", Function::Metrics),
    ("METRIC_COUNT", Function::MetricCount),
    ("MIN", Function::Min),
    ("MINUTE", Function::Minute),
    ("MONTH", Function::Month),
    ("PERIOD", Function::Period),
    ("RATE", Function::Rate),
    ("REMOVE_EMPTY", Function::RemoveEmpty),
    ("RUNNING_SUM", Function::RunningSum),
    ("SEARCH", Function::Search),
    ("SERVICE_QUOTA", Function::ServiceQuota),
    ("SLICE", Function::Slice),
    ("SORT", Function::Sort),
    ("STDDEV", Function::Stddev),
    ("SUM", Function::Sum),
    ("TIME_SERIES", Function::TimeSeries),
    ("YEAR", Function::Year),
];

impl Function {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        let at = NAMES.binary_search_by_key(&name, |(known, _)| known).ok()?;
        Some(NAMES[at].1)
    }

    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        for (name, function) in NAMES {
            assert_eq!(Function::by_name(name), Some(function));
            assert_eq!(function.name(), name);
        }
        assert_eq!(Function::by_name("avg"), None);
    }
}
