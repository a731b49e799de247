//! Every command a developer of this repository runs: `cargo xtask <command>`.

mod bless;
mod codegen;
mod shell;
mod suite;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use shell::Workspace;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const HELP: &str = "\
Every command a developer of this repository runs.

Usage: cargo xtask <command> [options]

Commands:
  test [PART...]     Install what the tests need and run all of them. Parts, in this order:
                       checks   format, tidy, generated code, clippy
                       rust     cargo test of the whole workspace
                       python   boto3, AWS CLI, X-Ray SDK and OpenTelemetry against the real binary
                       js       AWS SDK for JavaScript against the real binary
                       rust-sdk AWS SDK for Rust, which speaks CBOR, against the real binary
                     Words after `--` go to the last part named, e.g. `test python -- -k logs`.
  ci                 What a change must pass: the same as `test`, stated for machines
  bless [NAME...]    Rewrite golden files by running the tests with BLESS=1; review the diff.
                     Names are cargo packages; without any, all of them
  codegen [--check]  Generate crates/shapes/src/generated from models/; --check only compares
  tidy               Check dependency directions, file sizes and the like
  bench [ARGS...]    Run the benchmarks in benches/ over a release build (benches/run.py ARGS)

Needs Rust; `test python` needs Python 3.11, `test js` Node 20. Build output goes to CARGO_TARGET_DIR, else to
~/.cache/nephoscope/target where ~/.cache/nephoscope exists, else to target/.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask lies in the workspace")?;
    let workspace = Workspace::new(root);
    match arguments.as_slice() {
        [] | ["help" | "--help" | "-h", ..] | [_, "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        ["codegen"] => codegen::run(root, false),
        ["codegen", "--check"] => codegen::run(root, true),
        ["tidy"] => tidy::run(&workspace),
        ["test", parts @ ..] => suite::test(&workspace, parts),
        ["ci"] => suite::test(&workspace, &[]),
        ["bless", packages @ ..] => bless::run(&workspace, packages),
        ["bench", rest @ ..] => bench(&workspace, rest),
        [command, ..] => {
            Err(format!("no command `{command}` with these options; see cargo xtask --help").into())
        }
    }
}

/// The benchmarks are scripts, because they drive the release binary from outside.
fn bench(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let script = workspace.root.join("benches/run.py");
    if !script.exists() {
        return Err("benches/run.py is not there".into());
    }
    shell::run(&mut workspace.cargo(&["build", "--release", "--package", "nephoscope"]))?;
    let mut command = workspace.command(suite::python_environment(workspace)?);
    command.arg(script).arg("--binary").arg(workspace.binary("release")).args(arguments);
    shell::run(&mut command)
}
