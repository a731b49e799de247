//! GetMetricStream.

use shapes::cloudwatch::{GetMetricStreamInput, GetMetricStreamOutput};
use smithy::Cx;

use super::state;
use crate::metric_stream::{Filter, key};
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn get_metric_stream(
    cx: Cx<CloudWatch>,
    input: GetMetricStreamInput,
) -> Result<GetMetricStreamOutput, CloudWatchError> {
    let found = cx.service.metric_streams().records.get(&key(cx.scope(), &input.name));
    let stream = found.ok_or_else(|| CloudWatchError::NotFound {
        kind: Some("MetricStream"),
        id: Some(input.name.clone()),
        message: format!("The metric stream {} does not exist.", input.name),
    })?;
    let filters =
        |filters: &[Filter]| (!filters.is_empty()).then(|| filters.iter().map(Filter::shape).collect());
    let settings = &stream.settings;
    Ok(GetMetricStreamOutput {
        arn: Some(Taggable::MetricStream.arn(cx.scope(), &input.name)),
        creation_date: Some(stream.created),
        exclude_filters: filters(&settings.exclude),
        firehose_arn: Some(settings.firehose_arn.clone()),
        include_filters: filters(&settings.include),
        include_linked_accounts_metrics: settings.linked_accounts,
        last_update_date: Some(stream.updated),
        output_format: Some(settings.output_format()),
        role_arn: Some(settings.role_arn.clone()),
        state: Some(state(stream.running)),
        statistics_configurations: Some(settings.statistics_shape()).filter(|s| !s.is_empty()),
        name: Some(input.name),
    })
}
