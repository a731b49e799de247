"""Clients people log with: watchtower, awslogs and Lambda Powertools' metrics."""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import time

import watchtower
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from conftest import until


def environment(server, account):
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1",
    }


def test_watchtower_logs_and_creates_what_it_needs(client):
    logs = client("logs")
    handler = watchtower.CloudWatchLogHandler(
        log_group_name="/watchtower", log_stream_name="app", boto3_client=logs, send_interval=1,
    )
    logger = logging.getLogger("watchtower-test")
    logger.propagate = False
    logger.addHandler(handler)
    logger.error("plain %s", "text")
    logger.error({"order": 7, "state": "paid"})
    handler.close()
    events = logs.filter_log_events(logGroupName="/watchtower")["events"]
    assert [event["message"] for event in events][0] == "plain text"
    assert json.loads(events[1]["message"]) == {"order": 7, "state": "paid"}


def test_awslogs_shows_what_is_there(server, client, account, now_ms):
    logs = client("logs")
    logs.create_log_group(logGroupName="/tools")
    logs.create_log_stream(logGroupName="/tools", logStreamName="s")
    events = [{"timestamp": now_ms - 1000 + i, "message": f"line {i}"} for i in range(3)]
    logs.put_log_events(logGroupName="/tools", logStreamName="s", logEvents=events)
    command = [os.path.join(os.path.dirname(sys.executable), "awslogs"), "get", "/tools", "ALL", "--start=1h"]
    shown = subprocess.run(
        [*command, "--color=never", "--aws-endpoint-url", server.url],
        env=environment(server, account), capture_output=True, text=True, timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.strip().splitlines()
    assert [line[-6:] for line in lines] == ["line 0", "line 1", "line 2"], shown.stdout


def test_powertools_metrics_in_a_log_event_are_metrics(client, now_ms):
    metrics = Metrics(namespace="Shop", service="cart")
    metrics.add_dimension(name="environment", value="test")
    for value in (3, 4):
        metrics.add_metric(name="Orders", unit=MetricUnit.Count, value=value)
    metrics.add_metadata(key="order", value="o-1")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        metrics.flush_metrics()
    message = printed.getvalue().strip()
    assert "_aws" in json.loads(message)
    logs = client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/cart")
    logs.create_log_stream(logGroupName="/aws/lambda/cart", logStreamName="s")
    logs.put_log_events(
        logGroupName="/aws/lambda/cart", logStreamName="s", logEvents=[{"timestamp": now_ms, "message": message}]
    )
    now = time.time()
    # The embedded metric format in PutLogEvents: spec/logs-api.md 13. Durable with the event, so there at once.
    points = until(lambda: client("cloudwatch").get_metric_statistics(
        Namespace="Shop", MetricName="Orders", StartTime=now - 600, EndTime=now + 60, Period=60,
        Dimensions=[{"Name": "environment", "Value": "test"}, {"Name": "service", "Value": "cart"}],
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"])
    assert [(p["Sum"], p["SampleCount"], p["Unit"]) for p in points] == [(7.0, 2.0, "Count")]
