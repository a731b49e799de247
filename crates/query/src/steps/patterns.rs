//! `pattern`, `diff` and `anomaly`: texts grouped into patterns as they stream by.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::cast::{as_int64_array, as_string_view_array, as_timestamp_millisecond_array};
use patterns::{MinerConfig, Pattern, PatternId, PatternMiner, Severity};

use super::{Running, Step};
use crate::functions::json::quote;

/// The range is seen in so many shares when anomalies are sought.
const SHARES: usize = 24;
/// A share with more events than the mean and so many standard deviations is a burst.
const BURST_DEVIATIONS: f64 = 3.0;
/// Fewer events are no anomaly.
const BURST_EVENTS_MIN: f64 = 10.0;
/// Bytes that a miner holds for a pattern, about.
const PATTERN_BYTES: usize = 2_048;

/// Column 0 is the text, column 1 is 0 for the query's range and 1 for the one it is compared with, column 2
/// the time.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    pub(crate) compared: bool,
    pub(crate) anomalies: bool,
    /// The query's range, milliseconds, end excluded.
    pub(crate) range: (i64, i64),
    /// Names of the columns that come out, in the order of [`Self::columns`].
    pub(crate) output: Vec<String>,
}

impl Patterns {
    /// Fields of the result and the kind of each column.
    pub(crate) fn columns(compared: bool, anomalies: bool) -> Vec<(&'static str, DataType)> {
        let text = || DataType::Utf8View;
        let mut columns = vec![
            ("@pattern", text()),
            ("@ratio", DataType::Float64),
            ("@sampleCount", DataType::Int64),
            ("@severityLabel", text()),
            ("@patternId", text()),
            ("@tokens", text()),
            ("@regexString", text()),
            ("@logSamples", text()),
        ];
        if compared {
            columns.extend([("@differenceEventCount", DataType::Int64), ("@differenceDescription", text())]);
        }
        if anomalies {
            columns.extend([
                ("@anomalyScore", DataType::Float64),
                ("@anomalyType", text()),
                ("@anomalyDescription", text()),
            ]);
        }
        columns
    }
}

impl Step for Patterns {
    fn schema(&self, _: &Schema) -> Schema {
        let columns = Self::columns(self.compared, self.anomalies).into_iter().zip(&self.output);
        Schema::new(columns.map(|((_, kind), name)| Field::new(name, kind, true)).collect::<Vec<_>>())
    }

    fn start(&self, _: SchemaRef) -> Box<dyn Running> {
        let config = MinerConfig { samples_max: 5, values_max: 0, ..MinerConfig::default() };
        Box::new(Mining { step: self.clone(), miner: PatternMiner::new(config), seen: HashMap::new() })
    }
}

/// How often a pattern was met in the range compared with, and in each share of the query's own.
#[derive(Clone)]
struct Seen {
    baseline: u64,
    shares: [u64; SHARES],
}

impl Default for Seen {
    fn default() -> Self {
        Self { baseline: 0, shares: [0; SHARES] }
    }
}

impl Seen {
    fn current(&self) -> u64 {
        self.shares.iter().sum()
    }

    fn absorb(&mut self, other: &Self) {
        self.baseline += other.baseline;
        self.shares.iter_mut().zip(other.shares).for_each(|(share, more)| *share += more);
    }
}

struct Mining {
    step: Patterns,
    miner: PatternMiner,
    seen: HashMap<PatternId, Seen>,
}

impl Running for Mining {
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let texts = as_string_view_array(batch.column(0))?;
        let sides = as_int64_array(batch.column(1))?;
        let times = as_timestamp_millisecond_array(batch.column(2))?;
        let (start, end) = self.step.range;
        let width = (end.saturating_sub(start)).max(1);
        for row in 0..texts.len() {
            if !texts.is_valid(row) {
                continue;
            }
            let seen = self.seen.entry(self.miner.add(texts.value(row))).or_default();
            if sides.value(row) != 0 {
                seen.baseline += 1;
                continue;
            }
            let since = if times.is_valid(row) { times.value(row).saturating_sub(start).max(0) } else { 0 };
            let share = (since as i128 * SHARES as i128 / i128::from(width)) as usize;
            seen.shares[share.min(SHARES - 1)] += 1;
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.seen.len() * (PATTERN_BYTES + size_of::<Seen>())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<ArrayRef>> {
        let patterns = self.miner.patterns();
        let mut seen: HashMap<PatternId, Seen> = HashMap::with_capacity(patterns.len());
        for (id, counts) in &self.seen {
            seen.entry(self.miner.resolve(*id)).or_default().absorb(counts);
        }
        let mut rows: Vec<(Pattern, Seen)> = patterns
            .into_iter()
            .map(|pattern| {
                let seen = seen.remove(&pattern.id).unwrap_or_default();
                (pattern, seen)
            })
            .collect();
        // The most frequent first; a pattern that is only in the baseline is last.
        rows.sort_by(|(a, left), (b, right)| {
            right.current().cmp(&left.current()).then_with(|| a.text.cmp(&b.text))
        });
        let total: u64 = rows.iter().map(|(_, seen)| seen.current()).sum();
        let mut columns: Vec<ArrayRef> = vec![
            texts(&rows, |(pattern, _)| Some(pattern.text.clone())),
            numbers(&rows, |(_, seen)| if total == 0 { 0.0 } else { seen.current() as f64 / total as f64 }),
            counts(&rows, |(_, seen)| seen.current() as i64),
            texts(&rows, |(pattern, _)| Some(label(pattern.severity()).to_owned())),
            texts(&rows, |(pattern, _)| Some(pattern.hash.clone())),
            texts(&rows, |(pattern, _)| Some(tokens(pattern))),
            texts(&rows, |(pattern, _)| Some(pattern.regex())),
            texts(&rows, |(pattern, _)| Some(list(&pattern.samples))),
        ];
        if self.step.compared {
            columns.push(counts(&rows, |(_, seen)| seen.current() as i64 - seen.baseline as i64));
            columns.push(texts(&rows, |(_, seen)| Some(difference(seen))));
        }
        if self.step.anomalies {
            let totals = rows.iter().fold(Seen::default(), |mut all, (_, seen)| {
                all.absorb(seen);
                all
            });
            let found: Vec<Option<Anomaly>> = rows.iter().map(|(_, seen)| anomaly(seen, &totals)).collect();
            let score: Float64Array =
                found.iter().map(|found| Some(found.as_ref().map_or(0.0, |found| found.score))).collect();
            columns.push(Arc::new(score));
            columns.push(texts(&found, |found| found.as_ref().map(|found| found.kind.to_owned())));
            columns.push(texts(&found, |found| found.as_ref().map(|found| found.description.clone())));
        }
        Ok(columns)
    }
}

fn texts<T>(rows: &[T], text: impl Fn(&T) -> Option<String>) -> ArrayRef {
    let texts: Vec<Option<String>> = rows.iter().map(text).collect();
    Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>())
}

fn numbers<T>(rows: &[T], number: impl Fn(&T) -> f64) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(number(row))).collect::<Float64Array>())
}

fn counts<T>(rows: &[T], count: impl Fn(&T) -> i64) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(count(row))).collect::<Int64Array>())
}

/// AWS: `ERROR` when the pattern has the word Error, else `WARN` with Warn, else `INFO`
/// (CWL_AnalyzeLogData_Patterns).
fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
        Severity::Warn => "WARN",
        Severity::Info | Severity::None => "INFO",
    }
}

fn tokens(pattern: &Pattern) -> String {
    let texts: Vec<String> = pattern.tokens.iter().map(|token| token.text.clone()).collect();
    list(&texts)
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(","))
}

fn difference(seen: &Seen) -> String {
    let (now, before) = (seen.current(), seen.baseline);
    match (now, before) {
        (0, _) => "No longer found".to_owned(),
        (_, 0) => "New pattern".to_owned(),
        _ if now == before => "No change".to_owned(),
        _ => {
            let change = (now as f64 - before as f64) / before as f64 * 100.0;
            let way = if change > 0.0 { "increase" } else { "decrease" };
            format!("{:.0}% {way}", change.abs())
        }
    }
}

struct Anomaly {
    /// From 0 to 1.
    score: f64,
    kind: &'static str,
    description: String,
}

/// A pattern that appears only late although there were events before, or that comes in a burst.
fn anomaly(seen: &Seen, totals: &Seen) -> Option<Anomaly> {
    let first = seen.shares.iter().position(|count| *count > 0)?;
    let before: u64 = totals.shares[..first].iter().sum();
    let active = totals.shares[..first].iter().filter(|count| **count > 0).count();
    if first >= SHARES * 3 / 4 && active * 2 >= first && before > 0 {
        let share = first as f64 / SHARES as f64;
        let description = format!("first seen after {:.0}% of the time range", share * 100.0);
        return Some(Anomaly { score: share, kind: "NEW_PATTERN", description });
    }
    let mean = seen.current() as f64 / SHARES as f64;
    let (peak, most) = seen.shares.iter().enumerate().max_by_key(|(at, count)| (**count, SHARES - at))?;
    // The peak itself would hide behind the deviation it makes.
    let others = seen.shares.iter().enumerate().filter(|(at, _)| *at != peak).map(|(_, count)| *count as f64);
    let rest = (seen.current() - most) as f64 / (SHARES - 1) as f64;
    let deviation = (others.map(|count| (count - rest).powi(2)).sum::<f64>() / (SHARES - 1) as f64).sqrt();
    let excess = *most as f64 - rest;
    if *most as f64 >= BURST_EVENTS_MIN
        && rest > 0.0
        && excess > BURST_DEVIATIONS * deviation.max(rest.sqrt())
    {
        let score = 1.0 - mean / *most as f64;
        let description = format!("{most} events in one share of the time range where {rest:.1} are usual");
        return Some(Anomaly { score, kind: "PATTERN_FREQUENCY", description });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unusual() {
        let steady = Seen { baseline: 0, shares: [100; SHARES] };
        assert!(anomaly(&steady, &steady).is_none());
        let mut burst = steady.clone();
        burst.shares[7] = 900;
        assert_eq!(anomaly(&burst, &burst).map(|found| found.kind), Some("PATTERN_FREQUENCY"));
        let mut late = Seen::default();
        late.shares[20] = 1;
        assert_eq!(anomaly(&late, &steady).map(|found| found.kind), Some("NEW_PATTERN"));
        assert!(anomaly(&late, &late).is_none());
    }

    #[test]
    fn differences() {
        let seen = |now, baseline| {
            let mut shares = [0; SHARES];
            shares[0] = now;
            difference(&Seen { baseline, shares })
        };
        assert_eq!(seen(0, 3), "No longer found");
        assert_eq!(seen(3, 0), "New pattern");
        assert_eq!(seen(6, 3), "100% increase");
        assert_eq!(seen(3, 4), "25% decrease");
    }
}
