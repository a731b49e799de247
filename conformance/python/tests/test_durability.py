"""What was acknowledged is there after `kill -9` and after a graceful end, each seen through boto3."""

import datetime as dt
import json
import time

import pytest

from conftest import make_client, until
from server import Server

ACCOUNT = "555555555555"


@pytest.fixture
def own_server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.kill()


def test_acknowledged_records_survive(own_server):
    client = lambda service: make_client(own_server, ACCOUNT, service)
    now = time.time()
    minute = dt.datetime.fromtimestamp(now // 60 * 60, dt.timezone.utc)
    trace = f"1-{int(now):08x}-{'0' * 23}1"
    for end in [own_server.kill, own_server.stop]:
        round_name = end.__name__
        logs = client("logs")
        logs.create_log_group(logGroupName=round_name)
        logs.create_log_stream(logGroupName=round_name, logStreamName="s")
        logs.put_retention_policy(logGroupName=round_name, retentionInDays=30)
        logs.put_log_events(
            logGroupName=round_name, logStreamName="s",
            logEvents=[{"timestamp": int(now * 1000), "message": f"{round_name} {i}"} for i in range(1000)],
        )
        client("cloudwatch").put_metric_data(
            Namespace="D", MetricData=[{"MetricName": round_name, "Value": 7, "Timestamp": minute}]
        )
        client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps({
            "name": round_name, "id": f"{hash(round_name) & (2**64 - 1):016x}", "trace_id": trace,
            "start_time": now, "end_time": now + 1,
        })])
        end()
        own_server.start()
        logs = client("logs")
        [group] = logs.describe_log_groups(logGroupNamePrefix=round_name)["logGroups"]
        assert group["retentionInDays"] == 30
        page = logs.get_log_events(logGroupName=round_name, logStreamName="s", startFromHead=True)
        assert [e["message"] for e in page["events"]] == [f"{round_name} {i}" for i in range(1000)]
        [point] = client("cloudwatch").get_metric_statistics(
            Namespace="D", MetricName=round_name, StartTime=minute, EndTime=minute + dt.timedelta(minutes=1),
            Period=60, Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        assert (point["Sum"], point["SampleCount"]) == (7, 1)
        documents = client("xray").batch_get_traces(TraceIds=[trace])["Traces"][0]["Segments"]
        assert round_name in {json.loads(s["Document"])["name"] for s in documents}
        names = lambda: [e["EventName"] for e in client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": round_name}]
        )["Events"]]
        assert "CreateLogGroup" in names()


def test_a_simulated_clock_lets_retention_pass(tmp_path):
    server = Server(tmp_path, "--clock", "simulated")
    try:
        logs = make_client(server, ACCOUNT, "logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        logs.put_retention_policy(logGroupName="g", retentionInDays=1)
        now = dt.datetime.fromisoformat(clock(server)["now"].replace("Z", "+00:00"))
        logs.put_log_events(
            logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(now.timestamp() * 1000), "message": "m"}]
        )
        assert len(logs.get_log_events(logGroupName="g", logStreamName="s")["events"]) == 1
        clock(server, {"advance_secs": 3 * 86_400})
        # spec/logs-api.md 9: an event older than the retention is not shown.
        assert until(lambda: logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == [])
    finally:
        assert server.stop() == 0


def test_the_clock_of_a_real_server_cannot_be_moved(server):
    status, _, _ = server.call("/_nephoscope/clock", json.dumps({"advance_secs": 1}).encode())
    assert 400 <= status < 500


def clock(server, change=None):
    if change is None:
        import urllib.request

        with urllib.request.urlopen(f"{server.url}/_nephoscope/clock", timeout=10) as response:
            return json.load(response)
    status, _, body = server.call("/_nephoscope/clock", json.dumps(change).encode())
    assert status == 200, body
    return json.loads(body)
