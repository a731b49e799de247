//! Evaluating an expression. What a trace is, is the caller's business: this sees it through traits.

use super::syntax::{AnnotationTest, Expression, Flag, NodePattern, Number, Text, TextTest};

/// What keywords ask, of a whole trace or of one segment.
pub trait Facts {
    fn flag(&self, flag: Flag) -> bool;

    /// `None` if there is no such number.
    fn number(&self, number: Number) -> Option<f64>;

    /// All texts there are; single-valued keywords have at most one.
    fn texts(&self, text: Text) -> Vec<&str>;
}

/// One segment as its node in the service graph.
pub trait ServiceView: Facts {
    fn name(&self) -> &str;
    /// The name, and others the node goes by.
    fn names(&self) -> Vec<&str> {
        vec![self.name()]
    }
    /// `None` for a node without type.
    fn kind(&self) -> Option<&str>;
    fn account(&self) -> Option<&str>;
}

/// A trace.
pub trait TraceView: Facts {
    /// The values of the annotation `key` anywhere in the trace.
    fn annotations(&self, key: &str) -> Vec<AnnotationRef<'_>>;

    /// Every segment, received or inferred.
    fn services(&self) -> Vec<&dyn ServiceView>;
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AnnotationRef<'a> {
    Boolean(bool),
    Number(f64),
    Text(&'a str),
}

pub(super) fn trace_matches(expression: &Expression, trace: &dyn TraceView) -> bool {
    match expression {
        Expression::All(terms) => terms.iter().all(|term| trace_matches(term, trace)),
        Expression::Any(terms) => terms.iter().any(|term| trace_matches(term, trace)),
        Expression::Not(inner) => !trace_matches(inner, trace),
        Expression::Flag(flag, expected) => trace.flag(*flag) == *expected,
        Expression::Number(number, test) => number_matches(trace.number(*number), test),
        Expression::Text(text, test) => texts_match(&trace.texts(*text), test),
        Expression::Annotation(key, test) => annotation_matches(&trace.annotations(key), test),
        Expression::Service(node, block) => trace.services().into_iter().any(|service| {
            node_matches(node, service) && block.as_ref().is_none_or(|block| service_matches(block, service))
        }),
    }
}

fn service_matches(expression: &Expression, service: &dyn ServiceView) -> bool {
    match expression {
        Expression::All(terms) => terms.iter().all(|term| service_matches(term, service)),
        Expression::Any(terms) => terms.iter().any(|term| service_matches(term, service)),
        Expression::Not(inner) => !service_matches(inner, service),
        Expression::Flag(flag, expected) => service.flag(*flag) == *expected,
        Expression::Number(number, test) => number_matches(service.number(*number), test),
        Expression::Text(Text::Name, test) => texts_match(&[service.name()], test),
        Expression::Text(Text::Type, test) => texts_match(service.kind().as_slice(), test),
        Expression::Text(text, test) => texts_match(&service.texts(*text), test),
        // The parser lets neither into a block.
        Expression::Annotation(..) | Expression::Service(..) => false,
    }
}

fn node_matches(node: &NodePattern, service: &dyn ServiceView) -> bool {
    let fits =
        |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| Some(w) == found);
    node.name.as_deref().is_none_or(|wanted| service.names().contains(&wanted))
        && fits(&node.kind, service.kind())
        && fits(&node.account, service.account())
}

fn number_matches(value: Option<f64>, test: &Option<(super::syntax::Order, f64)>) -> bool {
    let Some(value) = value else { return false };
    test.is_none_or(|(order, wanted)| order.holds(value, wanted))
}

/// Positive tests hold if some text passes; `!=` holds if there are texts and none is equal.
fn texts_match(texts: &[&str], test: &Option<(TextTest, String)>) -> bool {
    match test {
        None => !texts.is_empty(),
        Some((TextTest::NotEqual, wanted)) => !texts.is_empty() && texts.iter().all(|text| text != wanted),
        Some((test, wanted)) => texts.iter().any(|text| test.holds(text, wanted)),
    }
}

/// The literal's type picks the values it is compared with; `!=` also holds for values of other types.
fn annotation_matches(values: &[AnnotationRef<'_>], test: &AnnotationTest) -> bool {
    use super::syntax::Order;
    let some = |passes: &dyn Fn(&AnnotationRef<'_>) -> bool| values.iter().any(passes);
    let none = |equals: AnnotationRef<'_>| !values.is_empty() && !values.contains(&equals);
    match test {
        AnnotationTest::Set => some(&|value| *value != AnnotationRef::Boolean(false)),
        AnnotationTest::Flag(wanted, true) => some(&|value| *value == AnnotationRef::Boolean(*wanted)),
        AnnotationTest::Flag(wanted, false) => none(AnnotationRef::Boolean(*wanted)),
        AnnotationTest::Number(Order::NotEqual, wanted) => none(AnnotationRef::Number(*wanted)),
        AnnotationTest::Number(order, wanted) => {
            some(&|value| matches!(value, AnnotationRef::Number(n) if order.holds(*n, *wanted)))
        }
        AnnotationTest::Text(TextTest::NotEqual, wanted) => none(AnnotationRef::Text(wanted)),
        AnnotationTest::Text(test, wanted) => {
            some(&|value| matches!(value, AnnotationRef::Text(text) if test.holds(text, wanted)))
        }
    }
}
