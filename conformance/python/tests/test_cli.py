"""The README's walk-through, by the real AWS CLI."""

import json
import os
import subprocess
import sys
import time

import pytest

from conftest import until


@pytest.fixture
def aws(server, account):
    """Runs `aws …` and gives its JSON output."""
    program = os.path.join(os.path.dirname(sys.executable), "aws")
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "any",
        # Version 1 of the CLI does not read AWS_REGION.
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def run(*arguments):
        done = subprocess.run([program, *arguments, "--output", "json"], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def iso(secs):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(secs))


def test_the_walk_through(aws, account):
    now = time.time()
    aws("logs", "create-log-group", "--log-group-name", "/demo")
    aws("logs", "create-log-stream", "--log-group-name", "/demo", "--log-stream-name", "one")
    events = [{"timestamp": int(now * 1000), "message": json.dumps({"level": "ERROR", "ms": ms})} for ms in (12, 30)]
    aws(
        "logs", "put-log-events", "--log-group-name", "/demo", "--log-stream-name", "one",
        "--log-events", json.dumps(events),
    )
    query = aws(
        "logs", "start-query", "--log-group-name", "/demo", "--start-time", str(int(now) - 3600),
        "--end-time", str(int(now) + 60), "--query-string", 'filter level = "ERROR" | stats count(*), avg(ms)',
    )["queryId"]

    def complete():
        answer = aws("logs", "get-query-results", "--query-id", query)
        return answer if answer["status"] == "Complete" else None

    [row] = until(complete)["results"]
    assert {cell["field"]: cell["value"] for cell in row} == {"count(*)": "2", "avg(ms)": "21"}

    aws("cloudwatch", "put-metric-data", "--namespace", "Demo", "--metric-name", "Hits", "--value", "3")
    points = aws(
        "cloudwatch", "get-metric-statistics", "--namespace", "Demo", "--metric-name", "Hits", "--statistics", "Sum",
        "--period", "60", "--start-time", iso(now - 3600), "--end-time", iso(now + 120),
    )["Datapoints"]
    assert [point["Sum"] for point in points] == [3]

    trace = f"1-{int(now):08x}-a006649127e371903a2de979"
    segment = {"name": "web", "id": "70de5b6f19ff9a0a", "trace_id": trace, "start_time": now, "end_time": now + 0.5}
    assert aws("xray", "put-trace-segments", "--trace-segment-documents", json.dumps(segment)) == {
        "UnprocessedTraceSegments": []
    }
    found = aws("xray", "get-trace-summaries", "--start-time", str(int(now) - 60), "--end-time", str(int(now) + 60))
    assert [summary["Id"] for summary in found["TraceSummaries"]] == [trace]

    attribute = "AttributeKey=EventName,AttributeValue=CreateLogGroup"
    [event] = aws("cloudtrail", "lookup-events", "--lookup-attributes", attribute)["Events"]
    assert event["Username"] == "root" and event["AccessKeyId"] == account
    assert aws("sts", "get-caller-identity")["Account"] == account
