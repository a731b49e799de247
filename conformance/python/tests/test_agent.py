"""The host agent as a process, against the real server."""

import json
import os
import signal
import socket
import subprocess
import time

from conftest import until
from server import binary


def agent(server, account, folder, config, *options):
    file = folder / "agent.json"
    file.write_text(json.dumps(config))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "NEPHOSCOPE_"))}
    environment |= {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "any"}
    command = [binary(), "agent", str(file), "--endpoint", server.url, "--region", "us-east-1"]
    command += ["--state", str(folder / "state"), "--instance-id", "i-1", *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def messages(logs, group, stream):
    return [event["message"] for event in logs.get_log_events(
        logGroupName=group, logStreamName=stream, startFromHead=True
    )["events"]]


def test_metrics_and_log_files_arrive_once(server, account, client, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("first\n  at a\nsecond\n")
    files = [{"file_path": str(log), "log_group_name": "app", "log_stream_name": "{instance_id}", "retention_in_days": 7}]
    config = {
        "metrics": {"metrics_collected": {"mem": {"measurement": ["used_percent"]}, "swap": {}}},
        "logs": {"logs_collected": {"files": {"collect_list": files}}},
    }
    assert agent(server, account, tmp_path, config, "--once").wait(timeout=60) == 0
    logs, cloudwatch = client("logs"), client("cloudwatch")
    assert messages(logs, "app", "i-1") == ["first\n  at a", "second"]
    (group,) = logs.describe_log_groups(logGroupNamePrefix="app")["logGroups"]
    assert group["retentionInDays"] == 7
    (metric,) = cloudwatch.list_metrics(Namespace="CWAgent", MetricName="mem_used_percent")["Metrics"]
    assert [dimension["Name"] for dimension in metric["Dimensions"]] == ["host"]
    # What was confirmed is not sent again (spec/agent.md 10, vector 35).
    with log.open("a") as more:
        more.write("third\n")
    assert agent(server, account, tmp_path, config, "--once").wait(timeout=60) == 0
    assert messages(logs, "app", "i-1") == ["first\n  at a", "second", "third"]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_statsd_and_embedded_metrics(server, account, client, tmp_path):
    statsd, emf = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    config = {
        "metrics": {
            "force_flush_interval": 1,
            "metrics_collected": {"statsd": {
                "service_address": f"127.0.0.1:{statsd}",
                "metrics_aggregation_interval": 0,
                "metrics_collection_interval": 1,
            }},
        },
        "logs": {
            "force_flush_interval": 1,
            "metrics_collected": {"emf": {"service_address": f"tcp://127.0.0.1:{emf}"}},
        },
    }
    process = agent(server, account, tmp_path, config)
    try:
        document = {"_aws": {"Timestamp": int(time.time() * 1000), "LogGroupName": "emf", "LogStreamName": "s"}, "x": 1}
        def connected():
            try:
                return socket.create_connection(("127.0.0.1", emf), timeout=5)
            except OSError:
                return None
        with until(connected) as connection:
            connection.sendall(json.dumps(document).encode() + b"\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"orders:3|c|#env:prod\norders:4|c|#env:prod", ("127.0.0.1", statsd))
        cloudwatch, logs = client("cloudwatch"), client("logs")
        (metric,) = until(lambda: cloudwatch.list_metrics(Namespace="CWAgent", MetricName="orders")["Metrics"])
        dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
        assert (dimensions["env"], dimensions["metric_type"]) == ("prod", "counter")

        def arrived():
            try:
                return messages(logs, "emf", "s")
            except logs.exceptions.ResourceNotFoundException:
                return None
        assert json.loads(until(arrived)[0]) == document
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_check_names_what_is_refused(server, account, tmp_path):
    process = agent(server, account, tmp_path, {"metrics": {"metrics_collected": {"jmx": {}, "mem": {}}}}, "--check")
    out, _ = process.communicate(timeout=60)
    assert "refused  metrics.metrics_collected.jmx" in out
    assert process.returncode == 1
