//! PutQueryDefinition: creates a query definition, or replaces the one whose id is given.

use catalog::CommitError;
use shapes::logs::{PutQueryDefinitionRequest, PutQueryDefinitionResponse, QueryLanguage};
use smithy::Cx;

use super::missing;
use crate::Logs;
use crate::error::LogsError;
use crate::group::name_of;
use crate::query_definition::{DEFINITIONS_MAX, Parameter, QueryDefinition, definition_key, definitions_of};

pub(in crate::operations) async fn put_query_definition(
    cx: Cx<Logs>,
    input: PutQueryDefinitionRequest,
) -> Result<PutQueryDefinitionResponse, LogsError> {
    let definitions = &cx.service.query_definitions;
    let given = input.query_definition_id.clone();
    let token = input.client_token.clone().filter(|_| given.is_none());
    if let Some(token) = &token {
        let all = definitions.list(&definitions_of(cx.scope()), None, usize::MAX);
        if let Some(earlier) = all.iter().find(|entry| entry.client_token.as_ref() == Some(token)) {
            return Ok(PutQueryDefinitionResponse { query_definition_id: Some(name_of(&earlier.key)) });
        }
    }
    let mut definition = definition(&cx, input)?;
    definition.client_token = token;
    let id = match given {
        None => {
            if definitions.count(&definitions_of(cx.scope())) >= DEFINITIONS_MAX {
                return Err(LogsError::LimitExceeded);
            }
            let id = cx.service.entropy.uuid().to_string();
            definitions.insert(definition_key(cx.scope(), &id), definition).await?;
            id
        }
        Some(id) => {
            replace(&cx, &id, definition).await?;
            id
        }
    };
    Ok(PutQueryDefinitionResponse { query_definition_id: Some(id) })
}

/// Every member is replaced: what the request omits is gone.
async fn replace(cx: &Cx<Logs>, id: &str, definition: QueryDefinition) -> Result<(), LogsError> {
    let definitions = &cx.service.query_definitions;
    let key = definition_key(cx.scope(), id);
    loop {
        let earlier = definitions.get(&key).ok_or_else(missing)?;
        let definition = QueryDefinition { client_token: earlier.client_token.clone(), ..definition.clone() };
        let transaction = cx.service.catalog.transaction();
        match transaction.update(definitions, key.clone(), earlier.version, definition).commit().await {
            Ok(_) => return Ok(()),
            Err(CommitError::Failed(error)) => return Err(error.into()),
            Err(_) => {}
        }
    }
}

fn definition(cx: &Cx<Logs>, input: PutQueryDefinitionRequest) -> Result<QueryDefinition, LogsError> {
    let language = match input.query_language {
        None => QueryLanguage::Cwli,
        Some(QueryLanguage::Unknown(other)) => {
            return Err(LogsError::invalid(format!("Invalid queryLanguage: {other}")));
        }
        Some(language) => language,
    };
    let parameters = input.parameters.unwrap_or_default();
    if !parameters.is_empty() && language != QueryLanguage::Cwli {
        return Err(LogsError::invalid("Parameters are only supported for queries in the language CWLI."));
    }
    let repeated = |(index, name): (usize, &str)| parameters[..index].iter().any(|p| p.name == name);
    if parameters.iter().map(|p| p.name.as_str()).enumerate().any(repeated) {
        return Err(LogsError::invalid("The name of a parameter must not be there twice."));
    }
    Ok(QueryDefinition {
        name: input.name,
        query_string: input.query_string,
        last_modified: cx.now,
        log_group_names: input.log_group_names.unwrap_or_default(),
        language: language.as_str().to_owned(),
        parameters: parameters
            .into_iter()
            .map(|p| Parameter { name: p.name, default_value: p.default_value, description: p.description })
            .collect(),
        client_token: None,
    })
}
