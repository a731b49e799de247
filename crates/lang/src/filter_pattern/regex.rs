//! The regular expressions of filter patterns: a small language of its own between percent signs
//! (`spec/filter-patterns.md` §6), rewritten for the `regex` crate.

use std::iter::Peekable;
use std::str::Chars;

use ::regex::{Regex, RegexBuilder};

use super::FilterPatternError;

/// Largest compiled program. With at most 1,024 characters and no groups only counted repetition gets there.
const PROGRAM_BYTES_MAX: usize = 1 << 20;
const OPERATORS: &str = "^$?[]{}|\\*+.";
const SYMBOLS: &str = ":_#=@/;,- ";

/// Compiles what stands between the percent signs; it is searched anywhere in a text, in time linear in it.
pub(super) fn compile(source: &str) -> Result<Regex, FilterPatternError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || OPERATORS.contains(c) || SYMBOLS.contains(c);
    if !source.chars().all(legal) {
        return Err(FilterPatternError::Term(format!("%{source}%")));
    }
    let rewritten = rewrite(source).ok_or(FilterPatternError::Refused("not a regular expression"))?;
    RegexBuilder::new(&rewritten)
        .dot_matches_new_line(true)
        .size_limit(PROGRAM_BYTES_MAX)
        .dfa_size_limit(PROGRAM_BYTES_MAX)
        .build()
        .map_err(|error| match error {
            ::regex::Error::CompiledTooBig(_) => {
                FilterPatternError::Refused("the regular expression is too large")
            }
            _ => FilterPatternError::Refused("not a regular expression"),
        })
}

/// The regular expression at the start of `text`, whose opening percent sign is already read, and the rest.
pub(super) fn literal(text: &str) -> Result<(Regex, &str), FilterPatternError> {
    let (source, rest) =
        text.split_once('%').ok_or(FilterPatternError::Refused("a regular expression is not closed by %"))?;
    Ok((compile(source)?, rest))
}

type Source<'a> = Peekable<Chars<'a>>;

/// The same expression as the `regex` crate writes it; none if it is not well formed.
fn rewrite(source: &str) -> Option<String> {
    let mut out = String::with_capacity(source.len() + 16);
    let mut rest = source.chars().peekable();
    // Whether something repeatable was just written. A second quantifier would make the first one lazy.
    let mut repeatable = false;
    while let Some(c) = rest.next() {
        repeatable = match c {
            '^' | '$' | '|' => {
                out.push(c);
                false
            }
            '?' | '*' | '+' if repeatable => {
                out.push(c);
                false
            }
            '{' if repeatable => {
                counts(&mut rest, &mut out)?;
                false
            }
            '?' | '*' | '+' | '{' => return None,
            '.' => {
                out.push('.');
                true
            }
            '[' => {
                class(&mut rest, &mut out)?;
                true
            }
            '\\' => {
                match escape(&mut rest)? {
                    Escape::Set(set) => out.push_str(set),
                    Escape::Character(c) => push(c, &mut out),
                }
                true
            }
            other => {
                push(other, &mut out);
                true
            }
        };
    }
    Some(out)
}

/// `m}`, `m,}`, `,n}` or `m,n}` after an opening brace.
fn counts(rest: &mut Source<'_>, out: &mut String) -> Option<()> {
    let mut inner = String::new();
    loop {
        match rest.next()? {
            '}' => break,
            c if c.is_ascii_digit() || c == ',' => inner.push(c),
            _ => return None,
        }
    }
    match inner.split_once(',') {
        None if inner.is_empty() => return None,
        None => out.push_str(&format!("{{{inner}}}")),
        Some((_, high)) if high.contains(',') => return None,
        Some((low, high)) => {
            out.push_str(&format!("{{{},{high}}}", if low.is_empty() { "0" } else { low }));
        }
    }
    Some(())
}

/// What follows an opening bracket, up to the closing one.
fn class(rest: &mut Source<'_>, out: &mut String) -> Option<()> {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut empty = true;
    loop {
        let low = match rest.next()? {
            ']' if empty => return None,
            ']' => break,
            '\\' => match escape(rest)? {
                Escape::Set(set) => {
                    out.push_str(set);
                    empty = false;
                    continue;
                }
                Escape::Character(c) => c,
            },
            c => c,
        };
        empty = false;
        push(low, out);
        if rest.peek() == Some(&'-') && rest.clone().nth(1)? != ']' {
            rest.next();
            let high = match rest.next()? {
                '\\' => match escape(rest)? {
                    Escape::Set(_) => return None,
                    Escape::Character(c) => c,
                },
                c => c,
            };
            if low > high {
                return None;
            }
            out.push('-');
            push(high, out);
        }
    }
    out.push(']');
    Some(())
}

enum Escape {
    Set(&'static str),
    Character(char),
}

/// What follows a backslash. Sets are ASCII, as AWS defines them.
fn escape(rest: &mut Source<'_>) -> Option<Escape> {
    Some(match rest.next()? {
        'd' => Escape::Set("[0-9]"),
        'D' => Escape::Set("[^0-9]"),
        's' => Escape::Set("[ \\t\\n]"),
        'S' => Escape::Set("[^ \\t\\n]"),
        'w' => Escape::Set("[A-Za-z_0-9]"),
        'W' => Escape::Set("[^A-Za-z_0-9]"),
        'x' => {
            let digits = [rest.next()?.to_digit(16)?, rest.next()?.to_digit(16)?];
            Escape::Character(char::from_u32(digits[0] * 16 + digits[1]).filter(char::is_ascii)?)
        }
        c if c.is_ascii_alphanumeric() => return None,
        c => Escape::Character(c),
    })
}

/// Writes a character that stands for itself, inside or outside a class.
fn push(c: char, out: &mut String) {
    out.push_str(&format!("\\x{{{:x}}}", c as u32));
}
