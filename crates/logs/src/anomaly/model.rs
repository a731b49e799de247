//! What a detector knows, and what it makes of new messages. Pure.

use std::collections::HashMap;

use base::Timestamp;
use patterns::{MinerConfig, Pattern, PatternId, PatternMiner, Severity};
use serde::{Deserialize, Serialize};

/// Patterns a model knows; of more, those seen longest ago go.
const KNOWN_MAX: usize = 1_000;
/// Examples of a pattern, and characters of one.
const SAMPLES_MAX: usize = 2;
const SAMPLE_CHARACTERS_MAX: usize = 400;
/// Counts of a pattern that are remembered.
const WINDOWS_MAX: usize = 48;
/// Windows a pattern must have been watched for before its count can be unusual.
const WINDOWS_MIN: usize = 12;
/// Messages a window must have, or have had on average, for its count to be unusual.
const COUNT_MIN: f64 = 20.0;
const DEVIATIONS: f64 = 5.0;
/// Examples of an anomaly.
const SHOWN_MAX: usize = 5;

/// A pattern a detector knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) hash: String,
    pub(crate) samples: Vec<String>,
    pub(crate) last_seen: Timestamp,
    /// Messages in the last windows, the latest one last.
    pub(crate) windows: Vec<u64>,
    /// The anomaly that tells of it, and since when.
    pub(crate) anomaly: Option<(String, Timestamp)>,
}

/// A message of a window.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) timestamp: Timestamp,
    pub(crate) text: String,
}

/// Why a pattern is conspicuous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    New,
    More,
    Fewer,
}

/// Something conspicuous in a window.
#[derive(Debug)]
pub(crate) struct Finding {
    /// Place of the pattern in the model.
    pub(crate) known: usize,
    pub(crate) reason: Reason,
    pub(crate) pattern: Pattern,
    pub(crate) samples: Vec<Message>,
    pub(crate) count: u64,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// A pattern with an open anomaly that was met again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Again {
    pub(crate) anomaly: String,
    pub(crate) count: u64,
    pub(crate) last_seen: Timestamp,
}

/// What a window showed.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) findings: Vec<Finding>,
    pub(crate) again: Vec<Again>,
}

/// Takes a window in. With `training`, everything is as it should be.
pub(crate) fn observe(known: &mut Vec<Known>, window: &[Message], at: Timestamp, training: bool) -> Outcome {
    let mut miner = PatternMiner::new(MinerConfig { values_max: 5, ..MinerConfig::default() });
    let seeds: Vec<Vec<PatternId>> =
        known.iter().map(|k| k.samples.iter().map(|sample| miner.add(sample)).collect()).collect();
    let ids: Vec<PatternId> = window.iter().map(|message| miner.add(&message.text)).collect();
    let found = miner.patterns();
    let mut members: HashMap<PatternId, Vec<&Message>> = HashMap::new();
    for (message, id) in window.iter().zip(ids) {
        members.entry(miner.resolve(id)).or_default().push(message);
    }
    let owners = owners(&miner, known, &seeds);
    let mut outcome = Outcome::default();
    let mut is_known = vec![false; known.len()];
    for pattern in found {
        let messages = members.get(&pattern.id).map_or(&[][..], Vec::as_slice);
        let count = messages.len() as u64;
        match owners.get(&pattern.id) {
            Some(owner) => {
                is_known[*owner] = true;
                let reason = if training { None } else { unusual(&known[*owner].windows, count) };
                note(&mut known[*owner], messages, count);
                match (&known[*owner].anomaly, reason) {
                    (Some((anomaly, _)), _) if count > 0 => outcome.again.push(Again {
                        anomaly: anomaly.clone(),
                        count,
                        last_seen: known[*owner].last_seen,
                    }),
                    (None, Some(reason)) => {
                        outcome.findings.push(finding(*owner, reason, pattern, messages, at));
                    }
                    _ => {}
                }
            }
            None if count > 0 => {
                known.push(learned(&pattern, messages, count));
                is_known.push(true);
                if !training {
                    let place = known.len() - 1;
                    outcome.findings.push(finding(place, Reason::New, pattern, messages, at));
                }
            }
            None => {}
        }
    }
    // What was joined with another pattern is known by that one.
    let mut places = Vec::with_capacity(known.len());
    let mut kept = 0;
    for keep in &is_known {
        places.push(keep.then_some(kept));
        kept += usize::from(*keep);
    }
    let mut flags = is_known.iter();
    known.retain(|_| *flags.next().unwrap_or(&true));
    outcome.findings.retain_mut(|finding| match places.get(finding.known).copied().flatten() {
        Some(place) => {
            finding.known = place;
            true
        }
        None => false,
    });
    outcome
}

/// Forgets what was seen longest ago, when there is too much. To be called when findings are dealt with.
pub(crate) fn trim(known: &mut Vec<Known>) {
    if known.len() > KNOWN_MAX {
        known.sort_by_key(|k| std::cmp::Reverse(k.last_seen));
        known.truncate(KNOWN_MAX);
    }
}

/// The known pattern that each pattern of the miner is: the first of those whose examples it holds.
fn owners(miner: &PatternMiner, known: &[Known], seeds: &[Vec<PatternId>]) -> HashMap<PatternId, usize> {
    let mut owners = HashMap::new();
    for (place, _) in known.iter().enumerate() {
        for id in &seeds[place] {
            owners.entry(miner.resolve(*id)).or_insert(place);
        }
    }
    owners
}

fn note(known: &mut Known, messages: &[&Message], count: u64) {
    known.windows.push(count);
    if known.windows.len() > WINDOWS_MAX {
        known.windows.remove(0);
    }
    if let Some(last) = messages.iter().map(|m| m.timestamp).max() {
        known.last_seen = known.last_seen.max(last);
    }
    // A second example, so that what varies stays a gap.
    if known.samples.len() < SAMPLES_MAX
        && let Some(other) = messages.iter().map(|m| sample(&m.text)).find(|s| !known.samples.contains(s))
    {
        known.samples.push(other);
    }
}

fn learned(pattern: &Pattern, messages: &[&Message], count: u64) -> Known {
    let mut samples: Vec<String> = Vec::new();
    for message in messages {
        let text = sample(&message.text);
        if samples.len() < SAMPLES_MAX && !samples.contains(&text) {
            samples.push(text);
        }
    }
    Known {
        hash: pattern.hash.clone(),
        samples,
        last_seen: messages.iter().map(|m| m.timestamp).max().unwrap_or(Timestamp::EPOCH),
        windows: vec![count],
        anomaly: None,
    }
}

fn sample(text: &str) -> String {
    text.chars().take(SAMPLE_CHARACTERS_MAX).collect()
}

/// Whether a count is far from what it was.
fn unusual(windows: &[u64], count: u64) -> Option<Reason> {
    if windows.len() < WINDOWS_MIN {
        return None;
    }
    let n = windows.len() as f64;
    let mean = windows.iter().map(|c| *c as f64).sum::<f64>() / n;
    let deviation = (windows.iter().map(|c| (*c as f64 - mean).powi(2)).sum::<f64>() / n).sqrt();
    let count = count as f64;
    if count >= COUNT_MIN && count > 3.0 * mean && count > mean + DEVIATIONS * deviation {
        return Some(Reason::More);
    }
    (mean >= COUNT_MIN && count * 10.0 < mean && count + DEVIATIONS * deviation < mean)
        .then_some(Reason::Fewer)
}

fn finding(known: usize, reason: Reason, pattern: Pattern, messages: &[&Message], at: Timestamp) -> Finding {
    let times = messages.iter().map(|m| m.timestamp);
    Finding {
        known,
        reason,
        count: messages.len() as u64,
        first_seen: times.clone().min().unwrap_or(at),
        last_seen: times.max().unwrap_or(at),
        samples: messages.iter().take(SHOWN_MAX).map(|m| Message::clone(m)).collect(),
        pattern,
    }
}

impl Finding {
    pub(crate) fn priority(&self) -> &'static str {
        match (self.reason, self.pattern.severity()) {
            (_, Severity::Fatal | Severity::Error) => "HIGH",
            (Reason::New, Severity::Warn) | (Reason::More, _) => "MEDIUM",
            _ => "LOW",
        }
    }

    pub(crate) fn description(&self) -> String {
        let shown: String = self.pattern.text.chars().take(200).collect();
        match self.reason {
            Reason::New => format!("A pattern that was not seen before: {shown}"),
            Reason::More => format!("Many more messages than usual ({}) of the pattern: {shown}", self.count),
            Reason::Fewer => {
                format!("Far fewer messages than usual ({}) of the pattern: {shown}", self.count)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(texts: impl IntoIterator<Item = String>) -> Vec<Message> {
        let message =
            |(n, text): (usize, String)| Message { timestamp: Timestamp::from_millis(n as i64), text };
        texts.into_iter().enumerate().map(message).collect()
    }

    fn requests(count: usize, from: usize) -> Vec<Message> {
        messages((from..from + count).map(|n| format!("GET /users/{n} took {} ms", n * 7 % 90)))
    }

    fn trained() -> Vec<Known> {
        let mut known = Vec::new();
        let outcome = observe(&mut known, &requests(50, 1), Timestamp::EPOCH, true);
        assert!(outcome.findings.is_empty() && outcome.again.is_empty());
        known
    }

    #[test]
    fn what_is_known_is_no_finding_and_what_is_new_is() {
        let mut known = trained();
        assert!(observe(&mut known, &requests(30, 1000), Timestamp::EPOCH, false).findings.is_empty());
        let size = known.len();
        let mut window = requests(30, 2000);
        window.extend(messages((0..3).map(|n| format!("ERROR disk sda{n} is failing"))));
        let outcome = observe(&mut known, &window, Timestamp::EPOCH, false);
        let [finding] = outcome.findings.as_slice() else { panic!("{outcome:?}") };
        assert_eq!((finding.reason, finding.count, finding.priority()), (Reason::New, 3, "HIGH"));
        assert!(finding.pattern.text.starts_with("ERROR disk"), "{}", finding.pattern.text);
        assert_eq!(known.len(), size + 1);

        let place = finding.known;
        known[place].anomaly = Some(("a".to_owned(), Timestamp::EPOCH));
        let window = messages((5..7).map(|n| format!("ERROR disk sda{n} is failing")));
        let outcome = observe(&mut known, &window, Timestamp::EPOCH, false);
        assert!(outcome.findings.is_empty());
        assert_eq!((outcome.again[0].anomaly.as_str(), outcome.again[0].count), ("a", 2));
    }

    #[test]
    fn counts_far_from_the_usual_are_findings() {
        let mut known = trained();
        for n in 0..12 {
            let outcome = observe(&mut known, &requests(30 + n % 3, 100 * n), Timestamp::EPOCH, false);
            assert!(outcome.findings.is_empty(), "{outcome:?}");
        }
        let many = observe(&mut known.clone(), &requests(300, 1), Timestamp::EPOCH, false);
        assert_eq!(many.findings[0].reason, Reason::More);
        let none = observe(&mut known.clone(), &[], Timestamp::EPOCH, false);
        assert_eq!(none.findings[0].reason, Reason::Fewer);
        let usual = observe(&mut known, &requests(35, 1), Timestamp::EPOCH, false);
        assert!(usual.findings.is_empty());
    }

    #[test]
    fn a_model_is_bounded() {
        let mut known: Vec<Known> = (0..KNOWN_MAX as i64 + 5)
            .map(|n| Known {
                hash: n.to_string(),
                samples: Vec::new(),
                last_seen: Timestamp::from_millis(n),
                windows: Vec::new(),
                anomaly: None,
            })
            .collect();
        trim(&mut known);
        assert_eq!(known.len(), KNOWN_MAX);
        assert!(known.iter().all(|k| k.last_seen >= Timestamp::from_millis(5)));
        let long = messages(["x".repeat(5_000)]);
        let mut known = Vec::new();
        observe(&mut known, &long, Timestamp::EPOCH, true);
        assert!(known[0].samples[0].len() == SAMPLE_CHARACTERS_MAX);
    }
}
