//! GetDashboard: the body as it was put.

use shapes::cloudwatch::{GetDashboardInput, GetDashboardOutput};
use smithy::Cx;

use crate::dashboard::{check_name, dashboard_arn, dashboard_key};
use crate::{CloudWatch, CloudWatchError};

pub(crate) async fn get_dashboard(
    cx: Cx<CloudWatch>,
    input: GetDashboardInput,
) -> Result<GetDashboardOutput, CloudWatchError> {
    let name = input.dashboard_name;
    check_name(&name)?;
    let key = dashboard_key(cx.scope(), &name);
    let Some(dashboard) = cx.service.dashboards().records().get(&key) else {
        return Err(CloudWatchError::DashboardNotFound(format!("Dashboard {name} does not exist")));
    };
    Ok(GetDashboardOutput {
        dashboard_arn: Some(dashboard_arn(cx.scope(), &name)),
        dashboard_body: Some(dashboard.body.clone()),
        dashboard_name: Some(name),
    })
}
