//! Messages in a stream of bytes: ended by a newline or NUL, or, for syslog, preceded by their length (RFC 6587).

use memchr::memchr2;

/// How a stream's messages are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A newline ends a message.
    Lines,
    /// Decided message by message: a digit from 1 to 9 begins a length, anything else is ended by a newline or NUL.
    Syslog,
}

/// Takes messages out of bytes as they arrive. A message beyond `bytes_max` is cut there; the rest is skipped.
#[derive(Debug)]
pub(crate) struct Deframer {
    framing: Framing,
    bytes_max: usize,
    buffer: Vec<u8>,
    /// Bytes of a message cut short that are still to come: counted, or until the next end.
    skip: Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Skip {
    Nothing,
    Bytes(usize),
    ToEnd,
}

/// A message, and whether it was cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_cut: bool,
}

impl Deframer {
    pub(crate) fn new(framing: Framing, bytes_max: usize) -> Self {
        Self { framing, bytes_max, buffer: Vec::new(), skip: Skip::Nothing }
    }

    /// The messages that are complete with these bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.buffer.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = self.next() {
            if !frame.bytes.is_empty() {
                frames.push(frame);
            }
        }
        frames
    }

    /// What is left when the stream ends.
    pub(crate) fn finish(mut self) -> Option<Frame> {
        let is_whole = self.skip == Skip::Nothing && !self.buffer.is_empty();
        is_whole.then(|| Frame { bytes: std::mem::take(&mut self.buffer), is_cut: false })
    }

    fn next(&mut self) -> Option<Frame> {
        self.pass_over()?;
        let counted = self.framing == Framing::Syslog && matches!(self.buffer.first(), Some(b'1'..=b'9'));
        match counted.then(|| length_prefix(&self.buffer)) {
            Some(Prefix::Incomplete) => None,
            Some(Prefix::Length { digits, length }) => self.counted(digits + 1, length),
            Some(Prefix::None) | None => self.delimited(),
        }
    }

    fn counted(&mut self, start: usize, length: usize) -> Option<Frame> {
        let taken = length.min(self.bytes_max);
        if self.buffer.len() < start + taken {
            return None;
        }
        let bytes = self.buffer[start..start + taken].to_vec();
        self.buffer.drain(..start + taken);
        self.skip = if length > taken { Skip::Bytes(length - taken) } else { Skip::Nothing };
        Some(Frame { bytes, is_cut: length > taken })
    }

    fn delimited(&mut self) -> Option<Frame> {
        let end = match self.framing {
            Framing::Lines => memchr::memchr(b'\n', &self.buffer),
            Framing::Syslog => memchr2(b'\n', 0, &self.buffer),
        };
        let (bytes, used, is_cut) = match end {
            Some(end) if end <= self.bytes_max => (self.buffer[..end].to_vec(), end + 1, false),
            Some(end) => (self.buffer[..self.bytes_max].to_vec(), end + 1, true),
            None if self.buffer.len() > self.bytes_max => {
                self.skip = Skip::ToEnd;
                (self.buffer[..self.bytes_max].to_vec(), self.buffer.len(), true)
            }
            None => return None,
        };
        self.buffer.drain(..used);
        Some(Frame { bytes, is_cut })
    }

    /// Drops what is left of a message cut short; `None` while more of it is to come.
    fn pass_over(&mut self) -> Option<()> {
        match self.skip {
            Skip::Nothing => {}
            Skip::Bytes(left) => {
                let dropped = left.min(self.buffer.len());
                self.buffer.drain(..dropped);
                self.skip = if left > dropped { Skip::Bytes(left - dropped) } else { Skip::Nothing };
            }
            Skip::ToEnd => {
                match memchr2(b'\n', if self.framing == Framing::Syslog { 0 } else { b'\n' }, &self.buffer) {
                    Some(end) => {
                        self.buffer.drain(..=end);
                        self.skip = Skip::Nothing;
                    }
                    None => self.buffer.clear(),
                }
            }
        }
        (self.skip == Skip::Nothing).then_some(())
    }
}

enum Prefix {
    None,
    Incomplete,
    Length { digits: usize, length: usize },
}

/// The length before a message; a message that merely begins with a digit has none.
fn length_prefix(buffer: &[u8]) -> Prefix {
    let digits = buffer.iter().take(8).take_while(|byte| byte.is_ascii_digit()).count();
    match buffer.get(digits) {
        None if digits < 8 => Prefix::Incomplete,
        Some(b' ') => {
            let length =
                buffer[..digits].iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
            Prefix::Length { digits, length }
        }
        _ => Prefix::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(framing: Framing, bytes_max: usize, stream: &[u8]) -> Vec<(String, bool)> {
        let shown = |frame: Frame| (String::from_utf8(frame.bytes).unwrap(), frame.is_cut);
        let mut whole = Deframer::new(framing, bytes_max);
        let mut found: Vec<_> = whole.feed(stream).into_iter().map(shown).collect();
        found.extend(whole.finish().map(shown));
        // Byte by byte gives the same.
        let mut slow = Deframer::new(framing, bytes_max);
        let mut again: Vec<_> = stream.iter().flat_map(|byte| slow.feed(&[*byte])).map(shown).collect();
        again.extend(slow.finish().map(shown));
        assert_eq!(again, found);
        found
    }

    fn expected(frames: &[(&str, bool)]) -> Vec<(String, bool)> {
        frames.iter().map(|(text, is_cut)| ((*text).to_owned(), *is_cut)).collect()
    }

    #[test]
    fn messages_end_with_lines_or_begin_with_lengths() {
        assert_eq!(
            frames(Framing::Lines, 9, b"a\n\nb\nc"),
            expected(&[("a", false), ("b", false), ("c", false)])
        );
        let stream = b"<1>a\n4 <2>b<3>c\x006 <4>d\ne<5>f\n";
        let messages =
            [("<1>a", false), ("<2>b", false), ("<3>c", false), ("<4>d\ne", false), ("<5>f", false)];
        assert_eq!(frames(Framing::Syslog, 99, stream), expected(&messages));
        assert_eq!(frames(Framing::Syslog, 99, b"12x\n"), expected(&[("12x", false)]));
    }

    #[test]
    fn long_messages_are_cut() {
        assert_eq!(frames(Framing::Lines, 3, b"abcdef\ng\n"), expected(&[("abc", true), ("g", false)]));
        assert_eq!(frames(Framing::Syslog, 3, b"6 abcdef1 g"), expected(&[("abc", true), ("g", false)]));
        assert_eq!(frames(Framing::Lines, 3, b"abcdef"), expected(&[("abc", true)]));
    }
}
