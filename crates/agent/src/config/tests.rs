//! Configurations and what is made of them.

use serde_json::{Value, json};

use super::files::from_toml;
use super::*;

fn identity() -> Identity {
    Identity {
        hostname: Some("web1".to_owned()),
        instance_id: Some("i-1".to_owned()),
        date: "2026-11-22".to_owned(),
        ..Identity::default()
    }
}

fn read(value: &Value) -> (AgentConfig, Vec<String>) {
    let (config, report) = parse(value, &identity()).unwrap();
    let lines = report.lines.iter().filter(|line| line.verdict != Verdict::Honoured);
    (config, lines.map(ToString::to_string).collect())
}

#[test]
fn vector_13_what_is_not_supported_is_named() {
    let (_, lines) = read(&json!({"metrics": {"metrics_collected": {"jmx": {}}}}));
    assert_eq!(lines, ["refused  metrics.metrics_collected.jmx  not supported"]);
    let (config, lines) = read(&json!({
        "agent": {"debug": true, "run_as_user": "cwagent", "metrics_collection_interval": 30},
        "metrics": {"metrics_destinations": {"cloudwatch": {}, "amp": {}}, "x": 1,
                    "metrics_collected": {"mem": {"measurement": ["used_percent", "nothing"]}}},
        "logs": {"logs_collected": {"windows_events": {}}, "metrics_collected": {"kubernetes": {}}},
        "traces": {},
    }));
    assert_eq!(
        lines,
        [
            "ignored  agent.debug  logs go to standard error",
            "ignored  agent.run_as_user  the service manager chooses the user",
            "refused  traces  not supported: point the X-Ray daemon's clients at the server",
            "refused  metrics.metrics_collected.mem.measurement[1]  not a field of this section",
            "refused  metrics.metrics_destinations.amp  only cloudwatch is a destination",
            "ignored  metrics.x  unknown member",
            "refused  logs.logs_collected.windows_events  not supported",
            "refused  logs.metrics_collected.kubernetes  not supported",
        ]
    );
    assert_eq!(config.metrics.unwrap().sections[0].interval_secs, 30);
    let hidden = json!({"metrics": {}, "agent": {"omit_hostname": true, "own_metrics": false}});
    let (config, _) = read(&hidden);
    assert_eq!((config.metrics.unwrap().dimensions.len(), config.own_metrics), (0, Some(false)));
}

#[test]
fn nonsense_is_an_error_with_its_place() {
    let file = |value: Value| json!({"logs": {"logs_collected": {"files": {"collect_list": [value]}}}});
    for (value, message) in [
        (json!([]), "the configuration: should be an object"),
        (
            json!({"agent": {"metrics_collection_interval": 0}}),
            "agent.metrics_collection_interval: should be from",
        ),
        (
            json!({"metrics": {"metrics_collected": {"cpu": {"measurement": [{"name": "usage_idle", "unit": "Apples"}]}}}}),
            "metrics.metrics_collected.cpu.measurement[0]: Apples is not a unit",
        ),
        (file(json!({})), "logs.logs_collected.files.collect_list[0]: has no file_path"),
        (file(json!({"file_path": "/a", "retention_in_days": 2})), "retention_in_days: 2 is not"),
        (file(json!({"file_path": "/a", "timestamp_format": "%Q"})), "collect_list[0]: the timestamp_format"),
        (
            file(json!({"file_path": "/a", "filters": [{"type": "include", "expression": "("}]})),
            "is not a usable expression",
        ),
        (
            file(json!({"file_path": "/a", "multi_line_start_pattern": "{timestamp_format}"})),
            "needs a timestamp_format",
        ),
        (file(json!({"file_path": "/a", "log_group_class": "DELIVERY"})), "is not a class"),
    ] {
        let error = parse(&value, &identity()).unwrap_err().to_string();
        assert!(error.contains(message), "{value}: {error}");
    }
}

#[test]
fn log_files_have_groups_and_streams() {
    let (config, lines) = read(&json!({"logs": {"logs_collected": {"files": {"collect_list": [
        {"file_path": "/var/log/app.log"},
        {"file_path": "/var/log/.hidden", "log_group_name": "g-{hostname} x", "log_stream_name": "{instance_id}/{date}:{ip_address}"},
        {"file_path": "/b", "log_group_name": "/c", "retention_in_days": -1},
        {"file_path": "/d", "log_group_name": "/c", "retention_in_days": "7", "encoding": "utf-16"},
        {"file_path": "/e", "log_group_name": "/c", "retention_in_days": 7},
    ]}}, "log_stream_name": "s-{hostname}"}}));
    let files = config.logs.unwrap().files;
    let names: Vec<_> =
        files.iter().map(|file| (file.log_group.as_str(), file.log_stream.as_str())).collect();
    assert_eq!(
        names,
        [
            ("/var/log/app", "s-web1"),
            ("g-web1_x", "i-1/2026-11-22_UNKNOWN-IP"),
            ("/c", "s-web1"),
            ("/c", "s-web1"),
        ]
    );
    assert_eq!(
        lines,
        [
            "refused  logs.logs_collected.files.collect_list[3].encoding  only UTF-8 is read: the file is not collected",
            "refused  logs.logs_collected.files  /c is wanted with another retention or class; the first holds",
        ]
    );
    let default = parse(&json!({"logs": {}}), &Identity::default()).unwrap().0.logs.unwrap();
    assert!(default.files.is_empty() && default.emf.is_none());
}

#[test]
fn sockets_have_addresses() {
    let (config, lines) = read(&json!({
        "metrics": {"metrics_collected": {"statsd": {"service_address": ":9125", "metrics_aggregation_interval": 0}}},
        "logs": {"metrics_collected": {"emf": {"service_address": "udp://127.0.0.1:25999"}}},
    }));
    assert_eq!(lines, [] as [String; 0]);
    let statsd = config.metrics.unwrap().statsd.unwrap();
    assert_eq!((statsd.address.to_string().as_str(), statsd.aggregation_secs), ("0.0.0.0:9125", 0));
    let emf = config.logs.unwrap().emf.unwrap();
    assert_eq!((emf.tcp, emf.udp.unwrap().to_string().as_str()), (None, "127.0.0.1:25999"));
}

#[test]
fn the_short_form_means_the_long_one() {
    let short = r#"
        [agent]
        region = "eu-west-1"
        [metrics]
        collect = ["cpu", "mem"]
        [[files]]
        file_path = "/var/log/app.log"
        log_group_name = "app"
    "#;
    let long = json!({
        "agent": {"region": "eu-west-1"},
        "metrics": {"metrics_collected": {"cpu": {}, "mem": {}}},
        "logs": {"logs_collected": {"files": {"collect_list": [{"file_path": "/var/log/app.log", "log_group_name": "app"}]}}},
    });
    let short = from_toml(short).unwrap();
    assert_eq!(short, long);
    let (config, lines) = read(&short);
    assert!(lines.is_empty() && config.metrics.unwrap().sections.len() == 2);
}

#[test]
fn files_of_a_folder_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, value: Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    let list =
        |path: &str| json!({"logs": {"logs_collected": {"files": {"collect_list": [{"file_path": path}]}}}});
    write("a.json", list("/a"));
    write("b.json", list("/b"));
    write("ignored.txt", json!("x"));
    let merged = files::read(&[folder.path().to_owned()]).unwrap();
    assert_eq!(
        merged["logs"]["logs_collected"]["files"]["collect_list"],
        json!([{"file_path": "/a"}, {"file_path": "/b"}])
    );
    write("c.json", json!({"agent": {"region": "a"}}));
    write("d.json", json!({"agent": {"region": "b"}}));
    let error = files::read(&[folder.path().to_owned()]).unwrap_err().to_string();
    assert!(
        error.contains("agent.region is set in") && error.contains("c.json") && error.contains("d.json"),
        "{error}"
    );
}

#[test]
fn without_a_file_memory_and_disks_are_collected() {
    let (config, lines) = read(&default_document());
    let names: Vec<_> = config
        .metrics
        .unwrap()
        .sections
        .iter()
        .flat_map(|section| section.measurements.iter().map(|m| m.name.clone()).collect::<Vec<_>>())
        .collect();
    assert_eq!((names, lines), (vec!["disk_used_percent".to_owned(), "mem_used_percent".to_owned()], vec![]));
}
