//! When two shapes are one pattern.
//!
//! Words of running text are held to be part of a pattern: "opened" and "closed" are two things that happened. A
//! place in the text is taken for a gap when what stands there looks like a name or a value, when it follows a key
//! (`user=alice`), or when many different words were met there with the same rest.

use hashbrown::HashMap;

use crate::miner::{Element, PatternMiner};

/// Different words at one place that show it to be a gap.
const FAN_OUT: usize = 4;
/// The part of a pattern's words that may differ, when the words that differ look like names.
const NAMES_DIFFER_MAX: f32 = 0.40;
/// The same when a word of running text differs.
const WORDS_DIFFER_MAX: f32 = 0.20;

/// How unlike two shapes of one structure are, from 0; `None` when they are not one pattern.
pub(crate) fn distance(a: &[Element], b: &[Element]) -> Option<f32> {
    if a.len() != b.len() {
        return None;
    }
    let (mut agreeing, mut differing, mut text_differs) = (0.0f32, 0.0f32, false);
    for (index, pair) in a.iter().zip(b).enumerate() {
        match pair {
            (Element::Word(x), Element::Word(y)) if x == y => agreeing += 1.0,
            (Element::Word(x), Element::Word(y)) => {
                if decides(x) || decides(y) {
                    return None;
                }
                let weight = weight(x, a, index).min(weight(y, b, index));
                text_differs |= weight == 1.0;
                differing += weight;
            }
            // A word where there was a value: the place takes both.
            (Element::Word(x), Element::Gap(_)) | (Element::Gap(_), Element::Word(x)) => {
                if decides(x) {
                    return None;
                }
                differing += 0.3;
            }
            _ => {}
        }
    }
    if differing == 0.0 {
        return Some(0.0);
    }
    let ratio = differing / (agreeing + differing);
    let most = if text_differs { WORDS_DIFFER_MAX } else { NAMES_DIFFER_MAX };
    // Nothing in common but delimiters is no pattern.
    (ratio <= most && agreeing > 0.0).then_some(ratio)
}

/// How much a differing word tells of a different pattern.
fn weight(word: &str, elements: &[Element], index: usize) -> f32 {
    if follows_a_key(elements, index) {
        0.15
    } else if looks_like_a_name(word) {
        0.4
    } else {
        1.0
    }
}

/// The value of `key=value`, `key: value` or `"key":"value"`.
fn follows_a_key(elements: &[Element], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).map(|i| &elements[i]);
    let is_sign = |element: Option<&Element>| matches!(element, Some(Element::Delimiter(b'=' | b':')));
    let is_quote = |element: Option<&Element>| matches!(element, Some(Element::Delimiter(b'"' | b'\'')));
    is_sign(before(1)) || (is_quote(before(1)) && is_sign(before(2)))
}

/// Paths, host names, e-mail addresses, identifiers and constants, but no words of running text.
fn looks_like_a_name(word: &str) -> bool {
    let body = word.trim_end_matches(['.', '!', '?']);
    let has_sign = body
        .bytes()
        .any(|byte| matches!(byte, b'/' | b'.' | b'_' | b'@' | b'\\' | b'$' | b'*' | b'-' | b'#' | b'&'));
    let is_constant = body.len() > 1 && body.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let has_inner_capital = body.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && body.bytes().any(|byte| byte.is_ascii_lowercase());
    has_sign || is_constant || has_inner_capital
}

/// Words that say how serious something is or how it ended: messages that differ in one are different messages.
fn decides(word: &str) -> bool {
    const DECIDING: [&str; 45] = [
        "trace",
        "debug",
        "info",
        "notice",
        "warn",
        "warning",
        "error",
        "err",
        "fatal",
        "critical",
        "severe",
        "panic",
        "failed",
        "failure",
        "fail",
        "succeeded",
        "success",
        "successful",
        "successfully",
        "accepted",
        "rejected",
        "allowed",
        "denied",
        "opened",
        "closed",
        "open",
        "close",
        "started",
        "stopped",
        "start",
        "stop",
        "starting",
        "stopping",
        "up",
        "down",
        "enabled",
        "disabled",
        "connected",
        "disconnected",
        "created",
        "deleted",
        "removed",
        "added",
        "add",
        "timeout",
    ];
    let body = word.trim_end_matches(['.', '!', '?']);
    body.len() <= 12 && DECIDING.iter().any(|deciding| deciding.eq_ignore_ascii_case(body))
}

/// Joins patterns that are equal but for one word, when that word takes many forms.
pub(crate) fn join_fanned_out(miner: &mut PatternMiner) {
    for ids in miner.buckets() {
        let mut standing = ids;
        while standing.len() >= FAN_OUT {
            let groups = widest_fan(miner, &standing);
            if groups.is_empty() {
                break;
            }
            for group in groups {
                let (into, rest) = group.split_first().expect("a fan has several patterns");
                for from in rest {
                    miner.join_pair(*into, *from);
                }
                standing.retain(|id| !rest.contains(id));
            }
        }
        join_covered(miner, &standing);
    }
    miner.drop_joined();
}

/// Joins patterns to one that by now has gaps where theirs have words.
fn join_covered(miner: &mut PatternMiner, ids: &[u32]) {
    let mut standing = ids.to_vec();
    standing.sort_by_key(|id| {
        let elements = &miner.cluster(*id).elements;
        (elements.iter().filter(|element| matches!(element, Element::Word(_))).count(), *id)
    });
    let mut at = 0;
    while at < standing.len() {
        let general = standing[at];
        let covered: Vec<u32> = standing[at + 1..]
            .iter()
            .copied()
            .filter(|id| covers(&miner.cluster(general).elements, &miner.cluster(*id).elements))
            .collect();
        for id in &covered {
            miner.join_pair(general, *id);
        }
        standing.retain(|id| !covered.contains(id));
        at += 1;
    }
}

/// Whether everything `special` says at a place, `general` says too or leaves open.
fn covers(general: &[Element], special: &[Element]) -> bool {
    let fits = |(general, special): (&Element, &Element)| match (general, special) {
        (Element::Gap(_), Element::Word(word)) => !decides(word),
        (Element::Gap(_), _) => true,
        (general, special) => general == special,
    };
    let says_something = general.iter().any(|element| matches!(element, Element::Word(_)));
    says_something && distance(general, special).is_some() && general.iter().zip(special).all(fits)
}

/// The groups of patterns that differ only at one place, for the place with most of them.
fn widest_fan(miner: &PatternMiner, ids: &[u32]) -> Vec<Vec<u32>> {
    let length = miner.cluster(ids[0]).elements.len();
    let mut best: (usize, Vec<Vec<u32>>) = (0, Vec::new());
    for place in 0..length {
        let mut groups: HashMap<Vec<&Element>, Vec<u32>, foldhash::fast::FixedState> = HashMap::default();
        for id in ids {
            let elements = &miner.cluster(*id).elements;
            let word_there = matches!(&elements[place], Element::Word(word) if !decides(word));
            let others = elements.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, element)| element);
            let rest: Vec<&Element> = others.collect();
            if word_there && rest.iter().any(|element| matches!(element, Element::Word(_))) {
                groups.entry(rest).or_default().push(*id);
            }
        }
        let mut fans: Vec<Vec<u32>> = groups.into_values().filter(|group| group.len() >= FAN_OUT).collect();
        fans.sort();
        let members = fans.iter().map(Vec::len).sum();
        if members > best.0 {
            best = (members, fans);
        }
    }
    best.1
}

/// Joins the patterns of one structure that were met at most `count_max` times, whatever they say. Only for want
/// of room.
pub(crate) fn join_rare(miner: &mut PatternMiner, count_max: u64) {
    for ids in miner.buckets() {
        let rare: Vec<u32> = ids.into_iter().filter(|id| miner.cluster(*id).count <= count_max).collect();
        if let Some((into, rest)) = rare.split_first() {
            for from in rest {
                miner.join_pair(*into, *from);
            }
        }
    }
    miner.drop_joined();
}

/// Joins the rarest structures into one gap, until `target` patterns are left. Only for want of room.
pub(crate) fn join_structures(miner: &mut PatternMiner, target: usize) {
    let mut ids: Vec<u32> = miner.buckets().into_iter().flatten().collect();
    ids.sort_by_key(|id| (miner.cluster(*id).count, *id));
    let surplus = miner.standing().saturating_sub(target.max(1)) + 1;
    let gone: Vec<u32> = ids.into_iter().take(surplus.max(2)).collect();
    let into = gone[0];
    let structure = miner.reduce_to_gap(into);
    for from in &gone[1..] {
        miner.reduce_to_gap(*from);
        miner.join_pair(into, *from);
    }
    miner.drop_joined();
    miner.reindex(into, structure);
}
