//! CloudWatch through the AWS SDK for Rust, over RPC v2 CBOR.
//!
//! NEPHOSCOPE names the binary; `cargo xtask test rust-sdk` builds it and sets the variable.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::{Credentials, Region};
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::operation::RequestId;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StandardUnit, Statistic, StatusCode,
};

/// The server on a free port over a folder of its own; it ends with the value.
struct Server {
    process: Child,
    url: String,
    _data: tempfile::TempDir,
}

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        let binary = std::env::var("NEPHOSCOPE").map_err(|_| "NEPHOSCOPE must name the server's binary")?;
        let data = tempfile::tempdir()?;
        let mut process = Command::new(binary)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--xray-daemon",
                "off",
                "--emf",
                "off",
                "--log-level",
                "warn",
                "--data-dir",
            ])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(process.stdout.take().ok_or("no output")?);
        for line in output.lines() {
            if let Some((_, url)) = line?.split_once("listening on ") {
                let url = url.split_whitespace().next().unwrap_or(url).to_owned();
                return Ok(Self { process, url, _data: data });
            }
        }
        Err("the server ended before it listened".into())
    }

    /// A client of a fresh account: a 12-digit access key.
    fn client(&self, account: &str) -> Client {
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_cloudwatch::Config::builder()
            .http_client(http)
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(account, "any", None, None, "test"))
            .build();
        Client::from_conf(config)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A whole minute, five minutes ago, in epoch seconds.
fn minute() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(now / 60 * 60).unwrap_or(0) - 300
}

#[tokio::test]
async fn metrics_are_put_listed_and_read() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let client = server.client("300000000001");
    let start = minute();
    let dimension = Dimension::builder().name("Svc").value("a").build();
    for (second, value) in [(0, 1.5), (10, 2.5), (20, 300.0)] {
        let datum = MetricDatum::builder()
            .metric_name("Hits")
            .dimensions(dimension.clone())
            .timestamp(DateTime::from_secs(start + second))
            .value(value)
            .unit(StandardUnit::Count);
        client.put_metric_data().namespace("App").metric_data(datum.build()).send().await?;
    }

    let listed = client.list_metrics().namespace("App").send().await?;
    let names: Vec<_> = listed.metrics().iter().filter_map(Metric::metric_name).collect();
    assert_eq!(names, ["Hits"]);

    let statistics = client
        .get_metric_statistics()
        .namespace("App")
        .metric_name("Hits")
        .dimensions(dimension.clone())
        .start_time(DateTime::from_secs(start))
        .end_time(DateTime::from_secs(start + 60))
        .period(60)
        .statistics(Statistic::Sum)
        .statistics(Statistic::Maximum)
        .send()
        .await?;
    let [point] = statistics.datapoints() else { panic!("{statistics:?}") };
    assert_eq!((point.sum(), point.maximum()), (Some(304.0), Some(300.0)));
    assert_eq!(point.timestamp(), Some(&DateTime::from_secs(start)));
    assert_eq!(point.unit(), Some(&StandardUnit::Count));

    let metric = Metric::builder().namespace("App").metric_name("Hits").dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(60).stat("p50").build();
    let data = client
        .get_metric_data()
        .start_time(DateTime::from_secs(start))
        .end_time(DateTime::from_secs(start + 60))
        .scan_by(ScanBy::TimestampAscending)
        .metric_data_queries(MetricDataQuery::builder().id("a").metric_stat(stat).build())
        .send()
        .await?;
    let [result] = data.metric_data_results() else { panic!("{data:?}") };
    assert_eq!((result.values(), result.status_code()), (&[2.5][..], Some(&StatusCode::Complete)));
    assert!(data.request_id().is_some());
    Ok(())
}

#[tokio::test]
async fn a_large_request_arrives_compressed() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let client = server.client("300000000002");
    let start = minute();
    let data = (0..1000).map(|i| {
        MetricDatum::builder()
            .metric_name("Many")
            .timestamp(DateTime::from_secs(start))
            .value(f64::from(i))
            .build()
    });
    // The SDK compresses bodies over 10,240 bytes (`requestCompression` in the model).
    client.put_metric_data().namespace("App").set_metric_data(Some(data.collect())).send().await?;
    let statistics = client
        .get_metric_statistics()
        .namespace("App")
        .metric_name("Many")
        .start_time(DateTime::from_secs(start))
        .end_time(DateTime::from_secs(start + 60))
        .period(60)
        .statistics(Statistic::SampleCount)
        .send()
        .await?;
    assert_eq!(statistics.datapoints().first().and_then(|point| point.sample_count()), Some(1000.0));
    Ok(())
}

#[tokio::test]
async fn a_refused_call_carries_its_code() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let client = server.client("300000000003");
    let both = MetricDatum::builder().metric_name("m").value(1.0).values(1.0).build();
    let error =
        client.put_metric_data().namespace("App").metric_data(both).send().await.expect_err("both are given");
    // Text observed on AWS: spec/metrics.md 2.
    let code = error.code().unwrap_or_default();
    assert!(code.starts_with("InvalidParameterCombination"), "{code}");
    assert_eq!(
        error.message(),
        Some(
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you \
             have specified both."
        )
    );
    assert!(client.list_metrics().send().await?.metrics().is_empty());
    Ok(())
}
