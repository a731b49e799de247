//! A trace's summary.
//!
//! Source: <https://docs.aws.amazon.com/xray/latest/api/API_TraceSummary.html>.

use std::collections::BTreeMap;

use base::TimeRange;
use ingest::segment_document::{AnnotationValue as Value, Entity};
use shapes::xray::{
    AnnotationValue, AvailabilityZoneDetail, Http, InstanceIdDetail, ResourceARNDetail, ServiceId,
    TraceSummary, TraceUser, ValueWithServiceIds,
};

use super::root_cause;
use super::{Node, Trace, timestamp};

/// Annotation keys of a trace that are indexed.
const ANNOTATION_KEYS_MAX: usize = 50;

/// `event_range` is the range of a request by event time, which the summary then says when it matched.
pub(crate) fn summary(trace: &Trace, event_range: Option<TimeRange>, now_secs: f64) -> TraceSummary {
    let root = trace.root_entity();
    let details = |mut found: Vec<String>| {
        let mut distinct = Vec::new();
        for text in found.drain(..) {
            if !distinct.contains(&text) {
                distinct.push(text);
            }
        }
        distinct
    };
    TraceSummary {
        id: Some(trace.id.to_string()),
        start_time: Some(timestamp(start_secs(trace))),
        duration: Some(duration_secs(trace)),
        response_time: trace.response_time(),
        has_fault: Some(root.is_some_and(Entity::is_fault)),
        has_error: Some(root.is_some_and(Entity::is_error)),
        has_throttle: Some(trace.has_throttle()),
        is_partial: Some(trace.is_partial()),
        http: Some(root.map(http).unwrap_or_default()),
        annotations: Some(annotations(trace)),
        users: Some(users(trace)),
        service_ids: Some(distinct_nodes(trace).iter().map(service_id).collect()),
        resource_arns: Some(
            details(trace.resource_arns())
                .into_iter()
                .map(|arn| ResourceARNDetail { arn: Some(arn) })
                .collect(),
        ),
        instance_ids: Some(
            details(trace.instance_ids()).into_iter().map(|id| InstanceIdDetail { id: Some(id) }).collect(),
        ),
        availability_zones: Some(
            details(trace.availability_zones())
                .into_iter()
                .map(|name| AvailabilityZoneDetail { name: Some(name) })
                .collect(),
        ),
        entry_point: trace.root.and_then(|root| trace.items[root].node.as_ref()).map(service_id),
        fault_root_causes: Some(root_cause::faults(trace)),
        error_root_causes: Some(root_cause::errors(trace)),
        response_time_root_causes: Some(root_cause::response_time(trace)),
        revision: Some(i32::try_from(trace.versions).unwrap_or(i32::MAX)),
        matched_event_time: event_range
            .and_then(|range| matched_event(trace, range, now_secs))
            .map(timestamp),
    }
}

/// From the earliest segment's start to the latest end of anything, to the millisecond.
pub(crate) fn duration_secs(trace: &Trace) -> f64 {
    let items = trace.tops().flat_map(|top| trace.subtree(top));
    let last = items.map(|item| {
        let entity = &trace.items[item].entity;
        entity.end_secs.unwrap_or(entity.start_secs)
    });
    round_millis((last.fold(f64::NEG_INFINITY, f64::max) - start_secs(trace)).max(0.0))
}

fn start_secs(trace: &Trace) -> f64 {
    let tops = if trace.segments.is_empty() { &trace.waiting } else { &trace.segments };
    tops.iter().map(|top| trace.items[*top].entity.start_secs).fold(f64::INFINITY, f64::min)
}

pub(super) fn round_millis(secs: f64) -> f64 {
    (secs * 1000.0).round() / 1000.0
}

impl Trace {
    /// Absent while the root is in progress or missing.
    pub(super) fn response_time(&self) -> Option<f64> {
        let root = self.root_entity()?;
        Some(round_millis(root.end_secs? - root.start_secs))
    }

    pub(super) fn has_throttle(&self) -> bool {
        let received = self.segments.iter().map(|segment| &self.items[*segment].entity);
        let inferred = self.inferred.iter().map(|inferred| &self.items[inferred.caller].entity);
        received.chain(inferred).any(Entity::is_throttle)
    }

    pub(super) fn is_partial(&self) -> bool {
        self.segments.is_empty()
            || self
                .tops()
                .flat_map(|top| self.subtree(top))
                .any(|item| self.items[item].entity.is_in_progress())
    }

    pub(super) fn received(&self) -> impl Iterator<Item = &Entity> + '_ {
        self.segments.iter().map(|segment| &self.items[*segment].entity)
    }

    pub(super) fn resource_arns(&self) -> Vec<String> {
        self.received().flat_map(resource_arns).cloned().collect()
    }

    pub(super) fn instance_ids(&self) -> Vec<String> {
        self.received().filter_map(|segment| segment.aws.ec2.instance_id.clone()).collect()
    }

    pub(super) fn availability_zones(&self) -> Vec<String> {
        self.received().flat_map(availability_zones).cloned().collect()
    }
}

pub(super) fn resource_arns(segment: &Entity) -> impl Iterator<Item = &String> {
    let aws = &segment.aws;
    [&segment.resource_arn, &aws.function_arn, &aws.ecs.container_arn].into_iter().flatten()
}

pub(super) fn availability_zones(segment: &Entity) -> impl Iterator<Item = &String> {
    [&segment.aws.ec2.availability_zone, &segment.aws.ecs.availability_zone].into_iter().flatten()
}

fn http(root: &Entity) -> Http {
    let Some(http) = &root.http else { return Http::default() };
    Http {
        http_url: http.request.url.clone(),
        http_status: http.response.status.map(|status| status as i32),
        http_method: http.request.method.clone(),
        user_agent: http.request.user_agent.clone(),
        client_ip: http.request.client_ip.clone(),
    }
}

pub(crate) fn service_id(node: &Node) -> ServiceId {
    ServiceId {
        name: Some(node.name.clone()),
        names: Some(node.names.clone()),
        account_id: node.account.clone(),
        r#type: node.kind.clone(),
    }
}

/// Nodes of received segments, then of inferred ones; each once, with all its names.
fn distinct_nodes(trace: &Trace) -> Vec<Node> {
    let received = trace.segments.iter().filter_map(|segment| trace.items[*segment].node.as_ref());
    let mut nodes: Vec<Node> = Vec::new();
    for node in received.chain(trace.inferred.iter().map(|inferred| &inferred.node)) {
        add_node(&mut nodes, node);
    }
    nodes
}

fn add_node(nodes: &mut Vec<Node>, node: &Node) {
    match nodes.iter_mut().find(|known| known.is_same(node)) {
        None => nodes.push(node.clone()),
        Some(known) => {
            for name in &node.names {
                if !known.names.contains(name) {
                    known.names.push(name.clone());
                }
            }
        }
    }
}

/// A value and the nodes of the segments that carry it.
type Carried<T> = Vec<(T, Vec<Node>)>;

fn carry<T: PartialEq>(carried: &mut Carried<T>, value: T, node: Option<&Node>) {
    let index = match carried.iter().position(|(known, _)| *known == value) {
        Some(index) => index,
        None => {
            carried.push((value, Vec::new()));
            carried.len() - 1
        }
    };
    if let Some(node) = node {
        add_node(&mut carried[index].1, node);
    }
}

fn annotations(trace: &Trace) -> BTreeMap<String, Vec<ValueWithServiceIds>> {
    let mut keys: BTreeMap<&str, Carried<&Value>> = BTreeMap::new();
    for top in trace.tops() {
        let node = trace.items[top].node.as_ref();
        for item in trace.subtree(top) {
            for (key, value) in &trace.items[item].entity.annotations {
                let known = keys.contains_key(key.as_str());
                if is_indexed_key(key) && (known || keys.len() < ANNOTATION_KEYS_MAX) {
                    carry(keys.entry(key).or_default(), value, node);
                }
            }
        }
    }
    let shape = |(value, nodes): (&Value, Vec<Node>)| ValueWithServiceIds {
        annotation_value: Some(match value {
            Value::Text(text) => {
                AnnotationValue { string_value: Some(text.clone()), ..AnnotationValue::default() }
            }
            Value::Number(number) => {
                AnnotationValue { number_value: Some(*number), ..AnnotationValue::default() }
            }
            Value::Boolean(flag) => {
                AnnotationValue { boolean_value: Some(*flag), ..AnnotationValue::default() }
            }
        }),
        service_ids: Some(nodes.iter().map(service_id).collect()),
    };
    keys.into_iter().map(|(key, values)| (key.to_owned(), values.into_iter().map(shape).collect())).collect()
}

/// Other keys stay in the document.
pub(super) fn is_indexed_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

fn users(trace: &Trace) -> Vec<TraceUser> {
    let mut users: Carried<&String> = Vec::new();
    for segment in &trace.segments {
        let item = &trace.items[*segment];
        if let Some(user) = &item.entity.user {
            carry(&mut users, user, item.node.as_ref());
        }
    }
    let shape = |(user, nodes): (&String, Vec<Node>)| TraceUser {
        user_name: Some(user.clone()),
        service_ids: Some(nodes.iter().map(service_id).collect()),
    };
    users.into_iter().map(shape).collect()
}

/// Start of the latest segment that was active in the range.
fn matched_event(trace: &Trace, range: TimeRange, now_secs: f64) -> Option<f64> {
    let (start, end) = (range.start.as_secs_f64(), range.end.as_secs_f64());
    let active = |entity: &Entity| entity.start_secs < end && start <= entity.end_secs.unwrap_or(now_secs);
    let tops =
        trace.tops().filter(|top| trace.subtree(*top).iter().any(|item| active(&trace.items[*item].entity)));
    tops.map(|top| trace.items[top].entity.start_secs).max_by(f64::total_cmp)
}
