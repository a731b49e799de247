//! PutMetricDataQueryDefinition: saves a new query, or changes the one whose id is given.

use catalog::{CommitError, Prefix};
use shapes::cloudwatch::{PutMetricDataQueryDefinitionInput, PutMetricDataQueryDefinitionOutput, QueryType};
use smithy::Cx;

use super::missing;
use crate::query_definition::{DEFINITIONS_MAX, PathClaim, QueryDefinition, check_path, key};
use crate::tags::{self, Taggable};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn put_metric_data_query_definition(
    cx: Cx<CloudWatch>,
    input: PutMetricDataQueryDefinitionInput,
) -> Result<PutMetricDataQueryDefinitionOutput, CloudWatchError> {
    check_path(&input.path)?;
    let tags = tags::of_request(input.tags.as_deref())?;
    let definitions = cx.service.query_definitions();
    let mut definition = QueryDefinition {
        path: input.path.clone(),
        language: input.r#type.as_str().to_owned(),
        expression: input.expression,
        created: cx.now,
        updated: cx.now,
    };
    let id = input.id.clone().unwrap_or_else(|| cx.service.entropy().uuid().to_string());
    let claim = PathClaim { id: id.clone() };
    let (record_key, path_key) = (key(cx.scope(), &id), key(cx.scope(), &input.path));
    let transaction = cx.service.catalog().transaction();
    let transaction = match &input.id {
        None => {
            if definitions.records.count(&Prefix::new(cx.scope(), &[])) >= DEFINITIONS_MAX {
                return Err(CloudWatchError::LimitExceeded(format!(
                    "There can be {DEFINITIONS_MAX} query definitions at most."
                )));
            }
            let created = transaction.insert(&definitions.paths, path_key, claim).insert(
                &definitions.records,
                record_key,
                definition.clone(),
            );
            cx.service.tags().put(created, cx.scope(), Taggable::QueryDefinition, &id, tags)
        }
        // Tags given with a change are ignored, as for every resource.
        Some(_) => {
            let current = definitions.records.get(&record_key).ok_or_else(|| missing(&id))?;
            definition.created = current.created;
            let moved = if current.path == input.path {
                transaction
            } else {
                let old = key(cx.scope(), &current.path);
                let version = definitions.paths.get(&old).map(|claim| claim.version);
                let released = match version {
                    Some(version) => transaction.delete(&definitions.paths, old, version),
                    None => transaction,
                };
                released.insert(&definitions.paths, path_key, claim)
            };
            moved.update(&definitions.records, record_key, current.version, definition.clone())
        }
    };
    transaction.commit().await.map_err(|error| match error {
        CommitError::Exists { .. } => CloudWatchError::Conflict(format!(
            "A query definition with the path {} already exists.",
            input.path
        )),
        other => other.into(),
    })?;
    Ok(PutMetricDataQueryDefinitionOutput {
        arn: Taggable::QueryDefinition.arn(cx.scope(), &id),
        created_at: definition.created,
        expression: definition.expression,
        id,
        path: definition.path,
        r#type: QueryType::from(definition.language.as_str()),
        updated_at: definition.updated,
    })
}
