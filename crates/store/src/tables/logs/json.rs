//! Finds the scalars of a JSON object in a message, without building a tree.
//!
//! Strict RFC 8259: what is not a JSON object yields nothing. Each scalar is known by its place in the
//! message, so that the text between scalars and the scalars together are the message, byte for byte.

use std::ops::Range;

/// Fields discovered in one event. AWS: `CWL_AnalyzeLogData-discoverable-fields.html`.
pub(crate) const FIELDS_MAX: usize = 200;
/// Deeper nesting yields no fields.
const DEPTH_MAX: usize = 100;

/// What the scalar is in JSON. `null` is no scalar: a null member is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    String,
    Number,
    Bool,
}

impl Class {
    pub(crate) const ALL: [Class; 3] = [Class::String, Class::Number, Class::Bool];

    pub(crate) fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// A scalar; for a string the range lies inside the quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) class: Class,
    path_start: u32,
    path_end: u32,
}

/// The scalars of one message in document order. Kept by the caller and filled again and again.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    pub(crate) scalars: Vec<Scalar>,
    paths: String,
    path: String,
    /// There were more than [`FIELDS_MAX`].
    pub(crate) cut_off: bool,
    /// A string value holds escapes.
    pub(crate) escapes: bool,
}

impl Flat {
    pub(crate) fn path(&self, scalar: &Scalar) -> &str {
        &self.paths[scalar.path_start as usize..scalar.path_end as usize]
    }

    /// Whether two scalars have the same path.
    pub(crate) fn has_duplicates(
        &self,
        seen: &mut hashbrown::HashSet<u64, foldhash::fast::FixedState>,
    ) -> bool {
        seen.clear();
        self.scalars.iter().any(|s| !seen.insert(xxhash_rust::xxh3::xxh3_64(self.path(s).as_bytes())))
    }
}

/// Where in the message the JSON object is from which fields are discovered. Lines of Lambda functions,
/// which carry one behind other text, will be recognised here.
fn object_span(message: &[u8]) -> Option<Range<usize>> {
    let start = message.iter().position(|b| !is_space(*b))?;
    (message[start] == b'{').then_some(start..message.len())
}

/// Fills `flat` with the scalars of `message`; false if it holds no JSON object.
pub(crate) fn flatten(message: &str, flat: &mut Flat) -> bool {
    flat.scalars.clear();
    flat.paths.clear();
    flat.path.clear();
    flat.cut_off = false;
    flat.escapes = false;
    let bytes = message.as_bytes();
    let Some(span) = object_span(bytes) else { return false };
    if bytes.len() > u32::MAX as usize {
        return false;
    }
    let mut cursor = Cursor { text: message, bytes, at: span.start };
    let whole = cursor.object(flat, 0).is_some() && {
        cursor.space();
        cursor.at == bytes.len()
    };
    if !whole {
        flat.scalars.clear();
    }
    whole
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|b| is_space(*b)) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.bytes.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn object(&mut self, flat: &mut Flat, depth: usize) -> Option<()> {
        self.eat(b'{')?;
        if depth >= DEPTH_MAX {
            return None;
        }
        self.space();
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            self.space();
            let (key, escaped) = self.string()?;
            let outer = flat.path.len();
            if depth > 0 {
                flat.path.push('.');
            }
            let before_key = flat.path.len();
            if escaped {
                unescape_into(&self.text[key], &mut flat.path)?;
            } else {
                flat.path.push_str(&self.text[key]);
            }
            // AWS: a field that begins with @ gets one more, so that it cannot pose as a system field.
            if depth == 0 && flat.path[before_key..].starts_with('@') {
                flat.path.insert(before_key, '@');
            }
            self.space();
            self.eat(b':')?;
            self.value(flat, depth + 1)?;
            flat.path.truncate(outer);
            self.space();
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    fn array(&mut self, flat: &mut Flat, depth: usize) -> Option<()> {
        self.eat(b'[')?;
        if depth >= DEPTH_MAX {
            return None;
        }
        self.space();
        if self.eat(b']').is_some() {
            return Some(());
        }
        let outer = flat.path.len();
        for index in 0usize.. {
            flat.path.push('.');
            let mut digits = Vec::with_capacity(8);
            write_integer(index as i64, &mut digits);
            digits.iter().for_each(|d| flat.path.push(char::from(*d)));
            self.value(flat, depth + 1)?;
            flat.path.truncate(outer);
            self.space();
            if self.eat(b',').is_none() {
                break;
            }
        }
        self.eat(b']')
    }

    fn value(&mut self, flat: &mut Flat, depth: usize) -> Option<()> {
        self.space();
        match *self.bytes.get(self.at)? {
            b'{' => self.object(flat, depth),
            b'[' => self.array(flat, depth),
            b'"' => {
                let (range, escaped) = self.string()?;
                if escaped {
                    flat.escapes = true;
                    let text = &self.text[range.clone()];
                    unescape(text)?;
                }
                push(flat, range, Class::String);
                Some(())
            }
            b't' => self.word("true", flat),
            b'f' => self.word("false", flat),
            b'n' => self.bytes[self.at..].starts_with(b"null").then(|| self.at += 4),
            _ => {
                let length = number_length(&self.bytes[self.at..]);
                if !is_number(&self.bytes[self.at..self.at + length]) {
                    return None;
                }
                push(flat, self.at..self.at + length, Class::Number);
                self.at += length;
                Some(())
            }
        }
    }

    fn word(&mut self, word: &str, flat: &mut Flat) -> Option<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return None;
        }
        push(flat, self.at..self.at + word.len(), Class::Bool);
        self.at += word.len();
        Some(())
    }

    /// The range inside the quotes, and whether it holds a backslash. Escapes are not checked here.
    fn string(&mut self) -> Option<(Range<usize>, bool)> {
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
        let range = start..self.at;
        self.at += 1;
        Some((range, escaped))
    }
}

fn push(flat: &mut Flat, range: Range<usize>, class: Class) {
    if flat.scalars.len() >= FIELDS_MAX {
        flat.cut_off = true;
        return;
    }
    let path_start = flat.paths.len() as u32;
    flat.paths.push_str(&flat.path);
    flat.scalars.push(Scalar {
        start: range.start as u32,
        end: range.end as u32,
        class,
        path_start,
        path_end: flat.paths.len() as u32,
    });
}

/// How many bytes from here on may belong to a number.
pub(crate) fn number_length(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .unwrap_or(bytes.len())
}

/// Whether this is a JSON number, whole.
pub(crate) fn is_number(bytes: &[u8]) -> bool {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at) {
        Some(b'0') => at += 1,
        Some(b'1'..=b'9') => at += digits(at),
        _ => return false,
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

/// The value of a string literal's inside; `None` if an escape is not one, or is half a surrogate pair.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    unescape_into(text, &mut out)?;
    Some(out)
}

fn unescape_into(text: &str, out: &mut String) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let kind = *rest.as_bytes().first()?;
        if !kind.is_ascii() {
            return None;
        }
        rest = &rest[1..];
        out.push(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex4(rest)?;
                rest = &rest[4..];
                if (0xD800..0xDC00).contains(&high) {
                    let low = hex4(rest.strip_prefix("\\u")?)?;
                    rest = &rest[6..];
                    if !(0xDC00..0xE000).contains(&low) {
                        return None;
                    }
                    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?
                } else {
                    char::from_u32(high)?
                }
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(())
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.as_bytes().get(..4)?;
    digits.iter().try_fold(0, |value, d| Some(value << 4 | char::from(*d).to_digit(16)?))
}

/// Appends the decimal text of `value`.
pub(crate) fn write_integer(value: i64, out: &mut Vec<u8>) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    out.extend_from_slice(&buffer[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(message: &str) -> Option<Vec<(String, String)>> {
        let mut flat = Flat::default();
        flatten(message, &mut flat).then(|| {
            let text = |s: &Scalar| message[s.start as usize..s.end as usize].to_owned();
            flat.scalars.iter().map(|s| (flat.path(s).to_owned(), text(s))).collect()
        })
    }

    fn pairs(expected: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        Some(expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn objects_are_flattened_by_path() {
        let message = r#" {"a":1,"b":{"c":"x","d":[true,null,{"e":-1.5e3}]},"@f":"y","g":{},"h":[]}"#;
        let expected = [("a", "1"), ("b.c", "x"), ("b.d.0", "true"), ("b.d.2.e", "-1.5e3"), ("@@f", "y")];
        assert_eq!(fields(message), pairs(&expected));
        assert_eq!(fields("{}"), pairs(&[]));
        assert_eq!(fields("{\"a\\u0041\":\"\\n\"}\n"), pairs(&[("aA", "\\n")]));
    }

    #[test]
    fn what_is_not_a_json_object_has_no_fields() {
        let broken = [
            "",
            "[1]",
            "1",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1} x",
            "{\"a\":nul}",
            "{a:1}",
            "{\"a\":\"\\",
            "{\"a\":1 2}",
            "{\"a\":.5}",
            "{\"a\":1e}",
        ];
        for message in broken {
            assert_eq!(fields(message), None, "{message}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        assert_eq!(fields(&deep), None);
    }

    #[test]
    fn the_first_two_hundred_fields_count() {
        let members: Vec<String> = (0..250).map(|i| format!("\"k{i}\":{i}")).collect();
        let found = fields(&format!("{{{}}}", members.join(","))).expect("json");
        assert_eq!(found.len(), FIELDS_MAX);
        assert_eq!(found[199].0, "k199");
    }

    #[test]
    fn integers_are_written_in_decimal() {
        for value in [0, 7, -7, i64::MAX, i64::MIN, 1000] {
            let mut out = Vec::new();
            write_integer(value, &mut out);
            assert_eq!(String::from_utf8(out).expect("ascii"), value.to_string());
        }
    }
}
