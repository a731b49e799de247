//! The one pass: messages become shapes, shapes find their pattern.

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::join;
use crate::pattern::{Pattern, Values};
use crate::token::{Form, Kind, Token, tokenise};

/// Limits of a [`PatternMiner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinerConfig {
    /// Characters of a message that count; AWS looks at the first 1,500.
    pub message_chars_max: usize,
    /// Tokens of a message that count.
    pub tokens_max: usize,
    /// Patterns kept while mining. Beyond it, rare patterns of one structure are joined.
    pub patterns_max: usize,
    /// Whole messages kept of each pattern, as examples: the first ones.
    pub samples_max: usize,
    /// Different values counted of each gap; 0 counts none.
    pub values_max: usize,
}

impl Default for MinerConfig {
    fn default() -> Self {
        Self {
            message_chars_max: 1_500,
            tokens_max: 400,
            patterns_max: 10_000,
            samples_max: 1,
            values_max: 0,
        }
    }
}

/// A pattern of one miner. Stays valid; patterns may be joined later, see [`PatternMiner::resolve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatternId(pub(crate) u32);

/// A token of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Element {
    Word(Box<str>),
    Gap(Kind),
    Delimiter(u8),
}

/// A pattern in the making.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) elements: Vec<Element>,
    /// Whether white space stands before an element.
    pub(crate) spaced: Vec<bool>,
    pub(crate) count: u64,
    pub(crate) samples: Vec<String>,
    /// One per element that is a gap, in order, where values are counted.
    pub(crate) values: Vec<Values>,
}

/// Finds the patterns of messages in one pass and bounded memory. Deterministic: the same messages in the same
/// order give the same patterns.
#[derive(Debug)]
pub struct PatternMiner {
    config: MinerConfig,
    clusters: Vec<Cluster>,
    /// Which cluster each was joined to; itself when it stands.
    joined: Vec<u32>,
    /// Clusters by structure: what stays equal whatever words turn out to be gaps.
    by_structure: HashMap<Structure, Vec<u32>, foldhash::fast::FixedState>,
    /// Shapes met before, by hash, and their cluster.
    shapes: HashMap<u64, u32, foldhash::fast::FixedState>,
    messages: u64,
    standing: usize,
}

impl PatternMiner {
    pub fn new(config: MinerConfig) -> Self {
        Self {
            config,
            clusters: Vec::new(),
            joined: Vec::new(),
            by_structure: HashMap::default(),
            shapes: HashMap::default(),
            messages: 0,
            standing: 0,
        }
    }

    /// Messages taken so far.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Takes one message and says which pattern it has for now.
    pub fn add(&mut self, message: &str) -> PatternId {
        self.messages += 1;
        let seen = truncate(message, self.config.message_chars_max);
        let mut tokens = Vec::with_capacity(32);
        tokenise(seen, self.config.tokens_max, &mut tokens);
        fuse_lists(&mut tokens);
        let shape = shape_hash(&tokens);
        let id = match self.shapes.get(&shape) {
            Some(id) => self.root(*id),
            None => self.place(&tokens, shape),
        };
        let config = self.config;
        let cluster = &mut self.clusters[id as usize];
        cluster.count += 1;
        if cluster.samples.len() < config.samples_max {
            cluster.samples.push(message.to_owned());
        }
        if config.values_max > 0 {
            count_values(cluster, &tokens, config.values_max);
        }
        PatternId(id)
    }

    /// Takes all that another miner found, as if its messages had been added here.
    pub fn absorb(&mut self, other: PatternMiner) {
        self.messages += other.messages;
        for (index, cluster) in other.clusters.into_iter().enumerate() {
            if other.joined[index] as usize == index {
                let structure = structure_of(&cluster.elements);
                match self.find(&structure, &cluster.elements) {
                    Some(id) => self.join_into(id, cluster),
                    None => {
                        self.insert(structure, cluster);
                    }
                }
            }
        }
        self.keep_bounded();
    }

    /// The pattern that `id` is part of by now.
    pub fn resolve(&self, id: PatternId) -> PatternId {
        PatternId(self.root(id.0))
    }

    /// The patterns of all messages, the most frequent first; equal counts by text. Joins what the whole shows to
    /// be one, so ids given before resolve to what is returned here.
    pub fn patterns(&mut self) -> Vec<Pattern> {
        join::join_fanned_out(self);
        let mut patterns: Vec<Pattern> = (0..self.clusters.len())
            .filter(|index| self.joined[*index] as usize == *index)
            .map(|index| Pattern::of(PatternId(index as u32), &self.clusters[index], self.messages))
            .collect();
        patterns.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        patterns
    }

    /// A shape not met before: joins the most similar pattern, or begins one.
    fn place(&mut self, tokens: &[Token<'_>], shape: u64) -> u32 {
        let elements: Vec<Element> = tokens.iter().map(element).collect();
        let structure = structure_of(&elements);
        let id = match self.find(&structure, &elements) {
            Some(id) => {
                let cluster = &mut self.clusters[id as usize];
                generalise(cluster, &elements, self.config.values_max);
                id
            }
            None => {
                let spaced = tokens.iter().map(|token| token.spaced).collect();
                let gaps = elements.iter().filter(|element| matches!(element, Element::Gap(_))).count();
                let values =
                    if self.config.values_max > 0 { vec![Values::default(); gaps] } else { Vec::new() };
                let cluster = Cluster { elements, spaced, count: 0, samples: Vec::new(), values };
                let id = self.insert(structure, cluster);
                self.keep_bounded();
                self.root(id)
            }
        };
        if self.shapes.len() >= self.config.patterns_max.saturating_mul(4) {
            self.shapes.clear();
        }
        self.shapes.insert(shape, id);
        id
    }

    fn find(&self, structure: &Structure, elements: &[Element]) -> Option<u32> {
        let candidates = self.by_structure.get(structure)?;
        let mut best: Option<(f32, u32)> = None;
        for id in candidates {
            if let Some(distance) = join::distance(&self.clusters[*id as usize].elements, elements)
                && best.is_none_or(|(least, _)| distance < least)
            {
                best = Some((distance, *id));
            }
        }
        best.map(|(_, id)| id)
    }

    fn insert(&mut self, structure: Structure, cluster: Cluster) -> u32 {
        let id = self.clusters.len() as u32;
        self.clusters.push(cluster);
        self.joined.push(id);
        self.by_structure.entry(structure).or_default().push(id);
        self.standing += 1;
        id
    }

    fn root(&self, mut id: u32) -> u32 {
        while self.joined[id as usize] != id {
            id = self.joined[id as usize];
        }
        id
    }

    /// Joins `from` to `into`; both stand and have the same structure.
    pub(crate) fn join_pair(&mut self, into: u32, from: u32) {
        let cluster = std::mem::replace(
            &mut self.clusters[from as usize],
            Cluster {
                elements: Vec::new(),
                spaced: Vec::new(),
                count: 0,
                samples: Vec::new(),
                values: Vec::new(),
            },
        );
        self.joined[from as usize] = into;
        self.standing -= 1;
        self.join_into(into, cluster);
    }

    fn join_into(&mut self, into: u32, mut from: Cluster) {
        let config = self.config;
        let cluster = &mut self.clusters[into as usize];
        let count = from.count;
        // Both sides come to have the same gaps, so that their values line up.
        let others = cluster.elements.clone();
        generalise(cluster, &from.elements, config.values_max);
        generalise(&mut from, &others, config.values_max);
        cluster.count += count;
        for (values, theirs) in cluster.values.iter_mut().zip(&from.values) {
            values.absorb(theirs, config.values_max);
        }
        let room = config.samples_max.saturating_sub(cluster.samples.len());
        cluster.samples.extend(from.samples.into_iter().take(room));
    }

    /// The standing clusters of every structure.
    pub(crate) fn buckets(&self) -> Vec<Vec<u32>> {
        let mut buckets: Vec<Vec<u32>> = self.by_structure.values().cloned().collect();
        // In order of first appearance: the order of a hash map must not decide anything.
        buckets.sort_by_key(|ids| ids.first().copied());
        buckets
    }

    pub(crate) fn cluster(&self, id: u32) -> &Cluster {
        &self.clusters[id as usize]
    }

    /// Forgets joined clusters in the index.
    pub(crate) fn drop_joined(&mut self) {
        let joined = &self.joined;
        for ids in self.by_structure.values_mut() {
            ids.retain(|id| joined[*id as usize] == *id);
        }
    }

    fn keep_bounded(&mut self) {
        if self.standing <= self.config.patterns_max {
            return;
        }
        join::join_fanned_out(self);
        let target = (self.config.patterns_max / 2).max(1);
        let mut rare = 1;
        while self.standing > target && rare <= self.messages {
            join::join_rare(self, rare);
            rare = rare.saturating_mul(4);
        }
        while self.standing > target {
            join::join_structures(self, target);
        }
    }

    pub(crate) fn standing(&self) -> usize {
        self.standing
    }

    /// Replaces a cluster's shape by a single gap, under the structure of a single gap.
    pub(crate) fn reduce_to_gap(&mut self, id: u32) -> Structure {
        let values = if self.config.values_max > 0 { vec![Values::default()] } else { Vec::new() };
        let cluster = &mut self.clusters[id as usize];
        cluster.elements = vec![Element::Gap(Kind::Token)];
        cluster.spaced = vec![false];
        cluster.values = values;
        structure_of(&cluster.elements)
    }

    pub(crate) fn reindex(&mut self, id: u32, structure: Structure) {
        for ids in self.by_structure.values_mut() {
            ids.retain(|other| *other != id);
        }
        self.by_structure.retain(|_, ids| !ids.is_empty());
        self.by_structure.entry(structure).or_default().push(id);
    }
}

fn truncate(message: &str, chars_max: usize) -> &str {
    if message.len() <= chars_max {
        return message;
    }
    message.char_indices().nth(chars_max).map_or(message, |(end, _)| &message[..end])
}

fn element(token: &Token<'_>) -> Element {
    match token.form {
        Form::Word => Element::Word(token.text.into()),
        Form::Value(kind) => Element::Gap(kind),
        Form::Delimiter(byte) => Element::Delimiter(byte),
    }
}

/// A list of values (`blk_1 blk_2 blk_3`, `1, 2, 3`) has any number of them: one stands for all.
fn fuse_lists(tokens: &mut Vec<Token<'_>>) {
    let mut out = 0;
    let mut at = 0;
    while at < tokens.len() {
        tokens[out] = tokens[at];
        out += 1;
        let (length, items) = list_length(&tokens[at..]);
        let Form::Value(kind) = tokens[at].form else {
            at += 1;
            continue;
        };
        let items_min = if kind == Kind::Number || kind == Kind::Date || kind == Kind::Time { 3 } else { 2 };
        at += if items >= items_min { length } else { 1 };
    }
    tokens.truncate(out);
}

/// How many tokens the list at the start takes, and how many values it has.
fn list_length(tokens: &[Token<'_>]) -> (usize, usize) {
    let Some(first) = tokens.first() else { return (0, 0) };
    let (mut length, mut items) = (1, 1);
    loop {
        let comma = tokens.get(length).is_some_and(|token| token.form == Form::Delimiter(b','));
        let next = length + usize::from(comma);
        match tokens.get(next) {
            Some(token)
                if token.form == first.form
                    && (comma || token.spaced)
                    && letters_before(token.text) == letters_before(first.text) =>
            {
                length = next + 1;
                items += 1;
            }
            _ => return (length, items),
        }
    }
}

/// Items of a list begin alike: `blk_1 blk_2`, but not `/v1 HTTP/1.1`.
fn letters_before(text: &str) -> &str {
    &text[..text.bytes().take_while(u8::is_ascii_alphabetic).count()]
}

fn shape_hash(tokens: &[Token<'_>]) -> u64 {
    let mut bytes = Vec::with_capacity(256);
    for token in tokens {
        match token.form {
            Form::Word => {
                bytes.extend_from_slice(token.text.as_bytes());
                bytes.push(b' ');
            }
            // Bytes that no UTF-8 text has keep values and delimiters apart from words.
            Form::Value(kind) => bytes.extend([0xff, kind as u8]),
            Form::Delimiter(byte) => bytes.extend([0xfe, byte]),
        }
    }
    xxh3_64(&bytes)
}

/// Equal for messages that can have one pattern: as many places for words and values, the same delimiters.
pub(crate) type Structure = Box<[u8]>;

pub(crate) fn structure_of(elements: &[Element]) -> Structure {
    let mark = |element: &Element| match element {
        Element::Word(_) | Element::Gap(_) => b'w',
        Element::Delimiter(byte) => *byte,
    };
    elements.iter().map(mark).collect()
}

/// Makes a cluster cover elements of the same structure too.
fn generalise(cluster: &mut Cluster, elements: &[Element], values_max: usize) {
    let mut gap = 0;
    for (mine, theirs) in cluster.elements.iter_mut().zip(elements) {
        let joined = match (&*mine, theirs) {
            (Element::Word(a), Element::Word(b)) if a == b => None,
            (Element::Delimiter(_), _) => None,
            (Element::Gap(a), Element::Gap(b)) => Some(Element::Gap(a.with(*b))),
            _ => Some(Element::Gap(Kind::Token)),
        };
        if let (Some(Element::Gap(_)), Element::Word(word), true) = (&joined, &*mine, values_max > 0) {
            // What was a constant word until now has been this gap's only value.
            cluster.values.insert(gap, Values::of(word, cluster.count));
        }
        if let Some(joined) = joined {
            *mine = joined;
        }
        gap += usize::from(matches!(mine, Element::Gap(_)));
    }
}

fn count_values(cluster: &mut Cluster, tokens: &[Token<'_>], values_max: usize) {
    let gaps = cluster.elements.iter().zip(tokens).filter(|(element, _)| matches!(element, Element::Gap(_)));
    for (values, (_, token)) in cluster.values.iter_mut().zip(gaps) {
        values.count(token.text, 1, values_max);
    }
}
