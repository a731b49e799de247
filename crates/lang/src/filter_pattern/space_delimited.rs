//! The space-delimited dialect: conditions on the fields of a line (`spec/filter-patterns.md` §5).

use memchr::memchr;

use super::FilterPatternError;
use super::compare::{Comparison, Cursor, Operand};

/// A pattern between brackets.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    /// Before the ellipsis, or all if there is none.
    left: Vec<Field>,
    /// After the ellipsis, if there is one.
    right: Option<Vec<Field>>,
    regexes: usize,
}

/// One field of the pattern.
#[derive(Debug, Clone, Default)]
struct Field {
    /// Empty if it has none.
    name: String,
    /// Alternatives, each a conjunction; none at all always holds.
    any: Vec<Vec<Comparison>>,
}

/// A token of a message that a field of the pattern stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bound<'a> {
    /// Empty if the field has none.
    pub(super) name: &'a str,
    /// One-based, in the message.
    pub(super) position: usize,
    pub(super) text: &'a str,
}

impl Field {
    fn holds(&self, token: &str) -> bool {
        self.any.is_empty() || self.any.iter().any(|all| all.iter().all(|comparison| comparison.holds(token)))
    }
}

impl Fields {
    /// Parses what stands between the brackets.
    pub(super) fn parse(inner: &str) -> Result<Self, FilterPatternError> {
        let mut fields = Self { left: Vec::new(), right: None, regexes: 0 };
        let mut cursor = Cursor::new(inner.trim());
        if cursor.rest.is_empty() {
            return Ok(fields);
        }
        loop {
            cursor.space();
            if cursor.take("...") {
                if fields.right.is_some() {
                    return Err(FilterPatternError::Refused("more than one ellipsis"));
                }
                fields.right = Some(Vec::new());
            } else {
                let field = field(&mut cursor)?;
                fields.right.as_mut().unwrap_or(&mut fields.left).push(field);
            }
            cursor.space();
            if cursor.rest.is_empty() {
                fields.regexes = cursor.regexes();
                return Ok(fields);
            }
            if !cursor.take(",") {
                return Err(FilterPatternError::Malformed);
            }
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        if self.matches_everything() {
            return true;
        }
        let mut tokens = Tokens::new(message);
        match &self.right {
            None => self.matches_from_the_left(&mut tokens),
            Some(right) => {
                let mut token = |field: &Field| tokens.next().is_some_and(|t| field.holds(t.text));
                if !self.left.iter().all(&mut token) {
                    return false;
                }
                let rest: Vec<Token<'_>> = tokens.collect();
                let Some(skipped) = rest.len().checked_sub(right.len()) else { return false };
                right.iter().zip(&rest[skipped..]).all(|(field, token)| field.holds(token.text))
            }
        }
    }

    fn matches_from_the_left(&self, tokens: &mut Tokens<'_>) -> bool {
        let Some((last, fields)) = self.left.split_last() else { return true };
        if !fields.iter().all(|field| tokens.next().is_some_and(|token| field.holds(token.text))) {
            return false;
        }
        let Some(token) = tokens.next() else { return false };
        // AWS: the last field is the rest of the line, if there is more than one token left for it.
        last.holds(if tokens.next().is_none() { token.text } else { token.line })
    }

    /// The tokens of a message that matches, each with the field it stands for.
    pub(super) fn bind<'a>(&'a self, message: &'a str) -> Vec<Bound<'a>> {
        let tokens: Vec<Token<'a>> = Tokens::new(message).collect();
        let bound = |(at, token): (usize, &Token<'a>)| Bound { name: "", position: at + 1, text: token.text };
        let mut bound: Vec<Bound<'a>> = tokens.iter().enumerate().map(bound).collect();
        let fields = self.left.len();
        if self.right.is_none() && fields > 0 && tokens.len() > fields {
            bound.truncate(fields);
            bound[fields - 1].text = tokens[fields - 1].line;
        }
        for (bound, field) in bound.iter_mut().zip(&self.left) {
            bound.name = &field.name;
        }
        let right = self.right.as_deref().unwrap_or_default();
        for (bound, field) in bound.iter_mut().rev().zip(right.iter().rev()) {
            bound.name = &field.name;
        }
        bound
    }

    /// Names of the fields that have one.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let fields = self.left.iter().chain(self.right.iter().flatten());
        fields.map(|field| field.name.as_str()).filter(|name| !name.is_empty())
    }

    pub(super) fn regexes(&self) -> usize {
        self.regexes
    }

    /// Whether every message matches.
    pub(super) fn matches_everything(&self) -> bool {
        self.left.is_empty() && self.right.as_ref().is_none_or(Vec::is_empty)
    }

    /// Texts that every matching message contains: a token is a piece of the line, as it stands there.
    pub(super) fn required(&self) -> Vec<String> {
        let fields = self.left.iter().chain(self.right.iter().flatten());
        let sure = fields.filter_map(|field| match field.any.as_slice() {
            [all] => Some(all),
            _ => None,
        });
        sure.flatten().flat_map(Comparison::pieces).cloned().collect()
    }
}

/// `[name] [operator right-side {(&& | ||) [name] operator right-side}]`.
fn field(cursor: &mut Cursor<'_>) -> Result<Field, FilterPatternError> {
    let name = name(cursor);
    cursor.space();
    if cursor.rest.is_empty() || cursor.rest.starts_with(',') {
        return Ok(Field { name: name.to_owned(), any: Vec::new() });
    }
    let mut any = vec![vec![comparison(cursor)?]];
    loop {
        cursor.space();
        let and = cursor.take("&&");
        if !and && !cursor.take("||") {
            return Ok(Field { name: name.to_owned(), any });
        }
        cursor.space();
        let again = self::name(cursor);
        if !again.is_empty() && again != name {
            return Err(FilterPatternError::Refused("a condition on a field names another field"));
        }
        cursor.space();
        let next = comparison(cursor)?;
        match any.last_mut() {
            Some(all) if and => all.push(next),
            _ => any.push(vec![next]),
        }
    }
}

fn name<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    if cursor.rest.starts_with(|c: char| c.is_ascii_digit()) {
        return "";
    }
    cursor.take_while(|c| c.is_alphanumeric() || c == '_')
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, FilterPatternError> {
    let operator = cursor.operator().ok_or(FilterPatternError::Malformed)?;
    cursor.space();
    let operand = match cursor.delimited()? {
        Some(operand) => operand,
        None => {
            let word = cursor.take_while(|c| !matches!(c, ',' | '&' | '|')).trim_end();
            if word.is_empty() || word.starts_with(['=', '<', '>', '!']) {
                return Err(FilterPatternError::Malformed);
            }
            Operand::bare(word)
        }
    };
    Comparison::new(operator, operand)
}

/// The tokens of a line: runs of other than white space, `"..."` and `[...]`.
struct Tokens<'a> {
    rest: &'a str,
    /// No `"` or no `]` follows any more: spares looking for it again, and again.
    closed: [bool; 2],
}

#[derive(Clone, Copy)]
struct Token<'a> {
    /// Without delimiters.
    text: &'a str,
    /// From the token to the end of the line, with delimiters.
    line: &'a str,
}

impl<'a> Tokens<'a> {
    fn new(message: &'a str) -> Self {
        Self { rest: message, closed: [false; 2] }
    }

    /// The text up to the delimiter that closes the one `line` begins with, if it begins with one.
    fn delimited(&mut self, line: &'a str) -> Option<&'a str> {
        let (kind, close) = match line.as_bytes().first()? {
            b'"' => (0, b'"'),
            b'[' => (1, b']'),
            _ => return None,
        };
        if self.closed[kind] {
            return None;
        }
        let end = memchr(close, &line.as_bytes()[1..]);
        self.closed[kind] = end.is_none();
        Some(&line[1..=end?])
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let line = self.rest.trim_ascii_start();
        if line.is_empty() {
            return None;
        }
        if let Some(text) = self.delimited(line) {
            self.rest = &line[text.len() + 2..];
            return Some(Token { text, line });
        }
        let end = line.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len());
        let (text, rest) = line.split_at(end);
        self.rest = rest;
        Some(Token { text, line })
    }
}
