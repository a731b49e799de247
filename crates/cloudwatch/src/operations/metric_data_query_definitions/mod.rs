//! Saved queries: put, get, list, delete.

mod delete_metric_data_query_definition;
mod get_metric_data_query_definition;
mod list_metric_data_query_definitions;
mod put_metric_data_query_definition;

pub(crate) use delete_metric_data_query_definition::delete_metric_data_query_definition;
pub(crate) use get_metric_data_query_definition::get_metric_data_query_definition;
pub(crate) use list_metric_data_query_definitions::list_metric_data_query_definitions;
pub(crate) use put_metric_data_query_definition::put_metric_data_query_definition;

use crate::CloudWatchError;

fn missing(id: &str) -> CloudWatchError {
    CloudWatchError::NotFound {
        kind: Some("MetricDataQueryDefinition"),
        id: Some(id.to_owned()),
        message: format!("The query definition {id} does not exist."),
    }
}
