//! What topics publish for an alarm: subject and JSON text in AWS's form (observed, spec/alarms.md §7.1).

use std::collections::BTreeMap;

use base::{Scope, Timestamp};
use serde::Serialize;

use super::contributor::ContributorChange;
use super::metric_rule::{MetricRule, Query, Source, Threshold};
use super::reason::time;
use super::record::{Alarm, Kind, State, StateValue, alarm_arn};
use super::region::region_name;

/// Characters of a subject.
const SUBJECT_MAX: usize = 100;

/// What a notification is about.
#[derive(Clone, Copy)]
pub(crate) struct Notice<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) name: &'a str,
    pub(crate) alarm: &'a Alarm,
    /// The state that was entered, which may be a contributor's.
    pub(crate) state: &'a State,
    pub(crate) old: StateValue,
    pub(crate) after_mute: bool,
    pub(crate) contributor: Option<&'a ContributorChange>,
    pub(crate) children: &'a [Child],
    /// Those that are propagated.
    pub(crate) tags: &'a BTreeMap<String, String>,
}

/// A child that made a composite alarm change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Child {
    pub(crate) arn: String,
    pub(crate) value: StateValue,
    pub(crate) transitioned: Timestamp,
}

/// `ALARM: "name" in US East (N. Virginia)`, cut to 100 characters.
pub(crate) fn subject(notice: &Notice<'_>) -> String {
    let region = region_name(notice.scope.region.as_str());
    let subject = format!("{}: \"{}\" in {region}", notice.state.value.as_str(), notice.name);
    // A subject is one line of printable characters for e-mail.
    subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_MAX).collect()
}

/// The published JSON text.
pub(crate) fn text(notice: &Notice<'_>) -> String {
    let Notice { scope, name, alarm, state, .. } = *notice;
    let message = Message {
        alarm_name: name,
        alarm_description: alarm.description.as_deref(),
        account: scope.account.as_str(),
        alarm_configuration_updated_timestamp: time(alarm.configured),
        alarm_rule: alarm.composite().map(|composite| composite.rule.as_str()),
        new_state_value: state.value.as_str(),
        new_state_reason: &state.reason,
        state_change_time: time(state.updated),
        region: region_name(scope.region.as_str()),
        alarm_arn: alarm_arn(scope, name),
        old_state_value: notice.old.as_str(),
        action_executed_after_mute_window: notice.after_mute,
        ok_actions: &alarm.ok_actions,
        alarm_actions: &alarm.alarm_actions,
        insufficient_data_actions: &alarm.insufficient_data_actions,
        trigger: match &alarm.kind {
            Kind::Metric(rule) => Some(Trigger::of(rule)),
            Kind::Composite(_) => None,
        },
        triggering_children: alarm
            .composite()
            .map(|_| notice.children.iter().map(TriggeringChild::of).collect()),
        alarm_contributor_id: notice.contributor.map(|c| c.id.as_str()),
        alarm_contributor_attributes: notice.contributor.map(|c| &c.attributes),
        alarm_tags: Some(notice.tags).filter(|tags| !tags.is_empty()),
    };
    serde_json::to_string(&message).expect("numbers and texts can be written")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Message<'a> {
    alarm_name: &'a str,
    alarm_description: Option<&'a str>,
    #[serde(rename = "AWSAccountId")]
    account: &'a str,
    alarm_configuration_updated_timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_rule: Option<&'a str>,
    new_state_value: &'static str,
    new_state_reason: &'a str,
    state_change_time: String,
    region: &'a str,
    alarm_arn: String,
    old_state_value: &'static str,
    action_executed_after_mute_window: bool,
    #[serde(rename = "OKActions")]
    ok_actions: &'a [String],
    alarm_actions: &'a [String],
    insufficient_data_actions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<Trigger<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    triggering_children: Option<Vec<TriggeringChild<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_contributor_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_contributor_attributes: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm_tags: Option<&'a BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggeringChild<'a> {
    arn: &'a str,
    state: ChildState,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildState {
    value: &'static str,
    timestamp: String,
}

impl<'a> TriggeringChild<'a> {
    fn of(child: &'a Child) -> Self {
        Self {
            arn: &child.arn,
            state: ChildState { value: child.value.as_str(), timestamp: time(child.transitioned) },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger<'a> {
    #[serde(flatten)]
    metric: Option<MetricTrigger<'a>>,
    period: i64,
    evaluation_periods: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    datapoints_to_alarm: Option<u32>,
    comparison_operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_metric_id: Option<&'a str>,
    treat_missing_data: &'static str,
    evaluate_low_sample_count_percentile: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Vec<TriggerQuery<'a>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricTrigger<'a> {
    metric_name: &'a str,
    namespace: &'a str,
    statistic_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_statistic: Option<&'a str>,
    unit: Option<&'a str>,
    dimensions: Vec<TriggerDimension<'a>>,
}

#[derive(Serialize)]
struct TriggerDimension<'a> {
    value: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerQuery<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<&'a str>,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_stat: Option<TriggerStat<'a>>,
    return_data: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerStat<'a> {
    metric: TriggerMetric<'a>,
    period: i32,
    stat: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TriggerMetric<'a> {
    dimensions: Vec<TriggerDimension<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
}

fn dimensions(pairs: &[(String, String)]) -> Vec<TriggerDimension<'_>> {
    pairs.iter().map(|(name, value)| TriggerDimension { value, name }).collect()
}

impl<'a> Trigger<'a> {
    fn of(rule: &'a MetricRule) -> Self {
        let (metric, metrics) = match &rule.source {
            Source::Metric(metric) => {
                let is_extended = metric.is_extended;
                let trigger = MetricTrigger {
                    metric_name: &metric.name,
                    namespace: &metric.namespace,
                    statistic_type: if is_extended { "ExtendedStatistic" } else { "Statistic" },
                    statistic: (!is_extended).then(|| upper_case(&metric.statistic)),
                    extended_statistic: is_extended.then_some(metric.statistic.as_str()),
                    unit: metric.unit.as_deref(),
                    dimensions: dimensions(&metric.dimensions),
                };
                (Some(trigger), None)
            }
            Source::Queries(queries) => (None, Some(queries.iter().map(TriggerQuery::of).collect())),
        };
        let (threshold, band) = match &rule.threshold {
            Threshold::Static(threshold) => (Some(*threshold), None),
            Threshold::Band(id) => (None, Some(id.as_str())),
        };
        Self {
            metric,
            period: rule.period_secs,
            evaluation_periods: rule.evaluation_periods,
            datapoints_to_alarm: rule.datapoints_to_alarm,
            comparison_operator: rule.comparison.as_str(),
            threshold,
            threshold_metric_id: band,
            treat_missing_data: rule.missing.map_or("", |missing| missing.as_str()),
            evaluate_low_sample_count_percentile: rule.low_samples.map_or("", |low| low.as_str()),
            metrics,
        }
    }
}

impl<'a> TriggerQuery<'a> {
    fn of(query: &'a Query) -> Self {
        let stat = query.metric.as_ref().map(|metric| TriggerStat {
            metric: TriggerMetric {
                dimensions: dimensions(metric.dimensions.as_deref().unwrap_or_default()),
                metric_name: metric.name.as_deref(),
                namespace: metric.namespace.as_deref(),
            },
            period: metric.period_secs,
            stat: &metric.stat,
        });
        Self {
            expression: query.expression.as_deref(),
            id: &query.id,
            label: query.label.as_deref(),
            metric_stat: stat,
            return_data: query.return_data != Some(false),
        }
    }
}

/// As notifications spell statistics.
fn upper_case(statistic: &str) -> &'static str {
    match statistic {
        "SampleCount" => "SAMPLE_COUNT",
        "Sum" => "SUM",
        "Minimum" => "MINIMUM",
        "Maximum" => "MAXIMUM",
        _ => "AVERAGE",
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};

    use super::super::metric_rule::TreatMissing;
    use super::super::testing::{alarm, rule};
    use super::*;

    #[test]
    fn metric_alarms_publish_the_observed_text() {
        let scope = Scope::new(AccountId::new("111111111111").unwrap(), Region::new("us-east-1").unwrap());
        let mut rule = rule("> 2", 2, Some(2), 60);
        rule.missing = Some(TreatMissing::Ignore);
        if let Source::Metric(metric) = &mut rule.source {
            metric.dimensions.push(("InstanceId".to_owned(), "abc".to_owned()));
            metric.unit = Some("Seconds".to_owned());
        }
        let mut alarm = alarm(rule);
        alarm.alarm_actions.push("arn:aws:sns:us-east-1:111111111111:t".to_owned());
        alarm.state.value = StateValue::Alarm;
        alarm.state.reason = "because".to_owned();
        let tags = BTreeMap::new();
        let notice = Notice {
            scope: &scope,
            name: "cpu",
            alarm: &alarm,
            state: &alarm.state,
            old: StateValue::Ok,
            after_mute: false,
            contributor: None,
            children: &[],
            tags: &tags,
        };
        assert_eq!(subject(&notice), "ALARM: \"cpu\" in US East (N. Virginia)");
        let long = "n".repeat(255);
        assert_eq!(subject(&Notice { name: &long, ..notice }).chars().count(), 100);
        assert_eq!(
            text(&notice),
            r#"{"AlarmName":"cpu","AlarmDescription":null,"AWSAccountId":"111111111111","AlarmConfigurationUpdatedTimestamp":"1970-01-01T00:00:00.000+0000","NewStateValue":"ALARM","NewStateReason":"because","StateChangeTime":"1970-01-01T00:00:00.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:111111111111:alarm:cpu","OldStateValue":"OK","ActionExecutedAfterMuteWindow":false,"OKActions":[],"AlarmActions":["arn:aws:sns:us-east-1:111111111111:t"],"InsufficientDataActions":[],"Trigger":{"MetricName":"m","Namespace":"NS","StatisticType":"Statistic","Statistic":"AVERAGE","Unit":"Seconds","Dimensions":[{"value":"abc","name":"InstanceId"}],"Period":60,"EvaluationPeriods":2,"DatapointsToAlarm":2,"ComparisonOperator":"GreaterThanThreshold","Threshold":2.0,"TreatMissingData":"ignore","EvaluateLowSampleCountPercentile":""}}"#
        );
    }

    #[test]
    fn queries_are_listed() {
        let mut rule = rule("> 2", 1, None, 60);
        let query = |id: &str, expression: Option<&str>| Query {
            id: id.to_owned(),
            expression: expression.map(str::to_owned),
            metric: None,
            label: None,
            return_data: Some(expression.is_some()),
            period_secs: None,
            account: None,
        };
        rule.source = Source::Queries(vec![query("e1", Some("m1+m2")), query("m1", None)]);
        let trigger = serde_json::to_string(&Trigger::of(&rule)).unwrap();
        assert!(trigger.starts_with(r#"{"Period":60,"EvaluationPeriods":1,"#), "{trigger}");
        assert!(trigger.ends_with(r#""Metrics":[{"Expression":"m1+m2","Id":"e1","ReturnData":true},{"Id":"m1","ReturnData":false}]}"#), "{trigger}");
    }
}
