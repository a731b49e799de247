"""X-Ray through boto3, and the daemon's UDP and TCP ports."""

import json
import os
import socket
import time
import urllib.request

import pytest
from botocore.exceptions import ClientError

from conftest import until


@pytest.fixture
def xray(client):
    return client("xray")


@pytest.fixture
def now():
    return round(time.time() - 60, 3)


def trace_id(now):
    return f"1-{int(now):08x}-{os.urandom(12).hex()}"


def segment(trace, now, **fields):
    document = {
        "name": "shop", "id": os.urandom(8).hex(), "trace_id": trace, "start_time": now, "end_time": now + 0.25,
        **fields,
    }
    return {k: v for k, v in document.items() if v is not None}


def put(xray, *documents):
    return xray.put_trace_segments(TraceSegmentDocuments=[d if isinstance(d, str) else json.dumps(d) for d in documents])


def summaries(xray, now, expression=None, **options):
    if expression:
        options["FilterExpression"] = expression
    pages = xray.get_paginator("get_trace_summaries").paginate(StartTime=now - 100, EndTime=now + 100, **options)
    return [summary for page in pages for summary in page["TraceSummaries"]]


def test_a_trace_comes_back_whole(xray, now):
    trace = trace_id(now)
    root = segment(trace, now, http={"request": {"method": "GET", "url": "http://shop/a"}, "response": {"status": 200}})
    child = segment(trace, now + 0.1, parent_id=root["id"], end_time=now + 0.2, name="db", metadata={"k": [1, {"x": None}]})
    assert put(xray, root, child)["UnprocessedTraceSegments"] == []
    answer = xray.batch_get_traces(TraceIds=[trace, trace_id(now)])
    # Unknown ids are absent from both lists: spec/xray.md 6.4.
    [got] = answer["Traces"]
    assert got["Id"] == trace and got["Duration"] == pytest.approx(0.25) and got["LimitExceeded"] is False
    assert [s["Id"] for s in got["Segments"]] == [root["id"], child["id"]]
    document = json.loads(got["Segments"][1]["Document"])
    assert document["metadata"] == {"k": [1, {"x": None}]} and document["parent_id"] == root["id"]
    assert answer["UnprocessedTraceIds"] == []


def test_bad_documents_are_reported_one_by_one(xray, now):
    trace = trace_id(now)
    good = segment(trace, now)
    answer = put(
        xray,
        "[]",
        good,
        segment("1-xyz", now, id="70de5b6f19ff9a0a"),
        segment(trace, now, name="a" * 201),
        segment(trace, now, end_time=None),
        segment(trace, now, type="subsegment"),
        "{" + " " * 65_536 + "}",
    )
    # Codes and message forms: spec/xray.md 4.
    unprocessed = [(u.get("Id"), u["ErrorCode"]) for u in answer["UnprocessedTraceSegments"]]
    assert [code for _, code in unprocessed] == [
        "MissingId", "InvalidTraceId", "InvalidName", "MissingEndTime", "MissingParentId", "SegmentTooLarge",
    ]
    assert unprocessed[0][0] is None and unprocessed[1][0] == "70de5b6f19ff9a0a"
    assert answer["UnprocessedTraceSegments"][1]["Message"] == "Invalid segment. ErrorCode: InvalidTraceId"
    assert answer["UnprocessedTraceSegments"][4]["Message"] == "Invalid subsegment. ErrorCode: MissingParentId, Cause: null"
    assert [t["Id"] for t in xray.batch_get_traces(TraceIds=[trace])["Traces"]] == [trace]


def test_summaries_have_every_field_of_the_root(xray, now):
    trace = trace_id(now)
    put(
        xray,
        segment(
            trace, now, user="ann", fault=True, origin="AWS::EC2::Instance",
            annotations={"tier": "gold", "items": 3, "beta": True},
            aws={"ec2": {"instance_id": "i-1", "availability_zone": "us-east-1a"}},
            http={
                "request": {"method": "POST", "url": "http://shop/buy", "user_agent": "t", "client_ip": "10.0.0.1"},
                "response": {"status": 500},
            },
        ),
    )
    [summary] = summaries(xray, now)
    # Field by field: spec/xray.md 7.3.
    assert summary["Id"] == trace
    assert summary["Duration"] == pytest.approx(0.25) and summary["ResponseTime"] == pytest.approx(0.25)
    assert (summary["HasFault"], summary["HasError"], summary["HasThrottle"], summary["IsPartial"]) == (True, False, False, False)
    assert summary["Http"] == {
        "HttpURL": "http://shop/buy", "HttpStatus": 500, "HttpMethod": "POST", "UserAgent": "t", "ClientIp": "10.0.0.1",
    }
    values = {key: [v["AnnotationValue"] for v in list_] for key, list_ in summary["Annotations"].items()}
    assert values == {"tier": [{"StringValue": "gold"}], "items": [{"NumberValue": 3}], "beta": [{"BooleanValue": True}]}
    assert [u["UserName"] for u in summary["Users"]] == ["ann"]
    assert summary["InstanceIds"] == [{"Id": "i-1"}]
    assert summary["AvailabilityZones"] == [{"Name": "us-east-1a"}]
    assert summary["EntryPoint"]["Name"] == "shop" and summary["EntryPoint"]["Type"] == "AWS::EC2::Instance"


FILTERS = [
    ('service("shop")', {"ok", "slow", "bad"}),
    ('service("other")', set()),
    ("http.status = 404", {"bad"}),
    ('http.url CONTAINS "/slow"', {"slow"}),
    ('http.method = "GET" AND responsetime > 1', {"slow"}),
    ("duration < 1", {"ok", "bad"}),
    ("error", {"bad"}),
    ("!error", {"ok", "slow"}),
    ("fault = true", set()),
    ('annotation.tier = "gold"', {"ok"}),
    ('annotation.tier = "gold" OR error', {"ok", "bad"}),
    ("(error OR responsetime > 1) !fault", {"bad", "slow"}),
    ("!(annotation.items >= 2)", {"slow", "bad"}),
]


def test_filter_expressions_choose_traces(xray, now):
    def web(path, status, secs, **fields):
        trace = trace_id(now)
        http = {"request": {"method": "GET", "url": f"http://shop{path}"}, "response": {"status": status}}
        put(xray, segment(trace, now, http=http, end_time=now + secs, **fields))
        return trace

    names = {
        web("/ok", 200, 0.1, annotations={"tier": "gold", "items": 2}): "ok",
        web("/slow", 200, 2.5): "slow",
        web("/bad", 404, 0.2, error=True): "bad",
    }
    # Language: spec/xray.md 9.
    for expression, expected in FILTERS:
        found = {names[s["Id"]] for s in summaries(xray, now, expression)}
        assert found == expected, expression
    with pytest.raises(ClientError) as caught:
        summaries(xray, now, "annotation.tier ==== 3")
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def test_time_ranges_by_trace_id_and_by_event(xray, now):
    trace = trace_id(now)
    put(xray, segment(trace, now, end_time=now + 50))
    found = lambda start, end, kind: [
        s["Id"] for s in xray.get_trace_summaries(StartTime=start, EndTime=end, TimeRangeType=kind)["TraceSummaries"]
    ]
    # spec/xray.md 7.1.
    assert found(now - 5, now + 5, "TraceId") == [trace]
    assert found(now + 20, now + 30, "TraceId") == []
    assert found(now + 20, now + 30, "Event") == [trace]
    with pytest.raises(ClientError) as caught:
        found(now, now - 1, "TraceId")
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"


def test_many_traces_come_in_pages_newest_first(xray, now):
    traces = [trace_id(now - i % 50) for i in range(150)]
    for at in range(0, 150, 50):
        put(xray, *[segment(trace, int(trace[2:10], 16) + 0.5) for trace in traces[at:at + 50]])
    first = xray.get_trace_summaries(StartTime=now - 100, EndTime=now + 100)
    # 100 summaries a page: spec/xray.md 7.2.
    assert len(first["TraceSummaries"]) == 100 and first["NextToken"]
    assert first["TracesProcessedCount"] >= 100
    everything = summaries(xray, now)
    assert {s["Id"] for s in everything} == set(traces) and len(everything) == 150
    times = [int(s["Id"][2:10], 16) for s in everything]
    assert times == sorted(times, reverse=True)


def test_the_default_sampling_rule_is_always_there(xray):
    [record] = xray.get_sampling_rules()["SamplingRuleRecords"]
    rule = record["SamplingRule"]
    # spec/xray.md 13.1 [S].
    assert (rule["RuleName"], rule["Priority"], rule["FixedRate"], rule["ReservoirSize"]) == ("Default", 10000, 0.05, 1)
    assert {rule[k] for k in ("ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath", "ResourceARN")} == {"*"}
    assert rule["Version"] == 1 and rule["Attributes"] == {}


def test_the_daemon_takes_datagrams(server, client, now):
    host, port = server.xray_daemon.rsplit(":", 1)
    trace = trace_id(now)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for header in [b'{"format":"json","version":2}', b'{"format":"JSON","version":1}']:
            udp.sendto(header + b"\n" + json.dumps(segment(trace, now)).encode(), (host, int(port)))
        udp.sendto(b"no newline", (host, int(port)))
    # The daemon's account is the server's default: spec/xray.md 5.
    xray = client("xray", account="000000000000")
    [got] = until(lambda: xray.batch_get_traces(TraceIds=[trace])["Traces"])
    assert len(got["Segments"]) == 1, "a header of another version is dropped"


def test_the_daemon_answers_sampling_calls_unsigned(server):
    def ask(path, body):
        # The SDKs call it without a signature: spec/xray.md 5 [C].
        request = urllib.request.Request(
            f"http://{server.xray_daemon}{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    [record] = ask("/GetSamplingRules", {})["SamplingRuleRecords"]
    assert record["SamplingRule"]["RuleName"] == "Default"
    statistics = {
        "RuleName": "Default", "ClientID": "0123456789abcdef01234567", "Timestamp": time.time(),
        "RequestCount": 10, "SampledCount": 1, "BorrowCount": 0,
    }
    targets = ask("/SamplingTargets", {"SamplingStatisticsDocuments": [statistics, {**statistics, "RuleName": "gone"}]})
    # spec/xray.md 13.4.
    [target] = targets["SamplingTargetDocuments"]
    assert target["RuleName"] == "Default" and target["FixedRate"] == 0.05 and target["Interval"] == 10
    assert [u["ErrorCode"] for u in targets["UnprocessedStatistics"]] == ["404"]


def test_a_rest_path_wins_over_the_type_of_a_form(server, account):
    # What `curl -d` sends: a form has an Action, and this body has none (spec/protocols.md 2, steps 5 and 6).
    status, _, body = server.call("/GetSamplingRules", b"{}", account=account, service="xray")
    assert status == 200, body
