//! Anomaly detectors: what they are, what they find, and what is done about it.

use std::time::Duration;

use base::task::Task;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::operations::anomaly_detectors;

const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:g";

fn create() -> CreateLogAnomalyDetectorRequest {
    CreateLogAnomalyDetectorRequest {
        log_group_arn_list: vec![GROUP.to_owned()],
        detector_name: Some("d".to_owned()),
        ..Default::default()
    }
}

fn task(f: &Fixture) -> Arc<dyn Task> {
    crate::tasks::all(&f.logs).into_iter().find(|t| t.name() == crate::tasks::ANOMALY_DETECTORS).unwrap()
}

async fn evaluate(f: &Fixture) -> u64 {
    task(f).activate(&CancellationToken::new()).await.unwrap().changes
}

async fn put(f: &Fixture, texts: impl IntoIterator<Item = String>) {
    let texts: Vec<String> = texts.into_iter().collect();
    let now = base::Clock::now(f.clock.as_ref()).as_millis() - START;
    let events: Vec<(i64, &str)> = texts.iter().map(|text| (now, text.as_str())).collect();
    f.put("g", "s", &events).await.unwrap();
}

async fn anomalies(f: &Fixture, arn: &str, state: Option<SuppressionState>) -> Vec<Anomaly> {
    let input = ListAnomaliesRequest {
        anomaly_detector_arn: Some(arn.to_owned()),
        suppression_state: state,
        ..Default::default()
    };
    anomaly_detectors::list_anomalies(f.cx(), input).await.unwrap().anomalies.unwrap()
}

async fn status(f: &Fixture, arn: &str) -> AnomalyDetectorStatus {
    let input = GetLogAnomalyDetectorRequest { anomaly_detector_arn: arn.to_owned() };
    let found = anomaly_detectors::get_log_anomaly_detector(f.cx(), input).await.unwrap();
    found.anomaly_detector_status.unwrap()
}

#[tokio::test]
async fn a_detector_learns_what_is_usual_and_reports_what_is_not() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    put(&f, (0..40).map(|n| format!("GET /users/{n} took {} ms", n * 3))).await;
    let arn = anomaly_detectors::create_log_anomaly_detector(f.cx(), create()).await.unwrap();
    let arn = arn.anomaly_detector_arn.unwrap();
    assert_eq!(status(&f, &arn).await, AnomalyDetectorStatus::Initializing);
    assert_eq!(evaluate(&f).await, 0);
    assert_eq!(status(&f, &arn).await, AnomalyDetectorStatus::Analyzing);
    let f = f.restart().await;
    put(&f, (100..120).map(|n| format!("GET /users/{n} took {n} ms"))).await;
    put(&f, ["ERROR disk sda1 is failing".to_owned(), "ERROR disk sdb2 is failing".to_owned()]).await;
    assert_eq!(evaluate(&f).await, 0, "every five minutes");
    f.clock.advance(Duration::from_secs(300));
    assert_eq!(evaluate(&f).await, 1);
    let found = anomalies(&f, &arn, None).await;
    let [anomaly] = found.as_slice() else { panic!("{found:?}") };
    assert!(anomaly.pattern_string.starts_with("ERROR disk"), "{}", anomaly.pattern_string);
    assert_eq!(anomaly.pattern_id.len(), 32);
    assert_eq!((anomaly.priority.as_deref(), anomaly.active), (Some("HIGH"), true));
    assert_eq!(anomaly.log_samples.len(), 2);
    assert_eq!(anomaly.log_group_arn_list, [GROUP]);
    assert_eq!(anomaly.histogram.values().sum::<i64>(), 2);
    assert!(anomaly.pattern_tokens.iter().any(|token| token.is_dynamic == Some(true)));
    let counted = f.outside.metrics.lock().iter().any(|(_, d)| &*d.metric.name == "AnomalyCount");
    assert!(counted);

    // The same again is the same anomaly.
    f.clock.advance(Duration::from_secs(300));
    put(&f, ["ERROR disk sdc3 is failing".to_owned()]).await;
    assert_eq!(evaluate(&f).await, 0);
    let again = anomalies(&f, &arn, None).await;
    assert_eq!((again.len(), again[0].histogram.len()), (1, 2));
    assert!(again[0].last_seen > anomaly.last_seen);

    let update = |input: UpdateAnomalyRequest| {
        let arn = arn.clone();
        let cx = f.cx();
        anomaly_detectors::update_anomaly(cx, UpdateAnomalyRequest { anomaly_detector_arn: arn, ..input })
    };
    let id = Some(again[0].anomaly_id.clone());
    let limited = UpdateAnomalyRequest {
        anomaly_id: id.clone(),
        suppression_type: Some(SuppressionType::Limited),
        ..Default::default()
    };
    assert_eq!(told(update(limited.clone()).await).0, "InvalidParameterException");
    let hour = SuppressionPeriod { value: Some(1), suppression_unit: Some(SuppressionUnit::Hours) };
    update(UpdateAnomalyRequest { suppression_period: Some(hour), ..limited }).await.unwrap();
    assert_eq!(anomalies(&f, &arn, Some(SuppressionState::Unsuppressed)).await.len(), 0);
    assert_eq!(anomalies(&f, &arn, Some(SuppressionState::Suppressed)).await[0].state, State::Suppressed);
    f.clock.advance(Duration::from_secs(3600));
    assert_eq!(anomalies(&f, &arn, Some(SuppressionState::Unsuppressed)).await.len(), 1);
    let neither = UpdateAnomalyRequest::default();
    assert_eq!(told(update(neither).await).0, "InvalidParameterException");
    update(UpdateAnomalyRequest { anomaly_id: id, baseline: Some(true), ..Default::default() })
        .await
        .unwrap();
    put(&f, ["ERROR disk sdd4 is failing".to_owned()]).await;
    assert_eq!(evaluate(&f).await, 0);
    let accepted = anomalies(&f, &arn, None).await;
    assert_eq!((accepted[0].state.clone(), accepted[0].histogram.len()), (State::Baseline, 2));

    let delete = DeleteLogAnomalyDetectorRequest { anomaly_detector_arn: arn.clone() };
    anomaly_detectors::delete_log_anomaly_detector(f.cx(), delete.clone()).await.unwrap();
    let gone = told(anomaly_detectors::delete_log_anomaly_detector(f.cx(), delete).await);
    assert_eq!(gone.0, "ResourceNotFoundException");
    assert_eq!(f.logs.anomalies.total(), 0);
}

#[tokio::test]
async fn detectors_are_checked_paused_and_listed() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    for bad in [
        CreateLogAnomalyDetectorRequest { log_group_arn_list: Vec::new(), ..create() },
        CreateLogAnomalyDetectorRequest { log_group_arn_list: vec!["g".to_owned()], ..create() },
        CreateLogAnomalyDetectorRequest { filter_pattern: Some("{ x".to_owned()), ..create() },
        CreateLogAnomalyDetectorRequest { kms_key_id: Some("k".to_owned()), ..create() },
    ] {
        let refused = told(anomaly_detectors::create_log_anomaly_detector(f.cx(), bad).await);
        assert_eq!(refused.0, "InvalidParameterException");
    }
    let arn = anomaly_detectors::create_log_anomaly_detector(f.cx(), create()).await.unwrap();
    let arn = arn.anomaly_detector_arn.unwrap();
    let pause = UpdateLogAnomalyDetectorRequest {
        anomaly_detector_arn: arn.clone(),
        evaluation_frequency: Some(EvaluationFrequency::OneHour),
        enabled: false,
        ..Default::default()
    };
    anomaly_detectors::update_log_anomaly_detector(f.cx(), pause).await.unwrap();
    assert_eq!(status(&f, &arn).await, AnomalyDetectorStatus::Paused);
    assert_eq!(task(&f).next_activation(), None);
    let list = |group: &str| ListLogAnomalyDetectorsRequest {
        filter_log_group_arn: Some(group.to_owned()),
        ..Default::default()
    };
    let found = anomaly_detectors::list_log_anomaly_detectors(f.cx(), list(GROUP)).await.unwrap();
    let found = found.anomaly_detectors.unwrap();
    assert_eq!(found[0].evaluation_frequency, Some(EvaluationFrequency::OneHour));
    assert_eq!(found[0].anomaly_visibility_time, Some(21));
    let other = anomaly_detectors::list_log_anomaly_detectors(f.cx(), list("arn:x")).await.unwrap();
    assert_eq!(other.anomaly_detectors, Some(Vec::new()));
}
