"""What leaves CloudWatch Logs: subscription filters, live tail, export tasks.

Subscriptions: spec/filter-patterns.md 9 (payload documented). Live tail: spec/logs-api.md 12. Exports:
spec/logs-more.md 7.
"""

import base64
import gzip
import http.server
import json
import threading
import time

import pytest
from botocore.exceptions import ClientError

from conftest import make_client, until
from server import Server

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:f"
FIREHOSE = "arn:aws:firehose:us-east-1:111122223333:deliverystream/d"
KINESIS = "arn:aws:kinesis:us-east-1:111122223333:stream/s"
ROLE = "arn:aws:iam::111122223333:role/r"
ACCOUNT = "111122223333"


class Targets:
    """Answers as Lambda, Firehose and Kinesis do, and keeps what it was sent. `status` makes it fail."""

    def __init__(self):
        self.status = None
        self.messages = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = outer.answer(self.headers.get("X-Amz-Target", ""), json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, operation, body):
        if self.status:
            return self.status, b"{}"
        if not operation:
            records = [body["awslogs"]["data"]]
            answer, status = {}, 202
        else:
            records = [record["Data"] for record in body["Records"]]
            taken = {"RecordId": "1", "SequenceNumber": "1", "ShardId": "shardId-000000000000"}
            answer = {"FailedPutCount": 0, "FailedRecordCount": 0}
            answer["RequestResponses" if "Firehose" in operation else "Records"] = [taken] * len(records)
            status = 200
        kind = "lambda" if not operation else operation.split("_")[0].lower()
        for record in records:
            self.messages.append((kind, json.loads(gzip.decompress(base64.b64decode(record)))))
        return status, json.dumps(answer).encode()

    def data(self, kind=None):
        return [m for k, m in self.messages if m["messageType"] == "DATA_MESSAGE" and kind in (None, k)]


@pytest.fixture(scope="module")
def targets():
    return Targets()


@pytest.fixture(scope="module")
def exporting(tmp_path_factory, targets):
    """A server whose configuration knows three targets and a bucket that is a folder."""
    folder = tmp_path_factory.mktemp("exports")
    config = folder / "nephoscope.toml"
    bucket = folder / "bucket"
    bucket.mkdir()
    config.write_text(
        "".join(f'[targets."{arn}"]\nurl = "{targets.url}"\n' for arn in (FUNCTION, FIREHOSE, KINESIS))
        + f'[buckets.archive]\nfolder = "{bucket}"\n'
    )
    server = Server(tmp_path_factory.mktemp("data"), "--config", str(config))
    server.bucket = bucket
    yield server
    assert server.stop() == 0


@pytest.fixture
def logs(exporting):
    return make_client(exporting, ACCOUNT, "logs")


@pytest.fixture
def group(exporting, logs, request):
    name = "/test/" + request.node.name.translate({ord("["): "-", ord("]"): None})
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    # A restart may have moved the server to another port.
    make_client(exporting, ACCOUNT, "logs").delete_log_group(logGroupName=name)


def put(logs, group, *messages, stream="s"):
    now = int(time.time() * 1000)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": now, "message": message} for message in messages],
    )


def delivered(targets, group, kind=None):
    return [e["message"] for m in targets.data(kind) if m["logGroup"] == group for e in m["logEvents"]]


def test_a_function_gets_what_matches(logs, group, targets):
    put(logs, group, "ERROR before")
    logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="ERROR", destinationArn=FUNCTION
    )
    (found,) = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert found["distribution"] == "ByLogStream"
    assert found["applyOnTransformedLogs"] is False
    put(logs, group, "ERROR 1", "fine", "ERROR 2")
    until(lambda: len(delivered(targets, group)) == 2)
    assert delivered(targets, group) == ["ERROR 1", "ERROR 2"]
    (message,) = [m for m in targets.data("lambda") if m["logGroup"] == group]
    assert message["owner"] == ACCOUNT
    assert message["logStream"] == "s"
    assert message["subscriptionFilters"] == ["f"]
    events = logs.filter_log_events(logGroupName=group, filterPattern='"ERROR 1"')["events"]
    assert [e["eventId"] for e in events] == [message["logEvents"][0]["id"]]


@pytest.mark.parametrize("arn, kind", [(FIREHOSE, "firehose"), (KINESIS, "kinesis")], ids=["firehose", "kinesis"])
def test_streams_are_probed_and_get_records(logs, group, targets, arn, kind):
    with pytest.raises(ClientError) as refused:
        logs.put_subscription_filter(logGroupName=group, filterName="f", filterPattern="", destinationArn=arn)
    assert refused.value.response["Error"]["Message"] == (
        f"destinationArn for vendor {kind} cannot be used without roleArn"
    )
    logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="", destinationArn=arn, roleArn=ROLE
    )
    assert any(k == kind and m["messageType"] == "CONTROL_MESSAGE" for k, m in targets.messages)
    put(logs, group, "one", "two")
    until(lambda: delivered(targets, group, kind) == ["one", "two"])


def test_a_third_filter_is_too_many(exporting, logs, group):
    for name in ("a", "b"):
        logs.put_subscription_filter(
            logGroupName=group, filterName=name, filterPattern="", destinationArn=FUNCTION
        )
    third = {"logGroupName": group, "filterName": "c", "filterPattern": "", "destinationArn": FUNCTION}
    # Not with boto3, which takes a reached limit for throttling and tries again for a minute.
    status, _, body = exporting.call(
        "/",
        json.dumps(third).encode(),
        account=ACCOUNT,
        headers={
            "X-Amz-Target": "Logs_20140328.PutSubscriptionFilter",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    assert status == 400
    assert json.loads(body) == {"__type": "LimitExceededException", "message": "Resource limit exceeded."}


def test_a_target_that_was_down_gets_everything(exporting, logs, group, targets):
    logs.put_subscription_filter(
        logGroupName=group, filterName="f", filterPattern="", destinationArn=FUNCTION
    )
    targets.status = 503
    try:
        put(logs, group, "1")
        put(logs, group, "2")

        def failing():
            result = exporting.health()["tasks"]["logs_subscriptions"]
            return group in json.dumps(result) and result

        until(failing)
        exporting.kill()
        exporting.start()
    finally:
        targets.status = None
    after = make_client(exporting, ACCOUNT, "logs")
    put(after, group, "3")
    until(lambda: delivered(targets, group) == ["1", "2", "3"])
    after.delete_subscription_filter(logGroupName=group, filterName="f")


def test_an_account_policy_and_a_destination(exporting, logs, group, targets):
    logs.put_destination(destinationName="d", targetArn=KINESIS, roleArn=ROLE)
    (destination,) = logs.describe_destinations(DestinationNamePrefix="d")["destinations"]
    assert "accessPolicy" not in destination
    document = json.dumps({"DestinationArn": destination["arn"], "FilterPattern": "", "Distribution": "Random"})
    logs.put_account_policy(
        policyName="p", policyType="SUBSCRIPTION_FILTER_POLICY", policyDocument=document, scope="ALL"
    )
    try:
        put(logs, group, "for all")
        until(lambda: delivered(targets, group, "kinesis") == ["for all"])
        (message,) = [m for m in targets.data("kinesis") if m["logGroup"] == group]
        assert message["policyLevel"] == "ACCOUNT_LEVEL_POLICY"
    finally:
        logs.delete_account_policy(policyName="p", policyType="SUBSCRIPTION_FILTER_POLICY")
        logs.delete_destination(destinationName="d")


def test_live_tail(logs, group):
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    put(logs, group, "ERROR before")
    response = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")
    stream = iter(response["responseStream"])
    start = next(stream)["sessionStart"]
    assert start["logEventFilterPattern"] == "ERROR"
    assert start["logGroupIdentifiers"] == [f"{ACCOUNT}:{group}"]
    put(logs, group, "fine", "ERROR 1")
    found = []
    for _ in range(10):
        update = next(stream)["sessionUpdate"]
        assert update["sessionMetadata"]["sampled"] is False
        found += update["sessionResults"]
        if found:
            break
    assert [event["message"] for event in found] == ["ERROR 1"]
    assert found[0]["logStreamName"] == "s"
    response["responseStream"].close()


def test_live_tail_of_nothing(logs, group):
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:"
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.start_live_tail(logGroupIdentifiers=[arn + "none"])
    with pytest.raises(logs.exceptions.InvalidParameterException) as refused:
        logs.start_live_tail(
            logGroupIdentifiers=[arn + group], logStreamNames=["a"], logStreamNamePrefixes=["b"]
        )
    assert "Only one of logStreamNames or logStreamNamePrefixes" in str(refused.value)


def test_an_export(exporting, logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="a/b")
    put(logs, group, "one", "two")
    put(logs, group, "other", stream="a/b")
    now = int(time.time() * 1000)
    task = logs.create_export_task(
        taskName="t", logGroupName=group, fromTime=now - 60_000, to=now + 60_000, destination="archive"
    )["taskId"]

    def completed():
        (found,) = logs.describe_export_tasks(taskId=task)["exportTasks"]
        return found["status"]["code"] == "COMPLETED" and found

    found = until(completed)
    assert found["destinationPrefix"] == "exportedlogs"
    assert found["executionInfo"]["completionTime"] >= found["executionInfo"]["creationTime"]
    folder = exporting.bucket / "exportedlogs"
    assert (folder / "aws-logs-write-test").exists()
    lines = gzip.decompress((folder / task / "s" / "000000.gz").read_bytes()).decode().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["one", "two"]
    assert (folder / task / "a-b" / "000000.gz").exists()
    with pytest.raises(ClientError) as finished:
        logs.cancel_export_task(taskId=task)
    assert finished.value.response["Error"]["Code"] == "InvalidOperationException"


def test_a_bucket_nobody_configured(logs, group):
    with pytest.raises(logs.exceptions.InvalidParameterException) as refused:
        logs.create_export_task(logGroupName=group, fromTime=1, to=int(time.time() * 1000), destination="none")
    assert refused.value.response["Error"]["Message"] == (
        "The given bucket does not exist. Please make sure the bucket is valid."
    )
