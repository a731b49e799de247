//! What the JSON and the space-delimited dialect compare with: operators, wildcard texts, numbers.

use ::regex::Regex;
use memchr::memmem::Finder;

use super::FilterPatternError;
use super::regex;

/// AWS: at most two regular expressions in a JSON or space-delimited pattern.
const REGEXES_MAX: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `<operator> <right side>`.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    operator: Operator,
    operand: Operand,
}

/// The right side of a comparison.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Regex(Regex),
    Text(Glob),
    /// A bare number: compared as one, in double precision.
    Number(f64),
}

impl Operand {
    /// A bare word: a number if the whole of it is one, otherwise a text.
    pub(super) fn bare(word: &str) -> Self {
        number(word).map_or_else(|| Self::Text(Glob::new(word)), Self::Number)
    }
}

impl Comparison {
    pub(super) fn new(operator: Operator, operand: Operand) -> Result<Self, FilterPatternError> {
        let ordering = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if ordering && !matches!(operand, Operand::Number(_)) {
            return Err(FilterPatternError::Refused("<, <=, > and >= need a number on the right"));
        }
        Ok(Self { operator, operand })
    }

    /// Whether a text stands in this relation to the right side.
    pub(super) fn holds(&self, text: &str) -> bool {
        let equal = match &self.operand {
            Operand::Regex(regex) => regex.is_match(text),
            Operand::Text(glob) => glob.matches(text),
            Operand::Number(right) => match number(text) {
                Some(left) => return self.orders(left, *right),
                None => false,
            },
        };
        match self.operator {
            Operator::Equal => equal,
            Operator::NotEqual => !equal,
            _ => false,
        }
    }

    /// As [`holds`](Self::holds), for a value that is not a text, such as `1` or `true` in JSON.
    pub(super) fn holds_for_literal(&self, literal: &str) -> bool {
        !matches!(self.operand, Operand::Regex(_)) && self.holds(literal)
    }

    fn orders(&self, left: f64, right: f64) -> bool {
        match self.operator {
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Less => left < right,
            Operator::LessOrEqual => left <= right,
            Operator::Greater => left > right,
            Operator::GreaterOrEqual => left >= right,
        }
    }

    /// Texts that whatever satisfies the comparison contains.
    pub(super) fn pieces(&self) -> &[String] {
        match &self.operand {
            Operand::Text(glob) if self.operator == Operator::Equal => &glob.pieces,
            _ => &[],
        }
    }
}

/// A text in which `*` stands for any run of characters. There is no escape for it.
#[derive(Debug, Clone)]
pub(super) struct Glob {
    /// Before the first `*`; the whole text if there is none.
    first: String,
    /// After the last `*`; none if there is none.
    last: Option<String>,
    middle: Vec<Finder<'static>>,
    /// All of them, without empty ones.
    pieces: Vec<String>,
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let pieces = text.split('*').filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
        let Some((first, rest)) = text.split_once('*') else {
            return Self { first: text.to_owned(), last: None, middle: Vec::new(), pieces };
        };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|piece| !piece.is_empty());
        Self {
            first: first.to_owned(),
            last: Some(last.to_owned()),
            middle: middle.map(|piece| Finder::new(piece).into_owned()).collect(),
            pieces,
        }
    }

    fn matches(&self, text: &str) -> bool {
        let Some(last) = &self.last else { return text == self.first };
        let Some(inner) = text.strip_prefix(self.first.as_str()) else { return false };
        let Some(inner) = inner.strip_suffix(last.as_str()) else { return false };
        let mut rest = inner.as_bytes();
        // The leftmost place of each piece leaves the most room for those after it.
        self.middle.iter().all(|finder| match finder.find(rest) {
            Some(at) => {
                rest = &rest[at + finder.needle().len()..];
                true
            }
            None => false,
        })
    }
}

/// The number that `text` is as a whole: sign, decimals and exponent, but no name such as `inf`.
pub fn number(text: &str) -> Option<f64> {
    let numeric = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(numeric) {
        return None;
    }
    text.parse().ok()
}

/// Reads a pattern from the left.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a str,
    regexes: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, regexes: 0 }
    }

    /// Regular expressions read so far.
    pub(super) fn regexes(&self) -> usize {
        self.regexes
    }

    pub(super) fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `token` if it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the characters that are `legal`, maybe none.
    pub(super) fn take_while(&mut self, legal: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !legal(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    pub(super) fn operator(&mut self) -> Option<Operator> {
        const OPERATORS: [(&str, Operator); 6] = [
            ("!=", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        OPERATORS.into_iter().find(|(token, _)| self.take(token)).map(|(_, operator)| operator)
    }

    /// A quoted text or a regular expression, if one comes next.
    pub(super) fn delimited(&mut self) -> Result<Option<Operand>, FilterPatternError> {
        if let Some(text) = self.rest.strip_prefix('"') {
            let (phrase, rest) = quoted(text)?;
            self.rest = rest;
            return Ok(Some(Operand::Text(Glob::new(&phrase))));
        }
        let Some(text) = self.rest.strip_prefix('%') else { return Ok(None) };
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            return Err(FilterPatternError::Refused("more than two regular expressions"));
        }
        let (regex, rest) = regex::literal(text)?;
        self.rest = rest;
        Ok(Some(Operand::Regex(regex)))
    }
}

/// The phrase up to the closing quote; the opening one is already read.
/// A backslash escapes a quote or a backslash and is itself otherwise.
pub(super) fn quoted(text: &str) -> Result<(String, &str), FilterPatternError> {
    let mut phrase = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((phrase, &text[at + 1..])),
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => phrase.push(escaped),
                None => phrase.push('\\'),
            },
            other => phrase.push(other),
        }
    }
    Err(FilterPatternError::Malformed)
}
