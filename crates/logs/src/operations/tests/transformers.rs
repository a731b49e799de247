//! Transformers: what Insights sees of the events ingested while one was in force, and what stays as it came.

use super::queries::values;
use super::*;
use crate::operations::{account_policies, transformers};

fn put(processors: Vec<Processor>) -> PutTransformerRequest {
    PutTransformerRequest { log_group_identifier: "g".to_owned(), transformer_config: processors }
}

fn words() -> Vec<Processor> {
    let grok = Grok { r#match: "%{WORD:verb} %{NUMBER:n}".to_owned(), source: None };
    vec![Processor { grok: Some(grok), ..Default::default() }]
}

#[tokio::test]
async fn insights_reads_what_was_transformed_and_everything_else_the_originals() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    f.put("g", "s", &[(0, "get 1")]).await.unwrap();
    transformers::put_transformer(f.cx(), put(words())).await.unwrap();
    f.put("g", "s", &[(1, "get 2"), (2, "no match!")]).await.unwrap();
    let shown = async |f: &Fixture| values(f, "fields verb, n, @message | sort @timestamp").await;
    let expected: [&[&str]; 3] = [&["get 1"], &["get", "2", r#"{"verb":"get","n":"2"}"#], &["no match!"]];
    assert_eq!(shown(&f).await, expected);
    assert_eq!(f.filter("g", "").await, ["get 1", "get 2", "no match!"]);
    // Also when the events are in parts, and when the server was started anew.
    f.store.flush(base::Clock::now(f.clock.as_ref())).await.unwrap();
    assert_eq!(shown(&f).await, expected);
    let f = f.restart().await;
    assert_eq!(shown(&f).await, expected);
    let delete = DeleteTransformerRequest { log_group_identifier: "g".to_owned() };
    transformers::delete_transformer(f.cx(), delete.clone()).await.unwrap();
    f.put("g", "s", &[(3, "get 3")]).await.unwrap();
    assert_eq!(values(&f, "fields @message | sort @timestamp").await.len(), 4);
    assert_eq!(values(&f, "stats count(*) as c").await, [["4"]]);
    assert_eq!(values(&f, "filter n = 2 | fields verb").await, [["get"]]);
    let again = told(transformers::delete_transformer(f.cx(), delete).await);
    assert_eq!(again.0, "ResourceNotFoundException");

    let stream = DeleteLogStreamRequest { log_group_name: "g".to_owned(), log_stream_name: "s".to_owned() };
    log_streams::delete_log_stream(f.cx(), stream).await.unwrap();
    assert_eq!(values(&f, "fields @message").await.len(), 0);
}

#[tokio::test]
async fn transformers_are_kept_replaced_and_refused() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    let get = GetTransformerRequest { log_group_identifier: "g".to_owned() };
    let none = told(transformers::get_transformer(f.cx(), get.clone()).await);
    assert_eq!(none.0, "ResourceNotFoundException");
    transformers::put_transformer(f.cx(), put(words())).await.unwrap();
    f.clock.advance(std::time::Duration::from_secs(5));
    let json = vec![Processor { parse_json: Some(Default::default()), ..Default::default() }];
    transformers::put_transformer(f.cx(), put(json.clone())).await.unwrap();
    let found = transformers::get_transformer(f.cx(), get).await.unwrap();
    assert_eq!(found.transformer_config, Some(json));
    assert_eq!(found.creation_time, Some(START));
    assert_eq!(found.last_modified_time, Some(START + 5000));
    assert_eq!(found.log_group_identifier.unwrap(), "arn:aws:logs:us-east-1:123456789012:log-group:g");
    let bad = told(transformers::put_transformer(f.cx(), put(vec![Processor::default()])).await);
    assert_eq!(bad.0, "InvalidParameterException");
    let test = TestTransformerRequest {
        transformer_config: words(),
        log_event_messages: ["x", "a 1"].map(str::to_owned).to_vec(),
    };
    let tested = transformers::test_transformer(f.cx(), test).await.unwrap().transformed_logs.unwrap();
    assert_eq!(tested.len(), 1);
    assert_eq!(tested[0].event_number, Some(1));
    assert_eq!(tested[0].transformed_event_message.as_deref(), Some(r#"{"verb":"a","n":"1"}"#));
}

#[tokio::test]
async fn metric_filters_may_look_at_transformed_events() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    transformers::put_transformer(f.cx(), put(words())).await.unwrap();
    for (name, on_transformed) in [("t", true), ("o", false)] {
        let input = PutMetricFilterRequest {
            log_group_name: "g".to_owned(),
            filter_name: name.to_owned(),
            filter_pattern: "{ $.n > 1 }".to_owned(),
            apply_on_transformed_logs: Some(on_transformed),
            metric_transformations: vec![MetricTransformation {
                metric_name: name.to_owned(),
                metric_namespace: "n".to_owned(),
                metric_value: "$.n".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        filter_operations::put_metric_filter(f.cx(), input).await.unwrap();
    }
    f.put("g", "s", &[(0, "get 1"), (0, "get 2")]).await.unwrap();
    let now = base::Clock::now(f.clock.as_ref());
    let sum = async |name: &str| {
        let metric = signals::MetricIdentity::new("n", name, Vec::new());
        let found =
            f.store.metrics().read(&f.caller.scope, &metric, base::TimeRange::ALL, now).await.unwrap();
        found.iter().map(|d| d.dist.sum).sum::<f64>()
    };
    assert_eq!(sum("t").await, 2.0);
    assert_eq!(sum("o").await, 0.0);
}

#[tokio::test]
async fn an_account_policy_transforms_where_a_group_has_no_transformer() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    let policy = PutAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::TransformerPolicy,
        policy_document: r#"[{"grok":{"match":"%{WORD:verb} %{NUMBER:n}"}}]"#.to_owned(),
        selection_criteria: Some(r#"LogGroupNamePrefix IN ["g"]"#.to_owned()),
        ..Default::default()
    };
    let unsupported = PutAccountPolicyRequest {
        policy_document: r#"[{"parseToOCSF":{"eventSource":"VPCFlow","ocsfVersion":"V1.1"}}]"#.to_owned(),
        ..policy.clone()
    };
    let refused = told(account_policies::put_account_policy(f.cx(), unsupported).await);
    assert!(refused.0 == "InvalidParameterException" && refused.1.contains("parseToOCSF"), "{refused:?}");
    account_policies::put_account_policy(f.cx(), policy).await.unwrap();
    f.put("g", "s", &[(0, "get 1")]).await.unwrap();
    assert_eq!(values(&f, "fields verb").await, [["get"]]);
    // It is not the group's own.
    let get = GetTransformerRequest { log_group_identifier: "g".to_owned() };
    assert!(transformers::get_transformer(f.cx(), get).await.is_err());
    // A group that is created later is under the policy from its first event on.
    f.create_group("g2").await;
    f.create_stream("g2", "s").await;
    let hidden = f.logs.query_sources(&f.logs.group(&f.caller.scope, "g2").unwrap());
    assert_eq!(hidden.len(), 2);
    // The group's own goes before it, and leaves it behind.
    let json = vec![Processor { parse_json: Some(Default::default()), ..Default::default() }];
    transformers::put_transformer(f.cx(), put(json)).await.unwrap();
    f.put("g", "s", &[(1, r#"{"verb":"json"}"#)]).await.unwrap();
    let delete = DeleteTransformerRequest { log_group_identifier: "g".to_owned() };
    transformers::delete_transformer(f.cx(), delete).await.unwrap();
    f.put("g", "s", &[(2, "put 2")]).await.unwrap();
    assert_eq!(values(&f, "fields verb | sort @timestamp").await, [["get"], ["json"], ["put"]]);
    let delete = DeleteAccountPolicyRequest {
        policy_name: "p".to_owned(),
        policy_type: PolicyType::TransformerPolicy,
        ..Default::default()
    };
    account_policies::delete_account_policy(f.cx(), delete).await.unwrap();
    f.put("g", "s", &[(3, "get 3")]).await.unwrap();
    assert_eq!(values(&f, "filter ispresent(verb) | stats count(*) as c").await, [["3"]]);
    assert_eq!(values(&f, "stats count(*) as c").await, [["4"]]);
}
