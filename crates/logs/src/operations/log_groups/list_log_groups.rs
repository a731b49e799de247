//! ListLogGroups: names, ARNs and classes, by a small pattern, class or tags.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base::page_token;
use shapes::logs::{ListLogGroupsRequest, ListLogGroupsResponse, LogGroupSummary, TagFilter};
use smithy::Cx;

use crate::Logs;
use crate::error::LogsError;
use crate::group::{Class, group_key, groups_of, name_of};
use crate::identifier::group_arn;
use crate::operations::{describe_limit, page_start};

pub(in crate::operations) async fn list_log_groups(
    cx: Cx<Logs>,
    input: ListLogGroupsRequest,
) -> Result<ListLogGroupsResponse, LogsError> {
    let class = input.log_group_class.as_ref().map(|class| Class::of_request(Some(class))).transpose()?;
    let pattern = input.log_group_name_pattern.as_deref();
    let tags = input.log_group_tags.as_deref().unwrap_or_default();
    let own = |accounts: &Vec<String>| accounts.iter().any(|account| account == cx.scope().account.as_str());
    let elsewhere = input.account_identifiers.as_ref().is_some_and(|accounts| !own(accounts));
    // No group here has data sources, so none has those asked for.
    let sourceless = input.data_sources.as_ref().is_some_and(|sources| !sources.is_empty());
    let indexes = input.field_index_names.as_deref().unwrap_or_default();
    if elsewhere || sourceless {
        return Ok(ListLogGroupsResponse { log_groups: Some(Vec::new()), next_token: None });
    }
    let purpose = format!(
        "ListLogGroups|{}|{}|{class:?}|{tags:?}|{indexes:?}",
        cx.scope(),
        pattern.unwrap_or_default()
    );
    let start = page_start(&purpose, input.next_token.as_deref())?;
    let after = start.as_deref().and_then(<[String]>::first).map(|name| group_key(cx.scope(), name));

    let indexed = (!indexes.is_empty()).then(|| cx.service.names_of_indexed(cx.scope(), indexes));
    let limit = describe_limit(input.limit);
    let mut page: Vec<LogGroupSummary> = Vec::new();
    let mut last = String::new();
    let mut more = false;
    cx.service.groups.scan(&groups_of(cx.scope()), after.as_ref(), |key, group| {
        let name = name_of(key);
        let shown = class.is_none_or(|wanted| group.class.is_shown_for(wanted))
            && pattern.is_none_or(|pattern| matches_pattern(pattern, &name))
            && tags.iter().all(|filter| matches_tag(filter, &group.tags))
            && indexed.as_ref().is_none_or(|names| names.contains(&name));
        if !shown {
            return ControlFlow::Continue(());
        }
        if page.len() == limit {
            more = true;
            return ControlFlow::Break(());
        }
        page.push(LogGroupSummary {
            log_group_arn: Some(group_arn(cx.scope(), &name)),
            log_group_class: Some(group.class.shape()),
            log_group_name: Some(name.clone()),
        });
        last = name;
        ControlFlow::Continue(())
    });
    let next_token = more.then(|| page_token::encode(&purpose, &[&last]));
    Ok(ListLogGroupsResponse { log_groups: Some(page), next_token })
}

/// AWS: alternatives between `|`, each a substring, or a prefix after `^` (API_ListLogGroups.html).
fn matches_pattern(pattern: &str, name: &str) -> bool {
    pattern.split('|').any(|alternative| match alternative.strip_prefix('^') {
        Some(prefix) => name.starts_with(prefix),
        None => name.contains(alternative),
    })
}

/// Without values: the key is there. Otherwise one of the values fits; one that begins with `!` fits when the rest
/// of it does not.
fn matches_tag(filter: &TagFilter, tags: &BTreeMap<String, String>) -> bool {
    let value = tags.get(&filter.key).map(String::as_str);
    let values = filter.values.as_deref().unwrap_or_default();
    if values.is_empty() {
        return value.is_some();
    }
    values.iter().any(|wanted| match wanted.strip_prefix('!') {
        Some(unwanted) => !value.is_some_and(|value| matches_wildcard(unwanted, value)),
        None => value.is_some_and(|value| matches_wildcard(wanted, value)),
    })
}

/// `*` stands for any text; with one, letter case does not count.
fn matches_wildcard(pattern: &str, value: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == value;
    }
    let (pattern, value) = (pattern.to_lowercase(), value.to_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = value.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_names() {
        for (pattern, name, expected) in [
            ("prod", "/app/prod/x", true),
            ("^prod", "/app/prod/x", false),
            ("^/app|web", "/app/prod", true),
            ("^xyz|prod", "/app/prod", true),
            ("Prod", "/app/prod", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn filters_of_tags() {
        let tags = BTreeMap::from([("env".to_owned(), "Prod-EU".to_owned())]);
        let filter = |key: &str, values: &[&str]| TagFilter {
            key: key.to_owned(),
            values: Some(values.iter().map(|v| (*v).to_owned()).collect()),
        };
        for (key, values, expected) in [
            ("env", &[][..], true),
            ("team", &[], false),
            ("env", &["Prod-EU"], true),
            ("env", &["prod-eu"], false),
            ("env", &["prod*"], true),
            ("env", &["*-eu"], true),
            ("env", &["p*d*u"], true),
            ("env", &["x*", "*od*"], true),
            ("env", &["!prod*"], false),
            ("env", &["!test"], true),
            ("team", &["!test"], true),
            ("team", &["*"], false),
        ] {
            assert_eq!(matches_tag(&filter(key, values), &tags), expected, "{key} {values:?}");
        }
    }
}
