//! `cargo xtask bless`: golden files rewritten from what the code does now, to be reviewed as diffs.

use std::fs;
use std::path::Path;

use crate::Result;
use crate::shell::{self, Workspace};

const UNCOVERED: &str = "conformance/uncovered-operations.txt";

/// Rewrites the golden files of `packages`, or of all.
pub(crate) fn run(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let mut test = workspace.cargo(&["test"]);
    if packages.is_empty() {
        test.arg("--workspace");
    }
    for package in packages {
        test.args(["--package", package]);
    }
    shell::run(test.env("BLESS", "1"))?;
    if packages.is_empty() || packages.contains(&"nephoscope") {
        let server = workspace.server()?;
        uncovered_operations(workspace, &server, true)?;
    }
    Ok(())
}

/// Compares, or with `write` rewrites, the list of operations the server does not answer.
pub(crate) fn uncovered_operations(workspace: &Workspace, server: &Path, write: bool) -> Result<()> {
    let now = shell::output(workspace.command(server).args(["operations", "--uncovered"]))?;
    let path = workspace.root.join(UNCOVERED);
    if write {
        fs::write(&path, now)?;
    } else if fs::read_to_string(&path).unwrap_or_default() != now {
        return Err(format!(
            "{UNCOVERED} differs from what the server answers; run `cargo xtask bless nephoscope`"
        )
        .into());
    }
    Ok(())
}
