//! One pass over a document's text: checks that it is JSON, keeps what [`super::rules`] keeps, writes that
//! compactly, and notes the members every document must have. Nothing is built in between.
//!
//! Text and numbers are copied as they were written, so no digit of a time is lost.

use std::borrow::Cow;

use base::Timestamp;

use super::rules::{self, ObjectRule, Rule};

/// A compiled document.
#[derive(Debug)]
pub(super) struct Compiled<'a> {
    pub facts: Facts<'a>,
    /// Compact JSON.
    pub document: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotCompiled {
    /// Not JSON, or a plain value.
    Syntax,
    Array,
}

/// The members every segment and subsegment is judged by.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub id: Found<'a>,
    pub trace_id: Found<'a>,
    pub parent_id: Found<'a>,
    pub name: Found<'a>,
    pub start_time: Moment,
    pub end_time: Moment,
    pub in_progress: bool,
    /// `type` is `subsegment`.
    pub subsegment: bool,
    /// Of the embedded subsegments that were kept.
    pub embedded: Extent,
    /// Where the member `in_progress` was written.
    in_progress_at: Option<(usize, usize)>,
}

/// The time something covers, in seconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    pub first: f64,
    pub last: f64,
    pub unfinished: bool,
}

impl Default for Extent {
    fn default() -> Self {
        Self { first: f64::INFINITY, last: f64::NEG_INFINITY, unfinished: false }
    }
}

impl Extent {
    fn merge(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            unfinished: self.unfinished || other.unfinished,
        }
    }
}

impl Facts<'_> {
    /// What the entity covers, with what is embedded in it. Its own times must have been checked.
    pub(crate) fn extent(&self) -> Extent {
        let secs = |moment| if let Moment::At(secs) = moment { Some(secs) } else { None };
        let start = secs(self.start_time).unwrap_or_default();
        let end = secs(self.end_time);
        self.embedded.merge(Extent { first: start, last: end.unwrap_or(start), unfinished: end.is_none() })
    }
}

/// A text member. `null` counts as absent.
#[derive(Debug, Default)]
pub(crate) enum Found<'a> {
    #[default]
    Absent,
    /// Present, but not text.
    Wrong,
    Text(Cow<'a, str>),
}

/// A time in seconds. `null` counts as absent.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum Moment {
    #[default]
    Absent,
    /// Present, but not a finite number.
    Wrong,
    At(f64),
}

pub(super) fn compile(text: &str, received: Timestamp) -> Result<Compiled<'_>, NotCompiled> {
    let out = Vec::with_capacity(text.len() + 16);
    let mut compiler = Compiler { text, src: text.as_bytes(), at: 0, out, received };
    let result = compiler.document();
    match result {
        Ok(Some(facts)) => Ok(Compiled { facts, document: compiler.out }),
        Ok(None) => Err(NotCompiled::Array),
        Err(Malformed) => Err(NotCompiled::Syntax),
    }
}

/// The text is not JSON.
struct Malformed;

struct Compiler<'a> {
    text: &'a str,
    src: &'a [u8],
    at: usize,
    out: Vec<u8>,
    received: Timestamp,
}

/// Member numbers of the facts inside the mask of members seen; those of [`rules::ENTITY`] follow.
const FACTS: [&str; 9] =
    ["id", "trace_id", "parent_id", "name", "start_time", "end_time", "in_progress", "type", "subsegments"];

impl<'a> Compiler<'a> {
    /// `None` for an array.
    fn document(&mut self) -> Result<Option<Facts<'a>>, Malformed> {
        let facts = match self.peek()? {
            b'{' => Some(self.entity(0)?),
            b'[' => {
                self.copy_any()?;
                None
            }
            _ => return Err(Malformed),
        };
        self.skip_space();
        if self.at == self.src.len() { Ok(facts) } else { Err(Malformed) }
    }

    /// A segment or subsegment; `depth` 0 is the document itself.
    fn entity(&mut self, depth: usize) -> Result<Facts<'a>, Malformed> {
        let mut facts = Facts::default();
        let mut seen = 0u64;
        self.object(|this, key| {
            let fact = FACTS.iter().position(|name| *name == key);
            let number = match fact {
                Some(fact) => Some(fact),
                None => rules::ENTITY.members.iter().position(|m| m.0 == key).map(|i| i + FACTS.len()),
            };
            // Of a repeated member the first counts.
            let Some(number) = number.filter(|n| seen & (1 << n) == 0) else { return this.skip() };
            seen |= 1 << number;
            match fact {
                Some(_) => this.fact(&key, &mut facts, depth),
                None => {
                    let (name, rule) = &rules::ENTITY.members[number - FACTS.len()];
                    this.ruled_member(name, rule)
                }
            }
        })?;
        // What says both has ended.
        if facts.in_progress && !matches!(facts.end_time, Moment::Absent) {
            facts.in_progress = false;
            if let Some((from, to)) = facts.in_progress_at {
                let first = self.out[from] != b',';
                let to = to + usize::from(first && self.out[to] == b',');
                self.out.drain(from..to);
            }
        }
        Ok(facts)
    }

    fn fact(&mut self, key: &str, facts: &mut Facts<'a>, depth: usize) -> Result<(), Malformed> {
        match key {
            "id" => facts.id = self.id_member("id")?,
            "name" => {
                let mark = self.begin("name");
                facts.name = self.found(mark)?;
            }
            "start_time" => facts.start_time = self.moment("start_time")?,
            "end_time" => facts.end_time = self.moment("end_time")?,
            "in_progress" => {
                let mark = self.begin("in_progress");
                facts.in_progress = self.peek()? == b't';
                self.copy_any()?;
                facts.in_progress_at = Some((mark, self.out.len()));
                if !facts.in_progress {
                    self.out.truncate(mark);
                }
            }
            "subsegments" => facts.embedded = self.subsegments(depth)?,
            // Embedded subsegments inherit these from where they are.
            "trace_id" | "parent_id" | "type" if depth > 0 => self.skip()?,
            "trace_id" => facts.trace_id = self.id_member("trace_id")?,
            "parent_id" => facts.parent_id = self.id_member("parent_id")?,
            // "type"
            _ => {
                let mark = self.begin("type");
                facts.subsegment = matches!(self.found(mark)?, Found::Text(kind) if kind == "subsegment");
                if !facts.subsegment {
                    self.out.truncate(mark);
                }
            }
        }
        Ok(())
    }

    /// Ids are kept in lower case.
    fn id_member(&mut self, name: &str) -> Result<Found<'a>, Malformed> {
        let mark = self.begin(name);
        let value_at = self.out.len();
        let found = self.found(mark)?;
        if let Some(value) = self.out.get_mut(value_at..) {
            value.make_ascii_lowercase();
        }
        Ok(found)
    }

    /// Copies a text value; anything else is cut back to `mark`.
    fn found(&mut self, mark: usize) -> Result<Found<'a>, Malformed> {
        Ok(match self.peek()? {
            b'"' => {
                let start = self.at;
                self.copy_string()?;
                Found::Text(self.unescaped(start))
            }
            first => {
                self.copy_any()?;
                self.out.truncate(mark);
                if first == b'n' { Found::Absent } else { Found::Wrong }
            }
        })
    }

    fn moment(&mut self, name: &str) -> Result<Moment, Malformed> {
        let mark = self.begin(name);
        let first = self.peek()?;
        let start = self.at;
        self.copy_any()?;
        let number = self.text[start..self.at].parse::<f64>().ok().filter(|n| n.is_finite());
        if let (Some(secs), b'-' | b'0'..=b'9') = (number, first) {
            return Ok(Moment::At(secs));
        }
        self.out.truncate(mark);
        Ok(if first == b'n' { Moment::Absent } else { Moment::Wrong })
    }

    /// Keeps the sound ones among embedded subsegments, each with its sound descendants.
    fn subsegments(&mut self, depth: usize) -> Result<Extent, Malformed> {
        let mut extent = Extent::default();
        let member_mark = self.begin("subsegments");
        if self.peek()? != b'[' {
            self.copy_any()?;
            self.out.truncate(member_mark);
            return Ok(extent);
        }
        self.array(|this| {
            let mark = this.begin_element();
            let keep = if this.peek()? == b'{' && depth < DEPTH_MAX {
                let facts = this.entity(depth + 1)?;
                let sound = super::check_embedded(&facts, this.received).is_ok();
                if sound {
                    extent = extent.merge(facts.extent());
                }
                sound
            } else {
                this.copy_any()?;
                false
            };
            if !keep {
                this.out.truncate(mark);
            }
            Ok(())
        })?;
        Ok(extent)
    }

    fn ruled_member(&mut self, name: &str, rule: &Rule) -> Result<(), Malformed> {
        let mark = self.begin(name);
        if !self.ruled(rule)? {
            self.out.truncate(mark);
        }
        Ok(())
    }

    /// Copies a value; `false` if it does not comply and must be cut off again.
    fn ruled(&mut self, rule: &Rule) -> Result<bool, Malformed> {
        let first = self.peek()?;
        let start = self.at;
        match (rule, first) {
            (Rule::Object(members), b'{') => self.ruled_object(members),
            (Rule::Cause, b'{') => self.ruled_object(&rules::CAUSE),
            (Rule::Annotations, b'{') => self.annotations(),
            (Rule::List(rule), b'[') => {
                self.array(|this| {
                    let mark = this.begin_element();
                    if !this.ruled(rule)? {
                        this.out.truncate(mark);
                    }
                    Ok(())
                })?;
                Ok(true)
            }
            (Rule::OneOf(values), b'"') => {
                self.copy_string()?;
                Ok(values.contains(&self.unescaped(start).as_ref()))
            }
            _ => {
                self.copy_any()?;
                let number = || self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite);
                Ok(match rule {
                    Rule::Any => true,
                    Rule::Text | Rule::Cause => first == b'"',
                    Rule::Flag => matches!(first, b't' | b'f'),
                    Rule::Number => is_number_start(first) && number(),
                    Rule::NumberOrText => first == b'"' || (is_number_start(first) && number()),
                    Rule::Object(_) | Rule::Annotations | Rule::List(_) | Rule::OneOf(_) => false,
                })
            }
        }
    }

    fn ruled_object(&mut self, object: &ObjectRule) -> Result<bool, Malformed> {
        let mut seen = 0u64;
        self.object(|this, key| match object.members.iter().position(|m| m.0 == key) {
            Some(number) if seen & (1 << number) == 0 => {
                seen |= 1 << number;
                let (name, rule) = &object.members[number];
                this.ruled_member(name, rule)
            }
            None if object.open => {
                this.begin_escaped(&key);
                this.copy_any()
            }
            _ => this.skip(),
        })?;
        Ok(true)
    }

    fn annotations(&mut self) -> Result<bool, Malformed> {
        self.object(|this, key| {
            let mark = this.begin_escaped(&key);
            let complies = match this.peek()? {
                b'"' | b't' | b'f' => this.ruled(&Rule::Any)?,
                b'{' | b'[' | b'n' => {
                    this.copy_any()?;
                    false
                }
                _ => this.ruled(&Rule::Number)?,
            };
            if !complies {
                this.out.truncate(mark);
            }
            Ok(())
        })?;
        Ok(true)
    }

    // Structure: an object's or array's brackets and commas.

    /// Reads an object; `member` is called at each value with the key, and either copies or skips it.
    fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.expect(b'{')?;
        self.out.push(b'{');
        if self.peek()? == b'}' {
            self.at += 1;
            self.out.push(b'}');
            return Ok(());
        }
        loop {
            self.expect(b'"')?;
            self.at -= 1;
            let key = self.key()?;
            self.expect(b':')?;
            member(self, key)?;
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return Err(Malformed),
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.expect(b'[')?;
        self.out.push(b'[');
        if self.peek()? == b']' {
            self.at += 1;
            self.out.push(b']');
            return Ok(());
        }
        loop {
            element(self)?;
            match self.next()? {
                b',' => {}
                b']' => break,
                _ => return Err(Malformed),
            }
        }
        self.out.push(b']');
        Ok(())
    }

    /// Writes `name` as the next member's key. Returns where to cut to take it back.
    fn begin(&mut self, name: &str) -> usize {
        let mark = self.begin_element();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        mark
    }

    /// As `begin`, for a key that may need escapes.
    fn begin_escaped(&mut self, key: &str) -> usize {
        if key.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
            return self.begin(key);
        }
        let mark = self.begin_element();
        self.out.extend_from_slice(serde_json::Value::from(key).to_string().as_bytes());
        self.out.push(b':');
        mark
    }

    fn begin_element(&mut self) -> usize {
        let mark = self.out.len();
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
        mark
    }

    fn key(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let start = self.at;
        self.scan_string()?;
        Ok(self.unescaped(start))
    }

    // Values.

    fn skip(&mut self) -> Result<(), Malformed> {
        let mark = self.out.len();
        self.copy_any()?;
        self.out.truncate(mark);
        Ok(())
    }

    /// Copies any value without its white space. Keeps its own stack, so nesting cannot exhaust ours.
    fn copy_any(&mut self) -> Result<(), Malformed> {
        let mut nesting: Vec<u8> = Vec::new();
        loop {
            let opened = self.copy_value_start()?;
            if let Some(close) = opened {
                nesting.push(close);
                if self.peek()? != close {
                    if close == b'}' {
                        self.copy_key()?;
                    }
                    continue;
                }
            }
            loop {
                let Some(close) = nesting.last().copied() else { return Ok(()) };
                let next = self.next()?;
                self.out.push(next);
                if next == close {
                    nesting.pop();
                } else if next == b',' {
                    if close == b'}' {
                        self.copy_key()?;
                    }
                    break;
                } else {
                    return Err(Malformed);
                }
            }
        }
    }

    /// Copies a scalar, or an opening bracket, of which it returns the closing one.
    fn copy_value_start(&mut self) -> Result<Option<u8>, Malformed> {
        match self.peek()? {
            b'"' => self.copy_string()?,
            b't' => self.copy_literal(b"true")?,
            b'f' => self.copy_literal(b"false")?,
            b'n' => self.copy_literal(b"null")?,
            b'-' | b'0'..=b'9' => self.copy_number()?,
            open @ (b'{' | b'[') => {
                self.at += 1;
                self.out.push(open);
                return Ok(Some(if open == b'{' { b'}' } else { b']' }));
            }
            _ => return Err(Malformed),
        }
        Ok(None)
    }

    fn copy_key(&mut self) -> Result<(), Malformed> {
        if self.peek()? != b'"' {
            return Err(Malformed);
        }
        self.copy_string()?;
        self.expect(b':')?;
        self.out.push(b':');
        Ok(())
    }

    fn copy_literal(&mut self, literal: &[u8]) -> Result<(), Malformed> {
        if !self.src[self.at..].starts_with(literal) {
            return Err(Malformed);
        }
        self.at += literal.len();
        self.out.extend_from_slice(literal);
        Ok(())
    }

    fn copy_number(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        self.at += usize::from(self.src[self.at] == b'-');
        let leading_zero = self.src.get(self.at) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(Malformed);
        }
        if self.src.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Malformed);
            }
        }
        if matches!(self.src.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.src.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(Malformed);
            }
        }
        self.out.extend_from_slice(&self.src[start..self.at]);
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let count = self.src[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn copy_string(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        self.scan_string()?;
        self.out.extend_from_slice(&self.src[start..self.at]);
        Ok(())
    }

    /// Moves from the opening quote to behind the closing one, checking escapes.
    fn scan_string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            let plain = self.src[self.at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.ok_or(Malformed)? + 1;
            match self.src[self.at - 1] {
                b'"' => return Ok(()),
                b'\\' => self.scan_escape()?,
                _ => return Err(Malformed),
            }
        }
    }

    /// Behind a backslash. Surrogates must come in pairs, or the text could not be represented.
    fn scan_escape(&mut self) -> Result<(), Malformed> {
        let kind = *self.src.get(self.at).ok_or(Malformed)?;
        self.at += 1;
        match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.hex4()? {
                0xd800..=0xdbff => {
                    if !self.src[self.at..].starts_with(b"\\u") {
                        return Err(Malformed);
                    }
                    self.at += 2;
                    if matches!(self.hex4()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(Malformed) }
                }
                0xdc00..=0xdfff => Err(Malformed),
                _ => Ok(()),
            },
            _ => Err(Malformed),
        }
    }

    fn hex4(&mut self) -> Result<u32, Malformed> {
        let digits = self.src.get(self.at..self.at + 4).ok_or(Malformed)?;
        self.at += 4;
        digits.iter().try_fold(0, |n, d| Some(n << 4 | char::from(*d).to_digit(16)?)).ok_or(Malformed)
    }

    /// The text of the string that starts at `start` and ends where the reader now is.
    fn unescaped(&self, start: usize) -> Cow<'a, str> {
        let inner = &self.text[start + 1..self.at - 1];
        if !inner.as_bytes().contains(&b'\\') {
            return Cow::Borrowed(inner);
        }
        let unescaped = serde_json::from_str(&self.text[start..self.at]);
        Cow::Owned(unescaped.expect("the string was scanned and is well-formed"))
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.src.get(self.at) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8, Malformed> {
        self.skip_space();
        self.src.get(self.at).copied().ok_or(Malformed)
    }

    fn next(&mut self) -> Result<u8, Malformed> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.next()? == byte { Ok(()) } else { Err(Malformed) }
    }
}

fn is_number_start(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_digit()
}

/// Levels of embedded subsegments that are kept.
const DEPTH_MAX: usize = 100;
