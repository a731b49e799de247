//! The operations of the service, one file each under AWS's noun.

mod account_policies;
mod anomaly_detectors;
mod data_protection;
mod deliveries;
mod delivery_destinations;
mod delivery_sources;
mod destinations;
mod export_tasks;
mod index_policies;
mod live_tail;
mod log_events;
mod log_groups;
mod log_streams;
mod lookup_tables;
mod metric_filters;
mod paging;
mod queries;
mod query_definitions;
mod resource_policies;
mod scheduled_queries;
mod subscription_filters;
mod tags;
mod transformers;

use std::sync::Arc;

use shapes::logs::SERVICE;
use shapes::logs::operations::*;
use smithy::ServiceTable;

use crate::Logs;
use crate::error::LogsError;

pub(crate) use scheduled_queries::start as start_scheduled;

/// Every operation that is served.
pub fn table(logs: Arc<Logs>) -> ServiceTable {
    ServiceTable::builder(&SERVICE, logs)
        .on(CreateLogGroup, log_groups::create_log_group)
        .on(DeleteLogGroup, log_groups::delete_log_group)
        .on(DescribeLogGroups, log_groups::describe_log_groups)
        .on(ListLogGroups, log_groups::list_log_groups)
        .on(PutRetentionPolicy, log_groups::put_retention_policy)
        .on(DeleteRetentionPolicy, log_groups::delete_retention_policy)
        .on(PutLogGroupDeletionProtection, log_groups::put_log_group_deletion_protection)
        .on(CreateLogStream, log_streams::create_log_stream)
        .on(DeleteLogStream, log_streams::delete_log_stream)
        .on(DescribeLogStreams, log_streams::describe_log_streams)
        .on(PutLogEvents, log_events::put_log_events)
        .on(GetLogEvents, log_events::get_log_events)
        .on(FilterLogEvents, log_events::filter_log_events)
        .on(GetLogRecord, log_events::get_log_record)
        .on(PutMetricFilter, metric_filters::put_metric_filter)
        .on(DescribeMetricFilters, metric_filters::describe_metric_filters)
        .on(DeleteMetricFilter, metric_filters::delete_metric_filter)
        .on(TestMetricFilter, metric_filters::test_metric_filter)
        .on(PutSubscriptionFilter, subscription_filters::put_subscription_filter)
        .on(DescribeSubscriptionFilters, subscription_filters::describe_subscription_filters)
        .on(DeleteSubscriptionFilter, subscription_filters::delete_subscription_filter)
        .on(PutDestination, destinations::put_destination)
        .on(PutDestinationPolicy, destinations::put_destination_policy)
        .on(DescribeDestinations, destinations::describe_destinations)
        .on(DeleteDestination, destinations::delete_destination)
        .on(PutAccountPolicy, account_policies::put_account_policy)
        .on(DescribeAccountPolicies, account_policies::describe_account_policies)
        .on(DeleteAccountPolicy, account_policies::delete_account_policy)
        .on(CreateExportTask, export_tasks::create_export_task)
        .on(DescribeExportTasks, export_tasks::describe_export_tasks)
        .on(CancelExportTask, export_tasks::cancel_export_task)
        .on(CreateLookupTable, lookup_tables::create_lookup_table)
        .on(UpdateLookupTable, lookup_tables::update_lookup_table)
        .on(GetLookupTable, lookup_tables::get_lookup_table)
        .on(DescribeLookupTables, lookup_tables::describe_lookup_tables)
        .on(DeleteLookupTable, lookup_tables::delete_lookup_table)
        .on(PutDeliverySource, delivery_sources::put_delivery_source)
        .on(GetDeliverySource, delivery_sources::get_delivery_source)
        .on(DescribeDeliverySources, delivery_sources::describe_delivery_sources)
        .on(DeleteDeliverySource, delivery_sources::delete_delivery_source)
        .on(PutDeliveryDestination, delivery_destinations::put_delivery_destination)
        .on(GetDeliveryDestination, delivery_destinations::get_delivery_destination)
        .on(DescribeDeliveryDestinations, delivery_destinations::describe_delivery_destinations)
        .on(DeleteDeliveryDestination, delivery_destinations::delete_delivery_destination)
        .on(PutDeliveryDestinationPolicy, delivery_destinations::put_delivery_destination_policy)
        .on(GetDeliveryDestinationPolicy, delivery_destinations::get_delivery_destination_policy)
        .on(DeleteDeliveryDestinationPolicy, delivery_destinations::delete_delivery_destination_policy)
        .on(CreateDelivery, deliveries::create_delivery)
        .on(GetDelivery, deliveries::get_delivery)
        .on(DescribeDeliveries, deliveries::describe_deliveries)
        .on(UpdateDeliveryConfiguration, deliveries::update_delivery_configuration)
        .on(DeleteDelivery, deliveries::delete_delivery)
        .on(CreateScheduledQuery, scheduled_queries::create_scheduled_query)
        .on(GetScheduledQuery, scheduled_queries::get_scheduled_query)
        .on(UpdateScheduledQuery, scheduled_queries::update_scheduled_query)
        .on(ListScheduledQueries, scheduled_queries::list_scheduled_queries)
        .on(DeleteScheduledQuery, scheduled_queries::delete_scheduled_query)
        .on(GetScheduledQueryHistory, scheduled_queries::get_scheduled_query_history)
        .on(CreateLogAnomalyDetector, anomaly_detectors::create_log_anomaly_detector)
        .on(GetLogAnomalyDetector, anomaly_detectors::get_log_anomaly_detector)
        .on(ListLogAnomalyDetectors, anomaly_detectors::list_log_anomaly_detectors)
        .on(UpdateLogAnomalyDetector, anomaly_detectors::update_log_anomaly_detector)
        .on(DeleteLogAnomalyDetector, anomaly_detectors::delete_log_anomaly_detector)
        .on(ListAnomalies, anomaly_detectors::list_anomalies)
        .on(UpdateAnomaly, anomaly_detectors::update_anomaly)
        .on_stream(StartLiveTail, live_tail::start_live_tail)
        .on(PutDataProtectionPolicy, data_protection::put_data_protection_policy)
        .on(GetDataProtectionPolicy, data_protection::get_data_protection_policy)
        .on(DeleteDataProtectionPolicy, data_protection::delete_data_protection_policy)
        .on(PutIndexPolicy, index_policies::put_index_policy)
        .on(DescribeIndexPolicies, index_policies::describe_index_policies)
        .on(DeleteIndexPolicy, index_policies::delete_index_policy)
        .on(DescribeFieldIndexes, index_policies::describe_field_indexes)
        .on(PutQueryDefinition, query_definitions::put_query_definition)
        .on(DescribeQueryDefinitions, query_definitions::describe_query_definitions)
        .on(DeleteQueryDefinition, query_definitions::delete_query_definition)
        .on(PutResourcePolicy, resource_policies::put_resource_policy)
        .on(DescribeResourcePolicies, resource_policies::describe_resource_policies)
        .on(DeleteResourcePolicy, resource_policies::delete_resource_policy)
        .on(GetLogGroupFields, log_groups::get_log_group_fields)
        .on(AssociateKmsKey, log_groups::associate_kms_key)
        .on(DisassociateKmsKey, log_groups::disassociate_kms_key)
        .on(PutTransformer, transformers::put_transformer)
        .on(GetTransformer, transformers::get_transformer)
        .on(DeleteTransformer, transformers::delete_transformer)
        .on(TestTransformer, transformers::test_transformer)
        .on(StartQuery, queries::start_query)
        .on(GetQueryResults, queries::get_query_results)
        .on(StopQuery, queries::stop_query)
        .on(DescribeQueries, queries::describe_queries)
        .on(ListLogGroupsForQuery, queries::list_log_groups_for_query)
        .on(TagResource, tags::tag_resource)
        .on(UntagResource, tags::untag_resource)
        .on(ListTagsForResource, tags::list_tags_for_resource)
        .on(TagLogGroup, tags::tag_log_group)
        .on(UntagLogGroup, tags::untag_log_group)
        .on(ListTagsLogGroup, tags::list_tags_log_group)
        .build()
}

/// `limit` of a listing: within 1 to 50 by the model, 50 by default.
fn describe_limit(limit: Option<i32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(50)
}

/// The last key of the page before, from a token bound to `purpose`.
fn page_start(purpose: &str, token: Option<&str>) -> Result<Option<Vec<String>>, LogsError> {
    token
        .map(|token| base::page_token::decode(purpose, token).map_err(|_| LogsError::bad_token()))
        .transpose()
}

#[cfg(test)]
mod tests;
