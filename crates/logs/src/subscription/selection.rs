//! Field selection criteria: an expression over system fields (`spec/filter-patterns.md` §10).
//!
//! ```text
//! criteria   = conjunction { "OR" conjunction }
//! conjunction = test { "AND" test }
//! test       = "(" criteria ")" | field ( "=" | "!=" ) text | field [ "NOT" ] "IN" "[" text { "," text } "]"
//! ```

/// Tests that a nested expression may have: deeper ones are refused.
const DEPTH_MAX: usize = 16;
/// Fields an expression may name.
pub(crate) const SYSTEM_FIELDS: [&str; 3] = ["@aws.account", "@aws.region", "@source.log"];

/// Compiled criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Criteria(Expression);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Test { field: &'static str, values: Vec<String>, negated: bool },
}

/// What is wrong with criteria.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid fieldSelectionCriteria: {0}")]
pub(crate) struct CriteriaError(&'static str);

impl Criteria {
    pub(crate) fn compile(text: &str) -> Result<Self, CriteriaError> {
        let mut parser = Parser { words: words(text)?, at: 0, depth: 0 };
        let expression = parser.criteria()?;
        match parser.peek() {
            None => Ok(Self(expression)),
            Some(_) => Err(CriteriaError("something follows the end of the expression")),
        }
    }

    /// Whether events with these system fields take part.
    pub(crate) fn holds<'a>(&self, value_of: &impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.holds(value_of)
    }
}

impl Expression {
    fn holds<'a>(&self, value_of: &impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Any(any) => any.iter().any(|e| e.holds(value_of)),
            Self::All(all) => all.iter().all(|e| e.holds(value_of)),
            Self::Test { field, values, negated } => {
                let found = value_of(field).is_some_and(|value| values.iter().any(|v| v == value));
                found != *negated
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Name(String),
    Text(String),
    Mark(&'static str),
}

fn words(text: &str) -> Result<Vec<Word>, CriteriaError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let mark = ["!=", "=", "[", "]", ",", "(", ")"].into_iter().find(|mark| rest.starts_with(mark));
        if let Some(mark) = mark {
            words.push(Word::Mark(mark));
            rest = &rest[mark.len()..];
        } else if first == '"' {
            let (text, after) = quoted(&rest[1..])?;
            words.push(Word::Text(text));
            rest = after;
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || "!=[],()\"".contains(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(CriteriaError("a character has no meaning there"));
            }
            words.push(Word::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

/// The text up to the closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), CriteriaError> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    Err(CriteriaError("a quote is not closed"))
}

struct Parser {
    words: Vec<Word>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.at)
    }

    fn takes(&mut self, word: &Word) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn takes_name(&mut self, name: &str) -> bool {
        self.takes(&Word::Name(name.to_owned()))
    }

    fn criteria(&mut self) -> Result<Expression, CriteriaError> {
        let mut any = vec![self.conjunction()?];
        while self.takes_name("OR") {
            any.push(self.conjunction()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expression::Any(any) })
    }

    fn conjunction(&mut self) -> Result<Expression, CriteriaError> {
        let mut all = vec![self.test()?];
        while self.takes_name("AND") {
            all.push(self.test()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::All(all) })
    }

    fn test(&mut self) -> Result<Expression, CriteriaError> {
        if self.takes(&Word::Mark("(")) {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(CriteriaError("it is nested too deeply"));
            }
            let inner = self.criteria()?;
            self.depth -= 1;
            return match self.takes(&Word::Mark(")")) {
                true => Ok(inner),
                false => Err(CriteriaError("a parenthesis is not closed")),
            };
        }
        let Some(Word::Name(name)) = self.peek() else { return Err(CriteriaError("a field is missing")) };
        let field = *SYSTEM_FIELDS
            .iter()
            .find(|field| *field == name)
            .ok_or(CriteriaError("fields are @aws.account, @aws.region and @source.log"))?;
        self.at += 1;
        if self.takes(&Word::Mark("=")) {
            return Ok(Expression::Test { field, values: vec![self.text()?], negated: false });
        }
        if self.takes(&Word::Mark("!=")) {
            return Ok(Expression::Test { field, values: vec![self.text()?], negated: true });
        }
        let negated = self.takes_name("NOT");
        if !self.takes_name("IN") {
            return Err(CriteriaError("operators are =, !=, IN and NOT IN"));
        }
        Ok(Expression::Test { field, values: self.list()?, negated })
    }

    fn text(&mut self) -> Result<String, CriteriaError> {
        match self.words.get(self.at) {
            Some(Word::Text(text)) => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => Err(CriteriaError("a value in double quotes is missing")),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, CriteriaError> {
        if !self.takes(&Word::Mark("[")) {
            return Err(CriteriaError("a list in brackets is missing"));
        }
        let mut values = vec![self.text()?];
        while self.takes(&Word::Mark(",")) {
            values.push(self.text()?);
        }
        match self.takes(&Word::Mark("]")) {
            true => Ok(values),
            false => Err(CriteriaError("a list is not closed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        let value_of = |field: &str| match field {
            "@aws.account" => Some("111111111111"),
            "@aws.region" => Some("us-east-1"),
            _ => None,
        };
        Criteria::compile(text).unwrap().holds(&value_of)
    }

    #[test]
    fn comparisons_bind_as_documented() {
        for (text, expected) in [
            (r#"@aws.region = "us-east-1""#, true),
            (r#"@aws.region != "us-east-1""#, false),
            (r#"@aws.region NOT IN ["cn-north-1"]"#, true),
            (r#"@aws.region IN ["cn-north-1", "us-east-1"]"#, true),
            (r#"@aws.region="x" AND @aws.account="111111111111" OR @aws.region="us-east-1""#, true),
            (r#"@aws.region="us-east-1" OR @aws.region="y" AND @aws.account="x""#, true),
            (r#"(@aws.region="us-east-1" OR @aws.region="y") AND @aws.account="x""#, false),
            (r#"@source.log = "g""#, false),
            (r#"@source.log != "g""#, true),
        ] {
            assert_eq!(holds(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        let deep = format!("{}@aws.region=\"a\"{}", "(".repeat(17), ")".repeat(17));
        for bad in [
            "",
            "@aws.region",
            "@aws.region =",
            "@aws.region = us-east-1",
            "@aws.region = \"a",
            "@message = \"a\"",
            "@aws.region IN []",
            "@aws.region IN [\"a\"",
            "@aws.region = \"a\" and @aws.region = \"b\"",
            "@aws.region ! \"a\"",
            "(@aws.region = \"a\"",
            "@aws.region = \"a\")",
            &deep,
        ] {
            assert!(Criteria::compile(bad).is_err(), "{bad}");
        }
    }
}
