//! DescribeAlarmsForMetric: the alarms on exactly this metric.

use std::ops::ControlFlow;

use catalog::Prefix;
use shapes::cloudwatch::{DescribeAlarmsForMetricInput, DescribeAlarmsForMetricOutput};
use smithy::Cx;

use super::shape::metric_alarm;
use crate::CloudWatch;
use crate::alarm::error::AlarmError;
use crate::alarm::metric_rule::{MetricRule, MetricSource, Source};
use crate::operations::metrics::identity;

pub(crate) async fn describe_alarms_for_metric(
    cx: Cx<CloudWatch>,
    input: DescribeAlarmsForMetricInput,
) -> Result<DescribeAlarmsForMetricOutput, AlarmError> {
    if input.statistic.is_some() && input.extended_statistic.is_some() {
        return Err(AlarmError::invalid("Statistic and ExtendedStatistic must not both be specified"));
    }
    let wanted = identity(&input.namespace, &input.metric_name, input.dimensions.as_deref());
    let statistic = input.statistic.as_ref().map(|s| s.as_str()).or(input.extended_statistic.as_deref());
    let is_wanted = |rule: &MetricRule, metric: &MetricSource| {
        *metric.namespace == *wanted.namespace
            && *metric.name == *wanted.name
            && statistic.is_none_or(|statistic| statistic == metric.statistic)
            && input.period.is_none_or(|period| i64::from(period) == rule.period_secs)
            && input.unit.as_ref().is_none_or(|unit| metric.unit.as_deref() == Some(unit.as_str()))
            && metric.identity() == wanted
    };
    let mut found = Vec::new();
    cx.service.alarms().alarms.scan(&Prefix::new(cx.scope(), &[]), None, |key, alarm| {
        if let Some(rule) = alarm.metric()
            && let Source::Metric(metric) = &rule.source
            && is_wanted(rule, metric)
        {
            let name = key.parts().pop().unwrap_or_default();
            found.push(metric_alarm(cx.scope(), &name, alarm, rule));
        }
        ControlFlow::Continue(())
    });
    Ok(DescribeAlarmsForMetricOutput { metric_alarms: Some(found) })
}
