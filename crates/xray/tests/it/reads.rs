//! BatchGetTraces.

use serde_json::{Value, json};
use shapes::xray::operations::BatchGetTraces;
use shapes::xray::{self, TraceSummary};

use crate::bench::{Bench, message, summaries_request, vectors, with_times};

impl Bench {
    /// Ids, documents of each trace found.
    pub(crate) async fn traces(&self, ids: &[&str]) -> Vec<(String, Vec<String>)> {
        let input = xray::BatchGetTracesRequest {
            trace_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            next_token: None,
        };
        let result = self.call(BatchGetTraces, input).await.unwrap();
        let documents = |trace: xray::Trace| {
            let segments = trace.segments.unwrap();
            (trace.id.unwrap(), segments.into_iter().map(|segment| segment.document.unwrap()).collect())
        };
        result.traces.unwrap().into_iter().map(documents).collect()
    }

    pub(crate) async fn summaries(&self, filter: &str) -> Vec<TraceSummary> {
        let result = self.call(xray::operations::GetTraceSummaries, summaries_request(filter)).await.unwrap();
        result.trace_summaries.unwrap()
    }
}

fn id(n: u8) -> String {
    format!("1-6787c000-0000000000000000000000{n:02}")
}

#[tokio::test]
async fn calls_that_reached_no_segment_are_inferred() {
    let bench = Bench::with_vectors().await;
    let (_, documents) = bench.traces(&[&id(1)]).await.remove(0);
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[0], vectors()[0]);
    let inferred: Vec<Value> = documents[1..].iter().map(|d| serde_json::from_str(d).unwrap()).collect();
    assert_eq!(
        (&inferred[0]["name"], &inferred[0]["origin"]),
        (&json!("DynamoDB"), &json!("AWS::DynamoDB::Table"))
    );
    assert_eq!(
        (&inferred[0]["parent_id"], &inferred[0]["inferred"]),
        (&json!("a000000000000011"), &json!(true))
    );
    assert_eq!(inferred[0]["aws"], json!({"operation": "GetItem", "table_name": "carts"}));
    assert_eq!((&inferred[1]["name"], inferred[1].get("origin")), (&json!("api.pay.example"), None));
    assert_eq!((&inferred[1]["fault"], inferred[1].get("cause")), (&json!(true), None));
    assert_eq!(inferred[1]["trace_id"], json!(id(1)));
    // A segment that came takes the place of an inferred one.
    let (_, documents) = bench.traces(&[&id(2)]).await.remove(0);
    let names: Vec<Value> =
        documents.iter().map(|d| serde_json::from_str::<Value>(d).unwrap()["name"].clone()).collect();
    assert_eq!(names, ["shop", "price", "price", "SQS"]);
}

#[tokio::test]
async fn lone_subsegments_are_embedded_where_their_parent_is() {
    let bench = Bench::with_vectors().await;
    let (_, documents) = bench.traces(&[&id(3)]).await.remove(0);
    let expected = with_times(
        r#"{"trace_id":"1-6787c000-000000000000000000000003","id":"c000000000000001","name":"worker","start_time":B+0,"in_progress":true,"subsegments":[{"id":"c000000000000011","name":"step","start_time":B+0.500,"end_time":B+0.800}]}"#,
    );
    assert_eq!(documents, [expected]);
    // One whose parent is unknown is returned as it came; a grandchild finds its parent in another one.
    let lone = |id: &str, parent: &str| {
        with_times(&format!(
            r#"{{"trace_id":"1-6787c000-000000000000000000000007","id":"{id}","type":"subsegment","parent_id":"{parent}","name":"s","start_time":B+0.1,"end_time":B+0.2}}"#
        ))
    };
    bench
        .put(&[lone("1000000000000002", "1000000000000001"), lone("1000000000000001", "1000000000000000")])
        .await;
    let (_, documents) = bench.traces(&[&id(7)]).await.remove(0);
    assert_eq!(documents.len(), 1);
    let document: Value = serde_json::from_str(&documents[0]).unwrap();
    assert_eq!(
        (&document["type"], &document["parent_id"]),
        (&json!("subsegment"), &json!("1000000000000000"))
    );
    assert_eq!(document["subsegments"][0]["id"], "1000000000000002");
    assert_eq!(document["subsegments"][0].get("type"), None);
    // A circle of parents loses nothing.
    bench.put(&[lone("1000000000000000", "1000000000000002")]).await;
    let (_, documents) = bench.traces(&[&id(7)]).await.remove(0);
    let all = documents.concat();
    assert!(
        ["1000000000000000", "1000000000000001", "1000000000000002"].iter().all(|id| all.contains(id)),
        "{all}"
    );
}

#[tokio::test]
async fn a_lone_subsegment_replaces_its_embedded_twin_if_it_is_complete() {
    let bench = Bench::new();
    let segment = r#"{"trace_id":"1-6787c000-000000000000000000000008","id":"2000000000000000","name":"n","start_time":B+0,"end_time":B+1,"subsegments":[{"id":"2000000000000001","name":"old","start_time":B+0,"in_progress":true,"subsegments":[{"id":"2000000000000002","name":"inner","start_time":B+0,"end_time":B+1}]}]}"#;
    let lone = r#"{"trace_id":"1-6787c000-000000000000000000000008","id":"2000000000000001","type":"subsegment","parent_id":"2000000000000000","name":"new","start_time":B+0,"end_time":B+0.5}"#;
    bench.put(&[with_times(lone), with_times(segment)]).await;
    let (_, documents) = bench.traces(&[&id(8)]).await.remove(0);
    let document: Value = serde_json::from_str(&documents[0]).unwrap();
    assert_eq!(documents.len(), 1);
    assert_eq!(document["subsegments"][0]["name"], "new");
    assert_eq!(document["subsegments"][0].get("in_progress"), None);
}

#[tokio::test]
async fn ids_are_read_in_both_forms_and_bad_ones_are_named() {
    let bench = Bench::with_vectors().await;
    let w3c = id(4).replace("1-", "").replace('-', "");
    let input = xray::BatchGetTracesRequest {
        trace_ids: vec![w3c, id(9), "nonsense".to_owned(), id(5)],
        next_token: None,
    };
    let result = bench.call(BatchGetTraces, input).await.unwrap();
    let ids: Vec<_> = result.traces.unwrap().into_iter().map(|trace| trace.id.unwrap()).collect();
    assert_eq!(ids, [id(4), id(5)]);
    assert_eq!(result.unprocessed_trace_ids.unwrap(), ["nonsense"]);
    assert_eq!(result.next_token, None);
    let many = xray::BatchGetTracesRequest { trace_ids: vec![id(1); 101], next_token: None };
    message(bench.call(BatchGetTraces, many).await, "InvalidRequestException");
}

#[tokio::test]
async fn many_traces_come_in_pages() {
    let bench = Bench::new();
    let ids: Vec<String> = (0..60).map(|n| format!("1-6787c000-0000000000000000000001{n:02}")).collect();
    let documents: Vec<String> = ids
        .iter()
        .map(|id| {
            with_times(&format!(
                r#"{{"trace_id":"{id}","id":"a000000000000001","name":"n","start_time":B+0,"end_time":B+1}}"#
            ))
        })
        .collect();
    bench.put(&documents).await;
    let mut found = Vec::new();
    let mut input = xray::BatchGetTracesRequest { trace_ids: ids.clone(), next_token: None };
    loop {
        let result = bench.call(BatchGetTraces, input.clone()).await.unwrap();
        found.extend(result.traces.unwrap().into_iter().map(|trace| trace.id.unwrap()));
        input.next_token = result.next_token;
        let Some(token) = &input.next_token else { break };
        let other =
            xray::BatchGetTracesRequest { trace_ids: ids[1..].to_vec(), next_token: Some(token.clone()) };
        assert_eq!(
            message(bench.call(BatchGetTraces, other).await, "InvalidRequestException"),
            "Invalid NextToken"
        );
    }
    assert_eq!(found, ids);
}

#[tokio::test]
async fn a_trace_beyond_its_quota_keeps_what_came_first() {
    let bench = Bench::new();
    let documents: Vec<String> = (0..20)
        .map(|n| {
            with_times(&format!(
                r#"{{"trace_id":"{}","id":"a0000000000000{n:02}","name":"n","start_time":B+0,"end_time":B+1,"metadata":{{"m":"{}"}}}}"#,
                id(10),
                "x".repeat(60_000)
            ))
        })
        .collect();
    assert_eq!(bench.put(&documents).await, []);
    let input = xray::BatchGetTracesRequest { trace_ids: vec![id(10)], next_token: None };
    let trace = bench.call(BatchGetTraces, input).await.unwrap().traces.unwrap().remove(0);
    assert_eq!(trace.limit_exceeded, Some(true));
    assert_eq!(trace.segments.unwrap().len(), 8);
}
