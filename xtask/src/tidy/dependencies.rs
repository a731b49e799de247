//! Which crate may use which: the table of the architecture, as data.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::Result;

/// What a crate may use directly. What those use in turn it may use too.
struct Rule {
    name: &'static str,
    may_use: &'static [&'static str],
    /// Why a crate may use more than its one job suggests; empty where it does not.
    because: &'static str,
}

const fn rule(name: &'static str, may_use: &'static [&'static str]) -> Rule {
    Rule { name, may_use, because: "" }
}

const SERVICE: &[&str] = &["shapes", "ingest", "catalog", "query", "patterns"];

const RULES: &[Rule] = &[
    rule("base", &[]),
    rule("signals", &["base"]),
    Rule {
        name: "smithy",
        may_use: &["base", "signals"],
        because: "a Caller carries the signals' Principal",
    },
    rule("shapes", &["smithy"]),
    rule("wire", &["smithy"]),
    rule("lang", &["base"]),
    rule("catalog", &["base"]),
    rule("store", &["signals"]),
    rule("patterns", &["base"]),
    rule("query", &["lang", "store", "patterns"]),
    rule("ingest", &["signals"]),
    Rule {
        name: "cloudwatch",
        may_use: &["shapes", "ingest", "catalog", "query", "widget"],
        because: "GetMetricWidgetImage draws",
    },
    rule("widget", &["base"]),
    rule("agent", &["base", "signals"]),
    rule("logs", SERVICE),
    rule("xray", SERVICE),
    rule("cloudtrail", SERVICE),
    Rule {
        name: "sts",
        may_use: &["shapes"],
        because: "it keeps nothing, so it needs neither catalog nor query",
    },
    rule("delivery", &["shapes", "signals", "catalog", "lang"]),
    rule("cluster", &["query", "catalog"]),
    rule("server", &["wire", "smithy", "ingest"]),
    rule("nephoscope", ALL),
    Rule { name: "sim", may_use: ALL, because: "test only: it runs the whole server" },
    rule("xtask", &[]),
];

const ALL: &[&str] = &[
    "base",
    "signals",
    "smithy",
    "shapes",
    "wire",
    "lang",
    "catalog",
    "store",
    "query",
    "ingest",
    "cloudwatch",
    "logs",
    "xray",
    "cloudtrail",
    "sts",
    "delivery",
    "patterns",
    "widget",
    "agent",
    "cluster",
    "server",
    "nephoscope",
];

/// Dependencies only some crates may have, because all that stand on them pay for them.
const CONFINED: &[(&str, &[&str])] = &[
    ("datafusion", &["query"]),
    ("hyper", &["server", "sim"]),
    ("hyper-util", &["server", "sim"]),
    ("sqlx", &["catalog"]),
];

const MEANINGLESS_NAMES: &[&str] = &["common", "utils", "util", "core", "helpers", "misc"];

pub(crate) fn check(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let mut manifests = vec![root.join("xtask")];
    for entry in fs::read_dir(root.join("crates"))? {
        manifests.push(entry?.path());
    }
    manifests.sort();
    for folder in manifests {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let manifest: toml::Table = text.parse().map_err(|e| format!("{}: {e}", path.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        check_crate(&name, &manifest, findings);
    }
    Ok(())
}

fn check_crate(name: &str, manifest: &toml::Table, findings: &mut Vec<String>) {
    let package = manifest.get("package").and_then(|p| p.get("name")).and_then(toml::Value::as_str);
    if package != Some(name) {
        findings.push(format!("crate {name}: its folder and its package have different names"));
    }
    if MEANINGLESS_NAMES.contains(&name) {
        findings.push(format!("crate {name}: a helper lives with its first user until a third appears"));
    }
    let ours: BTreeMap<&str, &Rule> = RULES.iter().map(|rule| (rule.name, rule)).collect();
    let Some(rule) = ours.get(name) else {
        findings.push(format!("crate {name}: say in xtask/src/tidy/dependencies.rs what it may use"));
        return;
    };
    let allowed = closure(rule, &ours);
    for dependency in dependency_names(manifest, "dependencies") {
        if ours.contains_key(dependency) && !allowed.contains(dependency) {
            let because =
                if rule.because.is_empty() { String::new() } else { format!(" ({})", rule.because) };
            findings.push(format!(
                "crate {name} must not use {dependency}: it may use {:?}{because}",
                rule.may_use
            ));
        }
        for (confined, users) in CONFINED {
            if dependency == *confined && !users.contains(&name) {
                findings.push(format!("crate {name} must not use {confined}: only {users:?} may"));
            }
        }
    }
    // Tests may reach further, but not upwards.
    for dependency in dependency_names(manifest, "dev-dependencies") {
        if ours.get(dependency).is_some_and(|used| closure(used, &ours).contains(name) && used.name != "sim")
        {
            findings.push(format!("crate {name} must not test with {dependency}, which stands on it"));
        }
    }
}

fn dependency_names<'m>(manifest: &'m toml::Table, section: &str) -> impl Iterator<Item = &'m str> {
    manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten().map(|(name, _)| name.as_str())
}

/// Everything a rule allows, directly or through what it allows.
fn closure<'r>(rule: &Rule, ours: &BTreeMap<&'r str, &'r Rule>) -> BTreeSet<&'r str> {
    let mut allowed = BTreeSet::new();
    let mut open: Vec<&str> = rule.may_use.to_vec();
    while let Some(name) = open.pop() {
        if let Some((name, next)) = ours.get_key_value(name)
            && allowed.insert(*name)
        {
            open.extend(next.may_use);
        }
    }
    allowed
}

#[cfg(test)]
mod tests {
    use super::check_crate;

    fn findings(name: &str, manifest: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check_crate(name, &manifest.parse().expect("a manifest"), &mut findings);
        findings
    }

    #[test]
    fn directions_are_those_of_the_table() {
        let service = "package.name = 'logs'\ndependencies = { store = {}, lang = {}, smithy = {} }";
        assert!(findings("logs", service).is_empty());
        let upwards = "package.name = 'logs'\ndependencies = { wire = {}, xray = {} }";
        assert_eq!(findings("logs", upwards).len(), 2);
        let heavy = "package.name = 'lang'\ndependencies = { datafusion = {} }";
        assert_eq!(findings("lang", heavy), ["crate lang must not use datafusion: only [\"query\"] may"]);
        assert_eq!(findings("utils", "package.name = 'utils'").len(), 2);
        assert_eq!(findings("base", "package.name = 'base'\ndev-dependencies = { signals = {} }").len(), 1);
    }
}
