//! Keys that sort as their parts do and always begin with account and Region.

use std::fmt;

use base::Scope;

/// A record's key: account, Region and further text parts. Keys order part by part, each part by its UTF-8
/// bytes. The encoding is persisted (docs/formats/catalog.md).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(Box<[u8]>);

/// Ends a part. It sorts before any byte that continues the part, also before an escaped NUL.
const END: [u8; 2] = [0, 1];
const ESCAPED_NUL: [u8; 2] = [0, 255];

impl RecordKey {
    pub fn new(scope: &Scope, parts: &[&str]) -> Self {
        let length = parts.iter().map(|p| p.len() + 2).sum::<usize>() + 14 + scope.region.as_str().len() + 2;
        let mut bytes = Vec::with_capacity(length);
        for part in [scope.account.as_str(), scope.region.as_str()].iter().chain(parts) {
            push_part(&mut bytes, part);
        }
        Self(bytes.into_boxed_slice())
    }

    /// A key of a record that belongs to the installation and not to an account.
    pub fn of_installation(name: &str) -> Self {
        let mut bytes = Vec::with_capacity(name.len() + 2);
        push_part(&mut bytes, name);
        Self(bytes.into_boxed_slice())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A key read back; `None` if the bytes are not the encoding of one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        decode_parts(bytes).map(|_| Self(bytes.into()))
    }

    /// All parts, beginning with account and Region.
    pub fn parts(&self) -> Vec<String> {
        decode_parts(&self.0).unwrap_or_default()
    }

    /// Account and Region.
    pub fn scope(&self) -> Option<Scope> {
        let parts = self.parts();
        let [account, region, ..] = parts.as_slice() else { return None };
        Some(Scope::new(account.parse().ok()?, region.parse().ok()?))
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.parts().join("/"))
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A contiguous set of keys: those that begin with the given parts and, optionally, whose next part begins
/// with a text.
#[derive(Debug, Clone)]
pub struct Prefix(Vec<u8>);

impl Prefix {
    /// Every key of `scope` that continues with `parts`.
    pub fn new(scope: &Scope, parts: &[&str]) -> Self {
        Self(RecordKey::new(scope, parts).0.into_vec())
    }

    /// Every key of every account: for background tasks only.
    pub fn everything() -> Self {
        Self(Vec::new())
    }

    /// Narrows to keys whose next part starts with `text`.
    #[must_use]
    pub fn starting_with(mut self, text: &str) -> Self {
        push_escaped(&mut self.0, text);
        self
    }

    pub fn matches(&self, key: &RecordKey) -> bool {
        key.0.starts_with(&self.0)
    }

    /// The first key beyond those that match; `None` if there can be none.
    pub(crate) fn end(&self) -> Option<RecordKey> {
        let mut bytes = self.0.clone();
        while let Some(last) = bytes.pop() {
            if last < 255 {
                bytes.push(last + 1);
                return Some(RecordKey(bytes.into_boxed_slice()));
            }
        }
        None
    }

    /// The first key that could match.
    pub(crate) fn first(&self) -> RecordKey {
        RecordKey(self.0.clone().into_boxed_slice())
    }
}

fn push_part(bytes: &mut Vec<u8>, part: &str) {
    push_escaped(bytes, part);
    bytes.extend_from_slice(&END);
}

fn push_escaped(bytes: &mut Vec<u8>, text: &str) {
    if !text.as_bytes().contains(&0) {
        bytes.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            0 => bytes.extend_from_slice(&ESCAPED_NUL),
            other => bytes.push(other),
        }
    }
}

fn decode_parts(bytes: &[u8]) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut part = Vec::new();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        if *byte != 0 {
            part.push(*byte);
            continue;
        }
        match rest.next()? {
            1 => parts.push(String::from_utf8(std::mem::take(&mut part)).ok()?),
            255 => part.push(0),
            _ => return None,
        }
    }
    part.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{AccountId, Region};

    fn scope(account: &str) -> Scope {
        Scope::new(AccountId::new(account).unwrap(), Region::new("us-east-1").unwrap())
    }

    #[test]
    fn keys_order_as_their_parts() {
        let scope = scope("123456789012");
        let tuples: [&[&str]; 8] =
            [&[], &[""], &["", "z"], &["a"], &["a", "b"], &["a\0"], &["a\u{1}"], &["ab"]];
        let keys: Vec<_> = tuples.iter().map(|t| RecordKey::new(&scope, t)).collect();
        assert!(keys.windows(2).all(|w| w[0] < w[1]), "{keys:?}");
        for (key, tuple) in keys.iter().zip(tuples) {
            assert_eq!(RecordKey::from_bytes(key.as_bytes()).as_ref(), Some(key));
            assert_eq!(key.parts()[2..], *tuple);
            assert_eq!(key.scope(), Some(scope.clone()));
        }
    }

    #[test]
    fn prefixes_hold_exactly_their_keys() {
        let (one, two) = (scope("111111111111"), scope("222222222222"));
        let under_a = Prefix::new(&one, &["a"]);
        assert!(under_a.matches(&RecordKey::new(&one, &["a", "x"])));
        assert!(!under_a.matches(&RecordKey::new(&one, &["ab", "x"])));
        assert!(!under_a.matches(&RecordKey::new(&two, &["a", "x"])));
        let text = Prefix::new(&one, &[]).starting_with("a");
        assert!(text.matches(&RecordKey::new(&one, &["ab"])));
        assert!(!text.matches(&RecordKey::new(&one, &["b"])));
        assert!(Prefix::everything().matches(&RecordKey::new(&two, &[])));
    }

    #[test]
    fn foreign_bytes_are_no_key() {
        for bad in [&b"abc"[..], b"a\0", b"a\0\x02", b"\xff\0\x01"] {
            assert_eq!(RecordKey::from_bytes(bad), None);
        }
    }
}
