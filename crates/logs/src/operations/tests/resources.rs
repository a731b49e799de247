//! The smaller resources: index policies, query definitions, resource policies, fields of groups, keys.

use super::*;
use crate::operations::{index_policies, query_definitions, resource_policies};

#[tokio::test]
async fn index_policies_are_put_described_and_let_go() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    let put = |fields: &str| PutIndexPolicyRequest {
        log_group_identifier: "g".to_owned(),
        policy_document: format!(r#"{{"Fields":{fields}}}"#),
    };
    let put_policy = index_policies::put_index_policy(f.cx(), put(r#"["a","b"]"#)).await.unwrap();
    assert_eq!(put_policy.index_policy.unwrap().source, Some(IndexSource::LogGroup));
    f.put("g", "s", &[(5, r#"{"a":1}"#)]).await.unwrap();
    index_policies::put_index_policy(f.cx(), put(r#"["b"]"#)).await.unwrap();
    assert_eq!(
        told(index_policies::put_index_policy(f.cx(), put(r#"["@message"]"#)).await).0,
        "InvalidParameterException"
    );
    let describe =
        DescribeIndexPoliciesRequest { log_group_identifiers: vec!["g".to_owned()], ..Default::default() };
    let found = index_policies::describe_index_policies(f.cx(), describe.clone()).await.unwrap();
    assert_eq!(found.index_policies.unwrap()[0].policy_document.as_deref(), Some(r#"{"Fields":["b"]}"#));
    let indexes = DescribeFieldIndexesRequest {
        log_group_identifiers: vec!["g".to_owned()],
        index_categories: Some(vec![IndexCategory::Custom, IndexCategory::Inactive]),
        ..Default::default()
    };
    let found =
        index_policies::describe_field_indexes(f.cx(), indexes.clone()).await.unwrap().field_indexes.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|i| (i.field_index_name.as_deref().unwrap(), i.index_category.clone().unwrap()))
        .collect();
    assert_eq!(shown, [("b", IndexCategory::Custom), ("a", IndexCategory::Inactive)]);
    assert_eq!(found[0].last_event_time, Some(START + 5));
    let all = DescribeFieldIndexesRequest { index_categories: None, ..indexes };
    let all = index_policies::describe_field_indexes(f.cx(), all).await.unwrap().field_indexes.unwrap();
    assert_eq!(all.len(), 12);

    let list = |name: &str| ListLogGroupsRequest {
        field_index_names: Some(vec![name.to_owned()]),
        ..Default::default()
    };
    let count = async |name: &str| {
        log_groups::list_log_groups(f.cx(), list(name)).await.unwrap().log_groups.unwrap().len()
    };
    assert_eq!((count("b").await, count("a").await, count("traceId").await), (1, 0, 1));
    let delete = DeleteIndexPolicyRequest { log_group_identifier: "g".to_owned() };
    index_policies::delete_index_policy(f.cx(), delete.clone()).await.unwrap();
    let found = index_policies::describe_index_policies(f.cx(), describe).await.unwrap();
    assert_eq!(found.index_policies.unwrap(), []);
    assert_eq!(
        told(index_policies::delete_index_policy(f.cx(), delete).await).0,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn query_definitions_are_kept_and_replaced_whole() {
    let f = Fixture::new().await;
    let put = |name: &str, id: Option<&str>| PutQueryDefinitionRequest {
        name: name.to_owned(),
        query_definition_id: id.map(str::to_owned),
        query_string: "fields @message".to_owned(),
        log_group_names: id.is_none().then(|| vec!["g".to_owned()]),
        ..Default::default()
    };
    let id = query_definitions::put_query_definition(f.cx(), put("b/x", None)).await.unwrap();
    let id = id.query_definition_id.unwrap();
    query_definitions::put_query_definition(f.cx(), put("a", None)).await.unwrap();
    let describe = async |input: DescribeQueryDefinitionsRequest| {
        query_definitions::describe_query_definitions(f.cx(), input).await.unwrap()
    };
    let first =
        describe(DescribeQueryDefinitionsRequest { max_results: Some(1), ..Default::default() }).await;
    assert_eq!(first.query_definitions.unwrap()[0].name.as_deref(), Some("a"));
    let next = DescribeQueryDefinitionsRequest {
        max_results: Some(1),
        next_token: first.next_token,
        ..Default::default()
    };
    let second = describe(next).await;
    assert_eq!(second.next_token, None);
    let found = second.query_definitions.unwrap().remove(0);
    assert_eq!(found.query_definition_id.as_deref(), Some(id.as_str()));
    assert_eq!(found.log_group_names, Some(vec!["g".to_owned()]));
    // What a replacement omits is gone.
    query_definitions::put_query_definition(f.cx(), put("b/y", Some(&id))).await.unwrap();
    let by_prefix = DescribeQueryDefinitionsRequest {
        query_definition_name_prefix: Some("b/".to_owned()),
        ..Default::default()
    };
    let found = describe(by_prefix).await.query_definitions.unwrap();
    assert_eq!((found.len(), found[0].log_group_names.clone()), (1, Some(vec![])));
    let unknown = query_definitions::put_query_definition(f.cx(), put("c", Some("none"))).await;
    assert_eq!(told(unknown).0, "ResourceNotFoundException");
    let token =
        |name: &str| PutQueryDefinitionRequest { client_token: Some("t".repeat(36)), ..put(name, None) };
    let one = query_definitions::put_query_definition(f.cx(), token("d")).await.unwrap();
    let two = query_definitions::put_query_definition(f.cx(), token("d")).await.unwrap();
    assert_eq!(one, two);
    let delete = DeleteQueryDefinitionRequest { query_definition_id: id };
    let deleted = query_definitions::delete_query_definition(f.cx(), delete.clone()).await.unwrap();
    assert_eq!(deleted.success, Some(true));
    let again = told(query_definitions::delete_query_definition(f.cx(), delete).await);
    assert_eq!(again.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn resource_policies_of_accounts_and_groups() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    let put = |name: &str| PutResourcePolicyRequest {
        policy_name: Some(name.to_owned()),
        policy_document: Some("{}".to_owned()),
        ..Default::default()
    };
    for n in 0..10 {
        resource_policies::put_resource_policy(f.cx(), put(&format!("p{n}"))).await.unwrap();
    }
    let full = told(resource_policies::put_resource_policy(f.cx(), put("more")).await);
    assert_eq!(full, ("LimitExceededException", "Resource limit exceeded.".to_owned()));
    resource_policies::put_resource_policy(f.cx(), put("p0")).await.unwrap();
    let bad = PutResourcePolicyRequest { policy_document: Some("x".to_owned()), ..put("p0") };
    assert_eq!(
        told(resource_policies::put_resource_policy(f.cx(), bad).await).0,
        "InvalidParameterException"
    );
    let describe = async |input: DescribeResourcePoliciesRequest| {
        resource_policies::describe_resource_policies(f.cx(), input).await.unwrap()
    };
    let page = describe(DescribeResourcePoliciesRequest { limit: Some(6), ..Default::default() }).await;
    assert_eq!(page.resource_policies.unwrap().len(), 6);
    let next = DescribeResourcePoliciesRequest { next_token: page.next_token, ..Default::default() };
    let rest = describe(next).await.resource_policies.unwrap();
    assert_eq!((rest.len(), rest[0].policy_scope.clone()), (4, Some(PolicyScope::Account)));

    let arn = "arn:aws:logs:us-east-1:123456789012:log-group:g".to_owned();
    let of_group = |revision: Option<String>| PutResourcePolicyRequest {
        policy_document: Some("{}".to_owned()),
        resource_arn: Some(arn.clone()),
        expected_revision_id: revision,
        ..Default::default()
    };
    let first = resource_policies::put_resource_policy(f.cx(), of_group(None)).await.unwrap();
    let stale = told(resource_policies::put_resource_policy(f.cx(), of_group(None)).await);
    assert_eq!(stale.0, "OperationAbortedException");
    let second =
        resource_policies::put_resource_policy(f.cx(), of_group(first.revision_id.clone())).await.unwrap();
    assert_ne!(first.revision_id, second.revision_id);
    let resource =
        DescribeResourcePoliciesRequest { policy_scope: Some(PolicyScope::Resource), ..Default::default() };
    assert_eq!(describe(resource.clone()).await.resource_policies.unwrap()[0].resource_arn, Some(arn));
    log_groups::delete_log_group(f.cx(), DeleteLogGroupRequest { log_group_name: "g".to_owned() })
        .await
        .unwrap();
    assert_eq!(describe(resource).await.resource_policies.unwrap().len(), 0);
    let delete = DeleteResourcePolicyRequest { policy_name: Some("p1".to_owned()), ..Default::default() };
    resource_policies::delete_resource_policy(f.cx(), delete.clone()).await.unwrap();
    let again = told(resource_policies::delete_resource_policy(f.cx(), delete).await);
    assert_eq!(again, ("ResourceNotFoundException", "Policy with name [p1] does not exist.".to_owned()));
}

#[tokio::test]
async fn fields_of_groups_by_share_and_keys_that_do_not_exist() {
    let f = Fixture::new().await;
    f.create_group("g").await;
    f.create_stream("g", "s").await;
    let ask = GetLogGroupFieldsRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
    let empty = log_groups::get_log_group_fields(f.cx(), ask.clone()).await.unwrap();
    assert_eq!(empty.log_group_fields, Some(vec![]));
    f.put("g", "s", &[(0, r#"{"a":1,"b":2}"#), (0, r#"{"a":1}"#), (0, "text")]).await.unwrap();
    let found =
        log_groups::get_log_group_fields(f.cx(), ask.clone()).await.unwrap().log_group_fields.unwrap();
    let shown: Vec<_> = found.into_iter().map(|f| (f.name.unwrap(), f.percent.unwrap())).collect();
    assert_eq!(shown[..2], [("@ingestionTime".to_owned(), 100), ("@log".to_owned(), 100)]);
    assert_eq!(shown[5..], [("a".to_owned(), 66), ("b".to_owned(), 33)]);
    let before = GetLogGroupFieldsRequest { time: Some(START / 1000 - 3600), ..ask };
    let none = log_groups::get_log_group_fields(f.cx(), before).await.unwrap();
    assert_eq!(none.log_group_fields, Some(vec![]));

    let key = AssociateKmsKeyRequest {
        kms_key_id: "arn:aws:kms:us-east-1:123456789012:key/x".to_owned(),
        log_group_name: Some("g".to_owned()),
        ..Default::default()
    };
    let refused = told(log_groups::associate_kms_key(f.cx(), key).await);
    assert_eq!(refused.0, "InvalidParameterException");
    let both = DisassociateKmsKeyRequest {
        log_group_name: Some("g".to_owned()),
        resource_identifier: Some("g".to_owned()),
    };
    assert_eq!(told(log_groups::disassociate_kms_key(f.cx(), both).await).0, "InvalidParameterException");
    let one = DisassociateKmsKeyRequest { log_group_name: Some("g".to_owned()), ..Default::default() };
    log_groups::disassociate_kms_key(f.cx(), one).await.unwrap();
}
