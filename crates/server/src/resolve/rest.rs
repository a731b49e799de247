//! REST JSON: operations found by method and path template.

use std::collections::HashMap;
use std::sync::Arc;

use smithy::Protocol;
use wire::FrameworkError;

use super::{Question, Route, Service, Target};

/// All method-and-path bindings of the REST services.
pub(crate) struct RestRoutes {
    /// Paths without labels, which are nearly all.
    literal: HashMap<&'static str, Vec<Binding>>,
    templates: Vec<(Vec<Segment>, Binding)>,
}

#[derive(Clone)]
struct Binding {
    method: &'static str,
    service: Arc<Service>,
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    Label,
    /// The rest of the path, at least one segment.
    Greedy,
}

impl RestRoutes {
    pub(crate) fn new(services: &[Arc<Service>]) -> Self {
        let mut routes = Self { literal: HashMap::new(), templates: Vec::new() };
        for service in services.iter().filter(|s| s.schema.protocols.contains(&Protocol::RestJson1)) {
            for operation in service.schema.operations {
                let path = operation.http.uri.split('?').next().unwrap_or_default();
                let binding = Binding {
                    method: operation.http.method,
                    service: service.clone(),
                    operation: operation.name,
                };
                if path.contains('{') {
                    routes.templates.push((parse_template(path), binding));
                } else {
                    routes.literal.entry(path).or_default().push(binding);
                }
            }
        }
        routes
    }

    /// The operation bound to method and path; 405 when only the method is wrong.
    pub(crate) fn route(&self, question: &Question<'_>) -> Option<Route> {
        let mut at_path: Vec<&Binding> = self.literal.get(question.path).into_iter().flatten().collect();
        let segments: Vec<&str> = question.path.trim_start_matches('/').split('/').collect();
        at_path
            .extend(self.templates.iter().filter(|(t, _)| matches(t, &segments)).map(|(_, binding)| binding));
        let first = *at_path.first()?;
        at_path.retain(|binding| binding.method == question.method.as_str());
        let in_scope = |b: &&&Binding| Some(b.service.schema.signing_name) == question.scope_service;
        let chosen = at_path.iter().find(in_scope).or(at_path.first());
        Some(match chosen {
            Some(binding) => Route::Operation(Target {
                protocol: Protocol::RestJson1,
                service: binding.service.clone(),
                operation: binding.operation.to_owned(),
            }),
            None => Route::Refused {
                protocol: Protocol::RestJson1,
                service: Some(first.service.clone()),
                error: FrameworkError::MethodNotAllowed,
            },
        })
    }
}

fn parse_template(path: &'static str) -> Vec<Segment> {
    path.trim_start_matches('/')
        .split('/')
        .map(|segment| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(label) if label.ends_with('+') => Segment::Greedy,
            Some(_) => Segment::Label,
            None => Segment::Literal(segment),
        })
        .collect()
}

fn matches(template: &[Segment], path: &[&str]) -> bool {
    match (template, path) {
        ([], []) => true,
        ([Segment::Literal(literal), template @ ..], [segment, path @ ..]) => {
            literal == segment && matches(template, path)
        }
        ([Segment::Label, template @ ..], [segment, path @ ..]) => {
            !segment.is_empty() && matches(template, path)
        }
        ([Segment::Greedy, template @ ..], path) => {
            (1..=path.len()).any(|taken| !path[0].is_empty() && matches(template, &path[taken..]))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_match_labels_and_greedy_labels() {
        let of = |template: &'static str, path: &str| {
            matches(&parse_template(template), &path.trim_start_matches('/').split('/').collect::<Vec<_>>())
        };
        assert!(of("/slo/{Id}", "/slo/a%2Fb"));
        assert!(!of("/slo/{Id}", "/slo/"));
        assert!(!of("/slo/{Id}", "/slo/a/b"));
        assert!(of("/tags/{ResourceArn+}", "/tags/a/b"));
        assert!(!of("/tags/{ResourceArn+}", "/tags/"));
        assert!(of("/a/{b+}/c", "/a/x/y/c"));
    }
}
