//! CloudWatch Logs filter patterns: does a log event match?
//!
//! The first character chooses the dialect (`spec/filter-patterns.md` §1): terms, tests on a JSON object, or
//! conditions on the fields of a line. All three know regular expressions between percent signs.

mod compare;
mod extract;
mod json;
mod regex;
pub mod selection;
mod space_delimited;
mod unstructured;

#[cfg(test)]
mod tests;

use json::Object;
use space_delimited::Fields;
use unstructured::Terms;

pub use compare::number;
pub use extract::Extractor;
pub use json::FieldCondition;

/// Longest pattern, in characters.
pub const PATTERN_CHARACTERS_MAX: usize = 1024;

/// Why a text is no filter pattern. The texts reach clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterPatternError {
    #[error("Invalid character(s) in term '{0}'")]
    Term(String),
    #[error("Invalid filter pattern")]
    Malformed,
    /// Names what is wrong.
    #[error("Invalid filter pattern: {0}")]
    Refused(&'static str),
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct FilterPattern {
    dialect: Dialect,
    must_contain: Vec<String>,
}

#[derive(Debug, Clone)]
enum Dialect {
    Unstructured(Terms),
    Json(Object),
    SpaceDelimited(Fields),
}

impl FilterPattern {
    pub fn compile(pattern: &str) -> Result<Self, FilterPatternError> {
        if pattern.chars().count() > PATTERN_CHARACTERS_MAX {
            return Err(FilterPatternError::Malformed);
        }
        let pattern = pattern.trim();
        if let Some(inner) = pattern.strip_prefix('{') {
            let inner = inner.strip_suffix('}').ok_or(FilterPatternError::Malformed)?;
            // JSON can spell any text as `\uXXXX`, and a number in many ways: no message has to hold any.
            Ok(Self { dialect: Dialect::Json(Object::parse(inner)?), must_contain: Vec::new() })
        } else if let Some(inner) = pattern.strip_prefix('[') {
            let fields = Fields::parse(inner.strip_suffix(']').ok_or(FilterPatternError::Malformed)?)?;
            let must_contain = fields.required();
            Ok(Self { dialect: Dialect::SpaceDelimited(fields), must_contain })
        } else {
            let terms = Terms::parse(pattern)?;
            let must_contain = terms.required();
            Ok(Self { dialect: Dialect::Unstructured(terms), must_contain })
        }
    }

    pub fn matches(&self, message: &str) -> bool {
        match &self.dialect {
            Dialect::Unstructured(terms) => terms.matches(message),
            Dialect::Json(object) => object.matches(message),
            Dialect::SpaceDelimited(fields) => fields.matches(message),
        }
    }

    /// The values a matching message is said to hold, by selector (`$.a.b`), field name (`$name`) or position
    /// (`$3`); none for terms. `None` if the message does not match.
    pub fn extract(&self, message: &str) -> Option<Vec<(String, String)>> {
        if !self.matches(message) {
            return None;
        }
        Some(extract::values(&self.dialect, message))
    }

    /// What reads these references (`$.a.b`, `$name`, `$3`) from messages that match. Fails where this pattern's
    /// dialect has no such reference, or the pattern no such field.
    pub fn extractor(&self, references: &[&str]) -> Result<Extractor, FilterPatternError> {
        Extractor::new(&self.dialect, references)
    }

    /// Whether a part of the pattern is this reference: a selector as it is written, or a field.
    pub fn mentions(&self, reference: &str) -> bool {
        extract::mentions(&self.dialect, reference)
    }

    /// Whether it is made of terms, from which nothing can be extracted.
    pub fn is_unstructured(&self) -> bool {
        matches!(self.dialect, Dialect::Unstructured(_))
    }

    /// Whether it holds a regular expression: AWS counts those patterns per log group.
    pub fn has_regex(&self) -> bool {
        let regexes = match &self.dialect {
            Dialect::Unstructured(terms) => terms.regexes(),
            Dialect::Json(object) => object.regexes(),
            Dialect::SpaceDelimited(fields) => fields.regexes(),
        };
        regexes > 0
    }

    /// Whether every message matches, so that none needs to be looked at.
    pub fn matches_everything(&self) -> bool {
        match &self.dialect {
            Dialect::Unstructured(terms) => terms.matches_everything(),
            Dialect::Json(_) => false,
            Dialect::SpaceDelimited(fields) => fields.matches_everything(),
        }
    }

    /// Texts that every matching message contains, byte for byte: what storage may use to skip data.
    pub fn must_contain(&self) -> &[String] {
        &self.must_contain
    }

    /// Comparisons of JSON fields that hold in every matching message: what storage may use to skip data.
    pub fn field_conditions(&self) -> &[FieldCondition] {
        match &self.dialect {
            Dialect::Json(object) => object.conditions(),
            Dialect::Unstructured(_) | Dialect::SpaceDelimited(_) => &[],
        }
    }
}
