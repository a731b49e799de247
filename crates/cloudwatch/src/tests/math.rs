//! Runs `math.txt`.

use std::collections::BTreeMap;

use base::Timestamp;
use shapes::cloudwatch::{
    GetMetricDataInput, Metric, MetricDataQuery, MetricDatum, MetricStat, PutMetricDataInput, ScanBy,
};

use super::{Server, error_text};
use crate::CloudWatchConfig;
use crate::operations::metrics::get_metric_data::get_metric_data;
use crate::operations::metrics::put_metric_data::put_metric_data;

const NAMESPACE: &str = "Math";

/// The series of a group, and the server that holds them.
struct Group {
    server: Server,
    start: Timestamp,
    slots: usize,
    names: Vec<String>,
}

impl Group {
    async fn new(at: &str) -> Self {
        let (time, slots) = at.split_once(' ').unwrap();
        let start = chrono::DateTime::parse_from_rfc3339(&format!("{time}:00Z")).unwrap();
        let (start, slots) = (Timestamp::from_secs(start.timestamp()), slots.parse().unwrap());
        let now = start.saturating_add_millis(slots as i64 * 60_000);
        let server = Server::new(now, CloudWatchConfig::default()).await;
        Self { server, start, slots, names: Vec::new() }
    }

    fn at(&self, slot: usize) -> Timestamp {
        self.start.saturating_add_millis(slot as i64 * 60_000)
    }

    async fn set(&mut self, name: &str, values: &str) {
        self.names.push(name.to_owned());
        let values: Vec<&str> = values.split(' ').collect();
        assert_eq!(values.len(), self.slots, "{name}");
        let datum = |(slot, value): (usize, &&str)| {
            let value: f64 = value.parse().ok()?;
            Some(MetricDatum {
                metric_name: name.to_owned(),
                value: Some(value),
                timestamp: Some(self.at(slot)),
                ..MetricDatum::default()
            })
        };
        let data: Vec<MetricDatum> = values.iter().enumerate().filter_map(datum).collect();
        if !data.is_empty() {
            let input = PutMetricDataInput {
                namespace: NAMESPACE.to_owned(),
                metric_data: Some(data),
                ..PutMetricDataInput::default()
            };
            put_metric_data(self.server.cx(), input).await.unwrap();
        }
    }

    /// The series of the result, as the corpus writes them.
    async fn evaluate(&self, expression: &str) -> String {
        let wanted = |name: &&String| {
            if expression.contains("METRICS(") {
                name.starts_with('m')
            } else {
                expression.contains(name.as_str())
            }
        };
        let query = |name: &String| MetricDataQuery {
            id: name.clone(),
            return_data: Some(false),
            metric_stat: Some(MetricStat {
                metric: Metric {
                    namespace: Some(NAMESPACE.to_owned()),
                    metric_name: Some(name.clone()),
                    dimensions: None,
                },
                period: 60,
                stat: "Sum".to_owned(),
                unit: None,
            }),
            ..MetricDataQuery::default()
        };
        let mut queries: Vec<MetricDataQuery> = self.names.iter().filter(wanted).map(query).collect();
        queries.push(MetricDataQuery {
            id: "e1".to_owned(),
            expression: Some(expression.to_owned()),
            period: Some(60),
            ..MetricDataQuery::default()
        });
        let input = GetMetricDataInput {
            metric_data_queries: queries,
            start_time: self.start,
            end_time: self.at(self.slots),
            scan_by: Some(ScanBy::TimestampAscending),
            ..GetMetricDataInput::default()
        };
        let output = match get_metric_data(self.server.cx(), input).await {
            Ok(output) => output,
            Err(error) => {
                let text = error_text(error);
                return format!("error {}", text.strip_prefix("ValidationError: ").unwrap_or(&text));
            }
        };
        let shown = |result: shapes::cloudwatch::MetricDataResult| {
            let stamps = result.timestamps.unwrap().into_iter().zip(result.values.unwrap());
            let values: BTreeMap<Timestamp, f64> = stamps.collect();
            let value = |slot| values.get(&self.at(slot)).map_or("-".to_owned(), |value| rounded(*value));
            (0..self.slots).map(value).collect::<Vec<_>>().join(" ")
        };
        output.metric_data_results.unwrap().into_iter().map(shown).collect::<Vec<_>>().join(" ; ")
    }
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.10}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[tokio::test]
async fn math() {
    let mut group: Option<Group> = None;
    let mut cases = 0;
    for line in super::corpus::lines(include_str!("../../tests/corpus/math.txt")) {
        if let Some(at) = line.strip_prefix("at ") {
            group = Some(Group::new(at).await);
            continue;
        }
        let group = group.as_mut().expect("a group begins with its time");
        if let Some((name, values)) = line.strip_prefix("set ").and_then(|l| l.split_once(" = ")) {
            group.set(name, values).await;
            continue;
        }
        let [_, expression, expected] = line.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = match expected.strip_prefix("scalar ") {
            Some(_) => {
                let series = group.evaluate(&format!("TIME_SERIES({expression})")).await;
                format!("scalar {}", series.split(' ').next().unwrap())
            }
            None => group.evaluate(expression).await,
        };
        assert_eq!(found, expected, "{line}");
        cases += 1;
    }
    assert!(cases > 80, "{cases}");
}
