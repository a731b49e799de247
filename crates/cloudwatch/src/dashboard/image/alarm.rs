//! The widget of an alarm: its metrics, with its threshold as an annotation.

use base::Scope;
use widget::{Axis, HorizontalAnnotation, HorizontalFill};

use super::{ImageMetric, ImageWidget, MetricSource};
use crate::alarm::metric_rule::{Comparison, MetricRule, Query, Source, Threshold};
use crate::alarm::record::alarm_key;
use crate::{CloudWatch, CloudWatchError};

impl ImageWidget {
    /// Fills in what the widget's alarm watches, if it is an alarm's widget.
    pub(crate) fn watch_alarm(&mut self, service: &CloudWatch, scope: &Scope) -> Result<(), CloudWatchError> {
        let Some(arn) = &self.alarm else { return Ok(()) };
        let missing =
            || CloudWatchError::Validation(format!("The alarm {arn} of the MetricWidget does not exist."));
        let prefix = scope.arn("cloudwatch", "alarm:");
        let name = arn.strip_prefix(prefix.as_str()).ok_or_else(missing)?;
        let alarm = service.alarms().alarms.get(&alarm_key(scope, name)).ok_or_else(missing)?;
        let Some(rule) = alarm.metric() else {
            return Err(CloudWatchError::Validation(format!(
                "The alarm {arn} of the MetricWidget is composite and watches no metric."
            )));
        };
        self.metrics = metrics(rule);
        self.horizontal.extend(threshold(rule, name));
        self.title.get_or_insert_with(|| name.to_owned());
        Ok(())
    }
}

fn metrics(rule: &MetricRule) -> Vec<ImageMetric> {
    let image = |id: &str, source: MetricSource| ImageMetric {
        id: id.to_owned(),
        source,
        label: None,
        color: None,
        axis: Axis::Left,
        visible: true,
        region: None,
        account: None,
    };
    let names = |namespace: &str, name: &str, dimensions: &[(String, String)]| {
        let dimensions = dimensions.iter().flat_map(|(name, value)| [name.clone(), value.clone()]);
        [namespace.to_owned(), name.to_owned()].into_iter().chain(dimensions).collect()
    };
    match &rule.source {
        Source::Metric(metric) => {
            let source = MetricSource::Metric {
                names: names(&metric.namespace, &metric.name, &metric.dimensions),
                stat: metric.statistic.clone(),
                period_secs: i32::try_from(rule.period_secs).unwrap_or(i32::MAX),
            };
            vec![image("m1", source)]
        }
        Source::Queries(queries) => queries
            .iter()
            .filter_map(|query| {
                let Query { id, expression, metric, label, return_data, period_secs, account } = query;
                let source = match (expression, metric) {
                    (Some(text), _) => {
                        MetricSource::Expression { text: text.clone(), period_secs: *period_secs }
                    }
                    (None, Some(metric)) => MetricSource::Metric {
                        names: names(
                            metric.namespace.as_deref()?,
                            metric.name.as_deref()?,
                            metric.dimensions.as_deref().unwrap_or_default(),
                        ),
                        stat: metric.stat.clone(),
                        period_secs: metric.period_secs,
                    },
                    (None, None) => return None,
                };
                let visible = *return_data != Some(false);
                Some(ImageMetric {
                    label: label.clone(),
                    visible,
                    account: account.clone(),
                    ..image(id, source)
                })
            })
            .collect(),
    }
}

/// The line that is compared with; the side of the alarm is filled.
fn threshold(rule: &MetricRule, name: &str) -> Option<HorizontalAnnotation> {
    let Threshold::Static(value) = rule.threshold else { return None };
    let below =
        matches!(rule.comparison, Comparison::LessThanThreshold | Comparison::LessThanOrEqualToThreshold);
    let fill = if below { HorizontalFill::Below } else { HorizontalFill::Above };
    Some(HorizontalAnnotation {
        value,
        label: Some(name.to_owned()),
        to: None,
        color: None,
        fill,
        axis: Axis::Left,
    })
}
