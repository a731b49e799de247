//! Formats of dates: which letters `formatDate` (strftime) and `parseDate` (Java's `DateTimeFormatter`) take.

/// A part of a `DateTimeFormatter` pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A letter, so many times.
    Field(char, usize),
    Literal(String),
}

/// Letters of Java's patterns that can be read.
const JAVA: &str = "yuMLdDHhKkmsSnaEZXxzVO";

/// Letters of strftime.
const STRFTIME: &str = "aAbBcCdDeFgGhHIjklmMnNpPrRsStTuUVwWxXyYzZf3+%:LQ.69";

/// Reads a pattern of Java's `DateTimeFormatter`.
pub fn java(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut characters = pattern.chars().peekable();
    let mut literal = String::new();
    while let Some(c) = characters.next() {
        if c == '\'' {
            // Two quotes are one; else everything up to the next quote is literal.
            if characters.next_if_eq(&'\'').is_some() {
                literal.push('\'');
                continue;
            }
            loop {
                match characters.next() {
                    Some('\'') if characters.next_if_eq(&'\'').is_some() => literal.push('\''),
                    Some('\'') => break,
                    Some(c) => literal.push(c),
                    None => return Err(format!("a quote of the date format '{pattern}' is not closed")),
                }
            }
            continue;
        }
        if c.is_ascii_alphabetic() {
            if !JAVA.contains(c) {
                return Err(format!("the letter '{c}' of the date format '{pattern}' is not supported"));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            let mut count = 1;
            while characters.next_if_eq(&c).is_some() {
                count += 1;
            }
            parts.push(Part::Field(c, count));
        } else {
            literal.push(c);
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Whether all of a strftime format is known.
pub fn check_strftime(format: &str) -> Result<(), String> {
    let mut characters = format.chars();
    while let Some(c) = characters.next() {
        if c != '%' {
            continue;
        }
        let mut letter = characters.next();
        if matches!(letter, Some('-' | '_' | '0' | '^')) {
            letter = characters.next();
        }
        match letter {
            Some(letter) if STRFTIME.contains(letter) => {}
            Some(letter) => {
                return Err(format!("'%{letter}' of the date format '{format}' is not supported"));
            }
            None => return Err(format!("the date format '{format}' ends in '%'")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns() {
        assert_eq!(
            java("yyyy-MM'T'HH''").unwrap(),
            [
                Part::Field('y', 4),
                Part::Literal("-".into()),
                Part::Field('M', 2),
                Part::Literal("T".into()),
                Part::Field('H', 2),
                Part::Literal("'".into()),
            ]
        );
        assert!(java("'open").is_err());
        assert!(java("Q").is_err());
        assert!(check_strftime("%Y-%m-%d %-H").is_ok());
        assert!(check_strftime("%").is_err());
        assert!(check_strftime("%q").is_err());
    }
}
