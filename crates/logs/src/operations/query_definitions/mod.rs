//! Query definitions: put, describe, delete.

mod put_query_definition;

pub(super) use put_query_definition::put_query_definition;

use base::page_token;
use catalog::CommitError;
use shapes::logs::{
    DeleteQueryDefinitionRequest, DeleteQueryDefinitionResponse, DescribeQueryDefinitionsRequest,
    DescribeQueryDefinitionsResponse, QueryDefinition as Shape, QueryParameter,
};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::name_of;
use crate::operations::page_start;
use crate::query_definition::{QueryDefinition, definition_key, definitions_of};

/// AWS states no default; the largest page is 1,000.
const PAGE_MAX: usize = 1000;

fn missing() -> LogsError {
    LogsError::NotFound("The specified query definition does not exist.".into())
}

pub(super) async fn describe_query_definitions(
    cx: Cx<Logs>,
    input: DescribeQueryDefinitionsRequest,
) -> Result<DescribeQueryDefinitionsResponse, LogsError> {
    let prefix = input.query_definition_name_prefix.as_deref().unwrap_or_default();
    let language = input.query_language.as_ref().map(|language| language.as_str().to_owned());
    let purpose = format!("DescribeQueryDefinitions|{}|{prefix}|{language:?}", cx.scope());
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let all = cx.service.query_definitions.list(&definitions_of(cx.scope()), None, usize::MAX);
    let shown = |definition: &QueryDefinition| {
        definition.name.starts_with(prefix) && language.as_ref().is_none_or(|l| *l == definition.language)
    };
    let mut found: Vec<(String, String, Shape)> = all
        .into_iter()
        .filter(|entry| shown(entry))
        .map(|entry| (entry.name.clone(), name_of(&entry.key), shape(&name_of(&entry.key), &entry)))
        .collect();
    found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    if let Some([name, id]) = start.as_deref() {
        found.retain(|(n, i, _)| (n, i) > (name, id));
    }
    let limit = input.max_results.and_then(|max| usize::try_from(max).ok()).unwrap_or(PAGE_MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token =
        found.last().filter(|_| more).map(|(name, id, _)| page_token::encode(&purpose, &[name, id]));
    let definitions = found.into_iter().map(|(_, _, shape)| shape).collect();
    Ok(DescribeQueryDefinitionsResponse { next_token, query_definitions: Some(definitions) })
}

pub(super) async fn delete_query_definition(
    cx: Cx<Logs>,
    input: DeleteQueryDefinitionRequest,
) -> Result<DeleteQueryDefinitionResponse, LogsError> {
    let key = definition_key(cx.scope(), &input.query_definition_id);
    let found = cx.service.query_definitions.get(&key).ok_or_else(missing)?;
    match cx.service.query_definitions.delete(key, found.version).await {
        Ok(()) => Ok(DeleteQueryDefinitionResponse { success: Some(true) }),
        Err(CommitError::Missing { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

fn shape(id: &str, definition: &QueryDefinition) -> Shape {
    let parameter = |parameter: &crate::query_definition::Parameter| QueryParameter {
        default_value: parameter.default_value.clone(),
        description: parameter.description.clone(),
        name: parameter.name.clone(),
    };
    let parameters = &definition.parameters;
    Shape {
        last_modified: Some(definition.last_modified.as_millis()),
        log_group_names: Some(definition.log_group_names.clone()),
        name: Some(definition.name.clone()),
        parameters: (!parameters.is_empty()).then(|| parameters.iter().map(parameter).collect()),
        query_definition_id: Some(id.to_owned()),
        query_language: Some(definition.language.as_str().into()),
        query_string: Some(definition.query_string.clone()),
    }
}
