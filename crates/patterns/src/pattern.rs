//! A finished pattern, as it is shown.

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::miner::{Cluster, Element, PatternId};
use crate::token::Kind;

/// How serious messages of a pattern are, by the words in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    None,
    Info,
    Warn,
    Error,
    Fatal,
}

/// A pattern and how often it was met.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Its id in the miner that found it.
    pub id: PatternId,
    /// 32 hexadecimal digits that depend on `text` only.
    pub hash: String,
    /// Words as they were, gaps as `<Type-n>` with n from 1.
    pub text: String,
    pub tokens: Vec<PatternToken>,
    pub count: u64,
    /// Part of all messages, from 0 to 1.
    pub ratio: f64,
    /// The first messages that had it.
    pub samples: Vec<String>,
}

/// A word, delimiter or gap of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternToken {
    /// As in the pattern's text.
    pub text: String,
    /// The form and number of a gap.
    pub gap: Option<(Kind, u32)>,
    /// How often values were met in this gap, where the miner counts them.
    pub values: Vec<(String, u64)>,
}

impl Pattern {
    pub(crate) fn of(id: PatternId, cluster: &Cluster, messages: u64) -> Self {
        let (mut text, mut tokens) = (String::new(), Vec::with_capacity(cluster.elements.len()));
        let mut gaps = 0;
        for (element, spaced) in cluster.elements.iter().zip(&cluster.spaced) {
            let gap = match element {
                Element::Gap(kind) => {
                    gaps += 1;
                    Some((*kind, gaps))
                }
                _ => None,
            };
            let shown = match (element, gap) {
                (Element::Word(word), _) => word.to_string(),
                (Element::Delimiter(byte), _) => char::from(*byte).to_string(),
                (_, Some((kind, number))) => format!("<{}-{number}>", kind.name()),
                (Element::Gap(_), None) => String::new(),
            };
            if *spaced && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&shown);
            let values = gap.and_then(|(_, number)| cluster.values.get(number as usize - 1));
            tokens.push(PatternToken {
                text: shown,
                gap,
                values: values.map(Values::sorted).unwrap_or_default(),
            });
        }
        let hash = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        let ratio = if messages == 0 { 0.0 } else { cluster.count as f64 / messages as f64 };
        Self { id, hash, text, tokens, count: cluster.count, ratio, samples: cluster.samples.clone() }
    }

    /// By the words of the pattern. Source:
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Patterns.html>.
    pub fn severity(&self) -> Severity {
        let text = self.text.to_ascii_lowercase();
        let is = |word: &str| text.contains(word);
        match () {
            () if is("fatal") => Severity::Fatal,
            () if is("error") => Severity::Error,
            () if is("warn") => Severity::Warn,
            () if is("info") => Severity::Info,
            () => Severity::None,
        }
    }

    /// A regular expression that the pattern's messages match from their beginning.
    pub fn regex(&self) -> String {
        let mut out = String::from(r"^\s*");
        for (i, token) in self.tokens.iter().enumerate() {
            if i > 0 {
                out.push_str(r"\s*");
            }
            if token.gap.is_some() {
                out.push_str("(.*?)");
            } else {
                for c in token.text.chars() {
                    if !c.is_alphanumeric() && c.is_ascii() && c != '_' {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
        if self.tokens.last().is_some_and(|token| token.gap.is_some()) {
            out.push_str(r"(?:\s|$)");
        }
        out
    }
}

/// Counts of the values a gap has taken: the first `values_max` different ones; the rest only as a number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    counts: HashMap<String, u64, foldhash::fast::FixedState>,
    others: u64,
}

impl Values {
    pub(crate) fn of(value: &str, count: u64) -> Self {
        let mut values = Self::default();
        if count > 0 {
            values.counts.insert(value.to_owned(), count);
        }
        values
    }

    pub(crate) fn count(&mut self, value: &str, count: u64, values_max: usize) {
        if let Some(known) = self.counts.get_mut(value) {
            *known += count;
        } else if self.counts.len() < values_max {
            self.counts.insert(value.to_owned(), count);
        } else {
            self.others += count;
        }
    }

    pub(crate) fn absorb(&mut self, other: &Values, values_max: usize) {
        for (value, count) in other.sorted() {
            self.count(&value, count, values_max);
        }
        self.others += other.others;
    }

    /// The most frequent first; equal counts by value.
    fn sorted(&self) -> Vec<(String, u64)> {
        let mut sorted: Vec<(String, u64)> =
            self.counts.iter().map(|(value, count)| (value.clone(), *count)).collect();
        sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sorted
    }
}
