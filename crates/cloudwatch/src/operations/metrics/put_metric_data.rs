//! PutMetricData: takes metric data, all of a request or none.

use shapes::cloudwatch::{MetricDatum, PutMetricDataInput};
use smithy::Cx;
use store::tables::metrics::MetricBatch;

use crate::metric::datum::{self, DatumCheck};
use crate::metric::entity;
use crate::{CloudWatch, CloudWatchError};

/// Data of one request, in both lists together.
const DATA_MAX: usize = 1000;
const ENTITIES_MAX: usize = 2;

pub(crate) async fn put_metric_data(
    cx: Cx<CloudWatch>,
    input: PutMetricDataInput,
) -> Result<(), CloudWatchError> {
    let batch = {
        let plain = input.metric_data.as_deref().unwrap_or_default();
        let entities = input.entity_metric_data.as_deref().unwrap_or_default();
        let of_entities = || entities.iter().map(|e| e.metric_data.as_deref().unwrap_or_default());
        let count = plain.len() + of_entities().map(<[MetricDatum]>::len).sum::<usize>();
        if count == 0 {
            return Err(CloudWatchError::MissingParameter(
                "The parameter MetricData is required.".to_owned(),
            ));
        }
        check_size("MetricData", count, DATA_MAX)?;
        check_size("EntityMetricData", entities.len(), ENTITIES_MAX)?;
        let reserved = cx.service.config().reserve_aws_namespaces && cx.caller.principal.kind != "AWSService";
        datum::check_namespace(&input.namespace, reserved)?;
        if input.strict_entity_validation == Some(true) {
            for (number, entity) in (1..).zip(entities) {
                entity::check(entity.entity.as_ref(), number)?;
            }
        }
        let check = DatumCheck { namespace: &input.namespace, now: cx.now };
        let mut batch = MetricBatch::new(cx.scope(), count);
        check.fill(&mut batch, plain, "MetricData")?;
        for (number, data) in (1..).zip(of_entities()) {
            check.fill(&mut batch, data, &format!("EntityMetricData.member.{number}.MetricData"))?;
        }
        batch
    };
    Ok(cx.service.metrics().append_batch(batch).await?)
}

fn check_size(name: &str, size: usize, max: usize) -> Result<(), CloudWatchError> {
    if size > max {
        let message = format!("The collection {name} must not have a size greater than {max}.");
        return Err(CloudWatchError::InvalidParameterValue(message));
    }
    Ok(())
}
