//! Reads searches. Parentheses and NOT are limited in depth, so that no text can exhaust the stack.

use super::tokens::Pieces;
use super::{Condition, Property, SEARCH_MAX, Schema, Search, SearchError, Term};

const DEPTH_MAX: usize = 32;

pub(super) fn parse(text: &str) -> Result<Search, SearchError> {
    if text.chars().count() > SEARCH_MAX {
        let reason = format!("it is longer than {SEARCH_MAX} characters");
        return Err(SearchError { reason, position: SEARCH_MAX });
    }
    let mut parser = Parser { text, words: words(text)?, at: 0, depth: 0, within: None };
    let schema = parser.schema()?;
    let condition = if parser.peek().is_some() { Some(parser.any()?) } else { None };
    if parser.peek().is_some() {
        return Err(parser.unexpected());
    }
    if schema.is_none() && condition.is_none() {
        return Err(SearchError { reason: "it is empty".to_owned(), position: 0 });
    }
    Ok(Search { schema, condition })
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Quoted(String),
    Bare(String),
    Symbol(char),
}

fn words(text: &str) -> Result<Vec<(usize, Word)>, SearchError> {
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c.is_whitespace() => {}
            '{' | '}' | '(' | ')' | ',' | '=' => words.push((at, Word::Symbol(c))),
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        None => {
                            let reason = "a quotation is not closed".to_owned();
                            return Err(SearchError { reason, position: at });
                        }
                        Some((_, end)) if end == c => break,
                        Some((_, '\\')) => value.extend(chars.next().map(|(_, escaped)| escaped)),
                        Some((_, other)) => value.push(other),
                    }
                }
                words.push((at, Word::Quoted(value)));
            }
            _ => {
                let mut value = String::new();
                let mut next = Some(c);
                while let Some(c) = next {
                    if c == '\\' {
                        value.extend(chars.next().map(|(_, escaped)| escaped));
                    } else {
                        value.push(c);
                    }
                    let ends = |c: char| c.is_whitespace() || "{}(),=\"'".contains(c);
                    next = chars.next_if(|(_, c)| !ends(*c)).map(|(_, c)| c);
                }
                words.push((at, Word::Bare(value)));
            }
        }
    }
    Ok(words)
}

struct Parser<'a> {
    text: &'a str,
    words: Vec<(usize, Word)>,
    at: usize,
    depth: usize,
    /// Where terms are looked for that don't say it themselves.
    within: Option<Property>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at).map(|(_, word)| word)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(&Word::Symbol(wanted));
        self.at += usize::from(found);
        found
    }

    fn keyword(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Word::Bare(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self) -> SearchError {
        match self.words.get(self.at) {
            None => SearchError { reason: "it ends too early".to_owned(), position: self.text.len() },
            Some((position, word)) => {
                let word = match word {
                    Word::Quoted(text) | Word::Bare(text) => text.clone(),
                    Word::Symbol(symbol) => symbol.to_string(),
                };
                SearchError { reason: format!("unexpected '{word}'"), position: *position }
            }
        }
    }

    fn name(&mut self) -> Result<String, SearchError> {
        match self.peek() {
            Some(Word::Quoted(text) | Word::Bare(text)) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn schema(&mut self) -> Result<Option<Schema>, SearchError> {
        if !self.take('{') {
            return Ok(None);
        }
        let namespace = self.name()?;
        let mut dimensions = Vec::new();
        while self.take(',') {
            dimensions.push(self.name()?);
        }
        if !self.take('}') {
            return Err(self.unexpected());
        }
        self.take(',');
        dimensions.sort();
        dimensions.dedup();
        Ok(Some(Schema { namespace, dimensions }))
    }

    fn any(&mut self) -> Result<Condition, SearchError> {
        let mut conditions = vec![self.all()?];
        while self.keyword("OR") {
            conditions.push(self.all()?);
        }
        Ok(one_or(conditions, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, SearchError> {
        let mut conditions = vec![self.negated()?];
        loop {
            let named = self.keyword("AND");
            let ends = match self.peek() {
                None | Some(Word::Symbol(_)) => self.peek() != Some(&Word::Symbol('(')),
                Some(Word::Bare(word)) => word == "OR",
                Some(Word::Quoted(_)) => false,
            };
            if ends && !named {
                return Ok(one_or(conditions, Condition::All));
            }
            conditions.push(self.negated()?);
        }
    }

    fn negated(&mut self) -> Result<Condition, SearchError> {
        if !self.keyword("NOT") {
            return self.atom();
        }
        self.deeper(|parser| Ok(Condition::Not(Box::new(parser.negated()?))))
    }

    fn atom(&mut self) -> Result<Condition, SearchError> {
        if self.take('(') {
            return self.deeper(|parser| {
                let inner = parser.any()?;
                if parser.take(')') { Ok(inner) } else { Err(parser.unexpected()) }
            });
        }
        if matches!(self.peek(), Some(Word::Bare(word)) if matches!(word.as_str(), "AND" | "OR" | "NOT")) {
            return Err(self.unexpected());
        }
        let is_property = matches!(self.words.get(self.at + 1), Some((_, Word::Symbol('='))));
        if !is_property {
            return Ok(Condition::Term(self.within.clone(), self.term()?));
        }
        let property = match self.name()?.as_str() {
            "MetricName" => Property::MetricName,
            "Namespace" => Property::Namespace,
            ":aws.AccountId" => Property::Account,
            dimension => Property::Dimension(dimension.to_owned()),
        };
        self.take('=');
        if self.peek() != Some(&Word::Symbol('(')) {
            return Ok(Condition::Term(Some(property), self.term()?));
        }
        // `MetricName=("a" OR "b")`: the terms within are looked for in this place.
        let outer = self.within.replace(property);
        let inner = self.atom();
        self.within = outer;
        inner
    }

    fn term(&mut self) -> Result<Term, SearchError> {
        let error = self.unexpected();
        let word = self.peek().cloned();
        self.at += 1;
        match word {
            Some(Word::Quoted(text)) => Ok(Term::Exact(text)),
            Some(Word::Bare(text)) => Pieces::new(&text).map(Term::Tokens).ok_or(error),
            _ => Err(error),
        }
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Condition, SearchError>,
    ) -> Result<Condition, SearchError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let position = self.words.get(self.at).map_or(self.text.len(), |(at, _)| *at);
            return Err(SearchError { reason: "it is nested too deeply".to_owned(), position });
        }
        let condition = read(self)?;
        self.depth -= 1;
        Ok(condition)
    }
}

fn one_or(mut conditions: Vec<Condition>, of: fn(Vec<Condition>) -> Condition) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        last => {
            conditions.extend(last);
            of(conditions)
        }
    }
}
