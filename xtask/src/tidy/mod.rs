//! `cargo xtask tidy`: what the compiler does not check about this repository.

mod dependencies;
mod files;
mod licences;

use crate::Result;
use crate::shell::Workspace;

/// Runs every check and reports all findings at once.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut findings = Vec::new();
    dependencies::check(&workspace.root, &mut findings)?;
    licences::check(workspace, &mut findings)?;
    files::check(workspace, &mut findings)?;
    if findings.is_empty() {
        println!("tidy: nothing to report");
        return Ok(());
    }
    for finding in &findings {
        eprintln!("tidy: {finding}");
    }
    Err(format!("tidy: {} findings", findings.len()).into())
}
