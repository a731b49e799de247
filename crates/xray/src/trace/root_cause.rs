//! Root causes of faults, errors and response time.
//!
//! AWS documents the structure (<https://docs.aws.amazon.com/xray/latest/api/API_FaultRootCause.html>,
//! <https://docs.aws.amazon.com/xray/latest/api/API_ResponseTimeRootCause.html>) but not how causes are
//! chosen. Chosen here: the deepest entities that failed, and the path along which most of the time went.

use ingest::segment_document::{Cause, Entity, ExceptionRecord};
use shapes::xray::{
    ErrorRootCause, ErrorRootCauseEntity, ErrorRootCauseService, FaultRootCause, FaultRootCauseEntity,
    FaultRootCauseService, ResponseTimeRootCause, ResponseTimeRootCauseEntity, ResponseTimeRootCauseService,
    RootCauseException,
};

use super::{Callee, ItemId, Node, Trace};

/// Causes of a kind that a summary lists.
const CAUSES_MAX: usize = 10;
/// A child explains its parent's time if it took at least this share of it.
const SHARE_MIN: f64 = 0.5;

pub(super) fn faults(trace: &Trace) -> Vec<FaultRootCause> {
    let shape = |cause: FailureCause<'_>| FaultRootCause {
        client_impacting: Some(cause.client_impacting),
        services: Some(
            by_service(trace, &cause.path)
                .into_iter()
                .map(|(node, inferred, steps)| FaultRootCauseService {
                    name: Some(node.name.clone()),
                    names: Some(node.names.clone()),
                    r#type: node.kind.clone(),
                    account_id: node.account.clone(),
                    inferred: Some(inferred),
                    entity_path: Some(
                        steps
                            .iter()
                            .map(|step| FaultRootCauseEntity {
                                name: Some(step.entity.name.clone()),
                                exceptions: Some(exceptions(trace, step)),
                                remote: Some(step.is_remote()),
                            })
                            .collect(),
                    ),
                })
                .collect(),
        ),
    };
    failures(trace, Entity::is_fault).into_iter().map(shape).collect()
}

pub(super) fn errors(trace: &Trace) -> Vec<ErrorRootCause> {
    let shape = |cause: FailureCause<'_>| ErrorRootCause {
        client_impacting: Some(cause.client_impacting),
        services: Some(
            by_service(trace, &cause.path)
                .into_iter()
                .map(|(node, inferred, steps)| ErrorRootCauseService {
                    name: Some(node.name.clone()),
                    names: Some(node.names.clone()),
                    r#type: node.kind.clone(),
                    account_id: node.account.clone(),
                    inferred: Some(inferred),
                    entity_path: Some(
                        steps
                            .iter()
                            .map(|step| ErrorRootCauseEntity {
                                name: Some(step.entity.name.clone()),
                                exceptions: Some(exceptions(trace, step)),
                                remote: Some(step.is_remote()),
                            })
                            .collect(),
                    ),
                })
                .collect(),
        ),
    };
    failures(trace, Entity::is_error).into_iter().map(shape).collect()
}

/// At most one; none while the root is in progress or missing.
pub(super) fn response_time(trace: &Trace) -> Vec<ResponseTimeRootCause> {
    let Some((root, end)) = trace.root.and_then(|root| Some((root, trace.items[root].entity.end_secs?)))
    else {
        return Vec::new();
    };
    let start = trace.items[root].entity.start_secs;
    // What lies outside of the response did not delay it.
    let duration = |step: &Step<'_>| {
        let own_end = step.entity.end_secs.unwrap_or(step.entity.start_secs);
        (own_end.min(end) - step.entity.start_secs.max(start)).max(0.0)
    };
    let total = end - start;
    let mut path = vec![Step::received(trace, root)];
    let mut coverages = vec![1.0];
    while let Some(last) = path.last() {
        let mut longest: Option<(Step<'_>, f64)> = None;
        for child in last.children(trace) {
            let length = duration(&child);
            if longest.as_ref().is_none_or(|(_, most)| length > *most) {
                longest = Some((child, length));
            }
        }
        match longest.filter(|(_, length)| *length > 0.0 && *length >= SHARE_MIN * duration(last)) {
            Some((child, length)) => {
                coverages.push((length / total * 100.0).round() / 100.0);
                path.push(child);
            }
            None => break,
        }
    }
    let mut coverages = coverages.into_iter();
    let services = by_service(trace, &path)
        .into_iter()
        .map(|(node, inferred, steps)| ResponseTimeRootCauseService {
            name: Some(node.name.clone()),
            names: Some(node.names.clone()),
            r#type: node.kind.clone(),
            account_id: node.account.clone(),
            inferred: Some(inferred),
            entity_path: Some(
                steps
                    .iter()
                    .map(|step| ResponseTimeRootCauseEntity {
                        name: Some(step.entity.name.clone()),
                        coverage: coverages.next(),
                        remote: Some(step.is_remote()),
                    })
                    .collect(),
            ),
        })
        .collect();
    vec![ResponseTimeRootCause { client_impacting: Some(true), services: Some(services) }]
}

/// An entity on the way from the root: a received item, or a segment inferred from one.
#[derive(Clone, Copy)]
struct Step<'a> {
    /// Of an inferred segment, the call it was inferred from.
    entity: &'a Entity,
    item: ItemId,
    inferred: Option<usize>,
}

impl<'a> Step<'a> {
    fn received(trace: &'a Trace, item: ItemId) -> Self {
        Self { entity: &trace.items[item].entity, item, inferred: None }
    }

    fn children(&self, trace: &'a Trace) -> Vec<Step<'a>> {
        if self.inferred.is_some() {
            return Vec::new();
        }
        let item = &trace.items[self.item];
        let embedded = item.children.iter().map(|child| Self::received(trace, *child));
        let called = item.callees.iter().map(|callee| match callee {
            Callee::Received(segment) => Self::received(trace, *segment),
            Callee::Inferred(number) => Step { inferred: Some(*number), ..*self },
        });
        embedded.chain(called).collect()
    }

    fn is_remote(&self) -> bool {
        self.inferred.is_none() && self.entity.namespace.is_some()
    }
}

struct FailureCause<'a> {
    path: Vec<Step<'a>>,
    client_impacting: bool,
}

/// Paths from the root to every entity that failed and has nothing below it that did.
fn failures<'a>(trace: &'a Trace, failed: fn(&Entity) -> bool) -> Vec<FailureCause<'a>> {
    struct Visited<'a> {
        step: Step<'a>,
        parent: Option<usize>,
        failed_below: bool,
    }
    let Some(root) = trace.root else { return Vec::new() };
    let mut tree = vec![Visited { step: Step::received(trace, root), parent: None, failed_below: false }];
    let mut next = 0;
    while next < tree.len() {
        for step in tree[next].step.children(trace) {
            tree.push(Visited { step, parent: Some(next), failed_below: false });
        }
        next += 1;
    }
    // Parents come before children.
    for index in (0..tree.len()).rev() {
        if let Some(parent) = tree[index].parent {
            tree[parent].failed_below |= tree[index].failed_below || failed(tree[index].step.entity);
        }
    }
    let deepest = tree.iter().enumerate().filter(|(_, v)| failed(v.step.entity) && !v.failed_below);
    let mut causes: Vec<FailureCause<'a>> = deepest
        .map(|(index, _)| {
            let mut path: Vec<Step<'a>> =
                std::iter::successors(Some(index), |at| tree[*at].parent).map(|at| tree[at].step).collect();
            path.reverse();
            let client_impacting = path.iter().all(|step| failed(step.entity));
            FailureCause { path, client_impacting }
        })
        .collect();
    let start = |cause: &FailureCause<'_>| cause.path.last().map_or(0.0, |step| step.entity.start_secs);
    causes.sort_by(|a, b| {
        b.client_impacting.cmp(&a.client_impacting).then_with(|| start(a).total_cmp(&start(b)))
    });
    causes.truncate(CAUSES_MAX);
    causes
}

/// Consecutive steps of one segment, with its node and whether it is inferred.
fn by_service<'a>(trace: &'a Trace, path: &[Step<'a>]) -> Vec<(&'a Node, bool, Vec<Step<'a>>)> {
    let mut services: Vec<(&Node, bool, Vec<Step<'a>>)> = Vec::new();
    let mut current: Option<(Option<ItemId>, Option<usize>)> = None;
    for step in path {
        let segment = (trace.items[step.item].segment, step.inferred);
        let node = match step.inferred {
            Some(number) => Some(&trace.inferred[number].node),
            None => segment.0.and_then(|segment| trace.items[segment].node.as_ref()),
        };
        let Some(node) = node else { continue };
        if current != Some(segment) {
            services.push((node, step.inferred.is_some(), Vec::new()));
            current = Some(segment);
        }
        if let Some((_, _, steps)) = services.last_mut() {
            steps.push(*step);
        }
    }
    services
}

/// Those recorded on the entity; an id stands for the exception of that id anywhere in the trace.
fn exceptions(trace: &Trace, step: &Step<'_>) -> Vec<RootCauseException> {
    let shape = |exception: &ExceptionRecord| RootCauseException {
        name: exception.kind.clone(),
        message: exception.message.clone(),
    };
    match &step.entity.cause {
        _ if step.inferred.is_some() => Vec::new(),
        None => Vec::new(),
        Some(Cause::Details(details)) => details.exceptions.iter().map(shape).collect(),
        Some(Cause::ExceptionId(id)) => {
            let recorded = trace.items.iter().filter_map(|item| match &item.entity.cause {
                Some(Cause::Details(details)) => {
                    details.exceptions.iter().find(|exception| exception.id == *id)
                }
                _ => None,
            });
            recorded.take(1).map(shape).collect()
        }
    }
}
