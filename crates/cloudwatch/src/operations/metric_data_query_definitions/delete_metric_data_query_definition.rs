//! DeleteMetricDataQueryDefinition; one that is not there is fine.

use shapes::cloudwatch::{DeleteMetricDataQueryDefinitionInput, DeleteMetricDataQueryDefinitionOutput};
use smithy::Cx;

use crate::query_definition::key;
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_metric_data_query_definition(
    cx: Cx<CloudWatch>,
    input: DeleteMetricDataQueryDefinitionInput,
) -> Result<DeleteMetricDataQueryDefinitionOutput, CloudWatchError> {
    let definitions = cx.service.query_definitions();
    let record_key = key(cx.scope(), &input.id);
    // The operation models no errors.
    let Some(current) = definitions.records.get(&record_key) else {
        return Ok(DeleteMetricDataQueryDefinitionOutput::default());
    };
    let path_key = key(cx.scope(), &current.path);
    let mut transaction =
        cx.service.catalog().transaction().delete(&definitions.records, record_key, current.version);
    if let Some(claim) = definitions.paths.get(&path_key).filter(|claim| claim.id == input.id) {
        transaction = transaction.delete(&definitions.paths, path_key, claim.version);
    }
    let transaction = cx.service.tags().remove(transaction, cx.scope(), Taggable::QueryDefinition, &input.id);
    transaction.commit().await?;
    Ok(DeleteMetricDataQueryDefinitionOutput::default())
}
