//! Words of an expression.

use super::MathError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    /// Letters, digits and underscores.
    Word(String),
    Symbol(&'static str),
}

/// The tokens of a text, each with the byte it begins at.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, MathError> {
    const SYMBOLS: [&str; 20] = [
        "==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",", ".",
        "=",
    ];
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let start = at;
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first.is_ascii_digit()
            || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            let length = number_length(rest);
            let value: f64 = rest[..length].parse().map_err(|_| unexpected(&rest[..length], start))?;
            if !value.is_finite() {
                return Err(MathError::new(format!("The number at position {start} is too large")));
            }
            at += length;
            tokens.push((start, Token::Number(value)));
        } else if first.is_ascii_alphabetic() || first == '_' {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            at += length;
            tokens.push((start, Token::Word(rest[..length].to_owned())));
        } else if first == '\'' || first == '"' {
            let (value, length) = string(rest, first)
                .ok_or_else(|| MathError::new(format!("The text at position {start} is not closed")))?;
            at += length;
            tokens.push((start, Token::Text(value)));
        } else {
            let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
            let symbol = symbol.ok_or_else(|| unexpected(&first.to_string(), start))?;
            at += symbol.len();
            tokens.push((start, Token::Symbol(symbol)));
        }
    }
    Ok(tokens)
}

pub(super) fn unexpected(what: &str, at: usize) -> MathError {
    MathError::new(format!("Unexpected '{what}' at position {at}"))
}

/// Digits with an optional fraction and exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

/// The text between quotes and the length with them. A backslash keeps the next quote from ending it; before
/// anything else it stays, because search expressions have escapes of their own.
fn string(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((value, at + 1));
        }
        if c == '\\' && chars.peek().is_some_and(|(_, next)| *next == quote) {
            value.push(quote);
            chars.next();
        } else if c == '\\' && chars.peek().is_some_and(|(_, next)| *next == '\\') {
            value.push_str("\\\\");
            chars.next();
        } else {
            value.push(c);
        }
    }
    None
}
