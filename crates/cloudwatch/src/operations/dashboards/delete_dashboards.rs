//! DeleteDashboards: up to a hundred at once.

use std::collections::BTreeSet;

use catalog::Prefix;
use shapes::cloudwatch::{DeleteDashboardsInput, DeleteDashboardsOutput};
use smithy::Cx;

use crate::dashboard::{check_name, global};
use crate::tags::Taggable;
use crate::{CloudWatch, CloudWatchError};

const NAMES_MAX: usize = 100;

pub(crate) async fn delete_dashboards(
    cx: Cx<CloudWatch>,
    input: DeleteDashboardsInput,
) -> Result<DeleteDashboardsOutput, CloudWatchError> {
    let names: BTreeSet<&str> = input.dashboard_names.iter().map(String::as_str).collect();
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err(CloudWatchError::InvalidParameterValue(format!(
            "The collection DashboardNames must have a size between 1 and {NAMES_MAX}."
        )));
    }
    for name in &names {
        check_name(name)?;
    }
    let dashboards = cx.service.dashboards();
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| dashboards.exists(cx.scope(), name));
    if !known.is_empty() {
        let scope = global(cx.scope());
        let mut transaction = cx.service.catalog().transaction();
        for name in known {
            transaction = transaction.delete_all(dashboards.records(), Prefix::new(&scope, &[name]));
            transaction = cx.service.tags().remove(transaction, &scope, Taggable::Dashboard, name);
        }
        transaction.commit().await?;
    }
    // AWS: as many as possible are deleted (API_DeleteDashboards.html); what it says of the others is a decision.
    match unknown.as_slice() {
        [] => Ok(DeleteDashboardsOutput::default()),
        [name] => Err(CloudWatchError::DashboardNotFound(format!("Dashboard {name} does not exist"))),
        names => {
            Err(CloudWatchError::DashboardNotFound(format!("Dashboards {} do not exist", names.join(", "))))
        }
    }
}
