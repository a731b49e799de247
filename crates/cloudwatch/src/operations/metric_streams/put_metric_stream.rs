//! PutMetricStream: creates a stream, which runs at once, or changes one, which keeps its state.

use catalog::{CommitError, Prefix};
use shapes::cloudwatch::{PutMetricStreamInput, PutMetricStreamOutput};
use smithy::Cx;

use crate::metric_stream::{MetricStream, STREAMS_MAX, Settings, first_minute, key};
use crate::tags::{self, Taggable};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn put_metric_stream(
    cx: Cx<CloudWatch>,
    input: PutMetricStreamInput,
) -> Result<PutMetricStreamOutput, CloudWatchError> {
    let settings = Settings::of_request(&input)?;
    let tags = tags::of_request(input.tags.as_deref())?;
    let name = input.name;
    let records = &cx.service.metric_streams().records;
    let key = key(cx.scope(), &name);
    let output = || PutMetricStreamOutput { arn: Some(Taggable::MetricStream.arn(cx.scope(), &name)) };
    if !records.contains(&key) {
        if records.count(&Prefix::new(cx.scope(), &[])) >= STREAMS_MAX {
            return Err(CloudWatchError::InvalidParameterValue(format!(
                "There can be {STREAMS_MAX} metric streams at most."
            )));
        }
        let stream = MetricStream {
            settings: settings.clone(),
            created: cx.now,
            updated: cx.now,
            running: true,
            next_minute: first_minute(cx.now),
        };
        let transaction = cx.service.catalog().transaction().insert(records, key.clone(), stream);
        let transaction = cx.service.tags().put(transaction, cx.scope(), Taggable::MetricStream, &name, tags);
        match transaction.commit().await {
            Ok(_) => return Ok(output()),
            // Another request was faster: this one changes what it made.
            Err(CommitError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let change = |stream: &mut MetricStream| {
        stream.settings = settings.clone();
        stream.updated = cx.now;
        Ok::<(), CloudWatchError>(())
    };
    records.update(&key, change).await?;
    Ok(output())
}
