//! DeleteMetricStream; one that is not there is fine.

use catalog::Prefix;
use shapes::cloudwatch::{DeleteMetricStreamInput, DeleteMetricStreamOutput};
use smithy::Cx;

use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn delete_metric_stream(
    cx: Cx<CloudWatch>,
    input: DeleteMetricStreamInput,
) -> Result<DeleteMetricStreamOutput, CloudWatchError> {
    let records = &cx.service.metric_streams().records;
    let transaction =
        cx.service.catalog().transaction().delete_all(records, Prefix::new(cx.scope(), &[&input.name]));
    let tags = cx.service.tags();
    tags.remove(transaction, cx.scope(), Taggable::MetricStream, &input.name).commit().await?;
    Ok(DeleteMetricStreamOutput::default())
}
