//! Detectors through their operations, and bands through GetMetricData.

use std::time::Duration;

use base::Timestamp;
use shapes::cloudwatch::{
    AnomalyDetectorConfiguration, AnomalyDetectorStateValue, AnomalyDetectorType, DeleteAnomalyDetectorInput,
    DescribeAnomalyDetectorsInput, GetMetricDataInput, Metric, MetricDataQuery, MetricDatum,
    MetricMathAnomalyDetector, MetricStat, PutAnomalyDetectorInput, PutMetricDataInput, ScanBy,
    SingleMetricAnomalyDetector,
};

use super::{Server, TODAY, error_text};
use crate::CloudWatchConfig;
use crate::operations::anomaly_detectors::{
    delete_anomaly_detector, describe_anomaly_detectors, put_anomaly_detector,
};
use crate::operations::metrics::get_metric_data::get_metric_data;
use crate::operations::metrics::put_metric_data::put_metric_data;

const DAYS: i64 = 5;

/// A server with five days of a metric that is 100 by day and 10 at night, give or take.
async fn server() -> Server {
    let server = Server::new(Timestamp::from_secs(TODAY + 43_200), CloudWatchConfig::default()).await;
    let start = TODAY + 43_200 - DAYS * 86_400;
    let points: Vec<i64> = (0..DAYS * 288).map(|i| start + i * 300).collect();
    for chunk in points.chunks(500) {
        let datum = |at: &i64| {
            let day = (8..20).contains(&(at % 86_400 / 3600));
            let noise = (at / 300 * 7919 % 11) as f64 / 5.0;
            MetricDatum {
                metric_name: "m".to_owned(),
                value: Some(if day { 100.0 } else { 10.0 } + noise),
                timestamp: Some(Timestamp::from_secs(*at)),
                ..MetricDatum::default()
            }
        };
        let input = PutMetricDataInput {
            namespace: "NS".to_owned(),
            metric_data: Some(chunk.iter().map(datum).collect()),
            ..PutMetricDataInput::default()
        };
        put_metric_data(server.cx(), input).await.unwrap();
    }
    server
}

fn metric_query(id: &str, returned: bool) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        return_data: Some(returned),
        metric_stat: Some(MetricStat {
            metric: Metric {
                namespace: Some("NS".to_owned()),
                metric_name: Some("m".to_owned()),
                dimensions: None,
            },
            period: 300,
            stat: "Average".to_owned(),
            unit: None,
        }),
        ..MetricDataQuery::default()
    }
}

async fn band(server: &Server, expression: &str) -> Result<Vec<(String, Vec<f64>)>, String> {
    let band = MetricDataQuery {
        id: "b".to_owned(),
        expression: Some(expression.to_owned()),
        ..MetricDataQuery::default()
    };
    let input = GetMetricDataInput {
        metric_data_queries: vec![metric_query("m1", false), band],
        start_time: Timestamp::from_secs(TODAY),
        end_time: Timestamp::from_secs(TODAY + 43_200),
        scan_by: Some(ScanBy::TimestampAscending),
        ..GetMetricDataInput::default()
    };
    let output = get_metric_data(server.cx(), input).await.map_err(error_text)?;
    let results = output.metric_data_results.unwrap().into_iter();
    Ok(results.map(|result| (result.label.unwrap(), result.values.unwrap())).collect())
}

#[tokio::test]
async fn bands_are_two_series_around_what_is_expected() {
    let server = server().await;
    let both = band(&server, "ANOMALY_DETECTION_BAND(m1)").await.unwrap();
    let [(high_label, high), (low_label, low)] = &both[..] else { panic!("{both:?}") };
    assert_eq!((high_label.as_str(), low_label.as_str()), ("b m (high)", "b m (low)"));
    assert_eq!((high.len(), low.len()), (144, 144));
    assert!(low[12] <= 11.0 && high[12] >= 11.0 && high[12] < 60.0, "night: {} {}", low[12], high[12]);
    assert!(low[120] > 60.0 && high[120] > 100.0, "day: {} {}", low[120], high[120]);
    let wide = band(&server, "ANOMALY_DETECTION_BAND(m1, 5)").await.unwrap();
    assert!(wide[0].1[120] > high[120]);
    let outside = band(&server, "m1 > FIRST(ANOMALY_DETECTION_BAND(m1, 5))").await.unwrap();
    assert_eq!(outside[0].1.iter().sum::<f64>(), 0.0);
    let nested = band(&server, "ANOMALY_DETECTION_BAND(FIRST(ANOMALY_DETECTION_BAND(m1)))").await;
    assert!(nested.unwrap_err().contains("cannot be made of another"));
    assert!(band(&server, "ANOMALY_DETECTION_BAND(m1, 0)").await.is_err());
}

fn put(configuration: Option<AnomalyDetectorConfiguration>) -> PutAnomalyDetectorInput {
    PutAnomalyDetectorInput {
        single_metric_anomaly_detector: Some(single()),
        configuration,
        ..PutAnomalyDetectorInput::default()
    }
}

fn single() -> SingleMetricAnomalyDetector {
    SingleMetricAnomalyDetector {
        namespace: Some("NS".to_owned()),
        metric_name: Some("m".to_owned()),
        stat: Some("Average".to_owned()),
        ..SingleMetricAnomalyDetector::default()
    }
}

#[tokio::test]
async fn detectors_are_put_described_and_deleted() {
    let server = server().await;
    let id = put_anomaly_detector(server.cx(), put(None)).await.unwrap().anomaly_detector_id.unwrap();
    // The flat form names the same detector.
    let flat = PutAnomalyDetectorInput {
        namespace: Some("NS".to_owned()),
        metric_name: Some("m".to_owned()),
        stat: Some("Average".to_owned()),
        configuration: Some(AnomalyDetectorConfiguration {
            metric_timezone: Some("Europe/Vienna".to_owned()),
            ..AnomalyDetectorConfiguration::default()
        }),
        ..PutAnomalyDetectorInput::default()
    };
    assert_eq!(
        put_anomaly_detector(server.cx(), flat.clone()).await.unwrap().anomaly_detector_id,
        Some(id.clone())
    );
    let mixed = PutAnomalyDetectorInput { single_metric_anomaly_detector: Some(single()), ..flat };
    let error = put_anomaly_detector(server.cx(), mixed).await.unwrap_err();
    assert!(error_text(error).starts_with("InvalidParameterCombination: "));
    let zone = AnomalyDetectorConfiguration {
        metric_timezone: Some("Mars/Olympus".to_owned()),
        ..AnomalyDetectorConfiguration::default()
    };
    assert!(put_anomaly_detector(server.cx(), put(Some(zone))).await.is_err());

    let describe = || describe_anomaly_detectors(server.cx(), DescribeAnomalyDetectorsInput::default());
    let found = describe().await.unwrap().anomaly_detectors.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state_value, Some(AnomalyDetectorStateValue::PendingTraining));
    let configuration = found[0].configuration.clone().unwrap();
    assert_eq!(configuration.excluded_time_ranges, Some(Vec::new()));
    assert_eq!(configuration.metric_timezone.as_deref(), Some("Europe/Vienna"));
    assert_eq!(
        found[0].single_metric_anomaly_detector.as_ref().unwrap().account_id.as_deref(),
        Some("123456789012")
    );
    server.clock.advance(Duration::from_secs(600));
    let found = describe().await.unwrap().anomaly_detectors.unwrap();
    assert_eq!(found[0].state_value, Some(AnomalyDetectorStateValue::Trained));

    let delete = |id: &str| {
        let input = DeleteAnomalyDetectorInput {
            anomaly_detector_id: Some(id.to_owned()),
            ..DeleteAnomalyDetectorInput::default()
        };
        delete_anomaly_detector(server.cx(), input)
    };
    delete(&id).await.unwrap();
    assert!(error_text(delete(&id).await.unwrap_err()).starts_with("ResourceNotFoundException"));
    assert_eq!(describe().await.unwrap().anomaly_detectors.unwrap().len(), 0);
}

#[tokio::test]
async fn metric_math_can_be_watched() {
    let server = server().await;
    let put = |expression: &str| {
        let sum = MetricDataQuery {
            id: "e1".to_owned(),
            expression: Some(expression.to_owned()),
            ..MetricDataQuery::default()
        };
        let math =
            MetricMathAnomalyDetector { metric_data_queries: Some(vec![metric_query("m1", false), sum]) };
        let input = PutAnomalyDetectorInput {
            metric_math_anomaly_detector: Some(math),
            ..PutAnomalyDetectorInput::default()
        };
        put_anomaly_detector(server.cx(), input)
    };
    put("m1 * 2").await.unwrap();
    for bad in ["SEARCH('m', 'Sum')", "ANOMALY_DETECTION_BAND(m1)", "m1 +", "SELECT SUM(m) FROM NS"] {
        assert!(error_text(put(bad).await.unwrap_err()).starts_with("InvalidParameterValue"), "{bad}");
    }
    server.clock.advance(Duration::from_secs(600));
    let describe = |types: Option<Vec<AnomalyDetectorType>>| {
        let input = DescribeAnomalyDetectorsInput { anomaly_detector_types: types, ..Default::default() };
        describe_anomaly_detectors(server.cx(), input)
    };
    assert_eq!(describe(None).await.unwrap().anomaly_detectors.unwrap().len(), 0);
    let found = describe(Some(vec![AnomalyDetectorType::MetricMath])).await.unwrap();
    let found = found.anomaly_detectors.unwrap();
    assert_eq!(found[0].state_value, Some(AnomalyDetectorStateValue::Trained));
    let queries = found[0].metric_math_anomaly_detector.clone().unwrap().metric_data_queries.unwrap();
    assert_eq!(queries[1].expression.as_deref(), Some("m1 * 2"));
    assert_eq!(queries[0].return_data, Some(false));
}
