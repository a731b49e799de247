//! Runs `statistics.txt` and `reading.txt`.

use std::collections::HashMap;
use std::time::Duration;

use base::Timestamp;
use shapes::cloudwatch::{
    GetMetricDataInput, GetMetricDataOutput, GetMetricStatisticsInput, Metric, MetricDataQuery, MetricDatum,
    MetricStat, PutMetricDataInput, ScanBy, StandardUnit,
};
use signals::Dist;

use super::{Server, TODAY, error_text};
use crate::metric::statistic::Statistic;
use crate::operations::metrics::get_metric_data::get_metric_data;
use crate::operations::metrics::get_metric_statistics::get_metric_statistics;
use crate::operations::metrics::put_metric_data::put_metric_data;
use crate::{CloudWatchConfig, CloudWatchError};

const DAY: i64 = 86_400;

pub(super) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim_end).filter(|l| !l.is_empty() && !l.starts_with('#'))
}

#[test]
fn statistics() {
    let mut sets: HashMap<&str, Dist> = HashMap::new();
    for line in lines(include_str!("../../tests/corpus/statistics.txt")) {
        if let Some((name, values)) = line.strip_prefix("set ").and_then(|l| l.split_once(" = ")) {
            sets.insert(name, set(values));
            continue;
        }
        let [_, name, statistic, expected] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        match Statistic::parse(statistic).expect(line).of(&sets[name]) {
            None => assert_eq!(expected, "no value", "{line}"),
            Some(value) => {
                let expected: f64 = expected.parse().expect(line);
                assert!((value - expected).abs() < 1e-9, "{line}: {value}");
            }
        }
    }
}

fn set(text: &str) -> Dist {
    let number = |n: &str| n.parse::<f64>().unwrap();
    if let Some(set) = text.strip_prefix("statistics ") {
        let [count, sum, min, max] = set.split(' ').map(number).collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        return Dist::from_statistic_set(count, sum, min, max);
    }
    if let Some((from, to)) = text.split_once("..") {
        let range = from.parse::<u32>().unwrap()..=to.parse().unwrap();
        return Dist::from_pairs(range.map(|n| (f64::from(n), 1.0))).unwrap();
    }
    let pair = |item: &str| {
        item.split_once('x').map_or_else(|| (number(item), 1.0), |(v, c)| (number(v), number(c)))
    };
    Dist::from_pairs(text.split(' ').map(pair)).unwrap()
}

#[tokio::test]
async fn reading() {
    let mut case = "";
    let mut runner: Option<Runner> = None;
    let mut lines = lines(include_str!("../../tests/corpus/reading.txt")).peekable();
    let mut run = 0;
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("== ") {
            case = name;
        } else if let Some(now) = line.strip_prefix("now ") {
            runner = Some(Runner::new(now).await);
        } else if let Some(command) = line.strip_prefix("> ") {
            let mut expected = Vec::new();
            while lines.peek().is_some_and(|l| !l.starts_with("> ") && !l.starts_with("== ")) {
                expected.extend(lines.next());
            }
            let runner = runner.as_mut().expect("a case begins with its time");
            let printed = runner.run(command).await.unwrap_or_else(|error| vec![error_text(error)]);
            assert_eq!(printed, expected, "{case}: {command}");
            run += 1;
        } else {
            panic!("{case}: {line}");
        }
    }
    assert!(run > 50, "{run} commands");
}

struct Runner {
    server: Server,
    last: Option<GetMetricDataInput>,
    next_token: Option<String>,
}

impl Runner {
    async fn new(now: &str) -> Self {
        let server = Server::new(time(now, TODAY), CloudWatchConfig::default()).await;
        Self { server, last: None, next_token: None }
    }

    fn today(&self) -> i64 {
        let now = self.server.cx().now.as_secs();
        now - now % DAY
    }

    fn time(&self, text: &str) -> Timestamp {
        time(text, self.today())
    }

    fn show(&self, at: Timestamp) -> String {
        let days = (self.today() - at.as_secs().div_euclid(DAY) * DAY) / DAY;
        let clock = &at.to_iso8601_secs()[11..19];
        if days == 0 { clock.to_owned() } else { format!("-{days}d@{clock}") }
    }

    async fn run(&mut self, command: &str) -> Result<Vec<String>, CloudWatchError> {
        let words: Vec<&str> = command.split(' ').collect();
        match words.as_slice() {
            ["put", metric, value, unit, at, rest @ ..] => {
                self.put(metric, value.parse().unwrap(), unit, self.time(at), rest == ["high"]).await?;
                Ok(Vec::new())
            }
            ["series", metric, start, count] => {
                for i in 0..count.parse().unwrap() {
                    let at = self.time(start).saturating_add_millis(i * 60_000);
                    self.put(metric, i as f64, "None", at, false).await?;
                }
                Ok(Vec::new())
            }
            ["advance", days] => {
                // Flushing and compacting on the way must not be visible.
                for _ in 0..days.parse().unwrap() {
                    self.server.clock.advance(Duration::from_secs(DAY as u64));
                    let stop = Default::default();
                    self.server.store.maintain(self.server.cx().now, &stop).await?;
                }
                Ok(Vec::new())
            }
            ["stats", metric, start, end, period, statistics, unit @ ..] => {
                self.statistics(metric, (start, end), period, statistics, unit.first().copied()).await
            }
            ["data", start, end, order, max, queries @ ..] => {
                let order = if *order == "asc" { "TimestampAscending" } else { "TimestampDescending" };
                let input = GetMetricDataInput {
                    start_time: self.time(start),
                    end_time: self.time(end),
                    scan_by: Some(ScanBy::from(order)),
                    max_datapoints: max.parse().ok(),
                    metric_data_queries: queries.iter().map(|q| query(q)).collect(),
                    ..GetMetricDataInput::default()
                };
                self.data(input).await
            }
            ["next"] => {
                let next_token = self.next_token.take();
                assert!(next_token.is_some(), "there is no next page");
                let last = self.last.clone().unwrap();
                self.data(GetMetricDataInput { next_token, ..last }).await
            }
            other => panic!("{other:?}"),
        }
    }

    async fn put(
        &self,
        metric: &str,
        value: f64,
        unit: &str,
        at: Timestamp,
        high: bool,
    ) -> Result<(), CloudWatchError> {
        let datum = MetricDatum {
            metric_name: metric.to_owned(),
            value: Some(value),
            unit: Some(StandardUnit::from(unit)),
            timestamp: Some(at),
            storage_resolution: high.then_some(1),
            ..MetricDatum::default()
        };
        let metric_data = Some(vec![datum]);
        let input =
            PutMetricDataInput { namespace: "NS".to_owned(), metric_data, ..PutMetricDataInput::default() };
        put_metric_data(self.server.cx(), input).await
    }

    async fn statistics(
        &self,
        metric: &str,
        (start, end): (&str, &str),
        period: &str,
        statistics: &str,
        unit: Option<&str>,
    ) -> Result<Vec<String>, CloudWatchError> {
        let names: Vec<&str> = statistics.split(',').filter(|s| *s != "-").collect();
        let (extended, basic): (Vec<&str>, Vec<&str>) =
            names.into_iter().partition(|s| s.starts_with(|c: char| c.is_ascii_lowercase()));
        let input = GetMetricStatisticsInput {
            namespace: "NS".to_owned(),
            metric_name: metric.to_owned(),
            start_time: self.time(start),
            end_time: self.time(end),
            period: period.parse().unwrap(),
            statistics: (!basic.is_empty()).then(|| basic.into_iter().map(Into::into).collect()),
            extended_statistics: (!extended.is_empty())
                .then(|| extended.into_iter().map(Into::into).collect()),
            unit: unit.map(StandardUnit::from),
            dimensions: None,
        };
        let output = get_metric_statistics(self.server.cx(), input).await?;
        assert_eq!(output.label.as_deref(), Some(metric));
        let shown = |d: shapes::cloudwatch::Datapoint| {
            let mut text = format!("{} {}", self.show(d.timestamp.unwrap()), d.unit.unwrap());
            let basic = [
                ("SampleCount", d.sample_count),
                ("Average", d.average),
                ("Sum", d.sum),
                ("Minimum", d.minimum),
                ("Maximum", d.maximum),
            ];
            for (name, value) in basic {
                if let Some(value) = value {
                    text.push_str(&format!(" {name}={value}"));
                }
            }
            for (name, value) in d.extended_statistics.unwrap_or_default() {
                text.push_str(&format!(" {name}={value}"));
            }
            text
        };
        Ok(output.datapoints.unwrap().into_iter().map(shown).collect())
    }

    async fn data(&mut self, input: GetMetricDataInput) -> Result<Vec<String>, CloudWatchError> {
        self.last = Some(input.clone());
        let GetMetricDataOutput { messages, metric_data_results, next_token } =
            get_metric_data(self.server.cx(), input).await?;
        assert_eq!(messages, Some(Vec::new()));
        let mut printed = Vec::new();
        for result in metric_data_results.unwrap() {
            let mut text =
                format!("{} {} {}", result.id.unwrap(), result.label.unwrap(), result.status_code.unwrap());
            for (at, value) in result.timestamps.unwrap().into_iter().zip(result.values.unwrap()) {
                text.push_str(&format!(" {}={value}", self.show(at)));
            }
            for message in result.messages.unwrap_or_default() {
                text.push_str(&format!(" {}", message.value.unwrap()));
            }
            printed.push(text);
        }
        printed.extend(next_token.is_some().then(|| "next page".to_owned()));
        self.next_token = next_token;
        Ok(printed)
    }
}

/// `HH:MM:SS` or `-Nd@HH:MM:SS`, counted from the midnight `today`.
fn time(text: &str, today: i64) -> Timestamp {
    let (days, clock) = match text.strip_prefix('-').and_then(|t| t.split_once("d@")) {
        Some((days, clock)) => (days.parse::<i64>().unwrap(), clock),
        None => (0, text),
    };
    let [h, m, s] = clock.split(':').map(|p| p.parse::<i64>().unwrap()).collect::<Vec<_>>()[..] else {
        panic!("{text}")
    };
    Timestamp::from_secs(today - days * DAY + h * 3600 + m * 60 + s)
}

/// `id:metric:stat:period[:unit]`, hidden with `!` before it; or `id=expression`.
fn query(text: &str) -> MetricDataQuery {
    let (text, return_data) = text.strip_prefix('!').map_or((text, None), |t| (t, Some(false)));
    if let Some((id, expression)) = text.split_once('=') {
        let expression = Some(expression.to_owned());
        return MetricDataQuery { id: id.to_owned(), expression, ..MetricDataQuery::default() };
    }
    let parts: Vec<&str> = text.split(':').collect();
    let metric =
        Metric { namespace: Some("NS".to_owned()), metric_name: Some(parts[1].to_owned()), dimensions: None };
    let metric_stat = Some(MetricStat {
        metric,
        period: parts[3].parse().unwrap(),
        stat: parts[2].to_owned(),
        unit: parts.get(4).map(|u| StandardUnit::from(*u)),
    });
    MetricDataQuery { id: parts[0].to_owned(), metric_stat, return_data, ..MetricDataQuery::default() }
}
