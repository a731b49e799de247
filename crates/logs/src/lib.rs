//! CloudWatch Logs: groups, streams and events, how they are put, read, filtered and queried.
//!
//! Operations are files under `operations/`; rules live in the domain folders (`group`, `stream`, `event`,
//! `queries`) and know nothing of a server. Groups and streams are catalog records, events are in the store's
//! log table, appended to through the `pipeline`. Invariant: nothing is appended to a group or stream while it is being deleted (see [`locks`]).

mod account_policy;
mod anomaly;
mod data_protection;
mod delivery;
mod destination;
mod error;
mod event;
mod export;
mod group;
mod identifier;
mod index_policy;
mod live_tail;
mod locks;
mod lookup_table;
mod metric_filter;
mod neighbours;
mod operations;
mod outgoing;
mod pipeline;
mod queries;
mod query_definition;
mod resource_policy;
mod scheduled_query;
mod sink;
mod stream;
mod subscription;
pub mod tasks;
mod transformer;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use base::task::TaskSignal;
use base::{Clock, Entropy};
use catalog::{Catalog, CatalogError, Collection};
use query::Engine;
use store::tables::logs::LogTable;

use account_policy::AccountPolicies;
use anomaly::{Anomaly, Detector, DetectorModel};
use data_protection::DataProtection;
use delivery::Deliveries;
use destination::Destinations;
use export::ExportTask;
use group::{GroupRemoval, LogGroup};
use index_policy::IndexPolicy;
use live_tail::Sessions;
use locks::GroupLocks;
use lookup_table::{LookupTable, LookupTableBody};
use metric_filter::MetricFilter;
use metric_filter::defaults::Unmatched;
use pipeline::{RuleCache, Usage};
use queries::Queries;
use query_definition::QueryDefinition;
use resource_policy::ResourcePolicy;
use scheduled_query::{Run, ScheduledQuery};
use stream::LogStream;
use subscription::Subscriptions;
use transformer::Transformation;

pub use neighbours::Neighbours;
pub use operations::table;

/// The Logs service of one server.
pub struct Logs {
    catalog: Arc<Catalog>,
    groups: Collection<LogGroup>,
    streams: Collection<LogStream>,
    removals: Collection<GroupRemoval>,
    metric_filters: Collection<MetricFilter>,
    transformations: Collection<Transformation>,
    protections: Collection<DataProtection>,
    index_policies: Collection<IndexPolicy>,
    query_definitions: Collection<QueryDefinition>,
    resource_policies: Collection<ResourcePolicy>,
    /// Minutes whose default values are to be published.
    unmatched: Unmatched,
    rules: RuleCache,
    usage: Usage,
    account_policies: AccountPolicies,
    destinations: Destinations,
    subscriptions: Subscriptions,
    /// Set once, when the tasks are registered.
    signals: OnceLock<HashMap<&'static str, TaskSignal>>,
    scheduled_queries: Collection<ScheduledQuery>,
    scheduled_runs: Collection<Run>,
    /// Held while a scheduled query is created.
    scheduled_gate: tokio::sync::Mutex<()>,
    detectors: Collection<Detector>,
    detector_models: Collection<DetectorModel>,
    anomalies: Collection<Anomaly>,
    lookup_tables: Collection<LookupTable>,
    lookup_bodies: Collection<LookupTableBody>,
    deliveries: Deliveries,
    live_tails: Sessions,
    export_tasks: Collection<ExportTask>,
    /// Held while an export task is created.
    export_gate: tokio::sync::Mutex<()>,
    events: Arc<LogTable>,
    queries: Queries,
    locks: GroupLocks,
    neighbours: Neighbours,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Logs {
    pub fn new(
        catalog: Arc<Catalog>,
        events: Arc<LogTable>,
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        neighbours: Neighbours,
    ) -> Result<Arc<Self>, CatalogError> {
        Ok(Arc::new(Self {
            groups: catalog.collection()?,
            streams: catalog.collection()?,
            removals: catalog.collection()?,
            metric_filters: catalog.collection()?,
            transformations: catalog.collection()?,
            protections: catalog.collection()?,
            index_policies: catalog.collection()?,
            query_definitions: catalog.collection()?,
            resource_policies: catalog.collection()?,
            unmatched: Unmatched::default(),
            rules: RuleCache::default(),
            usage: Usage::default(),
            account_policies: AccountPolicies::open(&catalog)?,
            destinations: Destinations::open(&catalog)?,
            subscriptions: Subscriptions::open(&catalog)?,
            scheduled_queries: catalog.collection()?,
            scheduled_runs: catalog.collection()?,
            scheduled_gate: tokio::sync::Mutex::default(),
            detectors: catalog.collection()?,
            detector_models: catalog.collection()?,
            anomalies: catalog.collection()?,
            lookup_tables: catalog.collection()?,
            lookup_bodies: catalog.collection()?,
            deliveries: Deliveries::open(&catalog)?,
            live_tails: Sessions::default(),
            export_tasks: catalog.collection()?,
            export_gate: tokio::sync::Mutex::default(),
            signals: OnceLock::new(),
            queries: Queries::new(engine, clock.clone()),
            catalog,
            events,
            locks: GroupLocks::default(),
            neighbours,
            clock,
            entropy,
        }))
    }

    /// Asks for an activation of one of the service's tasks, if they run.
    fn wake(&self, task: &'static str) {
        if let Some(signal) = self.signals.get().and_then(|signals| signals.get(task)) {
            signal.activate();
        }
    }
}
