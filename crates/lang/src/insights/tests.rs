//! What the commands' tests share, and the whole language's robustness.

use super::compile;

/// The printed plan of a query.
pub(super) fn plan(text: &str) -> String {
    compile(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

/// `start..end message` of a query that has no meaning.
pub(super) fn error(text: &str) -> String {
    match compile(text) {
        Ok(pipeline) => panic!("{text} compiled to {pipeline}"),
        Err(error) => format!("{}..{} {}", error.start, error.end, error.message),
    }
}

#[test]
fn case_comments_and_leading_pipes() {
    assert_eq!(plan("FIELDS svc # x\n# | filter st = 1\n| LIMIT 1"), "limit 1\nevents svc");
    assert_eq!(plan("| fields a"), "events a");
    assert_eq!(error("fields a |"), "10..10 unexpected end of query");
    assert_eq!(error("fields a\n| foo b"), "11..14 unexpected symbol found foo at line 2 and position 2");
}

#[test]
fn what_is_not_supported_is_named() {
    assert_eq!(error("fields a | pattern @message"), "11..18 the command 'pattern' is not supported");
    assert_eq!(error("SOURCE '/app/p' | fields a"), "0..6 the command 'source' is not supported");
    assert_eq!(error("fields jsonParse(@message) as j"), "7..16 the function 'jsonParse' is not supported");
}

#[test]
fn length_is_limited() {
    let long = format!("fields {}", "é".repeat(10_000));
    assert_eq!(error(&long), "10000..10007 query is longer than 10000 characters");
}

#[test]
fn cut_and_mutated_queries_never_panic() {
    let texts = [
        "fields a.b, `x y` as z | filter a like /x\\/(?<n>\\d+)/ and not (b in [1, 'é'] or c != -2.5e3)",
        "parse @message \"a=* b=*\" as a, b | stats pct(a, 99)/count(*) as p by bin(5m) as t offset 1m | sort t",
        "# c\nstats count(*) by datefloor(@timestamp, 1mo) | limit any 10",
    ];
    for text in texts {
        let characters: Vec<char> = text.chars().collect();
        for at in 0..characters.len() {
            let _ = compile(&characters[..at].iter().collect::<String>());
            let _ = compile(&characters[at..].iter().collect::<String>());
            for replacement in ['|', '\'', '/', '`', '(', '[', 'é', '\\', '0', '#', ' '] {
                let mut changed = characters.clone();
                changed[at] = replacement;
                let _ = compile(&changed.iter().collect::<String>());
            }
        }
    }
}
