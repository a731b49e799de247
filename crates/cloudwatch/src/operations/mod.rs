//! One file per operation; one line each here.

pub(crate) mod alarm_mute_rules;
pub(crate) mod alarms;
pub(crate) mod anomaly_detectors;
pub(crate) mod dashboards;
pub(crate) mod metric_data_query_definitions;
pub(crate) mod metric_streams;
pub(crate) mod metrics;
pub(crate) mod tags;

use std::sync::Arc;

use shapes::cloudwatch::operations::{
    DeleteAlarmMuteRule, DeleteAlarms, DeleteAnomalyDetector, DeleteDashboards,
    DeleteMetricDataQueryDefinition, DeleteMetricStream, DescribeAlarmContributors, DescribeAlarmHistory,
    DescribeAlarms, DescribeAlarmsForMetric, DescribeAnomalyDetectors, DisableAlarmActions,
    EnableAlarmActions, GetAlarmMuteRule, GetDashboard, GetMetricData, GetMetricDataQueryDefinition,
    GetMetricStatistics, GetMetricStream, GetMetricWidgetImage, ListAlarmMuteRules, ListDashboards,
    ListMetricDataQueryDefinitions, ListMetricStreams, ListMetrics, ListTagsForResource, PutAlarmMuteRule,
    PutAnomalyDetector, PutCompositeAlarm, PutDashboard, PutMetricAlarm, PutMetricData,
    PutMetricDataQueryDefinition, PutMetricStream, SetAlarmState, StartMetricStreams, StopMetricStreams,
    TagResource, UntagResource,
};
use smithy::ServiceTable;

use crate::CloudWatch;
use alarm_mute_rules::{
    delete_alarm_mute_rule, get_alarm_mute_rule, list_alarm_mute_rules, put_alarm_mute_rule,
};
use alarms::{
    delete_alarms, describe_alarm_contributors, describe_alarm_history, describe_alarms,
    describe_alarms_for_metric, disable_alarm_actions, enable_alarm_actions, put_composite_alarm,
    put_metric_alarm, set_alarm_state,
};
use metric_data_query_definitions as definitions;
use metrics::{get_metric_data, get_metric_statistics, list_metrics, put_metric_data};

/// The operations this service answers.
pub fn table(service: Arc<CloudWatch>) -> ServiceTable {
    ServiceTable::builder(&shapes::cloudwatch::SERVICE, service)
        .on(DeleteAlarmMuteRule, delete_alarm_mute_rule::delete_alarm_mute_rule)
        .on(DeleteAlarms, delete_alarms::delete_alarms)
        .on(DescribeAlarmContributors, describe_alarm_contributors::describe_alarm_contributors)
        .on(DescribeAlarmHistory, describe_alarm_history::describe_alarm_history)
        .on(DescribeAlarms, describe_alarms::describe_alarms)
        .on(DescribeAlarmsForMetric, describe_alarms_for_metric::describe_alarms_for_metric)
        .on(DisableAlarmActions, disable_alarm_actions::disable_alarm_actions)
        .on(EnableAlarmActions, enable_alarm_actions::enable_alarm_actions)
        .on(GetAlarmMuteRule, get_alarm_mute_rule::get_alarm_mute_rule)
        .on(ListAlarmMuteRules, list_alarm_mute_rules::list_alarm_mute_rules)
        .on(PutAlarmMuteRule, put_alarm_mute_rule::put_alarm_mute_rule)
        .on(PutCompositeAlarm, put_composite_alarm::put_composite_alarm)
        .on(PutMetricAlarm, put_metric_alarm::put_metric_alarm)
        .on(SetAlarmState, set_alarm_state::set_alarm_state)
        .on(DeleteDashboards, dashboards::delete_dashboards)
        .on(GetDashboard, dashboards::get_dashboard)
        .on(GetMetricData, get_metric_data::get_metric_data)
        .on(GetMetricWidgetImage, dashboards::get_metric_widget_image)
        .on(GetMetricStatistics, get_metric_statistics::get_metric_statistics)
        .on(ListDashboards, dashboards::list_dashboards)
        .on(ListMetrics, list_metrics::list_metrics)
        .on(ListTagsForResource, tags::list_tags_for_resource)
        .on(PutDashboard, dashboards::put_dashboard)
        .on(PutMetricData, put_metric_data::put_metric_data)
        .on(TagResource, tags::tag_resource)
        .on(UntagResource, tags::untag_resource)
        .on(DeleteAnomalyDetector, anomaly_detectors::delete_anomaly_detector)
        .on(DescribeAnomalyDetectors, anomaly_detectors::describe_anomaly_detectors)
        .on(PutAnomalyDetector, anomaly_detectors::put_anomaly_detector)
        .on(DeleteMetricDataQueryDefinition, definitions::delete_metric_data_query_definition)
        .on(GetMetricDataQueryDefinition, definitions::get_metric_data_query_definition)
        .on(ListMetricDataQueryDefinitions, definitions::list_metric_data_query_definitions)
        .on(PutMetricDataQueryDefinition, definitions::put_metric_data_query_definition)
        .on(DeleteMetricStream, metric_streams::delete_metric_stream)
        .on(GetMetricStream, metric_streams::get_metric_stream)
        .on(ListMetricStreams, metric_streams::list_metric_streams)
        .on(PutMetricStream, metric_streams::put_metric_stream)
        .on(StartMetricStreams, metric_streams::start_metric_streams)
        .on(StopMetricStreams, metric_streams::stop_metric_streams)
        .build()
}
