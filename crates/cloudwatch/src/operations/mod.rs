//! One file per operation; one line each here.

pub(crate) mod dashboards;
pub(crate) mod metrics;
pub(crate) mod tags;

use std::sync::Arc;

use shapes::cloudwatch::operations::{
    DeleteDashboards, GetDashboard, GetMetricData, GetMetricStatistics, ListDashboards, ListMetrics,
    ListTagsForResource, PutDashboard, PutMetricData, TagResource, UntagResource,
};
use smithy::ServiceTable;

use crate::CloudWatch;
use metrics::{get_metric_data, get_metric_statistics, list_metrics, put_metric_data};

/// The operations this service answers.
pub fn table(service: Arc<CloudWatch>) -> ServiceTable {
    ServiceTable::builder(&shapes::cloudwatch::SERVICE, service)
        .on(DeleteDashboards, dashboards::delete_dashboards)
        .on(GetDashboard, dashboards::get_dashboard)
        .on(GetMetricData, get_metric_data::get_metric_data)
        .on(GetMetricStatistics, get_metric_statistics::get_metric_statistics)
        .on(ListDashboards, dashboards::list_dashboards)
        .on(ListMetrics, list_metrics::list_metrics)
        .on(ListTagsForResource, tags::list_tags_for_resource)
        .on(PutDashboard, dashboards::put_dashboard)
        .on(PutMetricData, put_metric_data::put_metric_data)
        .on(TagResource, tags::tag_resource)
        .on(UntagResource, tags::untag_resource)
        .build()
}
