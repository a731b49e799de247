//! The vectors of agent.md § 10 for log files.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{Clock as _, SimulatedClock, Timestamp};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::assemble::Assembler;
use super::source::stream_of;
use super::state::StateFile;
use super::tail::{Mark, Tail, matches};
use super::*;
use crate::config::{FileConfig, Identity, parse};
use crate::testing::{FakeApi, run};

/// 2026-11-22T12:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_795_348_800);

fn entry(mut members: Value, path: &Path) -> FileConfig {
    members["file_path"] = json!(path.display().to_string());
    members["timezone"] = json!("UTC");
    let value = json!({"logs": {"logs_collected": {"files": {"collect_list": [members]}}}});
    parse(&value, &Identity::default()).unwrap().0.logs.unwrap().files.remove(0)
}

fn events(members: Value, text: &str) -> Vec<(i64, String)> {
    let rules = compile(&entry(members, Path::new("/x"))).unwrap();
    let mut assembler = Assembler::new(0, None, NOW);
    let mut pieces = assembler.feed(text.as_bytes(), &rules, NOW);
    assert!(assembler.idle(&rules, NOW).is_empty(), "nothing is cut before five seconds");
    let later = NOW + Duration::from_secs(5);
    pieces.extend(assembler.idle(&rules, later));
    assert_eq!(pieces.last().map(|piece| piece.end), Some(text.len() as u64));
    pieces.into_iter().filter_map(|piece| piece.event).map(|event| (event.timestamp, event.message)).collect()
}

fn messages(members: Value, text: &str) -> Vec<String> {
    events(members, text).into_iter().map(|(_, message)| message).collect()
}

#[test]
fn vectors_27_and_28_times_of_lines() {
    let format = json!({"timestamp_format": "%Y-%m-%d %H:%M:%S,%f"});
    let found = events(format, "none yet\nx 2026-11-22 16:58:23,4567 y\nlater\n");
    let times: Vec<i64> = found.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [NOW.as_millis(), 1_795_366_703_456, 1_795_366_703_456]);
    let trimmed = json!({"timestamp_format": "%Y-%m-%d %H:%M:%S,%f", "trim_timestamp": true});
    assert_eq!(messages(trimmed, "x 2026-11-22 16:58:23,4567 y\n"), ["x  y"]);
}

#[test]
fn vectors_29_and_30_events_of_several_lines() {
    assert_eq!(messages(json!({}), "E1\n  at a\n  at b\nE2"), ["E1\n  at a\n  at b", "E2"]);
    let format = json!({
        "timestamp_format": "%Y-%m-%d %H:%M:%S,%f",
        "multi_line_start_pattern": "{timestamp_format}",
    });
    assert_eq!(
        messages(format, "2026-11-22 16:58:23,456 a\nsecond\n"),
        ["2026-11-22 16:58:23,456 a\nsecond"]
    );
    assert_eq!(messages(json!({}), "  before any\r\n\r\n\nA\r\n"), ["  before any", "A"]);
}

#[test]
fn vector_31_filters() {
    let filters = json!({"filters": [
        {"type": "include", "expression": "ERROR"},
        {"type": "exclude", "expression": "test"},
    ]});
    assert_eq!(messages(filters, "ERROR a\nERROR test\nINFO\n"), ["ERROR a"]);
}

#[test]
fn long_events_are_cut() {
    let limit = 1_048_576 - 200;
    let line = "x".repeat(limit + 500);
    let found = messages(json!({}), &format!("{line}\nnext\n"));
    assert_eq!(found[0].len(), limit + "[Truncated...]".len());
    assert!(found[0].ends_with("x[Truncated...]"));
    assert_eq!(found[1], "next");
    let half = "y".repeat(limit / 2);
    let found = messages(json!({}), &format!("{half}\n {half}\n {half}\nnext\n"));
    assert!(found[0].len() <= limit && found.len() == 2);
}

#[test]
fn vectors_32_and_34_which_files() {
    assert_eq!(stream_of("i-1", "/var/log/a b.log"), "i-1__var_log_a_b.log");
    let folder = tempfile::tempdir().unwrap();
    for name in ["app.log", "app.log.1.gz", "app.bad"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(folder.path().join("app.d")).unwrap();
    let config = entry(json!({"blacklist": "bad$"}), Path::new("/x"));
    let pattern = folder.path().join("app*").display().to_string();
    assert_eq!(matches(&pattern, &compile(&config).unwrap()), [folder.path().join("app.log")]);
}

/// A log in a folder of its own, with its state.
struct Log {
    folder: tempfile::TempDir,
    config: FileConfig,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = entry(json!({}), &folder.path().join("app.log"));
        Self { folder, config }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.log")
    }

    fn write(&self, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn open(&self) -> Tail {
        let state = StateFile::new(self.folder.path(), "source");
        Tail::new(&self.config, self.config.file_path.clone(), compile(&self.config).unwrap(), state)
    }

    /// Everything there is, and the place after it.
    fn drain(&self, tail: &mut Tail) -> (Vec<String>, Option<Mark>) {
        let (mut found, mut last, mut idle) = (Vec::new(), None, 0);
        let mut now = NOW;
        while idle < 3 {
            let reads = tail.poll(now).unwrap();
            idle = if reads.is_empty() { idle + 1 } else { 0 };
            for read in reads {
                found.extend(read.event.map(|event| event.message));
                last = Some(read.mark);
            }
            now = now + Duration::from_secs(5);
        }
        (found, last)
    }

    /// As [`Log::drain`], confirmed.
    fn send(&self, tail: &mut Tail) -> Vec<String> {
        let (found, mark) = self.drain(tail);
        if let Some(mark) = mark {
            tail.confirm(&mark).unwrap();
        }
        found
    }
}

#[test]
fn vector_35_a_restart_goes_on_where_it_was() {
    let log = Log::new();
    log.write("1\n2\n3\n");
    assert_eq!(log.send(&mut log.open()), ["1", "2", "3"]);
    log.write("4\n5\n");
    assert_eq!(log.send(&mut log.open()), ["4", "5"]);
    assert_eq!(log.send(&mut log.open()), [] as [String; 0]);
}

#[test]
fn vector_36_a_renamed_file_is_finished_first() {
    let log = Log::new();
    log.write("1\n");
    let mut tail = log.open();
    assert_eq!(log.send(&mut tail), ["1"]);
    let rotate = || {
        fs::rename(log.path(), log.folder.path().join("app.log.1")).unwrap();
        log.write("3\n");
    };
    log.write("2\n");
    rotate();
    assert_eq!(log.send(&mut tail), ["2", "3"]);
    // The same while the agent is not there.
    log.write("4\n");
    fs::rename(log.path(), log.folder.path().join("app.log.1")).unwrap();
    log.write("5\n");
    assert_eq!(log.send(&mut log.open()), ["4", "5"]);
}

#[test]
fn vector_37_an_emptied_file_is_read_from_its_start() {
    let log = Log::new();
    log.write("a long first line\n");
    let mut tail = log.open();
    assert_eq!(log.send(&mut tail), ["a long first line"]);
    File::create(log.path()).unwrap();
    log.write("new\n");
    assert_eq!(log.send(&mut tail), ["new"]);
    assert_eq!(tail.rotations, 1);
    // And while the agent is not there.
    File::create(log.path()).unwrap();
    log.write("x\n");
    assert_eq!(log.send(&mut log.open()), ["x"]);
}

#[test]
fn vector_40_another_file_with_the_same_inode_is_another_file() {
    let log = Log::new();
    log.write("old\n");
    assert_eq!(log.send(&mut log.open()), ["old"]);
    // Same inode, other content, longer than what was confirmed.
    fs::write(log.path(), "other content, longer\n").unwrap();
    assert_eq!(log.send(&mut log.open()), ["other content, longer"]);
}

#[test]
fn what_was_not_confirmed_is_read_again() {
    let log = Log::new();
    log.write("1\n2\n");
    assert_eq!(log.drain(&mut log.open()).0, ["1", "2"]);
    assert_eq!(log.drain(&mut log.open()).0, ["1", "2"]);
}

#[test]
fn a_log_can_be_joined_at_its_end() {
    let mut log = Log::new();
    log.config.from_beginning = false;
    log.write("old\n");
    let mut tail = log.open();
    assert!(log.send(&mut tail).is_empty());
    log.write("new\n");
    assert_eq!(log.send(&mut tail), ["new"]);
}

/// Follows `log` once, against `api`.
async fn follow_once(log: &Log, api: &Arc<FakeApi>) {
    let clock = SimulatedClock::new(NOW);
    let context = Follow {
        api: api.clone(),
        clock: clock.clone(),
        state_dir: log.folder.path().to_owned(),
        flush: Duration::from_secs(5),
        once: true,
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    };
    run(&clock, follow(context, log.config.clone())).await.unwrap();
    assert!(clock.now() >= NOW);
}

#[tokio::test]
async fn groups_and_streams_are_made_when_they_are_missing() {
    let mut log = Log::new();
    log.config.retention_days = Some(7);
    log.write("1\n2\n");
    let api = FakeApi::new();
    let missing = "ResourceNotFoundException";
    api.fail("PutLogEvents", &[missing]);
    api.fail("CreateLogStream", &[missing]);
    follow_once(&log, &api).await;
    assert_eq!(
        api.operations(),
        [
            "PutLogEvents",
            "CreateLogStream",
            "CreateLogGroup",
            "CreateLogStream",
            "PutLogEvents",
            "PutRetentionPolicy"
        ]
    );
    let events = &api.bodies("PutLogEvents")[1]["logEvents"];
    let sent: Vec<&str> = events.as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    assert_eq!(sent, ["1", "2"]);
    follow_once(&log, &api).await;
    assert_eq!(api.bodies("PutLogEvents").len(), 2, "nothing is sent twice");
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let log = Log::new();
    log.write("1\n");
    let api = FakeApi::new();
    api.fail("PutLogEvents", &["Unreachable"; 9]);
    follow_once(&log, &api).await;
    assert_eq!(api.bodies("PutLogEvents").len(), 10);
    let log = Log::new();
    log.write("1\n");
    api.fail("PutLogEvents", &["InvalidParameterException"]);
    follow_once(&log, &api).await;
    assert_eq!(api.bodies("PutLogEvents").len(), 11, "what is refused is not tried again");
}

#[tokio::test]
async fn every_match_is_a_stream_of_its_own() {
    let mut log = Log::new();
    log.config.publish_multi_logs = true;
    log.config.log_stream = "s".to_owned();
    log.config.file_path = log.folder.path().join("*.txt").display().to_string();
    for name in ["a", "b"] {
        fs::write(log.folder.path().join(format!("{name}.txt")), format!("{name}\n")).unwrap();
    }
    let (api, clock) = (FakeApi::new(), SimulatedClock::new(NOW));
    let tasks = TaskTracker::new();
    let context = Follow {
        api: api.clone(),
        clock: clock.clone(),
        state_dir: log.folder.path().to_owned(),
        flush: Duration::from_secs(5),
        once: true,
        stop: CancellationToken::new(),
        tasks: tasks.clone(),
    };
    run(&clock, follow(context, log.config.clone())).await.unwrap();
    tasks.close();
    run(&clock, tasks.wait()).await;
    let mut streams: Vec<String> = api
        .bodies("PutLogEvents")
        .iter()
        .map(|body| body["logStreamName"].as_str().unwrap().to_owned())
        .collect();
    streams.sort();
    assert!(streams[0].starts_with("s__") && streams[0].ends_with("a.txt"), "{streams:?}");
    assert_eq!(streams.len(), 2);
}
