//! PutTraceSegments, the trace sink, telemetry, sampling and encryption.

use base::Timestamp;
use shapes::xray::operations::{
    GetEncryptionConfig, GetSamplingRules, GetSamplingStatisticSummaries, GetSamplingTargets,
    PutTelemetryRecords,
};
use shapes::xray::{self, EncryptionStatus, EncryptionType};
use signals::TraceSink;

use crate::bench::{BASE_SECS, Bench, message, scope, with_times};

fn document(id: &str, members: &str) -> String {
    with_times(&format!(
        r#"{{"trace_id":"1-6787c000-0000000000000000000000aa","id":"{id}","name":"n","start_time":B+0{members}}}"#
    ))
}

#[tokio::test]
async fn bad_documents_are_reported_and_the_others_kept() {
    let bench = Bench::new();
    let bad = "[]".to_owned();
    let good = document("a000000000000001", r#","end_time":B+1"#);
    let unprocessed = bench.put(&[bad, good.clone()]).await;
    assert_eq!(
        unprocessed,
        [(None, "MissingId".to_owned(), "Invalid segment. ErrorCode: MissingId".to_owned())]
    );
    assert_eq!(bench.traces(&["1-6787c000-0000000000000000000000aa"]).await[0].1, [good]);
    assert_eq!(bench.put(&[]).await, []);
    let wrong = r#"{"id":"a000000000000001","trace_id":"1-xyz"}"#.to_owned();
    let (id, code, text) = bench.put(&[wrong]).await.remove(0);
    assert_eq!((id.as_deref(), code.as_str()), (Some("a000000000000001"), "InvalidTraceId"));
    assert_eq!(text, "Invalid segment. ErrorCode: InvalidTraceId");
}

#[tokio::test]
async fn complete_documents_replace_those_in_progress_never_the_other_way() {
    let bench = Bench::new();
    let id = "1-6787c000-0000000000000000000000aa";
    let running = document("a000000000000001", r#","in_progress":true"#);
    let complete = document("a000000000000001", r#","end_time":B+1"#);
    bench.put(std::slice::from_ref(&running)).await;
    let revision = bench.summaries("").await[0].revision;
    bench.put(std::slice::from_ref(&complete)).await;
    assert!(bench.summaries("").await[0].revision > revision);
    assert_eq!(bench.traces(&[id]).await[0].1, std::slice::from_ref(&complete));
    bench.put(&[running]).await;
    assert_eq!(bench.traces(&[id]).await[0].1, [complete]);
}

#[tokio::test]
async fn a_trace_is_closed_after_seven_days() {
    let bench = Bench::new();
    bench.put(&[document("a000000000000001", r#","end_time":B+1"#)]).await;
    let late = document("a000000000000002", r#","end_time":B+1"#);
    bench.clock.advance(std::time::Duration::from_secs(7 * 86_400));
    assert_eq!(bench.put(std::slice::from_ref(&late)).await, []);
    bench.clock.advance(std::time::Duration::from_secs(1));
    let unprocessed = bench.put(&[document("a000000000000003", r#","end_time":B+1"#)]).await;
    assert_eq!(unprocessed[0].1, "InvalidTraceId");
    // A trace that was never seen may start late.
    let other = late.replace("0000000000aa", "0000000000bb");
    assert_eq!(bench.put(&[other]).await, []);
}

#[tokio::test]
async fn the_sink_is_the_same_door() {
    let bench = Bench::new();
    let documents = vec![document("a000000000000001", r#","end_time":B+1"#), "{".to_owned()];
    let rejections = bench.service.put_segment_documents(&scope(), documents).await.unwrap();
    assert_eq!(rejections.len(), 1);
    assert_eq!(rejections[0].error_code, "ParseError");
    assert_eq!(bench.traces(&["1-6787c000-0000000000000000000000aa"]).await.len(), 1);
}

#[tokio::test]
async fn sampling_rules_targets_and_summaries() {
    let bench = Bench::new();
    let rules = bench.call(GetSamplingRules, xray::GetSamplingRulesRequest::default()).await.unwrap();
    let records = rules.sampling_rule_records.unwrap();
    assert_eq!(records.len(), 1);
    let rule = records[0].sampling_rule.clone().unwrap();
    assert_eq!(rule.rule_name.as_deref(), Some("Default"));
    assert_eq!(
        (rule.priority, rule.fixed_rate, rule.reservoir_size, rule.version, rule.host.as_str()),
        (10_000, 0.05, 1, 1, "*")
    );
    assert_eq!(records[0].created_at, Some(Timestamp::EPOCH));
    let report = |rule: &str| xray::SamplingStatisticsDocument {
        rule_name: rule.to_owned(),
        client_id: "0123456789abcdef01234567".to_owned(),
        timestamp: Timestamp::from_secs(BASE_SECS + 9),
        request_count: 10,
        sampled_count: 3,
        borrow_count: None,
    };
    let input = xray::GetSamplingTargetsRequest {
        sampling_statistics_documents: vec![report("Default"), report("gone")],
        sampling_boost_statistics_documents: None,
    };
    let targets = bench.call(GetSamplingTargets, input).await.unwrap();
    assert_eq!(targets.sampling_target_documents.unwrap().len(), 1);
    assert_eq!(targets.unprocessed_statistics.unwrap()[0].error_code.as_deref(), Some("404"));
    let summaries = bench
        .call(GetSamplingStatisticSummaries, xray::GetSamplingStatisticSummariesRequest::default())
        .await
        .unwrap();
    assert_eq!(summaries.sampling_statistic_summaries.unwrap()[0].request_count, Some(10));
    let token = xray::GetSamplingRulesRequest { next_token: Some("x".to_owned()) };
    assert_eq!(
        message(bench.call(GetSamplingRules, token).await, "InvalidRequestException"),
        "Invalid NextToken"
    );
}

#[tokio::test]
async fn telemetry_is_kept_and_encryption_is_the_default() {
    let bench = Bench::new();
    let record =
        xray::TelemetryRecord { segments_received_count: Some(5), ..xray::TelemetryRecord::default() };
    let input = xray::PutTelemetryRecordsRequest {
        hostname: Some("h".to_owned()),
        telemetry_records: vec![record],
        ..xray::PutTelemetryRecordsRequest::default()
    };
    bench.call(PutTelemetryRecords, input).await.unwrap();
    let kept = bench.service.received_telemetry();
    assert_eq!((kept.len(), kept[0].record.segments_received_count), (1, Some(5)));
    let config = bench.call(GetEncryptionConfig, xray::GetEncryptionConfigRequest::default()).await.unwrap();
    let config = config.encryption_config.unwrap();
    assert_eq!((config.r#type, config.status), (Some(EncryptionType::None), Some(EncryptionStatus::Active)));
}
