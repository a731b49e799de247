//! ListDashboards: names by prefix, in pages.

use base::page_token;
use shapes::cloudwatch::{DashboardEntry, ListDashboardsInput, ListDashboardsOutput};
use smithy::Cx;

use crate::dashboard::{check_prefix, dashboard_arn, dashboard_key, dashboards_of, name_of};
use crate::{CloudWatch, CloudWatchError};

const PAGE: usize = 1000;

pub(crate) async fn list_dashboards(
    cx: Cx<CloudWatch>,
    input: ListDashboardsInput,
) -> Result<ListDashboardsOutput, CloudWatchError> {
    let prefix = input.dashboard_name_prefix.unwrap_or_default();
    check_prefix(&prefix)?;
    let purpose = format!("ListDashboards|{}|{prefix}", cx.scope().account);
    let after = match input.next_token.as_deref() {
        None => None,
        Some(token) => {
            let parts = page_token::decode(&purpose, token)
                .map_err(|_| CloudWatchError::invalid_value(token, "NextToken"))?;
            parts.first().map(|name| dashboard_key(cx.scope(), name))
        }
    };
    let found =
        cx.service.dashboards().records().list(&dashboards_of(cx.scope(), &prefix), after.as_ref(), PAGE + 1);
    let page = &found[..found.len().min(PAGE)];
    let last = page.last().filter(|_| found.len() > PAGE);
    let entries = page.iter().map(|entry| {
        let name = name_of(&entry.key);
        DashboardEntry {
            dashboard_arn: Some(dashboard_arn(cx.scope(), &name)),
            dashboard_name: Some(name),
            last_modified: Some(entry.last_modified),
            size: Some(entry.body.len() as i64),
        }
    });
    Ok(ListDashboardsOutput {
        dashboard_entries: Some(entries.collect()),
        next_token: last.map(|entry| page_token::encode(&purpose, &[&name_of(&entry.key)])),
    })
}
