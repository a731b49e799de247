//! The JSON of alarms for programs: details of bus events, the event functions are invoked with, and the
//! configurations in history items.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>,
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html>.

use serde_json::{Map, Value, json};

use super::message::Notice;
use super::metric_rule::{MetricRule, Query, Source, Threshold};
use super::reason::time;
use super::record::{Alarm, CompositeRule, Kind, State, alarm_arn};

pub(crate) const SOURCE: &str = "aws.cloudwatch";
pub(crate) const STATE_CHANGE: &str = "CloudWatch Alarm State Change";
pub(crate) const CONFIGURATION_CHANGE: &str = "CloudWatch Alarm Configuration Change";
pub(crate) const CONTRIBUTOR_STATE_CHANGE: &str = "CloudWatch Alarm Contributor State Change";

/// Detail of a state change event. `metric_id` is the id that stands for a single metric.
pub(crate) fn state_change(notice: &Notice<'_>, before: &State, metric_id: &str, mutes: &[String]) -> Value {
    let mut state = state_json(notice.state);
    if let Some(by) = notice.alarm.composite().and_then(|composite| composite.suppression.by()) {
        state["actionsSuppressedBy"] = json!(by);
        state["actionsSuppressedReason"] = json!(format!("Actions suppressed by {by}"));
    }
    let mut detail = json!({
        "alarmName": notice.name,
        "state": state,
        "previousState": state_json(before),
        "configuration": summary(notice.alarm, metric_id),
    });
    if let Some(contributor) = notice.contributor {
        detail["alarmContributor"] = json!({"id": contributor.id, "attributes": contributor.attributes});
    }
    if !mutes.is_empty() {
        detail["muteDetail"] = json!({"mutedBy": mutes});
    }
    if !notice.tags.is_empty() {
        detail["alarmTags"] = json!(notice.tags);
    }
    detail
}

/// The event a function is invoked with.
pub(crate) fn invocation(notice: &Notice<'_>, before: &State, metric_id: &str) -> String {
    let mut data = state_change(notice, before, metric_id, &[]);
    if notice.after_mute {
        data["actionExecutedAfterMuteWindow"] = json!(true);
    }
    json!({
        "source": SOURCE,
        "alarmArn": alarm_arn(notice.scope, notice.name),
        "accountId": notice.scope.account.as_str(),
        "time": time(notice.state.updated),
        "region": notice.scope.region.as_str(),
        "alarmData": data,
    })
    .to_string()
}

/// Detail of a configuration change event.
pub(crate) fn configuration_change(
    name: &str,
    operation: &str,
    alarm: &Alarm,
    before: Option<&Alarm>,
    metric_id: &str,
) -> Value {
    let mut detail = json!({
        "alarmName": name,
        "operation": operation,
        "state": {"value": alarm.state.value.as_str(), "timestamp": time(alarm.state.updated)},
        "configuration": full(name, alarm, metric_id),
    });
    if let Some(before) = before {
        detail["previousConfiguration"] = full(name, before, metric_id);
    }
    detail
}

fn state_json(state: &State) -> Value {
    let mut json = json!({
        "value": state.value.as_str(),
        "reason": state.reason,
        "timestamp": time(state.updated),
    });
    if let Some(data) = &state.reason_data {
        json["reasonData"] = json!(data);
    }
    if let Some(evaluation) = state.evaluation {
        json["evaluationState"] = json!(evaluation.as_str());
    }
    json
}

/// What state change events say of a configuration.
fn summary(alarm: &Alarm, metric_id: &str) -> Value {
    let mut json = Map::new();
    if let Some(description) = &alarm.description {
        json.insert("description".to_owned(), json!(description));
    }
    match &alarm.kind {
        Kind::Metric(rule) => _ = json.insert("metrics".to_owned(), metrics(rule, metric_id)),
        Kind::Composite(composite) => json.extend(composite_members(composite)),
    }
    Value::Object(json)
}

/// What configuration events and history items say of it.
pub(crate) fn full(name: &str, alarm: &Alarm, metric_id: &str) -> Value {
    let mut json = json!({
        "alarmName": name,
        "actionsEnabled": alarm.actions_enabled,
        "timestamp": time(alarm.configured),
        "okActions": alarm.ok_actions,
        "alarmActions": alarm.alarm_actions,
        "insufficientDataActions": alarm.insufficient_data_actions,
    });
    let members = json.as_object_mut().expect("it was made as an object");
    if let Some(description) = &alarm.description {
        members.insert("description".to_owned(), json!(description));
    }
    match &alarm.kind {
        Kind::Composite(composite) => members.extend(composite_members(composite)),
        Kind::Metric(rule) => members.extend(rule_members(rule, metric_id)),
    }
    json
}

fn rule_members(rule: &MetricRule, metric_id: &str) -> Map<String, Value> {
    let mut json = Map::new();
    let mut put = |name: &str, value: Value| _ = json.insert(name.to_owned(), value);
    put("evaluationPeriods", json!(rule.evaluation_periods));
    put("comparisonOperator", json!(rule.comparison.as_str()));
    put("metrics", metrics(rule, metric_id));
    match &rule.threshold {
        Threshold::Static(threshold) => put("threshold", json!(threshold)),
        Threshold::Band(id) => put("thresholdMetricId", json!(id)),
    }
    if let Some(datapoints) = rule.datapoints_to_alarm {
        put("datapointsToAlarm", json!(datapoints));
    }
    if let Some(missing) = rule.missing {
        put("treatMissingData", json!(missing.as_str()));
    }
    if let Some(low) = rule.low_samples {
        put("evaluateLowSampleCountPercentile", json!(low.as_str()));
    }
    json
}

fn composite_members(composite: &CompositeRule) -> Map<String, Value> {
    let mut json = Map::new();
    json.insert("alarmRule".to_owned(), json!(composite.rule));
    if let Some(suppressor) = &composite.suppressor {
        json.insert("actionsSuppressor".to_owned(), json!(suppressor.given));
        json.insert("actionsSuppressorWaitPeriod".to_owned(), json!(suppressor.wait_secs));
        json.insert("actionsSuppressorExtensionPeriod".to_owned(), json!(suppressor.extension_secs));
    }
    json
}

fn metrics(rule: &MetricRule, metric_id: &str) -> Value {
    match &rule.source {
        Source::Metric(metric) => json!([{
            "id": metric_id,
            "metricStat": {
                "metric": metric_json(Some(&metric.namespace), Some(&metric.name), Some(&metric.dimensions)),
                "period": rule.period_secs,
                "stat": metric.statistic,
            },
            "returnData": true,
        }]),
        Source::Queries(queries) => queries.iter().map(query_json).collect(),
    }
}

fn query_json(query: &Query) -> Value {
    let mut json = json!({"id": query.id, "returnData": query.return_data != Some(false)});
    if let Some(expression) = &query.expression {
        json["expression"] = json!(expression);
    }
    if let Some(label) = &query.label {
        json["label"] = json!(label);
    }
    if let Some(metric) = &query.metric {
        json["metricStat"] = json!({
            "metric": metric_json(metric.namespace.as_ref(), metric.name.as_ref(), metric.dimensions.as_ref()),
            "period": metric.period_secs,
            "stat": metric.stat,
        });
    }
    json
}

fn metric_json(
    namespace: Option<&String>,
    name: Option<&String>,
    dimensions: Option<&Vec<(String, String)>>,
) -> Value {
    let dimensions: Map<String, Value> =
        dimensions.into_iter().flatten().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({"namespace": namespace, "name": name, "dimensions": dimensions})
}
