"""Metrics and logs by other doors than AWS's own calls: OpenTelemetry over HTTP and gRPC, the embedded metric
format on the CloudWatch agent's port, syslog, and plain HTTP."""

import json
import logging
import socket
import time

import pytest
import requests
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from conftest import until
from server import Server, authorization

DEFAULT_ACCOUNT = "000000000000"


def metric_exporter(kind, server, account):
    token = authorization(account, "monitoring")
    if kind == "http":
        return OTLPMetricExporter(endpoint=f"{server.url}/v1/metrics", headers={"Authorization": token})
    return GrpcMetricExporter(endpoint=server.url, insecure=True, headers={"authorization": token})


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_opentelemetry_metrics_are_cloudwatch_metrics(server, client, account, kind):
    reader = PeriodicExportingMetricReader(metric_exporter(kind, server, account), export_interval_millis=3_600_000)
    resource = Resource.create({"service.namespace": "shop", "service.name": "cart"})
    provider = MeterProvider(metric_readers=[reader], resource=resource)
    meter = provider.get_meter("lib")
    counter = meter.create_counter("orders", unit="{order}")
    latency = meter.create_histogram("latency", unit="ms")
    counter.add(10, {"region": "eu"})
    provider.force_flush()
    # A cumulative counter's first point is where counting starts: spec/otlp.md 6.2 and vector 24.
    counter.add(5, {"region": "eu"})
    for value in (1.0, 7.0, 30.0):
        latency.record(value)
    provider.force_flush()
    latency.record(7.0)
    provider.force_flush()
    provider.shutdown()

    cloudwatch = client("cloudwatch")
    listed = cloudwatch.list_metrics(Namespace="shop/cart")["Metrics"]
    names = {(m["MetricName"], tuple((d["Name"], d["Value"]) for d in m["Dimensions"])) for m in listed}
    assert ("orders", (("OTelLib", "lib"), ("region", "eu"))) in names
    now = time.time()
    statistics = cloudwatch.get_metric_statistics(
        Namespace="shop/cart", MetricName="orders", StartTime=now - 600, EndTime=now + 60, Period=60,
        Dimensions=[{"Name": "OTelLib", "Value": "lib"}, {"Name": "region", "Value": "eu"}], Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in statistics["Datapoints"]) == 5
    assert {point["Unit"] for point in statistics["Datapoints"]} == {"Count"}
    statistics = cloudwatch.get_metric_statistics(
        Namespace="shop/cart", MetricName="latency", StartTime=now - 600, EndTime=now + 60, Period=60,
        Dimensions=[{"Name": "OTelLib", "Value": "lib"}], Statistics=["Sum", "SampleCount"],
    )
    points = statistics["Datapoints"]
    assert (sum(p["Sum"] for p in points), sum(p["SampleCount"] for p in points)) == (7.0, 1)


@pytest.mark.parametrize("kind", ["http", "grpc"])
def test_opentelemetry_logs_are_log_events(server, client, account, kind):
    logs = client("logs")
    logs.create_log_group(logGroupName="/otel")
    logs.create_log_stream(logGroupName="/otel", logStreamName="app")
    headers = {"x-aws-log-group": "/otel", "x-aws-log-stream": "app", "authorization": authorization(account, "logs")}
    if kind == "http":
        exporter = OTLPLogExporter(endpoint=f"{server.url}/v1/logs", headers=headers)
    else:
        exporter = GrpcLogExporter(endpoint=server.url, insecure=True, headers=headers)
    provider = LoggerProvider(resource=Resource.create({"service.name": "cart"}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger(f"otel-{kind}")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.propagate = False
    logger.warning("cart %s is empty", "c-1", extra={"cart": "c-1"})
    provider.shutdown()
    [event] = until(lambda: logs.filter_log_events(logGroupName="/otel")["events"])
    message = json.loads(event["message"])
    assert message["body"] == "cart c-1 is empty" and message["attributes"]["cart"] == "c-1"
    assert message["severityNumber"] == SeverityNumber.WARN.value
    assert message["resource"]["attributes"]["service.name"] == "cart"


def test_a_missing_log_group_is_told_by_otlp(server, account):
    headers = {
        "x-aws-log-group": "/none", "x-aws-log-stream": "app", "Content-Type": "application/json",
        "Authorization": authorization(account, "logs"),
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "x"}}]}]}]}
    answer = requests.post(f"{server.url}/v1/logs", json=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (400, "The specified log group does not exist.")


def embedded(namespace, value):
    return json.dumps({
        "_aws": {
            "Timestamp": int(time.time() * 1000), "LogGroupName": "/emf", "LogStreamName": "s",
            "CloudWatchMetrics": [
                {"Namespace": namespace, "Dimensions": [["route"]], "Metrics": [{"Name": "ms", "Unit": "Milliseconds"}]}
            ],
        },
        "route": "/a", "ms": value,
    })


def test_embedded_metrics_come_by_tcp_and_udp(server, client):
    tcp, udp = (address.rsplit(":", 1) for address in server.sockets[:2])
    with socket.create_connection((tcp[0], int(tcp[1]))) as connection:
        connection.sendall((embedded("Doors", 10) + "\n" + embedded("Doors", 20) + "\n").encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.sendto(embedded("Doors", 60).encode(), (udp[0], int(udp[1])))
    cloudwatch = client("cloudwatch", account=DEFAULT_ACCOUNT)

    def statistics():
        now = time.time()
        points = cloudwatch.get_metric_statistics(
            Namespace="Doors", MetricName="ms", Dimensions=[{"Name": "route", "Value": "/a"}],
            StartTime=now - 600, EndTime=now + 60, Period=60, Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        total = (sum(p["Sum"] for p in points), sum(p["SampleCount"] for p in points))
        return total == (90.0, 3) and total

    assert until(statistics)
    events = client("logs", account=DEFAULT_ACCOUNT).filter_log_events(logGroupName="/emf")["events"]
    assert len(events) == 3


def test_syslog_messages_are_log_events(tmp_path, client):
    server = Server(tmp_path / "data", "--syslog", "udp://127.0.0.1:0,tcp://127.0.0.1:0")
    try:
        udp, tcp = (address.rsplit(":", 1) for address in server.sockets[2:])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"<34>Jan  2 03:04:00 web sshd[12]: one", (udp[0], int(udp[1])))
        with socket.create_connection((tcp[0], int(tcp[1]))) as connection:
            second = b"<34>1 2026-01-02T03:04:05Z web sshd - - - two"
            connection.sendall(b"%d %s" % (len(second), second))

        def messages():
            headers = {"X-Amz-Target": "Logs_20140328.FilterLogEvents", "Content-Type": "application/x-amz-json-1.1"}
            body = json.dumps({"logGroupName": "/syslog/web"}).encode()
            status, _, answer = server.call("/", body, headers=headers)
            found = sorted(e["message"][-3:] for e in json.loads(answer).get("events", [])) if status == 200 else []
            return found == ["one", "two"] and found

        assert until(messages)
    finally:
        server.stop()


def test_json_lines_come_by_plain_http(server, client, account):
    logs = client("logs")
    logs.create_log_group(logGroupName="/http")
    logs.create_log_stream(logGroupName="/http", logStreamName="s")
    headers = {"Authorization": authorization(account, "logs"), "Content-Type": "application/json"}
    url = f"{server.url}/ingest/bulk?logGroup=%2Fhttp&logStream=s"
    answer = requests.post(url, data='{"a": 1}\n{"a": 2}\nbroken', headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})
    events = logs.filter_log_events(logGroupName="/http", filterPattern="{ $.a = 2 }")["events"]
    assert [event["message"] for event in events] == ['{"a": 2}']
    answer = requests.post(url.replace("http&", "none&"), data="{}", headers=headers, timeout=10)
    assert answer.status_code == 404
