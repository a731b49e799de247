//! Tokens of the piped languages, read on demand: only the parser knows where a `/` begins a regular
//! expression.

use super::{QueryError, Span};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// An identifier, keyword or path. Backticked parts and `[index]` are already folded into the dotted
    /// path, so ``a.`b c`[0]`` reads `a.b c.0`. A word that had backticks is never a keyword.
    Word {
        text: String,
        quoted: bool,
    },
    String(String),
    Number(f64),
    /// `5m`: digits and the letters that follow them at once.
    Quantity {
        count: u64,
        unit: String,
    },
    Symbol(Symbol),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Pipe,
    Comma,
    OpenParen,
    CloseParen,
    OpenBracket,
    CloseBracket,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Not,
    Colon,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Continues reading at a byte offset that an earlier span gave.
    pub(crate) fn seek(&mut self, at: usize) {
        self.at = at;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, start: usize, message: &str) -> QueryError {
        QueryError::at(self.text, Span::new(start, self.at.max(start + 1).min(self.text.len())), message)
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    pub(crate) fn next(&mut self) -> Result<(Token, Span), QueryError> {
        self.skip_blanks_and_comments();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok((Token::End, Span::new(start, start)));
        };
        let token = match first {
            '\'' | '"' => self.string(first)?,
            '0'..='9' => self.number()?,
            '`' => self.word()?,
            c if is_word_start(c) => self.word()?,
            _ => Token::Symbol(self.symbol()?),
        };
        Ok((token, Span::new(start, self.at)))
    }

    /// If the next character begins a regular expression, its text without the slashes; `\/` is a slash.
    pub(crate) fn regex(&mut self) -> Result<Option<(String, Span)>, QueryError> {
        self.skip_blanks_and_comments();
        let start = self.at;
        let Some(body) = self.rest().strip_prefix('/') else { return Ok(None) };
        let mut pattern = String::new();
        let mut escaped = false;
        for (offset, c) in body.char_indices() {
            match c {
                '/' if escaped => {
                    pattern.pop();
                    pattern.push('/');
                    escaped = false;
                }
                '/' => {
                    self.at = start + 1 + offset + 1;
                    return Ok(Some((pattern, Span::new(start, self.at))));
                }
                _ => {
                    escaped = c == '\\' && !escaped;
                    pattern.push(c);
                }
            }
        }
        self.at = self.text.len();
        Err(self.error(start, "regular expression is not closed"))
    }

    fn string(&mut self, quote: char) -> Result<Token, QueryError> {
        let start = self.at;
        let mut value = String::new();
        let mut characters = self.rest()[1..].char_indices();
        while let Some((offset, c)) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some((_, escaped)) if escaped == quote || escaped == '\\' => value.push(escaped),
                    Some((_, other)) => value.extend(['\\', other]),
                    None => break,
                },
                c if c == quote => {
                    self.at = start + 1 + offset + 1;
                    return Ok(Token::String(value));
                }
                c => value.push(c),
            }
        }
        self.at = self.text.len();
        Err(self.error(start, "string is not closed"))
    }

    fn digits(&mut self) -> usize {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += digits;
        digits
    }

    fn number(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        self.digits();
        let integer_end = self.at;
        let mut bytes = self.rest().bytes();
        if bytes.next() == Some(b'.') && bytes.next().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
            self.digits();
        }
        let before_exponent = self.at;
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            if self.digits() == 0 {
                self.at = before_exponent;
            }
        }
        let letters = self.rest().chars().take_while(|c| is_word_part(*c)).map(char::len_utf8).sum::<usize>();
        if letters > 0 {
            let unit = &self.rest()[..letters];
            let whole = self.at == integer_end && unit.chars().all(|c| c.is_ascii_alphabetic());
            let count = self.text[start..self.at].parse();
            self.at += letters;
            return match count {
                Ok(count) if whole => Ok(Token::Quantity { count, unit: unit.to_owned() }),
                _ => Err(self.error(start, "malformed number")),
            };
        }
        match self.text[start..self.at].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Number(number)),
            _ => Err(self.error(start, "number is out of range")),
        }
    }

    fn word(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let mut path = String::new();
        let mut quoted = false;
        loop {
            let rest = self.rest();
            if let Some(body) = rest.strip_prefix('`') {
                let Some(length) = body.find('`') else {
                    self.at = self.text.len();
                    return Err(self.error(start, "backtick is not closed"));
                };
                path.push_str(&body[..length]);
                self.at += length + 2;
                quoted = true;
                continue;
            }
            let length = rest.chars().take_while(|c| is_word_part(*c)).map(char::len_utf8).sum::<usize>();
            if length > 0 {
                path.push_str(&rest[..length]);
                self.at += length;
                continue;
            }
            let keyword = !quoted && path.eq_ignore_ascii_case("in");
            match index(rest) {
                Some((number, length)) if !keyword => {
                    path.push('.');
                    path.push_str(number);
                    self.at += length;
                }
                _ => return Ok(Token::Word { text: path, quoted }),
            }
        }
    }

    fn symbol(&mut self) -> Result<Symbol, QueryError> {
        let rest = self.rest();
        let two = match rest.get(..2) {
            Some("!=") => Some(Symbol::NotEqual),
            Some("<=") => Some(Symbol::LessOrEqual),
            Some(">=") => Some(Symbol::GreaterOrEqual),
            Some("=~") => Some(Symbol::Matches),
            _ => None,
        };
        if let Some(symbol) = two {
            self.at += 2;
            return Ok(symbol);
        }
        let start = self.at;
        let first = rest.chars().next().unwrap_or(' ');
        self.at += first.len_utf8();
        Ok(match first {
            '|' => Symbol::Pipe,
            ',' => Symbol::Comma,
            '(' => Symbol::OpenParen,
            ')' => Symbol::CloseParen,
            '[' => Symbol::OpenBracket,
            ']' => Symbol::CloseBracket,
            '=' => Symbol::Equal,
            '<' => Symbol::Less,
            '>' => Symbol::Greater,
            '+' => Symbol::Plus,
            '-' => Symbol::Minus,
            '*' => Symbol::Star,
            '/' => Symbol::Slash,
            '%' => Symbol::Percent,
            '^' => Symbol::Caret,
            '!' => Symbol::Not,
            ':' => Symbol::Colon,
            other => {
                let (line, position) = super::line_and_position(self.text, start);
                let message =
                    format!("unexpected symbol found {other} at line {line} and position {position}");
                return Err(self.error(start, &message));
            }
        })
    }
}

/// `[12]` at the start of a text: the digits, and the length of the whole.
fn index(text: &str) -> Option<(&str, usize)> {
    let body = text.strip_prefix('[')?;
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && body[digits..].starts_with(']')).then(|| (&body[..digits], digits + 2))
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next().unwrap().0 {
                Token::End => return tokens,
                token => tokens.push(token),
            }
        }
    }

    fn word(text: &str, quoted: bool) -> Token {
        Token::Word { text: text.into(), quoted }
    }

    #[test]
    fn words_paths_and_backticks() {
        assert_eq!(tokens("a.b_1 @message"), [word("a.b_1", false), word("@message", false)]);
        assert_eq!(tokens("json_message.`user.id`"), [word("json_message.user.id", true)]);
        assert_eq!(tokens("list[0].name"), [word("list.0.name", false)]);
        assert_eq!(tokens("`foo-bar`"), [word("foo-bar", true)]);
        assert_eq!(tokens("foo-bar").len(), 3);
        assert_eq!(tokens("in[1]").len(), 4);
    }

    #[test]
    fn numbers_quantities_strings_and_comments() {
        assert_eq!(tokens("1.5e3"), [Token::Number(1500.0)]);
        assert_eq!(tokens("5m"), [Token::Quantity { count: 5, unit: "m".into() }]);
        assert_eq!(tokens("# all of it"), []);
        assert_eq!(tokens(r#"'it\'s' # no"#), [Token::String("it's".into())]);
        assert_eq!(tokens(r#""a\d\\""#), [Token::String(r"a\d\".into())]);
        assert!(Lexer::new("'open").next().is_err());
        assert!(Lexer::new("1.5m").next().is_err());
        assert!(Lexer::new("5é").next().is_err());
    }

    #[test]
    fn regexes_keep_their_escapes_but_for_the_slash() {
        let read = |text| Lexer::new(text).regex().unwrap().map(|(pattern, _)| pattern);
        assert_eq!(read(r" /a\/b\d/ x"), Some(r"a/b\d".into()));
        assert_eq!(read(r"/\\/"), Some(r"\\".into()));
        assert_eq!(read("a"), None);
        assert!(Lexer::new("/a").regex().is_err());
    }
}
