//! Running other programs in the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// The checkout and where its build output goes.
pub(crate) struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Workspace {
    pub(crate) fn new(root: &Path) -> Self {
        let cache = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/nephoscope"));
        let target = match (env::var_os("CARGO_TARGET_DIR"), cache) {
            (Some(target), _) => root.join(target),
            (None, Some(cache)) if cache.is_dir() => cache.join("target"),
            (None, _) => root.join("target"),
        };
        Self { root: root.to_owned(), target }
    }

    /// A program to be run at the root, with the workspace's target folder and without what cargo told xtask
    /// about itself.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text == "CARGO_BIN_NAME"
            {
                command.env_remove(&name);
            }
        }
        command
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments);
        command
    }

    /// Builds the server as the tests link it and gives its path.
    pub(crate) fn server(&self) -> Result<PathBuf> {
        // Built as the tests build it: another set of features would compile the query engine once more.
        run(&mut self.cargo(&["test", "--workspace", "--no-run", "--quiet"]))?;
        Ok(self.binary("debug"))
    }

    /// Where cargo puts the server of a profile's folder (`debug`, `release`).
    pub(crate) fn binary(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join(format!("nephoscope{}", env::consts::EXE_SUFFIX))
    }
}

/// Runs a program, showing it and its output; a failure is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    println!("$ {shown}");
    let status = command.status().map_err(|e| format!("{shown}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}").into()) }
}

/// Runs a program and gives what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.output().map_err(|e| format!("{shown}: {e}"))?;
    if !output.status.success() {
        return Err(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn shown(command: &Command) -> String {
    let mut text =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
