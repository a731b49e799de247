//! Random small queries over random events: the engine and the reference give the same rows.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use crate::memory::{self, Event, Memory};
use crate::reference;

/// Messages of one shape, so that kinds are sometimes the same in all events and sometimes not.
fn message() -> impl Strategy<Value = String> {
    let a = select(vec![None, Some("1"), Some("2"), Some("10"), Some("-3")]);
    let b = select(vec![
        None,
        Some("\"x\""),
        Some("\"y9\""),
        Some("\"y10\""),
        Some("\"2\""),
        Some("7"),
        Some("true"),
    ]);
    let c = select(vec![None, Some("0.5"), Some("2.25"), Some("-1.75")]);
    let d = select(vec![None, Some("true"), Some("false")]);
    let e = select(vec![None, Some("\"k=1, l=x\""), Some("\"k=2, l=\""), Some("\"no\""), Some("\"\"")]);
    (a, b, c, d, e, 0..12u8).prop_map(|(a, b, c, d, e, plain)| {
        if plain == 0 {
            return "a plain line with k=5, l=z".to_owned();
        }
        let members = [("a", a), ("b", b), ("c", c), ("d.e", d), ("t", e)];
        let members = members.iter().filter_map(|(name, value)| Some(format!("\"{name}\":{}", (*value)?)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..2u32, select(vec!["s1", "s2"]), 0..8i64, message());
    proptest::collection::vec(event, 0..24).prop_map(|events| {
        let events = events.into_iter().enumerate();
        let event = |(index, (group, stream, time, message)): (usize, (u32, &str, i64, String))| {
            Event::new(group, stream, time * 700, index as u64, &message)
        };
        events.map(event).collect()
    })
}

fn field() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "c", "d.e", "t", "zz", "@logStream", "@log", "@message", "@timestamp"])
        .prop_map(str::to_owned)
}

fn literal() -> impl Strategy<Value = String> {
    select(vec!["1", "2", "-3", "0.5", "'x'", "'y9'", "'2'", "'10'", "''", "true", "false", "'k='"])
        .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => field(),
        2 => literal(),
        1 => (field(), select(vec!["+", "-", "*", "/", "%"]), field()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
        1 => field().prop_map(|a| format!("strlen({a})")),
        1 => field().prop_map(|a| format!("toupper({a})")),
        1 => field().prop_map(|a| format!("abs({a})")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => (value(), select(vec!["=", "!=", "<", "<=", ">", ">="]), value()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (field(), select(vec!["'x'", "'y'", "'k='", "/y\\d/", "/(?i)X/", "/k=(1|2), l/"]))
            .prop_map(|(a, needle)| format!("{a} like {needle}")),
        2 => (field(), select(vec!["in", "not in"]), select(vec!["[1, 'x']", "['y9', '2', true]", "[]", "[0.5, 7]", "['s1']"]))
            .prop_map(|(a, op, list)| format!("{a} {op} {list}")),
        1 => field().prop_map(|a| format!("ispresent({a})")),
        1 => field(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
}

fn row_command() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => condition().prop_map(|condition| format!("filter {condition}")),
        1 => value().prop_map(|value| format!("fields {value} as n1, a")),
        1 => (condition(), field()).prop_map(|(condition, field)| format!("fields if({condition}, {field}, 'else') as n2")),
        1 => select(vec!["@message", "t", "b"]).prop_map(|source| format!("parse {source} \"k=*, l=*\" as n1, n3")),
        1 => Just("parse t /k=(?<n4>\\d)/".to_owned()),
        1 => Just("parse @message /(?<n5>[a-z])\\W+(?<n6>\\d)/ multi".to_owned()),
    ]
}

fn aggregate() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("count(*)".to_owned()),
        (select(vec!["count", "count_distinct", "sum", "avg", "min", "max"]), field())
            .prop_map(|(function, field)| format!("{function}({field})")),
        (field(), select(vec!["0", "50", "90", "100"]))
            .prop_map(|(field, percent)| format!("pct({field}, {percent})")),
        field().prop_map(|field| format!("sum({field}) / count(*)")),
    ]
}

fn stats() -> impl Strategy<Value = String> {
    let by = prop_oneof![
        Just(String::new()),
        field().prop_map(|field| format!(" by {field} as g1")),
        (field(), Just("bin(2s)")).prop_map(|(field, bin)| format!(" by {field} as g1, {bin} as g2")),
    ];
    (aggregate(), aggregate(), by).prop_map(|(a, b, by)| format!("stats {a} as s1, {b} as s2{by}"))
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    let rows = proptest::collection::vec(row_command(), 0..3);
    let sort =
        || (field(), select(vec!["asc", "desc"])).prop_map(|(field, way)| format!("sort {field} {way}"));
    let end = prop_oneof![
        3 => (stats(), select(vec!["", "sort s1 desc", "filter s2 > 1", "limit 2", "stats max(s1) as m, count(s2) as c"]))
            .prop_map(|(stats, after)| vec![stats, after.to_owned()]),
        1 => (sort(), select(vec!["", "limit 3"])).prop_map(|(sort, limit)| vec![sort, limit.to_owned()]),
        1 => (sort(), field(), select(vec!["", "limit 3"])).prop_map(|(sort, field, limit)| vec![sort, format!("dedup {field}"), limit.to_owned()]),
        1 => Just(vec!["sort @timestamp desc".to_owned(), "limit 4".to_owned()]),
        1 => (sort(), field(), select(vec!["accum", "autoregress", "filldown"]))
            .prop_map(|(sort, field, command)| vec![format!("fields a, b, {field}"), sort, format!("{command} {field}"), "filter a > 0".to_owned()]),
        1 => Just(vec!["limit 5".to_owned(), "fields b, c, n1".to_owned()]),
        1 => Just(Vec::new()),
    ];
    (rows, end).prop_map(|(rows, end)| {
        let commands: Vec<String> =
            rows.into_iter().chain(end).filter(|command| !command.is_empty()).collect();
        commands.join(" | ")
    })
}

#[test]
fn the_engine_agrees_with_the_reference() {
    let engine = memory::engine(|_| {});
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let groups = ["1:/a".to_owned(), "1:/b".to_owned()];
    let cases = std::env::var("NEPHOSCOPE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(events(), text()), |(events, text)| {
        let query = memory::query(Arc::new(Memory(events.clone())), &groups, &text);
        let expected = reference::run(&query.pipeline, &events, &groups);
        let job = engine.start(query).unwrap();
        runtime.block_on(job.finished());
        prop_assert_eq!(job.failure(), None);
        let rows = job.rows(0, usize::MAX).unwrap().into_iter();
        let rows: Vec<Vec<(String, String)>> = rows
            .map(|row| row.values.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
            .collect();
        prop_assert_eq!(rows, expected);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
