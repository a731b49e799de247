"""Metric filters, embedded metrics, transformers, masking and field indexes through boto3.

Sources: spec/filter-patterns.md 7-8 and 11, spec/logs-api.md 13, spec/logs-more.md 3-5.
"""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

from conftest import make_client
from server import Server

MINUTE = 60_000


@pytest.fixture
def logs(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return logs


@pytest.fixture
def cloudwatch(client):
    return client("cloudwatch")


def put(logs, *events):
    events = [{"timestamp": t, "message": m} for t, m in events]
    return logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def error_of(call, **named):
    with pytest.raises(ClientError) as caught:
        call(**named)
    return caught.value.response["Error"]["Code"]


def values(cloudwatch, now_ms, namespace, name, stat, dimensions=()):
    """By minute, as GetMetricData returns them."""
    time = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions],
    }
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}],
        StartTime=time(now_ms - 30 * MINUTE),
        EndTime=time(now_ms + 5 * MINUTE),
        ScanBy="TimestampAscending",
    )
    return answer["MetricDataResults"][0]["Values"]


def put_filter(logs, name, pattern, value, **more):
    transformation = {"metricName": name, "metricNamespace": "app", "metricValue": value, **more}
    logs.put_metric_filter(
        logGroupName="g", filterName=name, filterPattern=pattern, metricTransformations=[transformation]
    )


def test_metric_filters_of_all_dialects_make_datapoints(logs, cloudwatch, now_ms):
    put_filter(logs, "errors", "ERROR", "1")
    put_filter(logs, "latency", "{ $.latency = * }", "$.latency", unit="Milliseconds")
    put_filter(logs, "bytes", "[ip, server, bytes > 1000]", "$bytes", dimensions={"server": "$server"})
    minute = now_ms // MINUTE * MINUTE - 10 * MINUTE
    put(
        logs,
        (minute, "ERROR a"),
        (minute, '{"latency":50}'),
        (minute, '{"latency":"70"}'),
        (minute, '{"latency":"x"}'),
        (minute, "10.0.0.1 Prod 1534"),
        (minute, "10.0.0.1 Prod 10"),
        (minute + MINUTE, "ERROR b"),
    )
    assert values(cloudwatch, now_ms, "app", "errors", "Sum") == [1.0, 1.0]
    assert values(cloudwatch, now_ms, "app", "latency", "Sum") == [120.0]
    assert values(cloudwatch, now_ms, "app", "latency", "Maximum") == [70.0]
    assert values(cloudwatch, now_ms, "app", "bytes", "Sum", [("server", "Prod")]) == [1534.0]
    described = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
    assert [f["filterName"] for f in described] == ["bytes", "errors", "latency"]
    assert described[0]["applyOnTransformedLogs"] is False
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 3


def test_after_a_kill_every_event_is_counted_once(tmp_path, now_ms):
    """Events and the data derived from them are durable together: what is in the group is in the metric."""
    server = Server(tmp_path)
    try:
        logs, cloudwatch = (make_client(server, "555555555556", service) for service in ("logs", "cloudwatch"))
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        put_filter(logs, "lines", "", "1")
        for batch in range(5):
            put(logs, *((now_ms + i, f"{batch} {i}") for i in range(200)))
        server.kill()
        server.start()
        logs, cloudwatch = (make_client(server, "555555555556", service) for service in ("logs", "cloudwatch"))
        events = logs.filter_log_events(logGroupName="g")["events"]
        assert len(events) == 1000
        assert sum(values(cloudwatch, now_ms, "app", "lines", "Sum")) == 1000
        put(logs, (now_ms, "one more"))
        assert sum(values(cloudwatch, now_ms, "app", "lines", "SampleCount")) == 1001
    finally:
        server.kill()


def test_metric_filters_that_cannot_be(logs):
    def transformation(**more):
        return [{"metricName": "m", "metricNamespace": "n", "metricValue": "1", **more}]

    named = {"logGroupName": "g", "filterName": "f"}
    for pattern, transformations in [
        ("{ $.a = * }", transformation(defaultValue=0, dimensions={"a": "$.a"})),
        ("ERROR", transformation(dimensions={"a": "$.a"})),
        ("{ $.a", transformation()),
        ("ERROR", transformation(metricValue="$.a")),
    ]:
        code = error_of(
            logs.put_metric_filter, filterPattern=pattern, metricTransformations=transformations, **named
        )
        assert code == "InvalidParameterException", pattern
    assert error_of(logs.delete_metric_filter, **named) == "ResourceNotFoundException"


def test_test_metric_filter_extracts_values(logs):
    line = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
    answer = logs.test_metric_filter(
        filterPattern="[..., request =*.html*, status_code = 4*, bytes]", logEventMessages=["no", line]
    )
    (match,) = answer["matches"]
    assert match["eventNumber"] == 1
    assert match["extractedValues"]["$request"] == "GET /index.html HTTP/1.0"
    assert match["extractedValues"]["$1"] == "127.0.0.1"


def test_embedded_metrics_become_datapoints(logs, cloudwatch, now_ms):
    document = {
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [
                {
                    "Namespace": "lambda-function-metrics",
                    "Dimensions": [["functionVersion"], []],
                    "Metrics": [{"Name": "time", "Unit": "Milliseconds", "StorageResolution": 60}],
                }
            ],
        },
        "functionVersion": "$LATEST",
        "time": [100, 200],
    }
    text = json.dumps(document)
    put(logs, (now_ms, text))
    space = "lambda-function-metrics"
    assert values(cloudwatch, now_ms, space, "time", "Average", [("functionVersion", "$LATEST")]) == [150.0]
    assert values(cloudwatch, now_ms, space, "time", "SampleCount") == [2.0]
    assert logs.filter_log_events(logGroupName="g")["events"][0]["message"] == text


def test_transformers(logs, now_ms, query):
    config = [
        {"grok": {"match": "%{WORD:verb} %{NUMBER:n}"}},
        {"typeConverter": {"entries": [{"key": "n", "type": "integer"}]}},
    ]
    tested = logs.test_transformer(transformerConfig=config, logEventMessages=["?", "get 1"])["transformedLogs"]
    assert [t["transformedEventMessage"] for t in tested] == ['{"verb":"get","n":1}']
    logs.put_transformer(logGroupIdentifier="g", transformerConfig=config)
    assert logs.get_transformer(logGroupIdentifier="g")["transformerConfig"] == config
    put(logs, (now_ms, "get 1"), (now_ms + 1, "put 20"))
    assert query(logs, "stats sum(n) as total by verb | sort verb") == [
        {"verb": "get", "total": "1"},
        {"verb": "put", "total": "20"},
    ]
    originals = [e["message"] for e in logs.filter_log_events(logGroupName="g")["events"]]
    assert originals == ["get 1", "put 20"]
    bad = [{"addKeys": {"entries": [{"key": "a", "value": "b"}]}}]
    code = error_of(logs.put_transformer, logGroupIdentifier="g", transformerConfig=bad)
    assert code == "InvalidParameterException"


@pytest.fixture
def query(now_ms):
    """Rows of an Insights query on the group, without pointers."""
    import time

    def run(logs, text):
        started = logs.start_query(
            logGroupName="g", queryString=text, startTime=now_ms // 1000 - 600, endTime=now_ms // 1000 + 600
        )
        for _ in range(200):
            answer = logs.get_query_results(queryId=started["queryId"])
            if answer["status"] not in ("Scheduled", "Running"):
                break
            time.sleep(0.05)
        assert answer["status"] == "Complete"
        rows = [{f["field"]: f["value"] for f in row if f["field"] != "@ptr"} for row in answer["results"]]
        return rows

    return run


def test_sensitive_data_is_masked(logs, now_ms):
    identifiers = ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"]
    document = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"Sid": "a", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
            {"Sid": "m", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    text = json.dumps(document)
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=text)
    assert logs.get_data_protection_policy(logGroupIdentifier="g")["policyDocument"] == text
    put(logs, (now_ms, "from jane@example.com"))
    page = lambda **more: logs.filter_log_events(logGroupName="g", **more)["events"][0]["message"]
    assert page() == "from ****************"
    assert page(unmask=True) == "from jane@example.com"
    assert logs.describe_log_groups()["logGroups"][0]["dataProtectionStatus"] == "ACTIVATED"


def test_index_policies_and_saved_queries(logs):
    logs.put_index_policy(logGroupIdentifier="g", policyDocument='{"Fields":["a"]}')
    indexes = logs.describe_field_indexes(logGroupIdentifiers=["g"])["fieldIndexes"]
    # The policy's own come first, the default ones behind them.
    assert [i["fieldIndexName"] for i in indexes][:2] == ["a", "@logStream"]
    saved = logs.put_query_definition(name="n", queryString="fields @message", logGroupNames=["g"])
    found = logs.describe_query_definitions()["queryDefinitions"]
    assert [d["queryDefinitionId"] for d in found] == [saved["queryDefinitionId"]]
    assert logs.delete_query_definition(queryDefinitionId=saved["queryDefinitionId"])["success"]
    policy = logs.put_resource_policy(policyName="p", policyDocument="{}")["resourcePolicy"]
    assert policy["policyName"] == "p" and policy["policyScope"] == "ACCOUNT"
