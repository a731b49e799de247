//! Crash tests: a server process is killed at random moments and at named fail points under load, and
//! after each restart every acknowledged record must be there exactly once, every other at most once.
//!
//! `NEPHOSCOPE_CRASH_ROUNDS` sets the number of rounds (a soak), `NEPHOSCOPE_CRASH_SEED` repeats a run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

mod child;
mod load;

use std::path::Path;

use base::{Entropy, SeededEntropy, SystemEntropy};

use child::{Child, Ending};
use load::Load;

const ROUNDS: u64 = 200;
/// After so many rounds everything is verified once more, and a fresh folder is taken.
const ROUNDS_PER_FOLDER: u64 = 25;

/// Moments at which losing the process is most interesting.
const FAIL_POINTS: [&str; 7] = [
    "wal.before_write",
    "wal.before_sync",
    "wal.synced",
    "part.before_put",
    "part.put",
    "manifest.before_write",
    "manifest.written",
];

/// Not a test of its own: the process the other test starts and kills.
#[test]
fn server_process() {
    child::serve_if_asked();
}

#[test]
fn acknowledged_records_survive_a_kill_at_any_moment() {
    let seed = setting("NEPHOSCOPE_CRASH_SEED").unwrap_or_else(|| SystemEntropy::new().next_u64() >> 16);
    let rounds = setting("NEPHOSCOPE_CRASH_ROUNDS").unwrap_or(ROUNDS);
    println!("NEPHOSCOPE_CRASH_SEED={seed} NEPHOSCOPE_CRASH_ROUNDS={rounds}");
    let chance = SeededEntropy::new(seed);
    let mut round = 0;
    while round < rounds {
        let folder = tempfile::tempdir().unwrap();
        let mut load = Load::new();
        for _ in 0..ROUNDS_PER_FOLDER.min(rounds - round) {
            let ending = choose(chance.as_ref());
            one_round(folder.path(), &mut load, round, &ending)
                .unwrap_or_else(|why| panic!("round {round}, {ending:?}, seed {seed}: {why}"));
            round += 1;
        }
        let server = Child::start(folder.path(), None).unwrap();
        load.verify_everything(server.address)
            .unwrap_or_else(|why| panic!("after round {round}, seed {seed}: {why}"));
        server.stop().unwrap_or_else(|why| panic!("after round {round}, seed {seed}: {why}"));
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

fn choose(chance: &dyn Entropy) -> Ending {
    let n = chance.next_u64();
    if n.is_multiple_of(3) {
        Ending::KillAfterRecords(1 + (n >> 8) % 60)
    } else {
        let point = FAIL_POINTS[(n >> 8) as usize % FAIL_POINTS.len()];
        // Parts and manifest edits are rarer than log writes.
        let most = if point.starts_with("wal") { 60 } else { 6 };
        Ending::AbortAt(format!("{point}:{}", 1 + (n >> 20) % most))
    }
}

/// Load until the process dies, restart, verify.
fn one_round(folder: &Path, load: &mut Load, round: u64, ending: &Ending) -> Result<(), String> {
    let abort_at = match ending {
        Ending::AbortAt(point) => Some(point.as_str()),
        Ending::KillAfterRecords(_) => None,
    };
    match Child::start(folder, abort_at) {
        Ok(mut server) => {
            load.run(server.address, round, &mut server, ending);
            server.kill();
        }
        // The point was reached while starting: that is a crash too.
        Err(_) if abort_at.is_some() => {}
        Err(why) => return Err(format!("no start: {why}")),
    }
    let server = Child::start(folder, None)?;
    let verdict = load.verify_last(server.address);
    server.kill();
    verdict
}
