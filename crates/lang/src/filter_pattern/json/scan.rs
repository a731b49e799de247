//! Reads a message as JSON (RFC 8259) once, testing what selectors lead to and skipping the rest.
//!
//! Recursion follows selectors only, whose length the pattern bounds; what is skipped may nest to any depth.

use std::borrow::Cow;

use super::{Hits, Test, Tree};

/// A value, as far as tests look at it.
enum Value<'a> {
    Null,
    Boolean(bool),
    /// As written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Composite,
}

impl Value<'_> {
    /// Its text, if it is a scalar.
    fn scalar(&self) -> Option<String> {
        match self {
            Self::Null => Some("null".to_owned()),
            Self::Boolean(value) => Some(value.to_string()),
            Self::Number(text) => Some((*text).to_owned()),
            Self::Text(text) => Some(text.as_ref().to_owned()),
            Self::Composite => None,
        }
    }
}

/// The tests that hold; none if the message is not one JSON object.
pub(super) fn scan(tree: &Tree, message: &str) -> Option<Hits> {
    Some(read(tree, message, Vec::new())?.hits)
}

/// Of each capture of the tree, the first value found, if it is a scalar; none if the message is not one JSON
/// object.
pub(super) fn capture(tree: &Tree, message: &str) -> Option<Vec<Option<String>>> {
    let captured = read(tree, message, vec![None; tree.tests.len()])?.captured;
    Some(captured.into_iter().map(Option::flatten).collect())
}

fn read<'a>(tree: &'a Tree, message: &'a str, captured: Vec<Option<Option<String>>>) -> Option<Scan<'a>> {
    let mut scan = Scan { text: message, at: 0, tree, reached: vec![0], hits: [0; 4], captured };
    scan.space();
    if scan.peek()? != b'{' {
        return None;
    }
    scan.value(0)?;
    scan.space();
    (scan.at == message.len()).then_some(scan)
}

struct Scan<'a> {
    text: &'a str,
    /// Bytes read.
    at: usize,
    tree: &'a Tree,
    /// Nodes of the tree reached by the values being read, outermost first: a stack.
    reached: Vec<usize>,
    hits: Hits,
    /// By number of the capture: what was found first, and its text if it is a scalar.
    captured: Vec<Option<Option<String>>>,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Reads the value that reached the nodes from `from` on the stack, and tests it.
    fn value(&mut self, from: usize) -> Option<()> {
        match self.peek()? {
            b'{' => {
                self.test(from, &Value::Composite);
                self.members(from)
            }
            b'[' => {
                self.test(from, &Value::Composite);
                self.elements(from)
            }
            b'"' => {
                let raw = self.string()?;
                if self.reached[from..].iter().any(|node| !self.tree.nodes[*node].tests.is_empty()) {
                    self.test(from, &Value::Text(unescaped(raw)));
                }
                Some(())
            }
            _ => {
                let value = self.literal()?;
                self.test(from, &value);
                Some(())
            }
        }
    }

    fn test(&mut self, from: usize, value: &Value<'_>) {
        let tree = self.tree;
        for node in &self.reached[from..] {
            for number in &tree.nodes[*node].tests {
                let test = &tree.tests[*number];
                if matches!(test, Test::Capture) {
                    self.captured[*number].get_or_insert_with(|| value.scalar());
                } else if test.holds(value) {
                    self.hits[number / 64] |= 1 << (number % 64);
                }
            }
        }
    }

    fn members(&mut self, from: usize) -> Option<()> {
        let tree = self.tree;
        let to = self.reached.len();
        self.expect(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            let name = unescaped(self.key()?);
            for parent in from..to {
                let node = &tree.nodes[self.reached[parent]];
                let named = node.members.iter().find(|(member, _)| *member == name);
                self.reached.extend(named.map(|(_, child)| *child));
                self.reached.extend(node.any_member);
            }
            self.inner(to)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn elements(&mut self, from: usize) -> Option<()> {
        let tree = self.tree;
        let to = self.reached.len();
        self.expect(b'[')?;
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        for index in 0.. {
            for parent in from..to {
                let node = &tree.nodes[self.reached[parent]];
                let at_index = node.elements.iter().find(|(element, _)| *element == index);
                self.reached.extend(at_index.map(|(_, child)| *child));
                self.reached.extend(node.any_element);
            }
            self.inner(to)?;
            match self.next()? {
                b',' => {}
                b']' => break,
                _ => return None,
            }
        }
        Some(())
    }

    /// Reads a value inside another, which reached the nodes from `to` on the stack; takes them off.
    fn inner(&mut self, to: usize) -> Option<()> {
        self.space();
        if self.reached.len() > to {
            self.value(to)?;
            self.reached.truncate(to);
        } else {
            self.skip()?;
        }
        self.space();
        Some(())
    }

    /// Reads a value that no selector leads into.
    fn skip(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            self.space();
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.space();
                    if self.peek()? != b'}' {
                        self.key()?;
                        open.push(true);
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    self.space();
                    if self.peek()? != b']' {
                        open.push(false);
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.string()?;
                }
                _ => {
                    self.literal()?;
                }
            }
            // A value has ended; so may the ones around it.
            while let Some(in_object) = open.innermost() {
                self.space();
                match (self.next()?, in_object) {
                    (b',', true) => {
                        self.space();
                        self.key()?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => open.pop(),
                    _ => return None,
                }
            }
            if open.innermost().is_none() {
                return Some(());
            }
        }
    }

    /// A member's name with its colon; the name as written.
    fn key(&mut self) -> Option<&'a str> {
        let name = self.string()?;
        self.space();
        self.expect(b':')?;
        Some(name)
    }

    /// A string, as written between its quotes, escapes checked.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.next()? {
                b'"' => return self.text.get(start..self.at - 1),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            self.next().filter(u8::is_ascii_hexdigit)?;
                        }
                    }
                    _ => return None,
                },
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&mut self) -> Option<Value<'a>> {
        let rest = &self.text[self.at..];
        let words = [("true", Value::Boolean(true)), ("false", Value::Boolean(false)), ("null", Value::Null)];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Some(value);
            }
        }
        let start = self.at;
        self.skip_byte(b"-");
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.skip_byte(b".") {
            self.digits()?;
        }
        if self.skip_byte(b"eE") {
            self.skip_byte(b"+-");
            self.digits()?;
        }
        self.text.get(start..self.at).map(Value::Number)
    }

    fn skip_byte(&mut self, any: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(found);
        found
    }

    /// At least one.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

impl Test {
    fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::IsNull, Value::Null)
            | (Self::IsTrue, Value::Boolean(true))
            | (Self::IsFalse, Value::Boolean(false))
            | (Self::NotExists, _) => true,
            (Self::Compare(comparison), Value::Text(text)) => comparison.holds(text),
            (Self::Compare(comparison), Value::Number(text)) => comparison.holds_for_literal(text),
            (Self::Compare(comparison), Value::Boolean(value)) => {
                comparison.holds_for_literal(if *value { "true" } else { "false" })
            }
            _ => false,
        }
    }
}

/// The text that a checked JSON string stands for. Half a surrogate pair becomes U+FFFD.
fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let Some(kind) = escape.chars().next() else { break };
        rest = &escape[kind.len_utf8()..];
        match kind {
            'u' => {
                let (character, after) = code_point(rest);
                out.push(character);
                rest = after;
            }
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            other => out.push(other),
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of the four digits after a `\u`, and of a second such escape if they are half a pair.
fn code_point(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, text) };
    let after = &text[4..];
    if let Some(second) = after.strip_prefix("\\u").and_then(unit)
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
        && character.len_utf16() == 2
    {
        return (character, &after[6..]);
    }
    (char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER), after)
}

/// The containers around a skipped value: one bit each, without an allocation up to 64.
#[derive(Default)]
struct Nesting {
    /// The innermost ones, the last in bit 0; set for an object.
    bits: u64,
    depth: usize,
    full: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.full.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(bits) = self.full.pop()
        {
            self.bits = bits;
        }
    }

    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }
}
