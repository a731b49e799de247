//! Series keys: account, Region, namespace, name and sorted dimensions in one byte string whose order is the
//! order of its fields.
//!
//! Each field is followed by a 0 byte; bytes 0 and 1 inside a field become `01 01` and `01 02`. So no field is
//! a prefix of another's encoding, and a metric without dimensions sorts before those with.

use base::{AccountId, Region, Scope};
use signals::{Dimension, MetricIdentity};

const END: u8 = 0;
const ESCAPE: u8 = 1;

/// Appends one field.
pub(super) fn push_field(out: &mut Vec<u8>, text: &str) {
    if text.bytes().any(|b| b <= ESCAPE) {
        for byte in text.bytes() {
            if byte <= ESCAPE {
                out.extend_from_slice(&[ESCAPE, byte + 1]);
            } else {
                out.push(byte);
            }
        }
    } else {
        out.extend_from_slice(text.as_bytes());
    }
    out.push(END);
}

/// What every key of `scope` begins with.
pub(super) fn scope_prefix(scope: &Scope) -> Vec<u8> {
    let mut key = Vec::with_capacity(128);
    push_field(&mut key, scope.account.as_str());
    push_field(&mut key, scope.region.as_str());
    key
}

/// The key of a metric.
pub(super) fn encode(scope: &Scope, metric: &MetricIdentity) -> Vec<u8> {
    let mut key = scope_prefix(scope);
    push_field(&mut key, &metric.namespace);
    push_field(&mut key, &metric.name);
    for dimension in metric.dimensions.iter() {
        push_field(&mut key, &dimension.name);
        push_field(&mut key, &dimension.value);
    }
    key
}

/// The encoded fields of a key, each with its end mark: account, Region, namespace, name, then dimension
/// names and values in turn.
pub(super) fn fields(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    key.split_inclusive(|b| *b == END)
}

/// What [`encode`] was given; `None` if it didn't make this key.
pub(super) fn decode(key: &[u8]) -> Option<(Scope, MetricIdentity)> {
    if key.last() != Some(&END) {
        return None;
    }
    let mut fields = fields(key).map(unescape);
    let mut next = || fields.next();
    let account = AccountId::new(&next()??).ok()?;
    let region = Region::new(&next()??).ok()?;
    let (namespace, name) = (next()??, next()??);
    let mut dimensions = Vec::new();
    while let Some(dimension) = next() {
        let value = next()??;
        dimensions.push(Dimension { name: dimension?.into(), value: value.into() });
    }
    let metric =
        MetricIdentity { namespace: namespace.into(), name: name.into(), dimensions: dimensions.into() };
    Some((Scope::new(account, region), metric))
}

fn unescape(field: &[u8]) -> Option<String> {
    let field = field.strip_suffix(&[END])?;
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.iter();
    while let Some(byte) = rest.next() {
        bytes.push(if *byte == ESCAPE { rest.next()?.checked_sub(1)? } else { *byte });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_sort_as_their_fields() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap());
        let dim = |n: &str, v: &str| Dimension { name: n.into(), value: v.into() };
        let metrics = [
            MetricIdentity::new("A", "", vec![]),
            MetricIdentity::new("A", "x", vec![]),
            MetricIdentity::new("A", "x", vec![dim("a", "1")]),
            MetricIdentity::new("A", "x", vec![dim("a", "1"), dim("b", "2")]),
            MetricIdentity::new("A", "x", vec![dim("a", "1\u{0}\u{1}ü")]),
            MetricIdentity::new("A", "x ", vec![]),
            MetricIdentity::new("A\u{0}", "x", vec![]),
            MetricIdentity::new("A\u{1}", "x", vec![]),
            MetricIdentity::new("AB", "x", vec![]),
        ];
        let keys: Vec<_> = metrics.iter().map(|m| encode(&scope, m)).collect();
        assert!(keys.is_sorted());
        for (metric, key) in metrics.iter().zip(&keys) {
            assert_eq!(decode(key), Some((scope.clone(), metric.clone())));
            assert_eq!(decode(&key[..key.len() - 1]), None);
        }
    }
}
