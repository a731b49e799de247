//! Words of a query.

use crate::text::{QueryError, Span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, underscores.
    Word(String),
    /// In double quotes.
    Quoted(String),
    /// In single quotes.
    Text(String),
    Symbol(&'static str),
}

pub(super) fn tokens(text: &str) -> Result<Vec<(Span, Token)>, QueryError> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        let token = match c {
            _ if c.is_whitespace() => continue,
            '(' => Token::Symbol("("),
            ')' => Token::Symbol(")"),
            ',' => Token::Symbol(","),
            '.' => Token::Symbol("."),
            '=' => Token::Symbol("="),
            '!' if chars.next_if(|(_, next)| *next == '=').is_some() => {
                end += 1;
                Token::Symbol("!=")
            }
            '"' | '\'' => {
                let mut value = String::new();
                loop {
                    match chars.next() {
                        None => {
                            let span = Span::new(start, text.len());
                            return Err(QueryError::at(text, span, "A quotation is not closed"));
                        }
                        Some((at, quote)) if quote == c => {
                            end = at + 1;
                            break;
                        }
                        Some((_, '\\')) => value.extend(chars.next().map(|(_, escaped)| escaped)),
                        Some((_, other)) => value.push(other),
                    }
                }
                if c == '"' { Token::Quoted(value) } else { Token::Text(value) }
            }
            _ if c.is_ascii_alphanumeric() || c == '_' => {
                while let Some((at, _)) =
                    chars.next_if(|(_, next)| next.is_ascii_alphanumeric() || *next == '_')
                {
                    end = at + 1;
                }
                Token::Word(text[start..end].to_owned())
            }
            other => {
                let message = format!(
                    "Unexpected '{other}' (names with other than letters, digits and underscores need double quotes)"
                );
                return Err(QueryError::at(text, Span::new(start, end), message));
            }
        };
        tokens.push((Span::new(start, end), token));
    }
    Ok(tokens)
}
