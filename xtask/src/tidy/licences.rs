//! Dependencies keep to `deny.toml`: allowed licences, no banned crates, one version where one is asked for.
//!
//! `cargo deny` reads the same file and checks more; this needs nothing installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::Result;
use crate::shell::{self, Workspace};

pub(crate) fn check(workspace: &Workspace, findings: &mut Vec<String>) -> Result<()> {
    let text = fs::read_to_string(workspace.root.join("deny.toml")).map_err(|e| format!("deny.toml: {e}"))?;
    let rules: toml::Table = text.parse().map_err(|e| format!("deny.toml: {e}"))?;
    let allowed: Vec<&str> = list(&rules, "licenses", "allow").filter_map(toml::Value::as_str).collect();

    let mut command = workspace.cargo(&["metadata", "--format-version", "1", "--locked"]);
    for target in list(&rules, "graph", "targets").filter_map(toml::Value::as_str) {
        command.args(["--filter-platform", target]);
    }
    let metadata: Value = serde_json::from_str(&shell::output(&mut command)?)?;
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        versions.entry(name).or_default().insert(package["version"].as_str().unwrap_or_default());
        let licence = package["license"].as_str().unwrap_or_default();
        if !satisfied(licence, &allowed) {
            findings.push(format!("{name}: licence `{licence}` is not one deny.toml allows"));
        }
    }
    for entry in list(&rules, "bans", "deny") {
        let name =
            entry.get("crate").and_then(toml::Value::as_str).ok_or("deny.toml: a ban names a `crate`")?;
        let only_many = entry.get("deny-multiple-versions").and_then(toml::Value::as_bool) == Some(true);
        match versions.get(name) {
            Some(found) if only_many && found.len() > 1 => {
                findings.push(format!("{name}: versions {found:?}, deny.toml asks for one"));
            }
            Some(_) if !only_many => findings.push(format!("{name}: banned by deny.toml")),
            _ => {}
        }
    }
    Ok(())
}

fn list<'r>(rules: &'r toml::Table, section: &str, key: &str) -> impl Iterator<Item = &'r toml::Value> {
    rules.get(section).and_then(|s| s.get(key)).and_then(toml::Value::as_array).into_iter().flatten()
}

/// Whether an SPDX expression can be satisfied: one alternative of every `OR`, all parts of every `AND`.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    !tokens.is_empty() && any(&tokens, &mut at, allowed) && at == tokens.len()
}

fn any(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut result = all(tokens, at, allowed);
    while tokens.get(*at) == Some(&"OR") {
        *at += 1;
        result |= all(tokens, at, allowed);
    }
    result
}

fn all(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut result = one(tokens, at, allowed);
    while tokens.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(tokens, at, allowed);
    }
    result
}

fn one(tokens: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let Some(token) = tokens.get(*at) else { return false };
    *at += 1;
    if *token == "(" {
        let result = any(tokens, at, allowed);
        *at += 1;
        return result;
    }
    let mut name = (*token).to_owned();
    if tokens.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", tokens.get(*at + 1).unwrap_or(&""));
        *at += 2;
    }
    allowed.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn expressions_offer_and_demand() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("MIT/Apache-2.0", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("MIT AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("", false),
        ] {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
    }
}
