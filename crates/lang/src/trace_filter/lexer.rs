//! Tokens of filter expressions.

use super::TraceFilterError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, function or unquoted value, dots included.
    Word(String),
    String(String),
    Number(f64),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, `!`, brackets, comma, colon, `#`.
    Symbol(&'static str),
    End,
}

impl Token {
    /// As it is named in messages.
    pub(super) fn describe(&self) -> String {
        match self {
            Token::Word(word) => format!("'{word}'"),
            Token::String(_) => "a string".to_owned(),
            Token::Number(_) => "a number".to_owned(),
            Token::Symbol(symbol) => format!("'{symbol}'"),
            Token::End => "the end".to_owned(),
        }
    }
}

/// Longer ones first.
const SYMBOLS: [&str; 16] =
    ["!=", "<=", ">=", "=", "<", ">", "!", "(", ")", "{", "}", "[", "]", ",", ":", "#"];

/// All tokens with their byte offsets, an `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, TraceFilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else {
            tokens.push((Token::End, at));
            return Ok(tokens);
        };
        let start = at;
        let token = if first == '"' {
            let (value, length) = string(trimmed).ok_or_else(|| error("the string is not closed", start))?;
            at += length;
            Token::String(value)
        } else if first.is_ascii_digit() || first == '-' {
            let length = number_length(trimmed);
            at += length;
            Token::Number(trimmed[..length].parse().map_err(|_| error("not a number", start))?)
        } else if is_word(first) {
            let length = trimmed.find(|c| !is_word(c) && c != '.' && c != '-').unwrap_or(trimmed.len());
            at += length;
            Token::Word(trimmed[..length].to_owned())
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| trimmed.starts_with(**symbol)) {
            at += symbol.len();
            Token::Symbol(symbol)
        } else {
            return Err(error(&format!("unexpected '{first}'"), start));
        };
        tokens.push((token, start));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn error(reason: &str, position: usize) -> TraceFilterError {
    TraceFilterError { reason: reason.to_owned(), position }
}

/// The value and length of the string that `text` starts with. A backslash before anything but a quote or
/// a backslash stands for itself.
fn string(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            _ => value.push(c),
        }
    }
    None
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits =
        |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes[0] == b'-');
    at += digits(at);
    if bytes.get(at) == Some(&b'.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
