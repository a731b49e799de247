//! Field selection criteria: which events a filter sees at all, by system fields (`spec/filter-patterns.md` §10).

use super::FilterPatternError;
use super::compare::{Cursor, quoted};

/// Longest criteria, in characters.
pub const CRITERIA_CHARACTERS_MAX: usize = 2000;
/// The system fields of log events.
pub const SYSTEM_FIELDS: [&str; 3] = ["@aws.account", "@aws.region", "@source.log"];

/// Comparisons joined by `AND` and, more loosely, `OR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    any: Vec<Vec<Comparison>>,
}

/// Whether a field is one of some texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub field: String,
    /// Whether it must be none of them instead.
    pub negated: bool,
    pub values: Vec<String>,
}

impl Selection {
    /// Parses criteria over `fields`.
    pub fn parse(text: &str, fields: &[&str]) -> Result<Self, FilterPatternError> {
        if text.chars().count() > CRITERIA_CHARACTERS_MAX {
            return Err(FilterPatternError::Refused("the criteria are too long"));
        }
        let mut cursor = Cursor::new(text);
        let mut any = vec![vec![comparison(&mut cursor, fields)?]];
        loop {
            cursor.space();
            if cursor.rest.is_empty() {
                return Ok(Self { any });
            }
            match word(&mut cursor) {
                "AND" => {
                    any.last_mut().expect("it has a first element").push(comparison(&mut cursor, fields)?)
                }
                "OR" => any.push(vec![comparison(&mut cursor, fields)?]),
                _ => return Err(FilterPatternError::Refused("criteria are joined by AND or OR")),
            }
        }
    }

    /// Whether they hold, given the value of each field.
    pub fn holds<'v>(&self, value_of: impl Fn(&str) -> Option<&'v str>) -> bool {
        let holds = |comparison: &Comparison| {
            let value = value_of(&comparison.field);
            let found = value.is_some_and(|value| comparison.values.iter().any(|one| one == value));
            found != comparison.negated
        };
        self.any.iter().any(|all| all.iter().all(holds))
    }

    /// The comparisons, in disjunctive normal form.
    pub fn alternatives(&self) -> &[Vec<Comparison>] {
        &self.any
    }
}

fn word<'a>(cursor: &mut Cursor<'a>) -> &'a str {
    cursor.space();
    cursor.take_while(|c| c.is_ascii_alphabetic())
}

fn comparison(cursor: &mut Cursor<'_>, fields: &[&str]) -> Result<Comparison, FilterPatternError> {
    cursor.space();
    let field = cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '_'));
    if !fields.contains(&field) {
        return Err(FilterPatternError::Refused("the criteria name an unknown field"));
    }
    cursor.space();
    let single = if cursor.take("!=") {
        Some(true)
    } else if cursor.take("=") {
        Some(false)
    } else {
        None
    };
    let field = field.to_owned();
    if let Some(negated) = single {
        return Ok(Comparison { field, negated, values: vec![text(cursor)?] });
    }
    let negated = match word(cursor) {
        "IN" => false,
        "NOT" if word(cursor) == "IN" => true,
        _ => return Err(FilterPatternError::Refused("criteria compare with =, !=, IN or NOT IN")),
    };
    cursor.space();
    if !cursor.take("[") {
        return Err(FilterPatternError::Refused("IN is followed by a list in brackets"));
    }
    let mut values = vec![text(cursor)?];
    loop {
        cursor.space();
        if cursor.take("]") {
            return Ok(Comparison { field, negated, values });
        }
        if !cursor.take(",") {
            return Err(FilterPatternError::Refused("a list of the criteria is not closed"));
        }
        values.push(text(cursor)?);
    }
}

fn text(cursor: &mut Cursor<'_>) -> Result<String, FilterPatternError> {
    cursor.space();
    if !cursor.take("\"") {
        return Err(FilterPatternError::Refused("values of criteria are quoted"));
    }
    let (text, rest) = quoted(cursor.rest)?;
    cursor.rest = rest;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria() {
        let value = |field: &str| match field {
            "@aws.account" => Some("111111111111"),
            "@aws.region" => Some("eu-west-1"),
            _ => None,
        };
        for (text, expected) in [
            (r#"@aws.region = "eu-west-1""#, Some(true)),
            (r#"@aws.region!="eu-west-1""#, Some(false)),
            (r#"@aws.region NOT IN ["cn-north-1"]"#, Some(true)),
            (r#"@aws.region IN [ "a" , "eu-west-1" ]"#, Some(true)),
            (r#"@aws.region = "a" OR @aws.account = "111111111111" AND @aws.region = "b""#, Some(false)),
            (r#"@aws.region = "eu-west-1" OR @aws.account = "1" AND @aws.region = "b""#, Some(true)),
            (r#"@source.log = "x""#, Some(false)),
            (r#"@source.log != "x""#, Some(true)),
            ("", None),
            (r#"@aws.region = eu"#, None),
            (r#"@aws.zone = "a""#, None),
            (r#"@aws.region IN []"#, None),
            (r#"@aws.region IN ["a""#, None),
            (r#"@aws.region = "a" and @aws.region = "b""#, None),
            (r#"@aws.region LIKE "a""#, None),
            (r#"@aws.region = "a"#, None),
        ] {
            let found = Selection::parse(text, &SYSTEM_FIELDS).ok().map(|criteria| criteria.holds(value));
            assert_eq!(found, expected, "{text}");
        }
    }
}
