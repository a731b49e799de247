//! The unstructured dialect: terms that a message contains, may contain or must not contain.
//! Terms are substrings, case-sensitive (`spec/filter-patterns.md` §3).

use memchr::memmem::Finder;

use super::FilterPatternError;

/// The terms of a pattern.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    required: Vec<String>,
    required_finders: Vec<Finder<'static>>,
    excluded: Vec<Finder<'static>>,
    /// At least one of them must occur, if there are any.
    optional: Vec<Finder<'static>>,
    /// An excluded term that every message contains.
    never: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Required,
    Excluded,
    Optional,
}

impl Terms {
    /// Parses a pattern without surrounding white space.
    pub(super) fn parse(pattern: &str) -> Result<Self, FilterPatternError> {
        let mut terms = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (role, unprefixed) = role(rest);
            let (text, after) = term(unprefixed)?;
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return Err(FilterPatternError::Malformed);
            }
            terms.push((role, text));
            rest = after.trim_start();
        }
        Ok(Self::new(terms))
    }

    fn new(terms: Vec<(Role, String)>) -> Self {
        // AWS: options count only while nothing else is asked for; one other term makes all of them idle.
        // FilterAndPatternSyntax.html, "Match terms using OR".
        let only_optional = terms.iter().all(|(role, _)| *role == Role::Optional);
        let mut all = Self::default();
        let mut any_optional_matches_all = false;
        for (role, text) in terms {
            // AWS: `" "` matches every event; the documentation shows it for one blank.
            let everywhere = text.trim().is_empty();
            let finder = Finder::new(text.as_bytes()).into_owned();
            match role {
                Role::Required if everywhere => {}
                Role::Required => {
                    all.required.push(text);
                    all.required_finders.push(finder);
                }
                Role::Excluded if everywhere => all.never = true,
                Role::Excluded => all.excluded.push(finder),
                Role::Optional if !only_optional => {}
                Role::Optional if everywhere => any_optional_matches_all = true,
                Role::Optional => all.optional.push(finder),
            }
        }
        if any_optional_matches_all {
            all.optional.clear();
        }
        all
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let found = |finder: &Finder<'_>| finder.find(message.as_bytes()).is_some();
        !self.never
            && self.required_finders.iter().all(found)
            && !self.excluded.iter().any(found)
            && (self.optional.is_empty() || self.optional.iter().any(found))
    }

    pub(super) fn matches_everything(&self) -> bool {
        !self.never && self.required.is_empty() && self.excluded.is_empty() && self.optional.is_empty()
    }

    pub(super) fn required(&self) -> &[String] {
        &self.required
    }
}

fn role(text: &str) -> (Role, &str) {
    if let Some(rest) = text.strip_prefix('?') {
        (Role::Optional, rest)
    } else if let Some(rest) = text.strip_prefix('-') {
        (Role::Excluded, rest)
    } else {
        (Role::Required, text)
    }
}

/// The term at the start of `text`, and what follows it.
fn term(text: &str) -> Result<(String, &str), FilterPatternError> {
    match text.chars().next() {
        Some('"') => quoted(&text[1..]),
        Some('%') => Err(FilterPatternError::Unsupported("regular expressions (%...%)")),
        _ => bare(text),
    }
}

/// The phrase up to the closing quote. A backslash escapes a quote or a backslash and is itself otherwise.
fn quoted(text: &str) -> Result<(String, &str), FilterPatternError> {
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

fn bare(text: &str) -> Result<(String, &str), FilterPatternError> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let legal = |c: char| c.is_alphanumeric() || c == '_';
    if word.is_empty() || !word.chars().all(legal) {
        return Err(FilterPatternError::Term(word.to_owned()));
    }
    Ok((word.to_owned(), rest))
}
