//! Files: each says what it is for, none is too long, none names what only one machine has.

use std::fs;
use std::path::Path;

use crate::Result;
use crate::shell::{self, Workspace};

/// Lines of one source file without its tests' sibling; think again from the first, stop at the second.
const LINES_THINK: usize = 600;
const LINES_MAX: usize = 900;
/// Larger files are data, not text to read.
const TEXT_SIZE_MAX: usize = 2 << 20;

/// Words that mark unfinished work, spelled so that this file does not find itself.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];

/// Hosts that package clients download from: which one is used is the machine's own business.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("pypi.", "org/simple"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
];

pub(crate) fn check(workspace: &Workspace, findings: &mut Vec<String>) -> Result<()> {
    let list = shell::output(workspace.command("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]))?;
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let Ok(bytes) = fs::read(workspace.root.join(name)) else { continue };
        if bytes.len() > TEXT_SIZE_MAX {
            continue;
        }
        let Ok(text) = String::from_utf8(bytes) else { continue };
        check_file(name, &text, findings);
    }
    Ok(())
}

fn check_file(name: &str, text: &str, findings: &mut Vec<String>) {
    for host in REGISTRY_HOSTS {
        if text.contains(host) {
            findings.push(format!("{name}: names a package registry's host"));
        }
    }
    check_package_list(name, text, findings);
    if Path::new(name).extension().is_none_or(|extension| extension != "rs") || name.contains("/generated/") {
        return;
    }
    if !text.starts_with("//!") {
        findings.push(format!("{name}: does not open with `//!` saying what it is for"));
    }
    for (number, line) in text.lines().enumerate() {
        if UNFINISHED.iter().any(|word| line.split(|c: char| !c.is_alphanumeric()).any(|w| w == *word)) {
            findings.push(format!("{name}:{}: unfinished work without an owner", number + 1));
        }
    }
    let lines = text.lines().count();
    if name.starts_with("crates/") && name.contains("/src/") {
        if lines > LINES_MAX {
            findings.push(format!("{name}: {lines} lines, at most {LINES_MAX}"));
        } else if lines > LINES_THINK && !name.ends_with("/tests.rs") {
            eprintln!("tidy: warning: {name}: {lines} lines; think again at {LINES_THINK}");
        }
    }
}

/// Lists of packages name packages and versions; where they come from is left to the machine.
fn check_package_list(name: &str, text: &str, findings: &mut Vec<String>) {
    let file = name.rsplit('/').next().unwrap_or(name);
    let address = |line: &str| line.contains("http://") || line.contains("https://");
    match file {
        "Cargo.lock" => {
            const STANDARD: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            if text.lines().any(|line| line.starts_with("source = ") && line != STANDARD) {
                findings.push(format!("{name}: a package does not come from the standard registry"));
            }
        }
        "package-lock.json" if text.contains("\"resolved\"") => {
            findings.push(format!("{name}: keeps addresses; lock with omit-lockfile-registry-resolved"));
        }
        "requirements.txt"
            if text.lines().any(|line| line.trim_start().starts_with('-') || address(line)) =>
        {
            findings.push(format!("{name}: lists packages and versions only"));
        }
        ".npmrc" | "pip.conf" if address(text) => findings.push(format!("{name}: names a registry")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES_MAX, REGISTRY_HOSTS, UNFINISHED, check_file};

    fn findings(name: &str, text: &str) -> usize {
        let mut findings = Vec::new();
        check_file(name, text, &mut findings);
        findings.len()
    }

    #[test]
    fn files_are_held_to_the_rules() {
        assert_eq!(findings("crates/a/src/lib.rs", "//! What it is for.\n"), 0);
        assert_eq!(findings("crates/a/src/lib.rs", "fn main() {}\n"), 1);
        assert_eq!(findings("crates/a/src/lib.rs", &format!("//! A.\n// {}: later\n", UNFINISHED[0])), 1);
        assert_eq!(findings("crates/a/src/lib.rs", &format!("//! A.\n{}", "\n".repeat(LINES_MAX))), 1);
        assert_eq!(findings("crates/a/src/generated/x.rs", &"\n".repeat(LINES_MAX + 1)), 0);
        assert_eq!(findings("README.md", &format!("see {}", REGISTRY_HOSTS[0])), 1);
        assert_eq!(findings("js/package-lock.json", "{\"resolved\": \"x\"}"), 1);
        assert_eq!(findings("python/requirements.txt", "boto3==1.0\n--index-url x\n"), 1);
    }
}
