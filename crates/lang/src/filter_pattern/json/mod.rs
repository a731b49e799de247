//! The JSON dialect: tests on what selectors find in an object (`spec/filter-patterns.md` §4).
//!
//! All selectors of a pattern are merged into one tree of steps, which is walked while the message is read
//! once. That decides every test; the formula over them is worked out at the end.

mod parse;
mod scan;

use memchr::memmem::Finder;

use super::FilterPatternError;
use super::compare::Comparison;

/// Literals looked for before a message is read as JSON.
const SCREENS_MAX: usize = 4;

/// A pattern between braces.
#[derive(Debug, Clone)]
pub(super) struct Object {
    tree: Tree,
    formula: Formula,
    /// Each is in every matching message, unless that spells characters as `\uXXXX`.
    screens: Vec<Finder<'static>>,
    /// What holds for some field of every matching message.
    conditions: Vec<FieldCondition>,
    /// The selectors as they are written, each once.
    selectors: Vec<String>,
    captures: Captures,
    regexes: usize,
}

/// A comparison that holds for the field at this path in every message that matches: what storage may use to
/// skip messages.
#[derive(Debug, Clone)]
pub struct FieldCondition {
    path: String,
    comparison: Comparison,
}

impl FieldCondition {
    /// Names and indexes of elements joined by dots, as Logs Insights names discovered fields.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a string of this value satisfies the comparison.
    pub fn admits_text(&self, text: &str) -> bool {
        self.comparison.holds(text)
    }

    /// Whether a number or truth written so does.
    pub fn admits_literal(&self, literal: &str) -> bool {
        self.comparison.holds_for_literal(literal)
    }
}

/// Places in a message whose values are read, all in one pass.
#[derive(Debug, Clone)]
pub(super) struct Captures(Tree);

/// Where selectors lead. Node 0 is the message.
#[derive(Debug, Clone)]
struct Tree {
    nodes: Vec<Node>,
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    members: Vec<(String, usize)>,
    elements: Vec<(usize, usize)>,
    any_member: Option<usize>,
    any_element: Option<usize>,
    /// What to test on a value found here.
    tests: Vec<usize>,
}

/// One step of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
    AnyMember,
    AnyElement,
}

#[derive(Debug, Clone)]
enum Test {
    IsNull,
    IsTrue,
    IsFalse,
    /// Recorded as found; the formula turns it around.
    NotExists,
    Compare(Comparison),
    /// Not a test: the first value found is kept under the test's number.
    Capture,
}

#[derive(Debug, Clone)]
enum Formula {
    /// Some value that the selector found satisfies the test.
    Found(usize),
    /// The selector found nothing.
    Absent(usize),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

/// Which tests held. A test takes seven characters with its `||`, so a pattern has fewer than 256.
type Hits = [u64; 4];

impl Object {
    /// Parses what stands between the braces.
    pub(super) fn parse(inner: &str) -> Result<Self, FilterPatternError> {
        parse::parse(inner)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let bytes = message.as_bytes();
        let missing = |screen: &Finder<'_>| screen.find(bytes).is_none();
        if self.screens.iter().any(missing) && memchr::memmem::find(bytes, b"\\u").is_none() {
            return false;
        }
        scan::scan(&self.tree, message).is_some_and(|hits| self.formula.holds(&hits))
    }

    /// The selectors as they are written, each once.
    pub(super) fn selectors(&self) -> &[String] {
        &self.selectors
    }

    pub(super) fn conditions(&self) -> &[FieldCondition] {
        &self.conditions
    }

    /// Of each selector, the first value it finds, if that is a scalar.
    pub(super) fn values(&self, message: &str) -> Vec<Option<String>> {
        self.captures.read(message)
    }

    pub(super) fn regexes(&self) -> usize {
        self.regexes
    }
}

impl Captures {
    /// Reads what these selectors lead to.
    pub(super) fn parse(selectors: &[&str]) -> Result<Self, FilterPatternError> {
        let steps: Result<Vec<_>, _> = selectors.iter().map(|text| parse::selector(text)).collect();
        Ok(Self::of(&steps?))
    }

    fn of(selectors: &[Vec<Step>]) -> Self {
        let mut tree = Tree::new();
        for steps in selectors {
            tree.add(steps, Test::Capture);
        }
        Self(tree)
    }

    /// The first value at each place, if it is a scalar: strings unescaped, the others as they are written.
    pub(super) fn read(&self, message: &str) -> Vec<Option<String>> {
        scan::capture(&self.0, message).unwrap_or_else(|| vec![None; self.0.tests.len()])
    }
}

impl Formula {
    fn holds(&self, hits: &Hits) -> bool {
        let hit = |test: usize| hits[test / 64] >> (test % 64) & 1 == 1;
        match self {
            Self::Found(test) => hit(*test),
            Self::Absent(test) => !hit(*test),
            Self::All(parts) => parts.iter().all(|part| part.holds(hits)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(hits)),
        }
    }

    /// The tests that hold whenever the formula does.
    fn sure(&self, tests: &mut Vec<usize>) {
        match self {
            Self::Found(test) => tests.push(*test),
            Self::All(parts) => parts.iter().for_each(|part| part.sure(tests)),
            Self::Absent(_) | Self::Any(_) => {}
        }
    }
}

impl Tree {
    fn new() -> Self {
        Self { nodes: vec![Node::default()], tests: Vec::new() }
    }

    /// Adds a test on what the steps lead to; its number.
    fn add(&mut self, steps: &[Step], test: Test) -> usize {
        let mut at = 0;
        for step in steps {
            at = self.child(at, step);
        }
        let number = self.tests.len();
        self.tests.push(test);
        self.nodes[at].tests.push(number);
        number
    }

    fn child(&mut self, at: usize, step: &Step) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let child = match step {
            Step::Member(name) => match node.members.iter().find(|(known, _)| known == name) {
                Some((_, child)) => *child,
                None => {
                    node.members.push((name.clone(), new));
                    new
                }
            },
            Step::Element(index) => match node.elements.iter().find(|(known, _)| known == index) {
                Some((_, child)) => *child,
                None => {
                    node.elements.push((*index, new));
                    new
                }
            },
            Step::AnyMember => *node.any_member.get_or_insert(new),
            Step::AnyElement => *node.any_element.get_or_insert(new),
        };
        if child == new {
            self.nodes.push(Node::default());
        }
        child
    }
}

/// The comparisons that hold in every matching message, of selectors that lead to one place.
fn conditions(tree: &Tree, selectors: &[Vec<Step>], formula: &Formula) -> Vec<FieldCondition> {
    let mut sure = Vec::new();
    formula.sure(&mut sure);
    let condition = |test: usize| {
        let Test::Compare(comparison) = &tree.tests[test] else { return None };
        Some(FieldCondition { path: path(&selectors[test])?, comparison: comparison.clone() })
    };
    sure.into_iter().filter_map(condition).collect()
}

/// The path of a discovered field; none if there are wildcards.
fn path(steps: &[Step]) -> Option<String> {
    let mut path = String::new();
    for (nth, step) in steps.iter().enumerate() {
        if nth > 0 {
            path.push('.');
        }
        match step {
            Step::Member(name) => {
                // As Insights discovers them: a name that starts with @ gets one more.
                if nth == 0 && name.starts_with('@') {
                    path.push('@');
                }
                path.push_str(name);
            }
            Step::Element(index) => path.push_str(&index.to_string()),
            Step::AnyMember | Step::AnyElement => return None,
        }
    }
    Some(path)
}

/// What to look for first: texts and names of members that all matching messages hold.
fn screens(tree: &Tree, selectors: &[Vec<Step>], formula: &Formula) -> Vec<Finder<'static>> {
    let mut sure = Vec::new();
    formula.sure(&mut sure);
    let texts = sure.iter().flat_map(|test| match &tree.tests[*test] {
        Test::Compare(comparison) => comparison.pieces(),
        _ => &[],
    });
    let names = sure.iter().flat_map(|test| &selectors[*test]).filter_map(|step| match step {
        Step::Member(name) => Some(name),
        _ => None,
    });
    // These have more spellings than themselves and `\uXXXX`.
    let plain = |text: &&String| !text.contains(|c: char| c.is_control() || matches!(c, '"' | '\\' | '/'));
    let all = texts.chain(names).filter(plain);
    all.filter(|text| text.len() > 1).take(SCREENS_MAX).map(|text| Finder::new(text).into_owned()).collect()
}
