//! Form data as a tree of keys: `MetricData.member.2.Value=1` is four levels.

use std::borrow::Cow;
use std::collections::HashMap;

use percent_encoding::percent_decode;
use smithy::ReadError;

/// Levels of a key; the deepest request of any service has fewer than ten.
const LEVELS_MAX: usize = 64;
/// Pairs of one request. PutMetricData with 1,000 data of 30 dimensions has some 70,000.
const PAIRS_MAX: usize = 500_000;
/// Children that are searched one by one; a wider node is found through the index.
const NARROW: u32 = 8;

/// Decoded name–value pairs in their order.
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Reads `application/x-www-form-urlencoded` bytes. Names and values must be UTF-8.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let mut pairs = Vec::new();
        for pair in bytes.split(|b| *b == b'&') {
            if pair.is_empty() {
                continue;
            }
            if pairs.len() == PAIRS_MAX {
                return Err(ReadError::TooLarge("too many parameters".to_owned()));
            }
            let split = pair.iter().position(|b| *b == b'=');
            let (name, value) = match split {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// The value of the first pair called `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_ref())
    }

    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_ref())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    let malformed = |_| ReadError::Malformed("a parameter is not UTF-8".to_owned());
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(malformed);
    }
    let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let decoded = percent_decode(&spaced).collect();
    String::from_utf8(decoded).map(Cow::Owned).map_err(|e| malformed(e.utf8_error()))
}

/// A form's keys as a tree. Node 0 is the root.
pub struct Tree<'f> {
    nodes: Vec<Node<'f>>,
    /// Children of wide nodes by parent and key, so that no order of parameters makes building slow.
    wide: HashMap<(u32, &'f str), u32>,
}

struct Node<'f> {
    key: &'f str,
    value: Option<&'f str>,
    children: u32,
    first_child: Option<u32>,
    last_child: Option<u32>,
    next_sibling: Option<u32>,
}

impl<'f> Tree<'f> {
    pub fn build(form: &'f Form<'_>) -> Result<Self, ReadError> {
        let mut tree = Self { nodes: vec![Node::new("")], wide: HashMap::new() };
        for (name, value) in form.pairs() {
            let mut at = 0;
            for (level, key) in name.split('.').enumerate() {
                if level == LEVELS_MAX {
                    return Err(ReadError::TooLarge("a parameter name has too many levels".to_owned()));
                }
                at = tree.child_or_insert(at, key);
            }
            tree.nodes[at as usize].value = Some(value);
        }
        Ok(tree)
    }

    pub(super) fn value(&self, node: u32) -> Option<&'f str> {
        self.nodes[node as usize].value
    }

    pub(super) fn key(&self, node: u32) -> &'f str {
        self.nodes[node as usize].key
    }

    pub(super) fn has_children(&self, node: u32) -> bool {
        self.nodes[node as usize].first_child.is_some()
    }

    /// Children in the order of their first appearance.
    pub(super) fn children(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.nodes[node as usize].first_child;
        std::iter::successors(first, |child| self.nodes[*child as usize].next_sibling)
    }

    pub(super) fn child(&self, node: u32, key: &str) -> Option<u32> {
        let parent = &self.nodes[node as usize];
        // Parameters mostly come grouped, so the child added last is the likely one.
        if let Some(last) = parent.last_child
            && self.key(last) == key
        {
            return Some(last);
        }
        if parent.children > NARROW {
            return self.wide.get(&(node, key)).copied();
        }
        self.children(node).find(|child| self.key(*child) == key)
    }

    /// Children whose key is a number, by that number. `1` and `01` are the same index and keep their order.
    pub(super) fn numbered(&self, node: u32) -> Vec<u32> {
        let mut numbered: Vec<(u64, u32)> = self
            .children(node)
            .filter_map(|child| {
                let key = self.key(child);
                let plain = key.bytes().all(|b| b.is_ascii_digit());
                Some((key.parse().ok().filter(|_| plain)?, child))
            })
            .collect();
        // Already sorted as a rule, which this sort notices.
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, child)| child).collect()
    }

    fn child_or_insert(&mut self, node: u32, key: &'f str) -> u32 {
        if let Some(child) = self.child(node, key) {
            return child;
        }
        let child = self.nodes.len() as u32;
        self.nodes.push(Node::new(key));
        let parent = &mut self.nodes[node as usize];
        parent.children += 1;
        let children = parent.children;
        match parent.last_child.replace(child) {
            Some(previous) => self.nodes[previous as usize].next_sibling = Some(child),
            None => self.nodes[node as usize].first_child = Some(child),
        }
        if children == NARROW + 1 {
            let all: Vec<u32> = self.children(node).collect();
            self.wide.extend(all.into_iter().map(|child| ((node, self.nodes[child as usize].key), child)));
        } else if children > NARROW {
            self.wide.insert((node, key), child);
        }
        child
    }
}

impl<'f> Node<'f> {
    fn new(key: &'f str) -> Self {
        Self { key, value: None, children: 0, first_child: None, last_child: None, next_sibling: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_percent_and_plus() {
        let form = Form::parse(b"a=b+c%2Bd&%C3%A9=%E2%82%AC&flag&=x&a=second").unwrap();
        assert_eq!(form.get("a"), Some("b c+d"));
        assert_eq!(form.get("é"), Some("€"));
        assert_eq!(form.get("flag"), Some(""));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["b c+d", "second"]);
        assert!(Form::parse(b"a=%ff").is_err());
    }

    #[test]
    fn list_items_come_by_number() {
        let form = Form::parse(b"L.member.2=b&L.member.10=c&L.member.1=a&L.member.x=no").unwrap();
        let tree = Tree::build(&form).unwrap();
        let list = tree.child(tree.child(0, "L").unwrap(), "member").unwrap();
        let values: Vec<_> = tree.numbered(list).into_iter().map(|n| tree.value(n).unwrap()).collect();
        assert_eq!(values, ["a", "b", "c"]);
    }

    #[test]
    fn wide_nodes_find_every_child_in_any_order() {
        let body: String = (0..500).map(|i| format!("L.member.{}.V={i}&", (i * 7919) % 500)).collect();
        let form = Form::parse(body.as_bytes()).unwrap();
        let tree = Tree::build(&form).unwrap();
        let list = tree.child(tree.child(0, "L").unwrap(), "member").unwrap();
        let items = tree.numbered(list);
        assert_eq!(items.len(), 500);
        for (number, item) in items.into_iter().enumerate() {
            assert_eq!(tree.key(item), number.to_string());
            assert_eq!(tree.child(list, &number.to_string()), Some(item));
        }
    }

    #[test]
    fn many_levels_are_refused() {
        let name = "a.".repeat(100);
        let form = Form::parse(name.as_bytes()).unwrap();
        assert!(Tree::build(&form).is_err());
    }
}
