//! Saved queries and their tags.

use base::Timestamp;
use shapes::cloudwatch::{
    DeleteMetricDataQueryDefinitionInput, GetMetricDataQueryDefinitionInput,
    ListMetricDataQueryDefinitionsInput, ListTagsForResourceInput, PutMetricDataQueryDefinitionInput,
    PutMetricDataQueryDefinitionOutput, QueryType, Tag, TagResourceInput, UntagResourceInput,
};

use super::{Server, TODAY, error_text};
use crate::operations::metric_data_query_definitions::{
    delete_metric_data_query_definition, get_metric_data_query_definition,
    list_metric_data_query_definitions, put_metric_data_query_definition,
};
use crate::operations::tags::{list_tags_for_resource, tag_resource, untag_resource};
use crate::{CloudWatchConfig, CloudWatchError};

async fn put(
    server: &Server,
    id: Option<&str>,
    path: &str,
) -> Result<PutMetricDataQueryDefinitionOutput, CloudWatchError> {
    let input = PutMetricDataQueryDefinitionInput {
        id: id.map(str::to_owned),
        path: path.to_owned(),
        expression: "SUM(METRICS())".to_owned(),
        r#type: QueryType::from("METRIC_MATH"),
        tags: Some(vec![Tag { key: "team".to_owned(), value: "a".to_owned() }]),
    };
    put_metric_data_query_definition(server.cx(), input).await
}

async fn tags(server: &Server, arn: &str) -> Result<Vec<String>, CloudWatchError> {
    let input = ListTagsForResourceInput { resource_arn: arn.to_owned() };
    let output = list_tags_for_resource(server.cx(), input).await?;
    Ok(output.tags.unwrap().into_iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect())
}

#[tokio::test]
async fn definitions_have_a_path_each() {
    let server = Server::new(Timestamp::from_secs(TODAY), CloudWatchConfig::default()).await;
    let first = put(&server, None, "a/b").await.unwrap();
    let second = put(&server, None, "a/c").await.unwrap();
    let conflict = |error| error_text(error).starts_with("ConflictException");
    assert!(conflict(put(&server, None, "a/b").await.unwrap_err()));
    assert!(conflict(put(&server, Some(&second.id), "a/b").await.unwrap_err()));
    assert!(error_text(put(&server, Some("nobody"), "x").await.unwrap_err()).starts_with("ResourceNotFound"));
    put(&server, Some(&first.id), "a/d").await.unwrap();
    put(&server, Some(&second.id), "a/b").await.unwrap();
    let get = |id: &str| {
        let input = GetMetricDataQueryDefinitionInput { id: id.to_owned() };
        get_metric_data_query_definition(server.cx(), input)
    };
    assert_eq!(get(&second.id).await.unwrap().path, "a/b");
    let mut listed = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListMetricDataQueryDefinitionsInput { max_results: Some(1), next_token };
        let page = list_metric_data_query_definitions(server.cx(), input).await.unwrap();
        listed.extend(page.items.into_iter().map(|item| item.path));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    listed.sort();
    assert_eq!(listed, ["a/b", "a/d"]);
    for _ in 0..2 {
        let input = DeleteMetricDataQueryDefinitionInput { id: first.id.clone() };
        delete_metric_data_query_definition(server.cx(), input).await.unwrap();
    }
    assert!(get(&first.id).await.is_err());
    put(&server, None, "a/d").await.unwrap();
}

#[tokio::test]
async fn tags_come_and_go_with_their_resource() {
    let server = Server::new(Timestamp::from_secs(TODAY), CloudWatchConfig::default()).await;
    let PutMetricDataQueryDefinitionOutput { arn, id, .. } = put(&server, None, "p").await.unwrap();
    assert_eq!(tags(&server, &arn).await.unwrap(), ["team=a"]);
    let more = vec![Tag { key: "b".to_owned(), value: String::new() }];
    tag_resource(server.cx(), TagResourceInput { resource_arn: arn.clone(), tags: more.clone() })
        .await
        .unwrap();
    let keys = vec!["team".to_owned(), "none".to_owned()];
    untag_resource(server.cx(), UntagResourceInput { resource_arn: arn.clone(), tag_keys: keys })
        .await
        .unwrap();
    assert_eq!(tags(&server, &arn).await.unwrap(), ["b="]);
    let input = DeleteMetricDataQueryDefinitionInput { id };
    delete_metric_data_query_definition(server.cx(), input).await.unwrap();
    assert!(error_text(tags(&server, &arn).await.unwrap_err()).starts_with("ResourceNotFoundException"));
    let gone =
        tag_resource(server.cx(), TagResourceInput { resource_arn: arn, tags: more }).await.unwrap_err();
    assert!(error_text(gone).starts_with("ResourceNotFoundException"));
    let alarm = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:gone";
    assert_eq!(tags(&server, alarm).await.unwrap(), [""; 0]);
}
