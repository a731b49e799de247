//! The syntax of the JSON dialect.

use super::super::FilterPatternError;
use super::super::compare::{Comparison, Cursor, Operand};
use super::{Captures, Formula, Object, Step, Test, Tree, conditions, screens};

/// Parentheses inside one another.
const NESTING_MAX: usize = 64;
/// AWS: at most three wildcards in the selectors of a pattern, one in each.
const WILDCARDS_MAX: usize = 3;
/// What [`super::Hits`] can hold.
const TESTS_MAX: usize = 256;

struct Parser<'a> {
    cursor: Cursor<'a>,
    tree: Tree,
    /// Of each test.
    selectors: Vec<Vec<Step>>,
    /// The same as they are written.
    texts: Vec<&'a str>,
    wildcards: usize,
    nesting: usize,
}

type Parsed<T> = Result<T, FilterPatternError>;

pub(super) fn parse(inner: &str) -> Parsed<Object> {
    let mut parser = Parser {
        cursor: Cursor::new(inner),
        tree: Tree::new(),
        selectors: Vec::new(),
        texts: Vec::new(),
        wildcards: 0,
        nesting: 0,
    };
    let formula = parser.any()?;
    if !parser.cursor.rest.is_empty() {
        return Err(FilterPatternError::Malformed);
    }
    let screens = screens(&parser.tree, &parser.selectors, &formula);
    let conditions = conditions(&parser.tree, &parser.selectors, &formula);
    let (mut selectors, mut captured) = (Vec::new(), Vec::new());
    for (text, steps) in parser.texts.iter().zip(&parser.selectors) {
        if !selectors.iter().any(|known| known == text) {
            selectors.push((*text).to_owned());
            captured.push(steps.clone());
        }
    }
    let captures = Captures::of(&captured);
    let regexes = parser.cursor.regexes();
    Ok(Object { tree: parser.tree, formula, screens, conditions, selectors, captures, regexes })
}

/// The steps of one selector that stands alone.
pub(super) fn selector(text: &str) -> Parsed<Vec<Step>> {
    let mut parser = Parser {
        cursor: Cursor::new(text),
        tree: Tree::new(),
        selectors: Vec::new(),
        texts: Vec::new(),
        wildcards: 0,
        nesting: 0,
    };
    let steps = parser.selector()?;
    if parser.cursor.rest.is_empty() { Ok(steps) } else { Err(FilterPatternError::Malformed) }
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Parsed<Formula> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.cursor.take("||") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Formula::Any))
    }

    fn all(&mut self) -> Parsed<Formula> {
        let first = self.primary()?;
        let mut parts = vec![first];
        while self.cursor.take("&&") {
            parts.push(self.primary()?);
        }
        Ok(one_or(parts, Formula::All))
    }

    /// A test or a formula in parentheses, with the white space around it.
    fn primary(&mut self) -> Parsed<Formula> {
        self.cursor.space();
        let formula = if self.cursor.take("(") {
            self.nesting += 1;
            if self.nesting > NESTING_MAX {
                return Err(FilterPatternError::Refused("parentheses are nested too deeply"));
            }
            let inner = self.any()?;
            if !self.cursor.take(")") {
                return Err(FilterPatternError::Malformed);
            }
            self.nesting -= 1;
            inner
        } else {
            self.test()?
        };
        self.cursor.space();
        Ok(formula)
    }

    fn test(&mut self) -> Parsed<Formula> {
        let before = self.cursor.rest;
        let selector = self.selector()?;
        let text = &before[..before.len() - self.cursor.rest.len()];
        let test = self.condition()?;
        if self.tree.tests.len() >= TESTS_MAX {
            return Err(FilterPatternError::Refused("too many comparisons"));
        }
        let absent = matches!(test, Test::NotExists);
        let number = self.tree.add(&selector, test);
        self.selectors.push(selector);
        self.texts.push(text);
        Ok(if absent { Formula::Absent(number) } else { Formula::Found(number) })
    }

    /// What stands behind a selector.
    fn condition(&mut self) -> Parsed<Test> {
        self.cursor.space();
        if let Some(operator) = self.cursor.operator() {
            self.cursor.space();
            let operand = match self.cursor.delimited()? {
                Some(operand) => operand,
                None => Operand::bare(self.bare()?),
            };
            return Comparison::new(operator, operand).map(Test::Compare);
        }
        match (self.word(), self.word()) {
            ("IS", "NULL") => Ok(Test::IsNull),
            ("IS", "TRUE") => Ok(Test::IsTrue),
            ("IS", "FALSE") => Ok(Test::IsFalse),
            ("NOT", "EXISTS") => Ok(Test::NotExists),
            ("IS", "NOT") => Err(FilterPatternError::Refused("IS NOT is no test")),
            ("EXISTS", _) => Err(FilterPatternError::Refused("EXISTS is a test only behind NOT")),
            _ => Err(FilterPatternError::Malformed),
        }
    }

    /// A key word, with the white space behind it.
    fn word(&mut self) -> &'a str {
        let word = self.cursor.take_while(|c| c.is_alphanumeric() || c == '_');
        self.cursor.space();
        word
    }

    fn bare(&mut self) -> Parsed<&'a str> {
        let end = |c: char| c.is_whitespace() || "&|()=!<>\"%".contains(c);
        let word = self.cursor.take_while(|c| !end(c));
        if word.is_empty() { Err(FilterPatternError::Malformed) } else { Ok(word) }
    }

    fn selector(&mut self) -> Parsed<Vec<Step>> {
        if !self.cursor.take("$") {
            return Err(FilterPatternError::Refused("a selector starts with $"));
        }
        let mut steps = Vec::new();
        let before = self.wildcards;
        while let Some(step) = self.step()? {
            self.wildcards += usize::from(matches!(step, Step::AnyMember | Step::AnyElement));
            steps.push(step);
        }
        if steps.is_empty() {
            return Err(FilterPatternError::Malformed);
        }
        if self.wildcards > before + 1 {
            return Err(FilterPatternError::Refused("more than one wildcard in a selector"));
        }
        if self.wildcards > WILDCARDS_MAX {
            return Err(FilterPatternError::Refused("more than three wildcards"));
        }
        Ok(steps)
    }

    /// The next step, if the selector goes on.
    fn step(&mut self) -> Parsed<Option<Step>> {
        let dot = self.cursor.take(".");
        if self.cursor.take("[") {
            return self.bracket().map(Some);
        }
        if !dot {
            return Ok(None);
        }
        if self.cursor.take("*") {
            return Ok(Some(Step::AnyMember));
        }
        let name = self.cursor.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if name.is_empty() {
            return Err(FilterPatternError::Malformed);
        }
        Ok(Some(Step::Member(name.to_owned())))
    }

    /// `0]`, `*]` or `'name']`.
    fn bracket(&mut self) -> Parsed<Step> {
        let step = if self.cursor.take("*") {
            Step::AnyElement
        } else if self.cursor.take("'") {
            let name = self.cursor.take_while(|c| c != '\'').to_owned();
            if !self.cursor.take("'") {
                return Err(FilterPatternError::Malformed);
            }
            Step::Member(name)
        } else {
            let digits = self.cursor.take_while(|c| c.is_ascii_digit());
            Step::Element(digits.parse().map_err(|_| FilterPatternError::Malformed)?)
        };
        if self.cursor.take("]") { Ok(step) } else { Err(FilterPatternError::Malformed) }
    }
}

fn one_or(mut parts: Vec<Formula>, many: fn(Vec<Formula>) -> Formula) -> Formula {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}
