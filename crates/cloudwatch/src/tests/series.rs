//! Runs `series.txt`, and what GetMetricData says of labels, limits and bands.

use base::Timestamp;
use shapes::cloudwatch::{
    Dimension, GetMetricDataInput, MetricDataQuery, MetricDatum, PutMetricDataInput, ScanBy,
};

use super::{Server, TODAY, error_text};
use crate::operations::metrics::get_metric_data::get_metric_data;
use crate::operations::metrics::put_metric_data::put_metric_data;
use crate::{CloudWatchConfig, CloudWatchError};

const NOON: i64 = TODAY + 43_200;

async fn server() -> Server {
    Server::new(Timestamp::from_secs(NOON + 60), CloudWatchConfig::default()).await
}

async fn put(server: &Server, words: &str) {
    let [namespace, name, value, dimensions] = words.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{words}")
    };
    let dimension = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        Dimension { name: name.to_owned(), value: value.to_owned() }
    };
    let dimensions = (dimensions != "-").then(|| dimensions.split(',').map(dimension).collect());
    let datum = MetricDatum {
        metric_name: name.to_owned(),
        value: Some(value.parse().unwrap()),
        dimensions,
        timestamp: Some(Timestamp::from_secs(NOON)),
        ..MetricDatum::default()
    };
    let input = PutMetricDataInput {
        namespace: namespace.to_owned(),
        metric_data: Some(vec![datum]),
        ..PutMetricDataInput::default()
    };
    put_metric_data(server.cx(), input).await.unwrap();
}

/// Labels with values, and the messages of the call.
async fn query(
    server: &Server,
    id: &str,
    label: &str,
    expression: &str,
) -> Result<Vec<String>, CloudWatchError> {
    let query = MetricDataQuery {
        id: id.to_owned(),
        label: (label != "-").then(|| label.to_owned()),
        expression: Some(expression.to_owned()),
        period: Some(60),
        ..MetricDataQuery::default()
    };
    let input = GetMetricDataInput {
        metric_data_queries: vec![query],
        start_time: Timestamp::from_secs(NOON - 120),
        end_time: Timestamp::from_secs(NOON + 60),
        scan_by: Some(ScanBy::TimestampAscending),
        ..GetMetricDataInput::default()
    };
    let output = get_metric_data(server.cx(), input).await?;
    let result = |result: shapes::cloudwatch::MetricDataResult| {
        let values: Vec<String> = result.values.unwrap().iter().map(f64::to_string).collect();
        format!("{} {{{}}}", result.label.unwrap(), values.join(" "))
    };
    let mut lines: Vec<String> = output.metric_data_results.unwrap().into_iter().map(result).collect();
    lines.extend(output.messages.unwrap().into_iter().map(|message| message.value.unwrap()));
    Ok(lines)
}

#[tokio::test]
async fn series() {
    let mut current = server().await;
    let mut lines = super::corpus::lines(include_str!("../../tests/corpus/series.txt")).peekable();
    let mut cases = 0;
    while let Some(line) = lines.next() {
        if line.starts_with("== ") {
            current = server().await;
        } else if let Some(words) = line.strip_prefix("put ") {
            put(&current, words).await;
        } else if let Some(words) = line.strip_prefix("> ") {
            let [id, label, expression] = words.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let mut expected = Vec::new();
            while lines.peek().is_some_and(|l| !["> ", "== "].iter().any(|p| l.starts_with(p))) {
                expected.extend(lines.next());
            }
            let found =
                query(&current, id, label, expression).await.unwrap_or_else(|error| vec![error_text(error)]);
            assert_eq!(found, expected, "{line}");
            cases += 1;
        } else {
            panic!("{line}");
        }
    }
    assert!(cases > 20, "{cases}");
}

#[tokio::test]
async fn a_search_shows_500_series_and_says_that_there_are_more() {
    let server = server().await;
    for chunk in 0..6 {
        let data = (0..100).map(|i| MetricDatum {
            metric_name: "m".to_owned(),
            value: Some(1.0),
            dimensions: Some(vec![Dimension {
                name: "n".to_owned(),
                value: format!("{:03}", chunk * 100 + i),
            }]),
            timestamp: Some(Timestamp::from_secs(NOON)),
            ..MetricDatum::default()
        });
        let input = PutMetricDataInput {
            namespace: "NS".to_owned(),
            metric_data: Some(data.collect()),
            ..PutMetricDataInput::default()
        };
        put_metric_data(server.cx(), input).await.unwrap();
    }
    let lines = query(&server, "e1", "-", "SEARCH('{NS,n}', 'Sum')").await.unwrap();
    assert_eq!(lines.len(), 501);
    assert_eq!(lines[0], "e1 m 000 {1}");
    assert_eq!(lines[500], "Maximum number of allowed metrics exceeded");
    // Metrics Insights takes all of them together.
    assert_eq!(query(&server, "q1", "-", "SELECT SUM(m) FROM NS").await.unwrap(), ["q1 {600}"]);
    let doubled = "SUM([SEARCH('{NS,n}', 'Sum'), SEARCH('{NS,n}', 'Sum')])";
    assert!(query(&server, "e1", "-", doubled).await.is_err(), "an array has a limit");
}

#[tokio::test]
async fn work_is_limited() {
    let server = server().await;
    let terms = vec!["TIME_SERIES(1)"; 130].join("+");
    let input = GetMetricDataInput {
        metric_data_queries: vec![MetricDataQuery {
            id: "e1".to_owned(),
            expression: Some(terms),
            period: Some(60),
            ..MetricDataQuery::default()
        }],
        start_time: Timestamp::from_secs(NOON - 455 * 86_400),
        end_time: Timestamp::from_secs(NOON),
        ..GetMetricDataInput::default()
    };
    let error = get_metric_data(server.cx(), input).await.unwrap_err();
    let expected =
        "ValidationError: Error in expression 'e1': The expression would process too many datapoints";
    assert_eq!(error_text(error), expected);
}

#[tokio::test]
async fn computed_answers_ignore_the_callers_page_but_not_the_limit() {
    let server = server().await;
    let query = |id: &str, expression: &str| MetricDataQuery {
        id: id.to_owned(),
        expression: Some(expression.to_owned()),
        period: Some(60),
        ..MetricDataQuery::default()
    };
    let mut input = GetMetricDataInput {
        metric_data_queries: vec![query("e1", "TIME_SERIES(1)"), query("e2", "TIME_SERIES(2)")],
        start_time: Timestamp::from_secs(NOON - 60_000 * 60),
        end_time: Timestamp::from_secs(NOON),
        max_datapoints: Some(5),
        ..GetMetricDataInput::default()
    };
    let mut sizes = Vec::new();
    loop {
        let output = get_metric_data(server.cx(), input.clone()).await.unwrap();
        let results = output.metric_data_results.unwrap();
        sizes.push(results.iter().map(|result| result.values.as_ref().unwrap().len()).collect::<Vec<_>>());
        input.next_token = output.next_token;
        if input.next_token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [[60_000, 40_800], [0, 19_200]]);
}
