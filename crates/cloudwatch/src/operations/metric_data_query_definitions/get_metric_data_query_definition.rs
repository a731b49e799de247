//! GetMetricDataQueryDefinition.

use shapes::cloudwatch::{GetMetricDataQueryDefinitionInput, GetMetricDataQueryDefinitionOutput, QueryType};
use smithy::Cx;

use super::missing;
use crate::query_definition::key;
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn get_metric_data_query_definition(
    cx: Cx<CloudWatch>,
    input: GetMetricDataQueryDefinitionInput,
) -> Result<GetMetricDataQueryDefinitionOutput, CloudWatchError> {
    let id = input.id;
    let found = cx.service.query_definitions().records.get(&key(cx.scope(), &id));
    let definition = found.ok_or_else(|| missing(&id))?;
    Ok(GetMetricDataQueryDefinitionOutput {
        arn: Taggable::QueryDefinition.arn(cx.scope(), &id),
        created_at: definition.created,
        expression: definition.expression.clone(),
        id,
        path: definition.path.clone(),
        r#type: QueryType::from(definition.language.as_str()),
        updated_at: definition.updated,
    })
}
