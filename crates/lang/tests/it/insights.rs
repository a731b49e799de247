//! Insights queries and their plans or errors. Cases stand in `tests/corpus/insights/*.txt`: the query, a
//! line `----`, the plan (or `error START..END MESSAGE`), a blank line. `BLESS=1` rewrites them.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/insights");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn outcome(query: &str) -> String {
    match lang::compile(query) {
        Ok(pipeline) => pipeline.to_string(),
        Err(error) => format!("error {}..{} {}", error.start, error.end, error.message),
    }
}

#[test]
fn queries_compile_to_their_plans() {
    let bless = env::var_os("BLESS").is_some();
    let mut cases = 0;
    for file in corpus() {
        let text = fs::read_to_string(&file).unwrap();
        let mut blessed = String::new();
        for case in text.split("\n\n").map(str::trim).filter(|case| !case.is_empty()) {
            let (query, expected) = case.split_once("\n----").unwrap_or((case, ""));
            let found = outcome(query);
            if !bless {
                assert_eq!(found, expected.trim(), "{}: {query}", file.display());
            }
            blessed.push_str(&format!("{query}\n----\n{found}\n\n"));
            cases += 1;
        }
        if bless {
            fs::write(&file, blessed).unwrap();
        }
    }
    assert!(cases > 100, "the corpus is there");
}
