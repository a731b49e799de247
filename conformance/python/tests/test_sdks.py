"""The X-Ray SDK over the daemon's ports, and the OpenTelemetry SDK over OTLP/HTTP."""

import json
import time

import pytest
from aws_xray_sdk.core import AWSXRayRecorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.sampling.connector import ServiceConnector
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from conftest import until
from server import authorization


def test_the_xray_sdk_sends_what_it_records(server, client):
    recorder = AWSXRayRecorder()
    recorder.configure(
        service="checkout", sampling=False, daemon_address=server.xray_daemon, context=Context(),
        context_missing="RUNTIME_ERROR", plugins=(),
    )
    segment = recorder.begin_segment("checkout")
    segment.put_annotation("order", 42)
    segment.put_http_meta("status", 503)
    with recorder.in_subsegment("inventory", namespace="remote") as subsegment:
        subsegment.put_metadata("sku", {"id": "a-1"})
    recorder.end_segment()

    # Unsigned, so of the daemon's account, the server's default: spec/xray.md 5.
    xray = client("xray", account="000000000000")
    [trace] = until(lambda: xray.batch_get_traces(TraceIds=[segment.trace_id])["Traces"])
    documents = {s["Id"]: json.loads(s["Document"]) for s in trace["Segments"]}
    document = documents[segment.id]
    assert document["name"] == "checkout" and document["annotations"] == {"order": 42}
    [sub] = document["subsegments"]
    assert sub["name"] == "inventory" and sub["namespace"] == "remote"
    # A remote call without a segment of its own has an inferred one: spec/xray.md 6.2.
    inferred = [d for d in documents.values() if d.get("inferred")]
    assert [d["parent_id"] for d in inferred] == [sub["id"]]


def test_the_xray_sdk_fetches_rules_from_the_daemon(server):
    connector = ServiceConnector()
    host, port = server.xray_daemon.rsplit(":", 1)
    connector.setup_xray_client(ip=host, port=int(port), client=None)
    rules = connector.fetch_sampling_rules()
    assert [(rule.name, rule.rate) for rule in rules] == [("Default", 0.05)]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_opentelemetry_spans_become_a_trace(server, client, account, compression):
    provider = TracerProvider(resource=Resource.create({"service.name": "cart", "deployment.environment": "test"}))
    exporter = OTLPSpanExporter(
        endpoint=f"{server.url}/v1/traces", compression=compression,
        headers={"Authorization": authorization(account, "xray")},
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span(
        "GET /cart", kind=otel.SpanKind.SERVER,
        attributes={"http.request.method": "GET", "url.full": "http://cart/cart", "http.response.status_code": 200},
    ) as server_span:
        with tracer.start_as_current_span("lookup") as inner:
            inner.record_exception(ValueError("no such item"))
    provider.shutdown()

    # Ids: spec/otlp.md 4 and vector 1.
    hexadecimal = f"{server_span.get_span_context().trace_id:032x}"
    trace_id = f"1-{hexadecimal[:8]}-{hexadecimal[8:]}"
    [trace] = until(lambda: client("xray").batch_get_traces(TraceIds=[trace_id])["Traces"])
    documents = [json.loads(s["Document"]) for s in trace["Segments"]]
    [root] = [d for d in documents if d["id"] == f"{server_span.get_span_context().span_id:016x}"]
    assert root["name"] == "cart" and root["http"]["request"]["method"] == "GET"
    text = json.dumps(documents)
    assert "lookup" in text and "no such item" in text
    now = time.time()
    found = client("xray").get_trace_summaries(StartTime=now - 600, EndTime=now + 60, TimeRangeType="Event")
    assert [s["Id"] for s in found["TraceSummaries"]] == [trace_id]
