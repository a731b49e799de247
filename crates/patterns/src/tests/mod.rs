//! What the miner finds: small cases, mixed services with known templates, limits, and what must never happen.

mod services;

use proptest::prelude::*;

use crate::{Kind, MinerConfig, PatternMiner, Severity};

fn mined(messages: &[&str]) -> Vec<(String, u64)> {
    let mut miner = PatternMiner::new(MinerConfig::default());
    for message in messages {
        miner.add(message);
    }
    miner.patterns().into_iter().map(|pattern| (pattern.text, pattern.count)).collect()
}

#[test]
fn values_become_numbered_gaps() {
    assert_eq!(
        mined(&["user=alice, method:GET, latency := 12", "user=bob, method:POST, latency := 7"]),
        [("user=<Token-1>, method:<Token-2>, latency := <Number-3>".to_owned(), 2)]
    );
    assert_eq!(
        mined(&["2026-01-02T03:04:05Z ERROR /a/b failed", "2026-01-03T03:04:05Z ERROR /c/d failed"]),
        [("<Date-1> ERROR <Token-2> failed".to_owned(), 2)]
    );
}

#[test]
fn different_things_stay_apart() {
    let messages =
        ["connection opened", "connection closed", "2026-01-02 INFO ready now", "2026-01-02 WARN ready now"];
    assert_eq!(mined(&messages).len(), 4);
    assert_eq!(mined(&["Receiving block blk_1", "Deleting block blk_1"]).len(), 2);
}

#[test]
fn a_word_that_takes_many_forms_is_a_gap() {
    let names = ["alice", "bob", "carol", "dave", "erin"];
    let messages: Vec<String> = names.iter().map(|name| format!("{name} logged in")).collect();
    let refs: Vec<&str> = messages.iter().map(String::as_str).collect();
    assert_eq!(mined(&refs), [("<Token-1> logged in".to_owned(), 5)]);
    assert_eq!(mined(&refs[..2]).len(), 2);
}

#[test]
fn lists_of_any_length_are_one_pattern() {
    assert_eq!(
        mined(&["delete blk_1", "delete blk_1 blk_2", "delete blk_1 blk_2 blk_3"]),
        [("delete <ID-1>".to_owned(), 3)]
    );
}

#[test]
fn json_keeps_its_keys() {
    let a = r#"{"level":"info","path":"/orders","status":200,"user":"u1"}"#;
    let b = r#"{"level":"info","path":"/items","status":404,"user":"u7"}"#;
    let expected = r#"{"level":"info","path":"<Token-1>","status":<Number-2>,"user":"<ID-3>"}"#;
    assert_eq!(mined(&[a, b]), [(expected.to_owned(), 2)]);
}

#[test]
fn samples_values_severity_and_expression_belong_to_a_pattern() {
    let config = MinerConfig { samples_max: 2, values_max: 2, ..MinerConfig::default() };
    let mut miner = PatternMiner::new(config);
    for message in [
        "Error code=7 on host-a",
        "Error code=7 on host-b",
        "Error code=8 on host-a",
        "Error code=9 on host-c",
    ] {
        miner.add(message);
    }
    let patterns = miner.patterns();
    let pattern = &patterns[0];
    assert_eq!(pattern.text, "Error code=<Number-1> on <Token-2>");
    assert_eq!(pattern.samples, ["Error code=7 on host-a", "Error code=7 on host-b"]);
    assert_eq!(pattern.severity(), Severity::Error);
    assert_eq!(pattern.hash.len(), 32);
    let gaps: Vec<_> = pattern.tokens.iter().filter_map(|token| Some((token.gap?, &token.values))).collect();
    assert_eq!(gaps[0].0, (Kind::Number, 1));
    assert_eq!(*gaps[0].1, [("7".to_owned(), 2), ("8".to_owned(), 1)]);
    assert_eq!(*gaps[1].1, [("host-a".to_owned(), 2), ("host-b".to_owned(), 1)]);
    let expression = regex::Regex::new(&pattern.regex()).unwrap();
    assert!(expression.is_match("Error code=9 on host-c") && !expression.is_match("Error node=9 on host-c"));
}

#[test]
fn two_miners_find_what_one_finds() {
    let messages: Vec<String> = (0..200)
        .map(|i| format!("request {i} to /p/{} took {}ms", i % 7, i * 3))
        .chain((0..50).map(|i| format!("job {i} done")))
        .collect();
    let mut whole = PatternMiner::new(MinerConfig::default());
    let mut halves = [PatternMiner::new(MinerConfig::default()), PatternMiner::new(MinerConfig::default())];
    for (i, message) in messages.iter().enumerate() {
        whole.add(message);
        halves[i % 2].add(message);
    }
    let [mut first, second] = halves;
    first.absorb(second);
    let shown = |miner: &mut PatternMiner| -> Vec<_> {
        miner.patterns().into_iter().map(|p| (p.text, p.count)).collect()
    };
    assert_eq!(shown(&mut first), shown(&mut whole));
}

#[test]
fn ids_given_before_a_join_lead_to_the_joined_pattern() {
    let mut miner = PatternMiner::new(MinerConfig::default());
    let ids: Vec<_> =
        ["ann", "ben", "cat", "dan"].iter().map(|n| miner.add(&format!("{n} went away"))).collect();
    let patterns = miner.patterns();
    assert_eq!(patterns.len(), 1);
    assert!(ids.into_iter().all(|id| miner.resolve(id) == patterns[0].id));
}

#[test]
fn memory_is_bounded_and_no_message_is_lost() {
    let config = MinerConfig { patterns_max: 50, ..MinerConfig::default() };
    let mut miner = PatternMiner::new(config);
    let words = ["red", "green", "blue", "pink", "grey", "teal", "gold"];
    let mut state = 7u64;
    for i in 0..5_000u64 {
        let mut message = String::new();
        for _ in 0..=(i % 23) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            message.push_str(words[(state >> 33) as usize % words.len()]);
            message.push_str(if state >> 60 == 3 { "; " } else { " " });
        }
        miner.add(&message);
        assert!(miner.standing() <= 50);
    }
    let patterns = miner.patterns();
    assert_eq!(patterns.iter().map(|pattern| pattern.count).sum::<u64>(), 5_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn counts_add_up_and_nothing_panics(messages in prop::collection::vec("[ -~é\\n]{0,60}", 0..80), patterns_max in 1usize..20) {
        let config = MinerConfig { patterns_max, values_max: 3, samples_max: 2, ..MinerConfig::default() };
        let (mut a, mut b) = (PatternMiner::new(config), PatternMiner::new(config));
        for (i, message) in messages.iter().enumerate() {
            if i % 3 == 0 { a.add(message) } else { b.add(message) };
        }
        a.absorb(b);
        let patterns = a.patterns();
        prop_assert_eq!(patterns.iter().map(|pattern| pattern.count).sum::<u64>(), messages.len() as u64);
        for pattern in &patterns {
            prop_assert!(regex::Regex::new(&pattern.regex()).is_ok());
        }
    }
}
