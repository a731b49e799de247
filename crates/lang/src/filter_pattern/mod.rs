//! CloudWatch Logs filter patterns: does a log event match?
//!
//! The first character chooses the dialect (`spec/filter-patterns.md` §1). The unstructured one is here: terms,
//! quoted phrases, exclusion and options. A pattern of another dialect is refused by the name of what it uses.

mod unstructured;

use unstructured::Terms;

/// Longest pattern, in characters.
pub const PATTERN_CHARACTERS_MAX: usize = 1024;

/// Why a text is no filter pattern. The texts reach clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterPatternError {
    #[error("Invalid character(s) in term '{0}'")]
    Term(String),
    #[error("Invalid filter pattern")]
    Malformed,
    /// Legal in the language, but not understood by this server.
    #[error("Invalid filter pattern: {0} are not supported")]
    Unsupported(&'static str),
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct FilterPattern {
    terms: Terms,
}

impl FilterPattern {
    pub fn compile(pattern: &str) -> Result<Self, FilterPatternError> {
        if pattern.chars().count() > PATTERN_CHARACTERS_MAX {
            return Err(FilterPatternError::Malformed);
        }
        let pattern = pattern.trim();
        match pattern.chars().next() {
            Some('{') => Err(FilterPatternError::Unsupported("JSON patterns ({ ... })")),
            Some('[') => Err(FilterPatternError::Unsupported("space-delimited patterns ([ ... ])")),
            _ => Ok(Self { terms: Terms::parse(pattern)? }),
        }
    }

    pub fn matches(&self, message: &str) -> bool {
        self.terms.matches(message)
    }

    /// Whether every message matches, so that none needs to be looked at.
    pub fn matches_everything(&self) -> bool {
        self.terms.matches_everything()
    }

    /// Texts that every matching message contains: what storage may use to skip data.
    pub fn must_contain(&self) -> &[String] {
        self.terms.required()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `spec/filter-patterns.md` §11, rows 1–28, and our own: pattern ⇥ message ⇥ yes, no or error ⇥ source.
    const CORPUS: &str = include_str!("../../tests/corpus/filter_pattern/unstructured.txt");

    #[test]
    fn corpus() {
        let mut rows = 0;
        for (number, line) in
            CORPUS.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with("# "))
        {
            let columns: Vec<&str> = line.split('\t').collect();
            let [pattern, message, verdict, _source] = columns[..] else { panic!("line {}", number + 1) };
            let found = match FilterPattern::compile(pattern) {
                Err(error) => error.to_string(),
                Ok(compiled) => {
                    let found = compiled.matches(message);
                    let held = compiled.must_contain().iter().all(|t| message.contains(t.as_str()));
                    assert!(!found || held, "line {}: skipping would lose a match", number + 1);
                    assert!(found || !compiled.matches_everything(), "line {}", number + 1);
                    if found { "yes" } else { "no" }.to_owned()
                }
            };
            assert_eq!(found, verdict, "line {}: {pattern}", number + 1);
            rows += 1;
        }
        assert!(rows >= 40, "{rows}");
    }

    #[test]
    fn a_pattern_has_at_most_1024_characters() {
        assert!(FilterPattern::compile(&"é".repeat(1024)).is_ok());
        assert_eq!(FilterPattern::compile(&"a".repeat(1025)).unwrap_err(), FilterPatternError::Malformed);
    }
}
