"""PutLogEvents, GetLogEvents and FilterLogEvents through boto3."""

import gzip
import json

import pytest
from botocore.exceptions import ClientError

DAY = 86_400_000
HOUR = 3_600_000


@pytest.fixture
def logs(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return logs


def put(logs, *events, stream="s"):
    return logs.put_log_events(
        logGroupName="g", logStreamName=stream, logEvents=[{"timestamp": t, "message": m} for t, m in events]
    )


def error_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def messages(page):
    return [event["message"] for event in page["events"]]


def test_events_come_back_byte_for_byte(logs, now_ms):
    odd = 'tab\t, "quotes", snow ☃, emoji 😀, trailing newline\n'
    answer = put(logs, (now_ms, odd), (now_ms, "second"))
    # nextSequenceToken is always there, rejectedLogEventsInfo only when it applies: spec/logs-api.md 5.
    assert answer["nextSequenceToken"] and "rejectedLogEventsInfo" not in answer
    page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
    assert messages(page) == [odd, "second"]
    assert page["events"][0]["timestamp"] == now_ms
    assert page["events"][0]["ingestionTime"] >= now_ms - 60_000


def test_events_outside_the_window_are_reported_and_the_rest_kept(logs, now_ms):
    logs.put_retention_policy(logGroupName="g", retentionInDays=3)
    # Classification and index meaning: spec/logs-api.md 5; a batch spans at most 24 h of accepted events.
    answer = put(
        logs,
        (now_ms - 15 * DAY, "too old"),
        (now_ms - 4 * DAY, "expired"),
        (now_ms - 1000, "kept"),
        (now_ms + 3 * HOUR, "too new"),
    )
    assert answer["rejectedLogEventsInfo"] == {
        "tooOldLogEventEndIndex": 1,
        "expiredLogEventEndIndex": 2,
        "tooNewLogEventStartIndex": 3,
    }
    assert messages(logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)) == ["kept"]


def test_a_bad_batch_stores_nothing(logs, now_ms):
    # Texts [O] and limits: spec/logs-api.md 1 and 5.
    assert error_of(put, logs, (now_ms, "b"), (now_ms - 1, "a")) == (
        "InvalidParameterException",
        "Log events in a single PutLogEvents request must be in chronological order.",
    )
    assert error_of(put, logs, (now_ms - 25 * HOUR, "a"), (now_ms, "b"))[0] == "InvalidParameterException"
    assert error_of(put, logs, (now_ms, "x" * 600_000), (now_ms, "y" * 600_000))[0] == "InvalidParameterException"
    many = [(now_ms, "m")] * 10_001
    assert error_of(put, logs, *many)[0] == "InvalidParameterException"
    assert error_of(put, logs, (now_ms, "m"), stream="none") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []


def test_pages_of_a_stream_follow_the_tokens(logs, now_ms):
    put(logs, *[(now_ms + i, f"m{i}") for i in range(1, 6)])
    get = lambda **options: logs.get_log_events(logGroupName="g", logStreamName="s", limit=2, **options)
    # The table of vectors in spec/logs-api.md 6.
    page = get(startFromHead=True)
    assert messages(page) == ["m1", "m2"]
    page = get(nextToken=page["nextForwardToken"])
    assert messages(page) == ["m3", "m4"]
    page = get(nextToken=page["nextForwardToken"])
    assert messages(page) == ["m5"]
    end = page["nextForwardToken"]
    page = get(nextToken=end)
    assert messages(page) == [] and page["nextForwardToken"] == end
    page = get()
    assert messages(page) == ["m4", "m5"]
    page = get(nextToken=page["nextBackwardToken"])
    assert messages(page) == ["m2", "m3"]
    page = get(nextToken=page["nextBackwardToken"])
    assert messages(page) == ["m1"]
    head = page["nextBackwardToken"]
    page = get(nextToken=head)
    assert messages(page) == [] and page["nextBackwardToken"] == head
    page = logs.get_log_events(
        logGroupName="g", logStreamName="s", startTime=now_ms + 2, endTime=now_ms + 4, startFromHead=True
    )
    assert messages(page) == ["m2", "m3"], "endTime is exclusive"
    # What arrives later is found behind the token a reader stopped at.
    put(logs, (now_ms + 10, "m10"))
    assert messages(get(nextToken=end)) == ["m10"]
    assert error_of(get, nextToken="f/123") == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_filtering_by_terms_phrases_and_exclusion(logs, now_ms):
    texts = ["ERROR disk full", "ERROR network down", "info disk ok", 'said "disk full" twice']
    put(logs, *[(now_ms + i, text) for i, text in enumerate(texts)])
    found = lambda pattern: messages(logs.filter_log_events(logGroupName="g", filterPattern=pattern))
    # Unstructured patterns: spec/filter-patterns.md 3.
    assert found("") == texts
    assert found("ERROR") == texts[:2]
    assert found("ERROR disk") == texts[:1]
    assert found('"disk full"') == [texts[0], texts[3]]
    assert found("ERROR -network") == texts[:1]
    assert found("error") == [], "terms are case-sensitive"
    page = logs.filter_log_events(logGroupName="g", startTime=now_ms + 1, endTime=now_ms + 2)
    assert messages(page) == texts[1:3], "endTime is inclusive: spec/logs-api.md 7"
    event = page["events"][0]
    assert event["logStreamName"] == "s" and len(event["eventId"]) == 56 and event["ingestionTime"]
    assert page["searchedLogStreams"] == []


def test_filtering_by_json_fields_and_regular_expressions(logs, now_ms):
    texts = [
        '{"level":"ERROR","code":404,"user":{"id":"x-1"},"tags":["a","b"]}',
        '{"level":"\\u0045RROR","code":"500","user":null}',
        'ERROR 404 "GET /index.html"',
        "info 200 [a b] done",
    ]
    put(logs, *[(now_ms + i, text) for i, text in enumerate(texts)])
    found = lambda pattern: messages(logs.filter_log_events(logGroupName="g", filterPattern=pattern))
    # JSON: spec/filter-patterns.md 4.
    assert found('{ $.level = "ERR*" }') == texts[:2]
    assert found("{ $.code > 400 && $.user.id = %^x-[0-9]$% }") == texts[:1]
    assert found('{ $.tags[*] = "b" || $.user IS NULL }') == texts[:2]
    assert found("{ $.tags NOT EXISTS }") == texts[1:2]
    # Space-delimited: spec/filter-patterns.md 5.
    assert found("[level = ERROR, code = 4*, request]") == texts[2:3]
    assert found("[..., range = a*, last]") == texts[3:]
    assert found("%[0-9]{3} %") == texts[2:]
    for bad in ["{ $.level EXISTS }", "[..., a, ...]", "%(x)%"]:
        assert error_of(logs.filter_log_events, logGroupName="g", filterPattern=bad)[0] == (
            "InvalidParameterException"
        )


def test_filtering_pages_through_all_streams(logs, now_ms):
    logs.create_log_stream(logGroupName="g", logStreamName="t")
    put(logs, *[(now_ms + 2 * i, f"s{i}") for i in range(20)])
    put(logs, *[(now_ms + 2 * i + 1, f"t{i}") for i in range(20)], stream="t")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="g", PaginationConfig={"PageSize": 7})
    got = [event["message"] for page in pages for event in page["events"]]
    assert got == [f"{stream}{i}" for i in range(20) for stream in "st"]
    only = logs.filter_log_events(logGroupName="g", logStreamNames=["t"], limit=2)
    assert messages(only) == ["t0", "t1"]
    assert len(messages(logs.filter_log_events(logGroupName="g", logStreamNamePrefix="t"))) == 20


def test_a_compressed_body_is_read(server, logs, account, now_ms):
    body = {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": now_ms, "message": "zipped"}]}
    headers = {"X-Amz-Target": "Logs_20140328.PutLogEvents", "Content-Type": "application/x-amz-json-1.1"}
    # spec/logs-api.md 1: the agent compresses PutLogEvents.
    packed = gzip.compress(json.dumps(body).encode())
    status, _, answer = server.call("/", packed, account=account, headers={**headers, "Content-Encoding": "gzip"})
    assert status == 200, answer
    status, _, answer = server.call("/", packed[:-9], account=account, headers={**headers, "Content-Encoding": "gzip"})
    assert 400 <= status < 500 and b"__type" in answer
    assert messages(logs.get_log_events(logGroupName="g", logStreamName="s")) == ["zipped"]
