//! Dashboards: put, get, list, delete; and a widget as an image.

mod delete_dashboards;
mod get_dashboard;
mod get_metric_widget_image;
mod list_dashboards;
mod put_dashboard;

pub(crate) use delete_dashboards::delete_dashboards;
pub(crate) use get_dashboard::get_dashboard;
pub(crate) use get_metric_widget_image::get_metric_widget_image;
pub(crate) use list_dashboards::list_dashboards;
pub(crate) use put_dashboard::put_dashboard;

use shapes::cloudwatch::DashboardValidationMessage;

use crate::dashboard::check::Finding;

/// A finding as clients see it.
pub(crate) fn message(finding: &Finding) -> DashboardValidationMessage {
    DashboardValidationMessage {
        data_path: Some(finding.path.clone()),
        message: Some(finding.message.clone()),
    }
}
