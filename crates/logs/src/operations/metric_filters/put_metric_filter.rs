//! PutMetricFilter: creates a metric filter or replaces the one of that name.

use catalog::CommitError;
use shapes::logs::{MetricTransformation, PutMetricFilterRequest};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, group_key};
use crate::metric_filter::{
    CompiledFilter, FILTERS_MAX, MetricFilter, Replaced, Transformation, filter_key, filters_of,
};

pub(in crate::operations) async fn put_metric_filter(
    cx: Cx<Logs>,
    input: PutMetricFilterRequest,
) -> Result<(), LogsError> {
    let (logs, scope) = (&cx.service, cx.scope());
    let (group, name) = (input.log_group_name.clone(), input.filter_name.clone());
    let filter = record(&cx, input)?;
    let compiled = CompiledFilter::compile(scope, &filter)?;
    // Nothing is ingested meanwhile: events see the filter from here on, and limits hold for concurrent calls.
    let _changing = logs.locks.deleting(scope, &group).await;
    let key = filter_key(scope, &group, &name);
    loop {
        let found = logs.group(scope, &group)?;
        if found.record.class != Class::Standard {
            return Err(LogsError::InvalidOperation(
                "Metric filters are only supported for log groups of the STANDARD class.".into(),
            ));
        }
        let earlier = logs.metric_filters.get(&key);
        if earlier.is_none() && logs.metric_filters.count(&filters_of(scope, &group)) >= FILTERS_MAX {
            return Err(LogsError::LimitExceeded);
        }
        if compiled.has_regex() && !logs.admits_regex(scope, &group, Replaced::MetricFilter(&key)) {
            return Err(LogsError::LimitExceeded);
        }
        let transaction =
            logs.catalog.transaction().require(&logs.groups, group_key(scope, &group), found.record.version);
        let transaction = match earlier {
            Some(earlier) => {
                transaction.update(&logs.metric_filters, key.clone(), earlier.version, filter.clone())
            }
            None => transaction.insert(&logs.metric_filters, key.clone(), filter.clone()),
        };
        match transaction.commit().await {
            Ok(_) => {
                logs.rules.forget(&found.store_key());
                return Ok(());
            }
            Err(CommitError::Failed(error)) => return Err(error.into()),
            // The group or the filter changed meanwhile: look again.
            Err(_) => {}
        }
    }
}

fn record(cx: &Cx<Logs>, input: PutMetricFilterRequest) -> Result<MetricFilter, LogsError> {
    let mut transformations = input.metric_transformations.into_iter();
    let (Some(transformation), None) = (transformations.next(), transformations.next()) else {
        return Err(LogsError::invalid("Exactly one metricTransformation must be specified."));
    };
    let MetricTransformation { default_value, dimensions, metric_name, metric_namespace, metric_value, unit } =
        transformation;
    Ok(MetricFilter {
        creation_time: cx.now,
        pattern: input.filter_pattern,
        transformation: Transformation {
            metric_name,
            metric_namespace,
            metric_value,
            default_value,
            dimensions: dimensions.unwrap_or_default(),
            unit: unit.map(|unit| unit.as_str().to_owned()),
        },
        apply_on_transformed_logs: input.apply_on_transformed_logs.unwrap_or(false),
        field_selection_criteria: input.field_selection_criteria,
        system_dimensions: input.emit_system_field_dimensions.unwrap_or_default(),
    })
}
