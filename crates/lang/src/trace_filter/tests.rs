//! The corpus, run against one made-up trace; and that no text makes the parser panic.

use proptest::prelude::*;

use super::*;

struct Segment {
    name: &'static str,
    kind: &'static str,
    root: bool,
    fault: bool,
    status: Option<f64>,
    seconds: f64,
}

impl Facts for Segment {
    fn flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::Ok => !self.fault,
            Flag::Fault => self.fault,
            Flag::Inferred => !self.root,
            Flag::Root => self.root,
            _ => false,
        }
    }

    fn number(&self, number: Number) -> Option<f64> {
        if number == Number::HttpStatus { self.status } else { Some(self.seconds) }
    }

    fn texts(&self, text: Text) -> Vec<&str> {
        match text {
            Text::HttpUrl if self.root => vec!["https://shop.example/cart"],
            Text::HttpMethod if self.root => vec!["GET"],
            Text::User if self.root => vec!["u-1"],
            _ => Vec::new(),
        }
    }
}

impl ServiceView for Segment {
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> Option<&str> {
        Some(self.kind)
    }

    fn account(&self) -> Option<&str> {
        Some("111122223333")
    }
}

struct Trace([Segment; 3]);

impl Facts for Trace {
    fn flag(&self, flag: Flag) -> bool {
        self.0[0].flag(flag)
    }

    fn number(&self, number: Number) -> Option<f64> {
        self.0[0].number(number)
    }

    fn texts(&self, text: Text) -> Vec<&str> {
        self.0[0].texts(text)
    }
}

impl TraceView for Trace {
    fn annotations(&self, key: &str) -> Vec<AnnotationRef<'_>> {
        match key {
            "tenant" => vec![AnnotationRef::Text("acme")],
            "size" => vec![AnnotationRef::Number(3.0)],
            "beta" => vec![AnnotationRef::Boolean(true)],
            "off" => vec![AnnotationRef::Boolean(false)],
            "x.y" => vec![AnnotationRef::Text("dotted")],
            _ => Vec::new(),
        }
    }

    fn services(&self) -> Vec<&dyn ServiceView> {
        self.0.iter().map(|segment| segment as &dyn ServiceView).collect()
    }
}

fn trace() -> Trace {
    let segment =
        |name, kind, root, fault, status, seconds| Segment { name, kind, root, fault, status, seconds };
    Trace([
        segment("shop", "AWS::EC2::Instance", true, false, Some(200.0), 0.3),
        segment("api.pay.example", "remote", false, true, Some(502.0), 0.14),
        segment("carts", "AWS::DynamoDB::Table", false, false, Some(200.0), 0.04),
    ])
}

/// Lines `left => right`, without comments and blank lines.
fn rows(corpus: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    corpus.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (left, right) = line.rsplit_once("=> ").unwrap();
        (left.strip_suffix(' ').unwrap_or(left), right)
    })
}

#[test]
fn matches() {
    let trace = trace();
    for (expression, expected) in rows(include_str!("../../tests/corpus/trace_filter/matches.txt")) {
        let filter = TraceFilter::parse(expression).unwrap();
        assert_eq!(filter.matches(&trace), expected == "yes", "{expression}");
    }
}

#[test]
fn errors() {
    for (expression, expected) in rows(include_str!("../../tests/corpus/trace_filter/errors.txt")) {
        let error = TraceFilter::parse(expression).unwrap_err();
        assert_eq!(format!("{}: {}", error.position, error.reason), expected, "{expression}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    assert!(TraceFilter::parse(&format!("{}ok{}", "(".repeat(60), ")".repeat(60))).is_ok());
    for text in ["(".repeat(10_000), "!".repeat(10_000), "service(){".repeat(10_000)] {
        assert!(TraceFilter::parse(&text).is_err());
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[ a-z.0-9!=<>(){}\\[\\],:#\"\\\\é-]{0,40}", any in ".{0,20}") {
        let _ = TraceFilter::parse(&text);
        let _ = TraceFilter::parse(&any);
    }

    #[test]
    fn no_sequence_of_words_panics(words in proptest::collection::vec(
        prop_oneof![Just("service("), Just(")"), Just("{"), Just("}"), Just("ok"), Just("!"), Just("AND"), Just("OR"),
            Just("user"), Just("="), Just("\"x\""), Just("annotation.k"), Just("5"), Just("id(name:"), Just("(")], 0..12)) {
        let text = words.join(" ");
        if let Ok(filter) = TraceFilter::parse(&text) {
            let _ = filter.matches(&trace());
        }
    }
}
