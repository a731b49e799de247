//! DescribeMetricFilters: of a group or of the whole account, by name or by metric.

use std::ops::ControlFlow;

use base::page_token;
use catalog::{Prefix, RecordKey};
use shapes::logs::{
    DescribeMetricFiltersRequest, DescribeMetricFiltersResponse, MetricFilter as Shape, MetricTransformation,
    StandardUnit,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::metric_filter::{MetricFilter, filter_key, filters_of};
use crate::operations::{describe_limit, page_start};

pub(in crate::operations) async fn describe_metric_filters(
    cx: Cx<Logs>,
    input: DescribeMetricFiltersRequest,
) -> Result<DescribeMetricFiltersResponse, LogsError> {
    let metric = match (&input.metric_name, &input.metric_namespace) {
        (Some(name), Some(namespace)) => Some((name.as_str(), namespace.as_str())),
        (None, None) => None,
        _ => {
            return Err(LogsError::invalid("metricName and metricNamespace must be specified together."));
        }
    };
    let group = input.log_group_name.as_deref();
    let prefix = input.filter_name_prefix.as_deref().unwrap_or_default();
    let purpose =
        format!("DescribeMetricFilters|{}|{}|{prefix}|{metric:?}", cx.scope(), group.unwrap_or_default());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = match start.as_deref() {
        None => None,
        Some([group, filter]) => Some(filter_key(cx.scope(), group, filter)),
        Some(_) => return Err(LogsError::bad_token()),
    };
    let within = match group {
        Some(group) => {
            cx.service.group(cx.scope(), group)?;
            filters_of(cx.scope(), group).starting_with(prefix)
        }
        None => Prefix::new(cx.scope(), &[]),
    };
    let limit = describe_limit(input.limit);
    let mut page: Vec<(String, String, Shape)> = Vec::new();
    let mut more = false;
    cx.service.metric_filters.scan(&within, after.as_ref(), |key, filter| {
        let (group, name) = names(key);
        let (found, wanted) = (&filter.transformation, metric);
        // AWS: the prefix works without a group, although the documentation says that it is ignored (observed).
        let shown = name.starts_with(prefix)
            && wanted.is_none_or(|wanted| wanted == (&found.metric_name, &found.metric_namespace));
        if !shown {
            return ControlFlow::Continue(());
        }
        if page.len() == limit {
            more = true;
            return ControlFlow::Break(());
        }
        let shape = shape(&group, &name, filter);
        page.push((group, name, shape));
        ControlFlow::Continue(())
    });
    let next_token =
        page.last().filter(|_| more).map(|(group, name, _)| page_token::encode(&purpose, &[group, name]));
    let metric_filters = page.into_iter().map(|(_, _, shape)| shape).collect();
    Ok(DescribeMetricFiltersResponse { metric_filters: Some(metric_filters), next_token })
}

fn names(key: &RecordKey) -> (String, String) {
    let mut parts = key.parts();
    let filter = parts.pop().unwrap_or_default();
    (parts.pop().unwrap_or_default(), filter)
}

fn shape(group: &str, name: &str, filter: &MetricFilter) -> Shape {
    let transformation = &filter.transformation;
    let some = |empty: bool| (!empty).then_some(());
    Shape {
        apply_on_transformed_logs: Some(filter.apply_on_transformed_logs),
        creation_time: Some(filter.creation_time.as_millis()),
        emit_system_field_dimensions: some(filter.system_dimensions.is_empty())
            .map(|()| filter.system_dimensions.clone()),
        field_selection_criteria: filter.field_selection_criteria.clone(),
        filter_name: Some(name.to_owned()),
        filter_pattern: Some(filter.pattern.clone()),
        log_group_name: Some(group.to_owned()),
        metric_transformations: Some(vec![MetricTransformation {
            default_value: transformation.default_value,
            dimensions: some(transformation.dimensions.is_empty())
                .map(|()| transformation.dimensions.clone()),
            metric_name: transformation.metric_name.clone(),
            metric_namespace: transformation.metric_namespace.clone(),
            metric_value: transformation.metric_value.clone(),
            unit: transformation.unit.as_deref().map(StandardUnit::from),
        }]),
    }
}
