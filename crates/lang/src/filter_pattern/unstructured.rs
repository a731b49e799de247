//! The unstructured dialect: terms that a message contains, may contain or must not contain.
//! Terms are substrings, case-sensitive (`spec/filter-patterns.md` §3).

use ::regex::Regex;
use memchr::memmem::Finder;

use super::FilterPatternError;
use super::compare::quoted;
use super::regex;

/// Regular expressions in one pattern. AWS states a limit for the other dialects only; this one bounds memory.
const REGEXES_MAX: usize = 10;

/// The terms of a pattern.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    required: Vec<Term>,
    excluded: Vec<Term>,
    /// At least one of them must occur, if there are any.
    optional: Vec<Term>,
    /// An excluded term that every message contains.
    never: bool,
    regexes: usize,
}

#[derive(Debug, Clone)]
enum Term {
    Text(Box<Finder<'static>>),
    Regex(Regex),
}

impl Term {
    fn text(text: &str) -> Self {
        Self::Text(Box::new(Finder::new(text).into_owned()))
    }

    fn occurs(&self, message: &str) -> bool {
        match self {
            Self::Text(finder) => finder.find(message.as_bytes()).is_some(),
            Self::Regex(regex) => regex.is_match(message),
        }
    }

    /// AWS: `" "` matches every event; the documentation shows it for one blank.
    fn is_everywhere(&self) -> bool {
        match self {
            Self::Text(finder) => String::from_utf8_lossy(finder.needle()).trim().is_empty(),
            Self::Regex(_) => false,
        }
    }
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
        let mut regexes = 0;
        while !rest.is_empty() {
            let (role, unprefixed) = role(rest);
            let (term, after) = term(unprefixed)?;
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return Err(FilterPatternError::Malformed);
            }
            regexes += usize::from(matches!(term, Term::Regex(_)));
            if regexes > REGEXES_MAX {
                return Err(FilterPatternError::Refused("more than ten regular expressions"));
            }
            terms.push((role, term));
            rest = after.trim_start();
        }
        Ok(Self { regexes, ..Self::new(terms) })
    }

    fn new(terms: Vec<(Role, Term)>) -> Self {
        // AWS: options count only while nothing else is asked for; one other term makes all of them idle.
        // FilterAndPatternSyntax.html, "Match terms using OR".
        let only_optional = terms.iter().all(|(role, _)| *role == Role::Optional);
        let mut all = Self::default();
        let mut any_optional_matches_all = false;
        for (role, term) in terms {
            let everywhere = term.is_everywhere();
            match role {
                Role::Required if everywhere => {}
                Role::Required => all.required.push(term),
                Role::Excluded if everywhere => all.never = true,
                Role::Excluded => all.excluded.push(term),
                Role::Optional if !only_optional => {}
                Role::Optional if everywhere => any_optional_matches_all = true,
                Role::Optional => all.optional.push(term),
            }
        }
        if any_optional_matches_all {
            all.optional.clear();
        }
        all
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let found = |term: &Term| term.occurs(message);
        !self.never
            && self.required.iter().all(found)
            && !self.excluded.iter().any(found)
            && (self.optional.is_empty() || self.optional.iter().any(found))
    }

    pub(super) fn matches_everything(&self) -> bool {
        !self.never && self.required.is_empty() && self.excluded.is_empty() && self.optional.is_empty()
    }

    pub(super) fn regexes(&self) -> usize {
        self.regexes
    }

    /// Texts that every matching message contains.
    pub(super) fn required(&self) -> Vec<String> {
        let texts = self.required.iter().filter_map(|term| match term {
            Term::Text(finder) => Some(String::from_utf8_lossy(finder.needle()).into_owned()),
            Term::Regex(_) => None,
        });
        texts.collect()
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
fn term(text: &str) -> Result<(Term, &str), FilterPatternError> {
    if let Some(text) = text.strip_prefix('"') {
        let (phrase, rest) = quoted(text)?;
        Ok((Term::text(&phrase), rest))
    } else if let Some(text) = text.strip_prefix('%') {
        let (regex, rest) = regex::literal(text)?;
        Ok((Term::Regex(regex), rest))
    } else {
        let (word, rest) = bare(text)?;
        Ok((Term::text(word), rest))
    }
}

fn bare(text: &str) -> Result<(&str, &str), FilterPatternError> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let legal = |c: char| c.is_alphanumeric() || c == '_';
    if word.is_empty() || !word.chars().all(legal) {
        return Err(FilterPatternError::Term(word.to_owned()));
    }
    Ok((word, rest))
}
