"""Alarms with boto3, under the simulated clock: from a value to a state, a reason and an action.

Expectations are those of spec/alarms.md, which says of each whether it is documented, observed or decided.
"""

import http.server
import itertools
import json
import threading
import urllib.request
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError

from conftest import cloudwatch_client, make_client, until
from server import Server

START = datetime(2026, 2, 3, tzinfo=timezone.utc)
accounts = itertools.count(300_000_000_001)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("alarms"), "--clock", f"simulated:{START:%Y-%m-%dT%H:%M:%SZ}")
    yield server
    assert server.stop() == 0


def advance(server, secs):
    request = urllib.request.Request(
        f"{server.url}/_nephoscope/clock",
        data=json.dumps({"advance_secs": secs}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return datetime.fromisoformat(json.load(response)["now"])


def now(server):
    with urllib.request.urlopen(f"{server.url}/_nephoscope/clock", timeout=10) as response:
        return datetime.fromisoformat(json.load(response)["now"])


def put(cloudwatch, at, value, name="m", **dimensions):
    pairs = [{"Name": k, "Value": v} for k, v in dimensions.items()]
    datum = {"MetricName": name, "Value": value, "Timestamp": at, "Dimensions": pairs}
    cloudwatch.put_metric_data(Namespace="NS", MetricData=[datum])


def alarm(**changes):
    input = {
        "AlarmName": "a",
        "Namespace": "NS",
        "MetricName": "m",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 3.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    input.update(changes)
    return {k: v for k, v in input.items() if v is not None}


def described(cloudwatch, name="a"):
    return cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


def history(cloudwatch, name="a"):
    items = cloudwatch.describe_alarm_history(
        AlarmName=name, AlarmTypes=["MetricAlarm", "CompositeAlarm"], ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    return [item["HistorySummary"] for item in items]


@pytest.fixture(params=["json", "query", "smithy-rpc-v2-cbor"])
def account_and_client(request, simulated):
    account = str(next(accounts))
    return account, cloudwatch_client(simulated, account, request.param)


def test_a_value_becomes_a_state_and_an_action(simulated, account_and_client):
    account, cloudwatch = account_and_client
    sns = make_client(simulated, account, "sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    cloudwatch.put_metric_alarm(**alarm(AlarmActions=[topic], OKActions=[topic], Tags=[{"Key": "k", "Value": "v"}]))
    created = described(cloudwatch)
    assert created["StateValue"] == "INSUFFICIENT_DATA"
    assert created["StateReason"] == "Unchecked: Initial alarm creation"
    assert "TreatMissingData" not in created and created["Dimensions"] == []
    tags = cloudwatch.list_tags_for_resource(ResourceARN=created["AlarmArn"])["Tags"]
    assert tags == [{"Key": "k", "Value": "v"}]

    at = now(simulated)
    put(cloudwatch, at, 5.0)
    advance(simulated, 60)
    shown = described(cloudwatch)
    assert shown["StateValue"] == "ALARM"
    minute = at.replace(second=0)
    assert shown["StateReason"] == (
        f"Threshold Crossed: 1 datapoint [5.0 ({minute:%d/%m/%y %H:%M:%S})] was greater than the threshold (3.0)."
    )
    data = json.loads(shown["StateReasonData"])
    assert data["recentDatapoints"] == [5.0] and data["evaluatedDatapoints"][0]["sampleCount"] == 1.0
    assert list(data)[:3] == ["version", "queryDate", "startDate"]
    put(cloudwatch, now(simulated), 1.0)
    advance(simulated, 60)
    assert described(cloudwatch)["StateValue"] == "OK"
    until(lambda: history(cloudwatch)[-1].startswith("Successfully"))
    assert history(cloudwatch) == [
        'Alarm "a" created',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f"Successfully executed action {topic}",
        "Alarm updated from ALARM to OK",
        f"Successfully executed action {topic}",
    ]
    cloudwatch.delete_alarms(AlarmNames=["a"])
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert history(cloudwatch)[-1] == 'Alarm "a" deleted'


def test_an_action_without_endpoint_shows_as_failed(simulated, account_and_client):
    account, cloudwatch = account_and_client
    function = f"arn:aws:lambda:us-east-1:{account}:function:f"
    cloudwatch.put_metric_alarm(**alarm(AlarmActions=[function]))
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="by hand")
    assert described(cloudwatch)["StateValue"] == "ALARM"
    last = until(lambda: next((s for s in history(cloudwatch) if s.startswith("Failed")), None))
    assert last == f'Failed to execute action {function}. Received error: "no endpoint is configured for {function}"'
    advance(simulated, 60)
    assert described(cloudwatch)["StateValue"] == "INSUFFICIENT_DATA", "the next evaluation decides again"


def test_composites_mutes_and_contributors(simulated, account_and_client):
    account, cloudwatch = account_and_client
    topic = make_client(simulated, account, "sns").create_topic(Name="t")["TopicArn"]
    query = {"Id": "q", "Expression": 'SELECT MAX(m) FROM "NS" GROUP BY i ORDER BY MAX() DESC', "Period": 60}
    several = alarm(Metrics=[query], Namespace=None, MetricName=None, Statistic=None, Period=None)
    cloudwatch.put_metric_alarm(**several)
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a) AND NOT FALSE", AlarmActions=[topic])
    cloudwatch.put_alarm_mute_rule(
        Name="always", Rule={"Schedule": {"Expression": "cron(* * * * *)", "Duration": "PT1H"}},
        MuteTargets={"AlarmNames": ["c"]},
    )
    put(cloudwatch, now(simulated), 5.0, i="x")
    put(cloudwatch, now(simulated), 1.0, i="y")
    advance(simulated, 60)
    found = cloudwatch.describe_alarm_contributors(AlarmName="a")["AlarmContributors"]
    assert [c["ContributorAttributes"] for c in found] == [{"i": "x"}]
    composite = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
    assert composite["StateValue"] == "ALARM"
    assert composite["StateReason"].startswith(f"arn:aws:cloudwatch:us-east-1:{account}:alarm:a transitioned to ALARM at ")
    assert cloudwatch.get_alarm_mute_rule(AlarmMuteRuleName="always")["Status"] == "ACTIVE"
    assert not [s for s in history(cloudwatch, "c") if "action" in s]
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName="always")
    until(lambda: f"Successfully executed action {topic}" in history(cloudwatch, "c"))


def test_what_is_wrong_is_said(simulated, account_and_client):
    _, cloudwatch = account_and_client

    def refused(call, **input):
        with pytest.raises(ClientError) as caught:
            call(**input)
        return caught.value.response["Error"]

    error = refused(cloudwatch.put_metric_alarm, **alarm(Period=45))
    assert error["Code"] == "ValidationError"
    error = refused(cloudwatch.put_composite_alarm, AlarmName="c", AlarmRule="ALARM(nobody)")
    assert "[nobody] in the alarm rule do not exist" in error["Message"]
    assert refused(cloudwatch.set_alarm_state, AlarmName="x", StateValue="OK", StateReason="r")["Code"] in (
        "ResourceNotFound", "ResourceNotFoundFault"
    )
    assert refused(cloudwatch.describe_alarms, NextToken="nonsense")["Code"] == "InvalidNextToken"
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_a_state_survives_a_kill(tmp_path):
    options = ("--clock", f"simulated:{START:%Y-%m-%dT%H:%M:%SZ}")
    server = Server(tmp_path, *options)
    cloudwatch = cloudwatch_client(server, "300000000999", "json")
    cloudwatch.put_metric_alarm(**alarm(TreatMissingData="ignore"))
    put(cloudwatch, now(server), 5.0)
    advance(server, 60)
    before = described(cloudwatch)
    assert before["StateValue"] == "ALARM"
    server.kill()
    server.options = ("--clock", f"simulated:{START + timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}")
    server.start()
    cloudwatch = cloudwatch_client(server, "300000000999", "json")
    advance(server, 60)
    after = described(cloudwatch)
    same = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp")
    assert [after[k] for k in same] == [before[k] for k in same]
    assert history(cloudwatch) == ['Alarm "a" created', "Alarm updated from INSUFFICIENT_DATA to ALARM"]
    assert server.stop() == 0


class Receiver:
    """An HTTP endpoint that confirms subscriptions and keeps notifications."""

    def __init__(self):
        receiver = self
        self.notifications = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if body["Type"] == "SubscriptionConfirmation":
                    urllib.request.urlopen(body["SubscribeURL"], timeout=10).read()
                else:
                    receiver.notifications.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_a_subscriber_gets_the_alarm(tmp_path):
    """The whole chain: value, alarm, topic, HTTP subscriber; and the message of spec/alarms.md 7.1."""
    server = Server(tmp_path, "--clock", f"simulated:{START:%Y-%m-%dT%H:%M:%SZ}", "--allow-loopback-endpoints")
    receiver = Receiver()
    account = "300000000998"
    sns = make_client(server, account, "sns")
    cloudwatch = cloudwatch_client(server, account, "smithy-rpc-v2-cbor")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)

    def confirmed():
        advance(server, 1)
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return found[0]["SubscriptionArn"] != "PendingConfirmation"

    until(confirmed)
    cloudwatch.put_metric_alarm(**alarm(AlarmActions=[topic], AlarmDescription="too much", DatapointsToAlarm=1))
    put(cloudwatch, now(server), 5.0)
    advance(server, 60)
    until(lambda: advance(server, 1) and receiver.notifications)
    [notification] = receiver.notifications
    assert notification["Subject"] == 'ALARM: "a" in US East (N. Virginia)'
    message = json.loads(notification["Message"])
    assert message["AWSAccountId"] == account and message["AlarmDescription"] == "too much"
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert message["Trigger"]["Statistic"] == "AVERAGE" and message["Trigger"]["Threshold"] == 3.0
    assert message["NewStateReason"].endswith("(minimum 1 datapoint for OK -> ALARM transition).")
    receiver.server.shutdown()
    assert server.stop() == 0
