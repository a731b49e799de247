//! StartMetricStreams and StopMetricStreams; names nobody has are passed over.

use catalog::UpdateError;
use shapes::cloudwatch::{
    StartMetricStreamsInput, StartMetricStreamsOutput, StopMetricStreamsInput, StopMetricStreamsOutput,
};
use smithy::Cx;

use crate::metric_stream::{MetricStream, first_minute, key};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn start_metric_streams(
    cx: Cx<CloudWatch>,
    input: StartMetricStreamsInput,
) -> Result<StartMetricStreamsOutput, CloudWatchError> {
    set_running(&cx, &input.names, true).await?;
    Ok(StartMetricStreamsOutput::default())
}

pub(crate) async fn stop_metric_streams(
    cx: Cx<CloudWatch>,
    input: StopMetricStreamsInput,
) -> Result<StopMetricStreamsOutput, CloudWatchError> {
    set_running(&cx, &input.names, false).await?;
    Ok(StopMetricStreamsOutput::default())
}

async fn set_running(cx: &Cx<CloudWatch>, names: &[String], running: bool) -> Result<(), CloudWatchError> {
    for name in names {
        let change = |stream: &mut MetricStream| {
            if stream.running != running {
                stream.running = running;
                stream.updated = cx.now;
                // AWS: what happened while a stream was stopped is not handed on later.
                stream.next_minute = first_minute(cx.now);
            }
            Ok::<(), CloudWatchError>(())
        };
        match cx.service.metric_streams().records.update(&key(cx.scope(), name), change).await {
            Ok(_) | Err(UpdateError::Missing) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
