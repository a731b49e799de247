//! StatsD: lines of text to samples.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-custom-metrics-statsd.html>.

use std::collections::{BTreeMap, BTreeSet};

use base::Timestamp;

use super::Sample;

/// Series of one interval; further ones are dropped and counted.
const SERIES_MAX: usize = 50_000;
/// Members of one set and values of one distribution.
const MEMBERS_MAX: usize = 100_000;
/// What a tag without value becomes.
const EMPTY: &str = "<empty>";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Counter,
    Gauge,
    Set,
    Timing,
    Histogram,
}

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "c" => Self::Counter,
            "g" => Self::Gauge,
            "s" => Self::Set,
            "ms" => Self::Timing,
            "h" | "d" => Self::Histogram,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Set => "set",
            Self::Timing => "timing",
            Self::Histogram => "histogram",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum State {
    Sum(f64),
    Members(BTreeSet<String>),
    /// Values and how many observations each stands for.
    Values(Vec<(f64, f64)>),
}

type Series = (Kind, String, BTreeMap<String, String>);

/// What one line says.
struct Line<'a> {
    name: String,
    dimensions: BTreeMap<String, String>,
    /// Value, type, and how many observations it stands for.
    values: Vec<(&'a str, Kind, f64)>,
}

/// What arrived in the current interval.
#[derive(Debug, Default)]
pub(crate) struct Statsd {
    series: BTreeMap<Series, State>,
    pub(crate) parse_errors: u64,
    pub(crate) dropped: u64,
}

impl Statsd {
    /// Takes a datagram; lines that are none are counted, the others used.
    pub(crate) fn receive(&mut self, datagram: &[u8]) {
        let text = String::from_utf8_lossy(datagram);
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match parse(line) {
                Some(line) => self.take_line(line),
                None => self.parse_errors += 1,
            }
        }
    }

    fn take_line(&mut self, line: Line<'_>) {
        for (value, kind, weight) in line.values {
            let series = (kind, line.name.clone(), line.dimensions.clone());
            if self.series.len() >= SERIES_MAX && !self.series.contains_key(&series) {
                self.dropped += 1;
                continue;
            }
            let state = self.series.entry(series).or_insert_with(|| match kind {
                Kind::Counter | Kind::Gauge => State::Sum(0.0),
                Kind::Set => State::Members(BTreeSet::new()),
                Kind::Timing | Kind::Histogram => State::Values(Vec::new()),
            });
            let number = value.parse::<f64>().unwrap_or(0.0);
            match state {
                State::Sum(sum) if kind == Kind::Counter => *sum += number * weight,
                // A sign changes the running value.
                State::Sum(sum) if value.starts_with(['+', '-']) => *sum += number,
                State::Sum(sum) => *sum = number,
                State::Members(members) if members.len() < MEMBERS_MAX => {
                    members.insert(value.to_owned());
                }
                State::Values(values) if values.len() < MEMBERS_MAX => values.push((number, weight)),
                State::Members(_) | State::Values(_) => self.dropped += 1,
            }
        }
    }

    /// The samples of the interval, which ends with this. Gauges end too: a silent one publishes nothing.
    pub(crate) fn take(
        &mut self,
        common: &BTreeMap<String, String>,
        at: Timestamp,
        high_resolution: bool,
    ) -> Vec<Sample> {
        let mut samples = Vec::new();
        for ((kind, name, own), state) in std::mem::take(&mut self.series) {
            let mut dimensions = common.clone();
            dimensions.extend(own);
            dimensions.insert("metric_type".to_owned(), kind.name().to_owned());
            let values = match state {
                State::Sum(sum) => vec![(sum, 1.0)],
                State::Members(members) => vec![(members.len() as f64, 1.0)],
                State::Values(values) => values,
            };
            samples.extend(values.into_iter().map(|(value, weight)| Sample {
                name: name.clone(),
                unit: "None",
                dimensions: dimensions.clone(),
                at,
                value,
                weight,
                high_resolution,
            }));
        }
        samples
    }
}

/// `name[,k=v…]:value|type[|@rate][|#k:v,…]`, with further `:value|type…` behind it.
fn parse(line: &str) -> Option<Line<'_>> {
    let (bucket, rest) = line.split_once(':')?;
    let (name, tags) = bucket.split_once(',').unwrap_or((bucket, ""));
    if name.is_empty() {
        return None;
    }
    let mut dimensions = BTreeMap::new();
    for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
        add_tag(&mut dimensions, tag.split_once('=').unwrap_or((tag, "")));
    }
    // Tags hold colons, so they are cut off before values are separated.
    let (values, tags) = rest.split_once("|#").unwrap_or((rest, ""));
    let (tags, after) = tags.split_once('|').unwrap_or((tags, ""));
    for tag in tags.split(',').filter(|tag| !tag.is_empty()) {
        add_tag(&mut dimensions, tag.split_once(':').unwrap_or((tag, "")));
    }
    let late_rate = after.split('|').find_map(|part| part.strip_prefix('@'));
    let values = values.split(':').map(|value| parse_value(value, late_rate)).collect::<Option<Vec<_>>>()?;
    Some(Line { name: plain(name), dimensions, values })
}

fn add_tag(dimensions: &mut BTreeMap<String, String>, (name, value): (&str, &str)) {
    let value = if value.is_empty() { EMPTY } else { value };
    dimensions.insert(plain(name), plain(value));
}

fn parse_value<'a>(text: &'a str, late_rate: Option<&str>) -> Option<(&'a str, Kind, f64)> {
    let mut parts = text.split('|');
    let value = parts.next().filter(|value| !value.is_empty())?;
    let kind = Kind::parse(parts.next()?)?;
    let mut weight = 1.0;
    for part in parts.chain(late_rate.map(|_| "")) {
        let rate = part.strip_prefix('@').or(late_rate.filter(|_| part.is_empty()))?;
        let rate = rate.parse::<f64>().ok().filter(|rate| *rate > 0.0 && *rate <= 1.0)?;
        weight = 1.0 / rate;
    }
    if kind != Kind::Set {
        value.parse::<f64>().ok().filter(|number| number.is_finite())?;
        let is_signed = value.starts_with(['+', '-']);
        if is_signed && !matches!(kind, Kind::Counter | Kind::Gauge) {
            return None;
        }
    }
    Some((value, kind, weight))
}

/// Characters metrics cannot have become `_`.
fn plain(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(lines: &str) -> (Vec<String>, u64) {
        let mut statsd = Statsd::default();
        statsd.receive(lines.as_bytes());
        let samples = statsd.take(&BTreeMap::new(), Timestamp::EPOCH, false);
        let line = |s: &Sample| {
            let dimensions: Vec<String> = s.dimensions.iter().map(|(n, v)| format!("{n}={v}")).collect();
            format!("{} {}x{} [{}]", s.name, s.value, s.weight, dimensions.join(","))
        };
        assert!(statsd.take(&BTreeMap::new(), Timestamp::EPOCH, false).is_empty(), "state is per interval");
        (samples.iter().map(line).collect(), statsd.parse_errors)
    }

    /// Vectors 14 to 21 of agent.md § 10, and more of their kind.
    #[test]
    fn lines_are_published_as_the_vectors_say() {
        for (lines, expected, errors) in [
            ("a:1|c\na:2|c|@0.5", vec!["a 5x1 [metric_type=counter]"], 0),
            ("g:10|g\ng:-3|g", vec!["g 7x1 [metric_type=gauge]"], 0),
            ("g:10|g\ng:4|g", vec!["g 4x1 [metric_type=gauge]"], 0),
            ("u:x|s\nu:y|s\nu:x|s", vec!["u 2x1 [metric_type=set]"], 0),
            ("t:100|ms|@0.1", vec!["t 100x10 [metric_type=timing]"], 0),
            ("r:1|c|#env:prod,canary", vec!["r 1x1 [canary=<empty>,env=prod,metric_type=counter]"], 0),
            ("r,env=prod:1|c", vec!["r 1x1 [env=prod,metric_type=counter]"], 0),
            ("m:1|c:2|c", vec!["m 3x1 [metric_type=counter]"], 0),
            ("bad\nok:1|c", vec!["ok 1x1 [metric_type=counter]"], 1),
            ("d:3|d|#a:b|@0.5", vec!["d 3x2 [a=b,metric_type=histogram]"], 0),
            ("d:3|h|#url:http://x", vec!["d 3x1 [metric_type=histogram,url=http://x]"], 0),
            ("größe:1|c", vec!["gr__e 1x1 [metric_type=counter]"], 0),
            ("t:-5|ms", vec![], 1),
            ("x:1|z\nx:1\n:1|c\nx:a|c\nx:1|c|@2\nx:nan|g\nx:|c", vec![], 7),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(published(lines), (expected, errors), "{lines}");
        }
    }
}
