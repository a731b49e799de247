//! Tags of log groups, by ARN and, with the deprecated operations, by name: one tag set. Other resources have
//! theirs by ARN.

mod by_arn;
mod by_name;
mod resources;

pub(super) use by_arn::{list_tags_for_resource, tag_resource, untag_resource};
pub(super) use by_name::{list_tags_log_group, tag_log_group, untag_log_group};

use std::collections::BTreeMap;

use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{LogGroup, group_key, tags};
use crate::identifier::group_arn;

async fn add(cx: &Cx<Logs>, group: &str, new: &BTreeMap<String, String>) -> Result<(), LogsError> {
    let arn = group_arn(cx.scope(), group);
    let change = |group: &mut LogGroup| tags::add(&mut group.tags, new, &arn);
    cx.service.groups.update(&group_key(cx.scope(), group), change).await?;
    Ok(())
}

async fn remove(cx: &Cx<Logs>, group: &str, keys: &[String]) -> Result<(), LogsError> {
    let change = |group: &mut LogGroup| {
        tags::remove(&mut group.tags, keys);
        Ok::<(), LogsError>(())
    };
    cx.service.groups.update(&group_key(cx.scope(), group), change).await?;
    Ok(())
}

fn list(cx: &Cx<Logs>, group: &str) -> Result<BTreeMap<String, String>, LogsError> {
    Ok(cx.service.group(cx.scope(), group)?.record.tags.clone())
}
