//! GetMetricWidgetImage: a widget as PNG.

use std::collections::BTreeMap;

use base::{Region, Scope};
use shapes::cloudwatch::{GetMetricWidgetImageInput, GetMetricWidgetImageOutput};
use smithy::Cx;

use crate::dashboard::image::{ImageMetric, ImageWidget};
use crate::metric::evaluate::{Options, ResultSeries, evaluate};
use crate::metric::query;
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn get_metric_widget_image(
    cx: Cx<CloudWatch>,
    input: GetMetricWidgetImageInput,
) -> Result<GetMetricWidgetImageOutput, CloudWatchError> {
    match input.output_format.as_deref() {
        None | Some("png") => {}
        // AWS: the body of the answer would be the picture itself, which no SDK reads.
        Some("image/png") => {
            return Err(CloudWatchError::Validation(
                "The value image/png for parameter OutputFormat is not available on this server; use png."
                    .to_owned(),
            ));
        }
        Some(other) => {
            return Err(CloudWatchError::Validation(format!(
                "The value {other} for parameter OutputFormat is invalid."
            )));
        }
    }
    let mut widget = ImageWidget::parse(&input.metric_widget, cx.now)?;
    widget.watch_alarm(&cx.service, cx.scope())?;
    let found = read(&cx, &widget).await?;
    let found = widget.metrics.iter().zip(found).collect();
    let picture = widget.picture(found, cx.now);
    // Drawing takes processor time that requests beside this one would wait for.
    let drawn = tokio::task::spawn_blocking(move || widget::render_png(&picture)).await;
    let image = drawn
        .map_err(|error| CloudWatchError::Drawing(error.into()))?
        .map_err(|error| CloudWatchError::Drawing(error.into()))?;
    Ok(GetMetricWidgetImageOutput { metric_widget_image: Some(image) })
}

/// The results of every metric of the widget. Those of one Region are evaluated together, so that expressions
/// find what they refer to.
async fn read(cx: &Cx<CloudWatch>, widget: &ImageWidget) -> Result<Vec<Vec<ResultSeries>>, CloudWatchError> {
    let mut regions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, metric) in widget.metrics.iter().enumerate() {
        let region = metric.region.as_deref().unwrap_or(cx.scope().region.as_str());
        regions.entry(region).or_default().push(index);
    }
    let mut found: Vec<Vec<ResultSeries>> = widget.metrics.iter().map(|_| Vec::new()).collect();
    for (region, members) in regions {
        let region = Region::new(region)
            .map_err(|_| CloudWatchError::invalid_value(region, "region").into_validation())?;
        let scope = Scope::new(cx.scope().account.clone(), region);
        let queries: Vec<_> =
            members.iter().map(|index| ImageMetric::query(&widget.metrics[*index])).collect();
        let queries = query::check(&queries)?;
        let mut options = Options::new(widget.range, cx.now);
        options.offset_secs = widget.offset_secs;
        for series in evaluate(&cx.service, &scope, &queries, &options).await?.series {
            found[members[series.query]].push(series);
        }
    }
    Ok(found)
}
