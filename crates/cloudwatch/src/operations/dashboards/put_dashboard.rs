//! PutDashboard: creates a dashboard or replaces its body.

use shapes::cloudwatch::{PutDashboardInput, PutDashboardOutput};
use smithy::Cx;

use crate::dashboard::{Dashboard, check, check_name};
use crate::{CloudWatch, CloudWatchError, tags};

pub(crate) async fn put_dashboard(
    cx: Cx<CloudWatch>,
    input: PutDashboardInput,
) -> Result<PutDashboardOutput, CloudWatchError> {
    check_name(&input.dashboard_name)?;
    let tags = tags::of_request(input.tags.as_deref())?;
    let warnings = check::check(&input.dashboard_body)?;
    let dashboard = Dashboard { body: input.dashboard_body, last_modified: cx.now };
    let dashboards = cx.service.dashboards();
    dashboards.put(&cx.service, cx.scope(), &input.dashboard_name, dashboard, tags).await?;
    let messages = warnings.iter().map(super::message).collect();
    Ok(PutDashboardOutput { dashboard_validation_messages: Some(messages) })
}
