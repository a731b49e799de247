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
fn length_is_limited() {
    let long = format!("fields {}", "é".repeat(10_000));
    assert_eq!(error(&long), "10000..10007 query is longer than 10000 characters");
}

#[test]
fn cut_and_mutated_queries_never_panic() {
    let texts = [
        "fields a.b, `x y` as z | filter a like /x\\/(?<n>\\d+)/ and not (b in [1, 'é'] or c != -2.5e3)",
        "parse @message \"a=* b=*\" as a, b | stats pct(a, 99)/count(*) as p by bin(5m) as t offset 1m | sort t",
        "SOURCE logGroups(namePrefix: ['a']) START=1 | join left=l right=r where l.a=r.b (SOURCE 'x' | fields b) | sort l.a",
        "filter a in (SOURCE 'x' START=1 | fields b) | pattern @message | diff previousDay",
        "outlier action=remove param=1.5 a, b | fillmissing with 0 for c | addtotals col=true a | accum a as b",
        "lookup t id as u, x OUTPUT n as m | cidrlookup t ip OUTPUTNEW o | autoregress a p=1-3 | filldown a* b",
        "parse m xml '/a[1]/b' as x | parse logfmt as l | unnest l.a[0] into b | json field=a 'b.c' as d",
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

mod properties {
    use proptest::prelude::*;

    use super::compile;

    fn word() -> impl Strategy<Value = String> {
        prop_oneof![
            3 => proptest::sample::select(vec![
                "fields", "filter", "stats", "sort", "limit", "parse", "dedup", "pattern", "diff", "unnest", "expand",
                "lookup", "join", "appendcols", "by", "as", "in", "not", "like", "count", "(*)", "(", ")", "[", "]",
                "|", ",", "=", "!=", "<", "+", "-", "*", "/", "^", "5m", "10", "1.5", "'s'", "\"t\"", "/x(?<n>y)/",
                "`b q`", "@message", "a.b", "SOURCE", "where", "left", "right", "OUTPUT", "into", "multi", "bin(5m)",
                "#", "\n", "pct(a, 99)", "true", "p=1-2", "with", "for", "é", ":", "desc", "%", "jsonParse(a)",
            ]).prop_map(str::to_owned),
            1 => "[ -~é\n]{0,6}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is written, compiling ends, and an error's place lies inside the text.
        #[test]
        fn errors_lie_inside_the_text(words in proptest::collection::vec(word(), 0..24)) {
            let text = words.join(" ");
            if let Err(error) = compile(&text) {
                prop_assert!(error.start <= error.end, "{text}");
                prop_assert!(error.end <= text.chars().count(), "{text}: {error:?}");
            }
        }
    }
}
