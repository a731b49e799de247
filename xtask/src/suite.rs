//! `cargo xtask test`: everything a change must pass, cheapest first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Workspace};
use crate::{Result, bless, codegen, tidy};

const PARTS: &[&str] = &["checks", "rust", "python", "js", "rust-sdk"];

/// The client on the AWS SDK for Rust, a workspace of its own.
const RUST_SDK: &str = "conformance/rust/Cargo.toml";

/// Runs the parts named, or all of them. What follows `--` goes to the last one.
pub(crate) fn test(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let split = arguments.iter().position(|a| *a == "--").unwrap_or(arguments.len());
    let named = &arguments[..split];
    let extra = arguments.get(split + 1..).unwrap_or_default();
    if let Some(unknown) = named.iter().find(|part| !PARTS.contains(part)) {
        return Err(format!("no part `{unknown}`; there are {}", PARTS.join(", ")).into());
    }
    let parts: Vec<&str> = PARTS.iter().copied().filter(|p| named.is_empty() || named.contains(p)).collect();
    let last = parts.last().copied();
    for part in parts {
        let extra = if Some(part) == last { extra } else { &[] };
        println!("=== {part}");
        match part {
            "checks" => checks(workspace)?,
            "rust" => shell::run(workspace.cargo(&["test", "--workspace"]).args(extra))?,
            "python" => python(workspace, extra)?,
            "js" => javascript(workspace, extra)?,
            _ => {
                let server = workspace.server()?;
                let mut test = workspace.cargo(&["test", "--locked", "--manifest-path", RUST_SDK]);
                shell::run(test.args(extra).env("NEPHOSCOPE", server))?;
            }
        }
    }
    println!("=== passed");
    Ok(())
}

fn checks(workspace: &Workspace) -> Result<()> {
    shell::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut workspace.cargo(&["fmt", "--check", "--manifest-path", RUST_SDK]))?;
    tidy::run(workspace)?;
    codegen::run(&workspace.root, true)?;
    shell::run(&mut workspace.cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

/// The clients in Python, in an environment of their own.
fn python(workspace: &Workspace, extra: &[&str]) -> Result<()> {
    let server = workspace.server()?;
    bless::uncovered_operations(workspace, &server, false)?;
    let mut pytest = workspace.command(python_environment(workspace)?);
    pytest.args(["-m", "pytest"]).args(extra).current_dir(workspace.root.join("conformance/python"));
    shell::run(pytest.env("NEPHOSCOPE", server))
}

/// The Python of `conformance/python/.venv`, made and filled from requirements.txt where it is not yet.
pub(crate) fn python_environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.root.join("conformance/python");
    let environment = folder.join(".venv");
    let requirements = folder.join("requirements.txt");
    let python = environment.join("bin/python");
    installed(&environment, &requirements, || {
        let base = suitable_python(workspace)?;
        shell::run(workspace.command(base).args(["-m", "venv", "--clear"]).arg(&environment))?;
        let mut install = workspace.command(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        shell::run(install.arg(&requirements))
    })?;
    Ok(python)
}

/// The AWS SDK for JavaScript.
fn javascript(workspace: &Workspace, extra: &[&str]) -> Result<()> {
    let server = workspace.server()?;
    let folder = workspace.root.join("conformance/js");
    installed(&folder.join("node_modules"), &folder.join("package-lock.json"), || {
        shell::run(workspace.command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))
    })?;
    let mut tests: Vec<PathBuf> =
        fs::read_dir(folder.join("tests"))?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    tests.retain(|file| file.to_string_lossy().ends_with(".test.js"));
    tests.sort();
    let mut node = workspace.command("node");
    node.arg("--test").args(extra).args(tests).current_dir(&folder);
    shell::run(node.env("NEPHOSCOPE", server))
}

/// Calls `install` unless `folder` was filled from this very `list`; a copy of the list inside tells.
fn installed(folder: &Path, list: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = fs::read(list).map_err(|e| format!("{}: {e}", list.display()))?;
    let stamp = folder.join(".installed-from");
    if fs::read(&stamp).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// A Python of at least 3.11, by the names systems give it.
fn suitable_python(workspace: &Workspace) -> Result<PathBuf> {
    const CHECK: &str = "import sys, venv; sys.exit(sys.version_info < (3, 11))";
    for name in ["python3.11", "python3", "python3.12", "python3.13", "python"] {
        let mut command: Command = workspace.command(name);
        if command.args(["-c", CHECK]).output().is_ok_and(|output| output.status.success()) {
            return Ok(name.into());
        }
    }
    Err("`test python` needs Python 3.11 or later with venv".into())
}
