//! What matching messages hold: the extracted values of TestMetricFilter, and the values and dimensions of metric
//! filters (`spec/filter-patterns.md` §4.11, §5.8, §8).

use super::json::Captures;
use super::{Dialect, FilterPatternError};

/// Reads a fixed list of references from messages that match a pattern.
#[derive(Debug, Clone)]
pub struct Extractor(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Selectors(Captures),
    Fields(super::space_delimited::Fields, Vec<Place>),
    Nothing,
}

/// A token of a line.
#[derive(Debug, Clone)]
enum Place {
    Named(String),
    /// One-based.
    Position(usize),
}

impl Place {
    /// What `$name` or `$3` refers to.
    fn parse(reference: &str) -> Option<Self> {
        let name = reference.strip_prefix('$')?;
        let legal = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(legal) {
            return None;
        }
        match name.parse() {
            Ok(0) => None,
            Ok(position) => Some(Self::Position(position)),
            Err(_) => Some(Self::Named(name.to_owned())),
        }
    }
}

impl Extractor {
    pub(super) fn new(dialect: &Dialect, references: &[&str]) -> Result<Self, FilterPatternError> {
        let kind = match dialect {
            _ if references.is_empty() => Kind::Nothing,
            Dialect::Unstructured(_) => {
                return Err(FilterPatternError::Refused("terms have no values to extract"));
            }
            Dialect::Json(_) => Kind::Selectors(Captures::parse(references)?),
            Dialect::SpaceDelimited(fields) => {
                let place = |reference: &&str| {
                    Place::parse(reference)
                        .filter(|_| mentions(dialect, reference))
                        .ok_or(FilterPatternError::Refused("the pattern has no such field"))
                };
                let places: Result<Vec<_>, _> = references.iter().map(place).collect();
                Kind::Fields(fields.clone(), places?)
            }
        };
        Ok(Self(kind))
    }

    /// The values of a message that matches, in the order of the references.
    pub fn values(&self, message: &str) -> Vec<Option<String>> {
        match &self.0 {
            Kind::Nothing => Vec::new(),
            Kind::Selectors(captures) => captures.read(message),
            Kind::Fields(fields, places) => {
                let bound = fields.bind(message);
                let value = |place: &Place| {
                    let mut found = bound.iter().filter(|bound| match place {
                        Place::Named(name) => bound.name == name,
                        Place::Position(position) => bound.position == *position,
                    });
                    found.next().map(|bound| bound.text.to_owned())
                };
                places.iter().map(value).collect()
            }
        }
    }
}

/// Every value of a message that matches, under the name it is shown by.
pub(super) fn values(dialect: &Dialect, message: &str) -> Vec<(String, String)> {
    match dialect {
        Dialect::Unstructured(_) => Vec::new(),
        Dialect::Json(object) => {
            let found = object.selectors().iter().zip(object.values(message));
            found.filter_map(|(selector, value)| Some((selector.clone(), value?))).collect()
        }
        Dialect::SpaceDelimited(fields) => {
            let shown = |bound: super::space_delimited::Bound<'_>| {
                let name = match bound.name {
                    "" => format!("${}", bound.position),
                    name => format!("${name}"),
                };
                (name, bound.text.to_owned())
            };
            fields.bind(message).into_iter().map(shown).collect()
        }
    }
}

/// Whether the pattern has this selector, as it is written, or this field. Any position may be a field's.
pub(super) fn mentions(dialect: &Dialect, reference: &str) -> bool {
    match dialect {
        Dialect::Unstructured(_) => false,
        Dialect::Json(object) => object.selectors().iter().any(|selector| selector == reference),
        Dialect::SpaceDelimited(fields) => match Place::parse(reference) {
            Some(Place::Named(name)) => fields.names().any(|known| known == name),
            Some(Place::Position(_)) => true,
            None => false,
        },
    }
}
