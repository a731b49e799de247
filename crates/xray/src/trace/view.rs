//! Traces and segments as trace filters see them.

use ingest::segment_document::{AnnotationValue, Entity};
use lang::trace_filter::{AnnotationRef, Facts, Flag, Number, ServiceView, Text, TraceView};

use super::summary::{availability_zones, duration_secs, is_indexed_key, resource_arns, round_millis};
use super::{ItemId, Node, Trace};

/// A trace with its segments prepared for a filter.
pub(crate) struct FilterView<'a> {
    trace: &'a Trace,
    segments: Vec<SegmentView<'a>>,
}

/// A received or inferred segment. An inferred one has the facts of the call it was inferred from.
struct SegmentView<'a> {
    trace: &'a Trace,
    entity: &'a Entity,
    node: &'a Node,
    /// `None` for an inferred segment.
    received: Option<ItemId>,
}

impl<'a> FilterView<'a> {
    pub(crate) fn new(trace: &'a Trace) -> Self {
        let received = trace.segments.iter().filter_map(|segment| {
            let item = &trace.items[*segment];
            let node = item.node.as_ref()?;
            Some(SegmentView { trace, entity: &item.entity, node, received: Some(*segment) })
        });
        let inferred = trace.inferred.iter().map(|inferred| {
            let entity = &trace.items[inferred.caller].entity;
            SegmentView { trace, entity, node: &inferred.node, received: None }
        });
        Self { trace, segments: received.chain(inferred).collect() }
    }
}

impl Facts for FilterView<'_> {
    fn flag(&self, flag: Flag) -> bool {
        let root = self.trace.root_entity();
        match flag {
            Flag::Ok => root.is_some_and(Entity::is_ok),
            Flag::Error => root.is_some_and(Entity::is_error),
            Flag::Fault => root.is_some_and(Entity::is_fault),
            Flag::Throttle => self.trace.has_throttle(),
            Flag::Partial => self.trace.is_partial(),
            Flag::Inferred => !self.trace.inferred.is_empty(),
            Flag::Root => root.is_some(),
        }
    }

    fn number(&self, number: Number) -> Option<f64> {
        match number {
            Number::ResponseTime => self.trace.response_time(),
            Number::Duration => Some(duration_secs(self.trace)),
            Number::HttpStatus => self.trace.root_entity()?.http_status(),
        }
    }

    fn texts(&self, text: Text) -> Vec<&str> {
        match text {
            Text::HttpUrl | Text::HttpMethod | Text::HttpUserAgent | Text::HttpClientIp => {
                self.trace.root_entity().map(|root| segment_texts(root, text)).unwrap_or_default()
            }
            _ => self.trace.received().flat_map(|segment| segment_texts(segment, text)).collect(),
        }
    }
}

impl TraceView for FilterView<'_> {
    fn annotations(&self, key: &str) -> Vec<AnnotationRef<'_>> {
        if !is_indexed_key(key) {
            return Vec::new();
        }
        let items = self.trace.tops().flat_map(|top| self.trace.subtree(top));
        let annotations = items.flat_map(|item| &self.trace.items[item].entity.annotations);
        annotations
            .filter(|(known, _)| known == key)
            .map(|(_, value)| match value {
                AnnotationValue::Boolean(flag) => AnnotationRef::Boolean(*flag),
                AnnotationValue::Number(number) => AnnotationRef::Number(*number),
                AnnotationValue::Text(text) => AnnotationRef::Text(text),
            })
            .collect()
    }

    fn services(&self) -> Vec<&dyn ServiceView> {
        self.segments.iter().map(|segment| segment as &dyn ServiceView).collect()
    }
}

impl Facts for SegmentView<'_> {
    fn flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::Ok => self.entity.is_ok(),
            Flag::Error => self.entity.is_error(),
            Flag::Fault => self.entity.is_fault(),
            Flag::Throttle => self.entity.is_throttle(),
            Flag::Partial => self.entity.is_in_progress(),
            Flag::Inferred => self.received.is_none(),
            Flag::Root => self.received.is_some_and(|segment| self.trace.is_root(segment)),
        }
    }

    fn number(&self, number: Number) -> Option<f64> {
        match number {
            Number::ResponseTime => Some(round_millis(self.entity.end_secs? - self.entity.start_secs)),
            Number::Duration => {
                let end = match self.received {
                    Some(segment) => {
                        let items = self.trace.subtree(segment).into_iter();
                        let ends = items.filter_map(|item| self.trace.items[item].entity.end_secs);
                        ends.max_by(f64::total_cmp)?
                    }
                    None => self.entity.end_secs?,
                };
                Some(round_millis(end - self.entity.start_secs))
            }
            Number::HttpStatus => self.entity.http_status(),
        }
    }

    fn texts(&self, text: Text) -> Vec<&str> {
        match self.received {
            Some(_) => segment_texts(self.entity, text),
            // Of the call only what is copied to the inferred segment.
            None => match text {
                Text::HttpUrl | Text::HttpMethod | Text::HttpUserAgent | Text::HttpClientIp => {
                    segment_texts(self.entity, text)
                }
                _ => Vec::new(),
            },
        }
    }
}

impl ServiceView for SegmentView<'_> {
    fn name(&self) -> &str {
        &self.node.name
    }

    fn names(&self) -> Vec<&str> {
        self.node.names.iter().map(String::as_str).collect()
    }

    fn kind(&self) -> Option<&str> {
        self.node.kind.as_deref()
    }

    fn account(&self) -> Option<&str> {
        self.node.account.as_deref()
    }
}

fn segment_texts(segment: &Entity, text: Text) -> Vec<&str> {
    let request = segment.http.as_ref().map(|http| &http.request);
    match text {
        Text::HttpUrl => one(request.and_then(|r| r.url.as_ref())),
        Text::HttpMethod => one(request.and_then(|r| r.method.as_ref())),
        Text::HttpUserAgent => one(request.and_then(|r| r.user_agent.as_ref())),
        Text::HttpClientIp => one(request.and_then(|r| r.client_ip.as_ref())),
        Text::User => one(segment.user.as_ref()),
        Text::InstanceId => one(segment.aws.ec2.instance_id.as_ref()),
        Text::AvailabilityZone => availability_zones(segment).map(String::as_str).collect(),
        Text::ResourceArn => resource_arns(segment).map(String::as_str).collect(),
        Text::Name | Text::Type => Vec::new(),
    }
}

fn one(value: Option<&String>) -> Vec<&str> {
    value.map(String::as_str).into_iter().collect()
}
