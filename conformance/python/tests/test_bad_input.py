"""Requests no SDK would send: each gets the AWS-shaped error of its protocol, and stores nothing."""

import gzip
import errno
import json
import socket
import zlib

import pytest

JSON = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Logs_20140328.CreateLogGroup"}
METRICS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}
CBOR = {"Content-Type": "application/cbor", "Accept": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
CBOR_PATH = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

# (name, path, body, headers, statuses, text the body holds): spec/protocols.md 8.2, 8.4 and 10.
BAD = [
    ("json that is none", "/", b"{", JSON, {400}, b"SerializationException"),
    ("json of another type", "/", b"[1]", JSON, {400}, b"SerializationException"),
    ("text after json", "/", b"{} x", JSON, {400}, b"SerializationException"),
    ("a number for a string", "/", b'{"logGroupName": 5}', JSON, {400}, b"SerializationException"),
    ("a list for a string", "/", b'{"logGroupName": ["a"]}', JSON, {400}, b"SerializationException"),
    ("bytes that are no text", "/", b'{"logGroupName": "\xff\xfe"}', JSON, {400}, b"SerializationException"),
    ("a very deep document", "/", b'{"a":' * 100_000, JSON, {400}, b"SerializationException"),
    ("a missing member", "/", b"{}", JSON, {400}, b"Value null at 'logGroupName' failed to satisfy constraint"),
    ("an unknown operation", "/", b"{}", {**JSON, "X-Amz-Target": "Logs_20140328.Nope"}, {400}, b"UnknownOperationException"),
    ("an unknown service", "/", b"{}", {**JSON, "X-Amz-Target": "Nope_1.CreateLogGroup"}, {400, 404}, b"UnknownOperationException"),
    ("gzip that is none", "/", b"plain", {**JSON, "Content-Encoding": "gzip"}, {400}, b"__type"),
    ("a truncated gzip", "/", gzip.compress(b'{"logGroupName": "x"}' * 99)[:-12], {**JSON, "Content-Encoding": "gzip"}, {400}, b"__type"),
    ("an encoding nobody knows", "/", b"{}", {**JSON, "Content-Encoding": "zzz"}, {400, 415}, b"__type"),
    ("a float timestamp out of range", "/", b'{"Namespace":"N","MetricData":[{"MetricName":"m","Value":1,"Timestamp":1e300}]}', METRICS, {400}, b"__type"),
    ("a value that is text", "/", b'{"Namespace":"N","MetricData":[{"MetricName":"m","Value":"many"}]}', METRICS, {400}, b"__type"),
    ("cbor that ends early", CBOR_PATH, b"\xa1\x69Name", CBOR, {400}, b"SerializationException"),
    ("cbor of reserved bytes", CBOR_PATH, b"\x1c\x1d\x1e", CBOR, {400}, b"SerializationException"),
    ("cbor claiming a huge text", CBOR_PATH, b"\x7b" + b"\xff" * 8, CBOR, {400}, b"SerializationException"),
    ("cbor claiming a huge list", CBOR_PATH, b"\xa1\x6aMetricData\x9b" + b"\x7f" * 8, CBOR, {400}, b"SerializationException"),
    ("very deep cbor", CBOR_PATH, b"\xa1\x61a" * 50_000, CBOR, {400}, b"SerializationException"),
    ("cbor with a target", CBOR_PATH, b"\xa0", {**CBOR, "X-Amz-Target": "x.y"}, {400}, b""),
    ("an unknown cbor operation", "/service/GraniteServiceVersion20100801/operation/Nope", b"\xa0", CBOR, {404, 400}, b"UnknownOperation"),
    ("an unknown action", "/", b"Action=Nope&Version=2010-08-01", FORM, {400}, b"InvalidAction"),
    ("a form without action", "/", b"Version=2010-08-01", FORM, {400}, b"MissingAction"),
    ("a form with a bad number", "/", b"Action=PutMetricData&Version=2010-08-01&Namespace=N&MetricData.member.1.MetricName=m&MetricData.member.1.Value=x", FORM, {400}, b"<ErrorResponse"),
    ("a form with a far index", "/", b"Action=PutMetricData&Version=2010-08-01&Namespace=N&MetricData.member.999999999999.MetricName=m", FORM, {400}, b"<ErrorResponse"),
    ("an unknown rest path", "/Nope", b"{}", {"Content-Type": "application/json"}, {404}, b""),
    ("rest json that is none", "/TraceSegments", b"{]", {"Content-Type": "application/json"}, {400}, b"SerializationException"),
    ("otlp that is none", "/v1/traces", b"\xff\xff\xff", {"Content-Type": "application/x-protobuf"}, {400}, b""),
    ("otlp json that is none", "/v1/traces", b"nope", {"Content-Type": "application/json"}, {400}, b""),
]


@pytest.mark.parametrize("path, body, headers, statuses, text", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_a_bad_request_is_answered_as_such(server, account, path, body, headers, statuses, text):
    status, answered, answer = server.call(path, body, account=account, headers=headers)
    assert status in statuses, answer
    assert text in answer
    assert answered["x-amzn-RequestId"]
    if headers.get("smithy-protocol"):
        assert answered["smithy-protocol"] == "rpc-v2-cbor", "a client takes an answer without it as malformed"


def test_a_bomb_is_not_inflated(server, account):
    bomb = gzip.compress(b"\0" * (1 << 26))
    status, _, _ = server.call("/", bomb, account=account, headers={**JSON, "Content-Encoding": "gzip"})
    # spec/protocols.md 10: abort past the limit with 413.
    assert status == 413


def test_a_body_over_the_limit_is_refused(server, account):
    status, _, _ = server.call("/", b" " * (17 << 20), account=account, headers=JSON)
    assert status == 413


def test_a_connection_that_speaks_no_http_is_closed(server):
    host, port = server.url.removeprefix("http://").split(":")
    for noise in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64, b"GET\r\n\r\n", b"\r\n" * 1000]:
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            # Closing with noise still unread resets the connection, which may show at any of these calls.
            try:
                connection.sendall(noise)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError as closed:
                assert closed.errno in (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), closed
    assert server.health()["status"] == "ok"


def test_a_refused_call_leaves_nothing(server, client, account):
    for _, path, body, headers, _, _ in BAD:
        server.call(path, body, account=account, headers=headers)
    assert client("logs").describe_log_groups()["logGroups"] == []
    assert client("cloudwatch").list_metrics()["Metrics"] == []


def test_deflate_is_understood(server, client, account):
    # spec/protocols.md 10.
    body = zlib.compress(json.dumps({"logGroupName": "deflated"}).encode())
    status, _, answer = server.call("/", body, account=account, headers={**JSON, "Content-Encoding": "deflate"})
    assert status == 200, answer
    assert len(client("logs").describe_log_groups()["logGroups"]) == 1


def test_browsers_may_ask(server):
    import urllib.request

    # spec/protocols.md 12.
    request = urllib.request.Request(
        f"{server.url}/", method="OPTIONS",
        headers={
            "Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-amz-target",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] in ("*", "http://localhost:5173")
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "x-amz-target" in response.headers["Access-Control-Allow-Headers"].lower()


def test_the_server_tells_about_itself(server):
    import urllib.request

    assert server.health()["status"] == "ok"
    with urllib.request.urlopen(f"{server.url}/_nephoscope/metrics", timeout=10) as response:
        text = response.read().decode()
    assert "# TYPE nephoscope_" in text
