"""Logs Insights through boto3: the worked vectors of spec/logs-insights.md 7 on set W, moved to yesterday."""

import time

import pytest
from botocore.exceptions import ClientError

from conftest import until

W = [
    (0, '{"svc":"api","st":200,"ms":10,"u":"ann","tags":["a","b"],"n":{"k":1}}'),
    (90_000, '{"svc":"api","st":500,"ms":40,"u":"bob"}'),
    (299_999, '{"svc":"web","st":200,"ms":20,"u":"ann"}'),
    (300_000, '{"svc":"web","st":404,"ms":30}'),
    (720_000, '{"svc":"api","st":200,"ms":50,"u":"cid"}'),
]

ENDED = {"Complete", "Failed", "Cancelled", "Timeout"}


class Insights:
    def __init__(self, logs, start_secs):
        self.logs, self.start_secs = logs, start_secs

    def start(self, text, **options):
        return self.logs.start_query(
            **{"logGroupName": "/app/w", "startTime": self.start_secs, "endTime": self.start_secs + 3600, **options},
            queryString=text,
        )["queryId"]

    def results(self, text, **options):
        query = self.start(text, **options)

        def ended():
            answer = self.logs.get_query_results(queryId=query)
            return answer if answer["status"] in ENDED else None

        return until(ended)

    def rows(self, text):
        answer = self.results(text)
        assert answer["status"] == "Complete", answer
        return [
            {cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in answer["results"]
        ]


@pytest.fixture
def insights(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="/app/w")
    logs.create_log_stream(logGroupName="/app/w", logStreamName="s1")
    start_secs = (int(time.time()) // 3600 - 24) * 3600
    logs.put_log_events(
        logGroupName="/app/w",
        logStreamName="s1",
        logEvents=[{"timestamp": start_secs * 1000 + offset, "message": message} for offset, message in W],
    )
    return Insights(logs, start_secs)


def clock(insights, minutes):
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(insights.start_secs + 60 * minutes))


# The number is that of the vector; values are text, as the API returns them.
VECTORS = [
    (1, "fields svc, ms", [("api", 50), ("web", 30), ("web", 20), ("api", 40), ("api", 10)], ["svc", "ms"]),
    (5, 'filter u != "ann" | fields u', [("cid",), ("bob",)], ["u"]),
    (6, "filter not ispresent(u) | fields st", [(404,)], ["st"]),
    (8, "filter st in [404, 500] | fields st", [(404,), (500,)], ["st"]),
    (10, r"filter st like /4\d\d/ | fields st", [(404,)], ["st"]),
    (11, 'filter svc like "we" | stats count(*) as c', [(2,)], ["c"]),
    (13, "filter svc =~ /(?i)WE/ | stats count(*) as c", [(2,)], ["c"]),
    (15, 'filter st = "200" | stats count(*) as c', [(3,)], ["c"]),
    (16, 'filter svc = "api" and ms >= 40 or st = 404 | stats count(*) as c', [(3,)], ["c"]),
    (17, 'filter svc = "api" and (ms >= 40 or st = 404) | stats count(*) as c', [(2,)], ["c"]),
    (19, "stats count(*) by svc", [("api", 3), ("web", 2)], ["svc", "count(*)"]),
    (20, "stats count(u) as c by svc | sort svc desc", [("web", 1), ("api", 3)], ["svc", "c"]),
    (21, "stats sum(ms) as s, avg(ms) as a, min(ms) as lo, max(ms) as hi", [(150, 30, 10, 50)], ["s", "a", "lo", "hi"]),
    (23, "stats pct(ms, 50) as p50, pct(ms, 95) as p95", [(30, 50)], ["p50", "p95"]),
    (24, "stats count_distinct(u) as a", [(3,)], ["a"]),
    (42, "fields ms | sort ms desc | limit 2", [(50,), (40,)], ["ms"]),
]


@pytest.mark.parametrize("number, text, expected, columns", VECTORS, ids=[f"vector{v[0]}" for v in VECTORS])
def test_worked_vectors(insights, number, text, expected, columns):
    rows = insights.rows(text)
    assert [tuple(row.get(column) for column in columns) for row in rows] == [tuple(map(str, row)) for row in expected]
    assert all(list(row) == columns for row in rows), "columns in the order of the query"


def test_bins_and_default_fields(insights):
    # Vectors 25 and 3.
    rows = insights.rows("stats count(*) as c by bin(5m) | sort c desc")
    assert rows == [
        {"bin(5m)": clock(insights, 0), "c": "3"},
        {"bin(5m)": clock(insights, 10), "c": "1"},
        {"bin(5m)": clock(insights, 5), "c": "1"},
    ]
    assert insights.rows("filter ms > 45") == [{"@timestamp": clock(insights, 12), "@message": W[4][1]}]


def test_a_missing_field_leaves_its_cell_out(insights):
    # Vectors 43 and 44.
    rows = insights.rows("fields svc, u | sort @timestamp desc | dedup svc")
    assert rows == [{"svc": "api", "u": "cid"}, {"svc": "web"}]
    assert insights.rows("fields u | dedup u") == [{"u": "cid"}, {}, {"u": "ann"}, {"u": "bob"}]


def test_parse_takes_fields_from_the_text(insights):
    rows = insights.rows("parse @message '\"svc\":\"*\"' as name | stats count(*) as c by name | sort name")
    assert rows == [{"name": "api", "c": "3"}, {"name": "web", "c": "2"}]
    rows = insights.rows('parse @message /"ms":(?<took>\\d+)/ | display took | sort took | limit 1')
    assert rows == [{"took": "10"}]


def test_rows_of_events_lead_to_their_record(insights):
    answer = insights.results("fields @message | limit 1")
    pointer = answer["results"][0][-1]
    assert pointer["field"] == "@ptr", "spec/logs-insights.md 1: rows of events end with @ptr"
    record = insights.logs.get_log_record(logRecordPointer=pointer["value"])["logRecord"]
    assert record["svc"] == "api" and record["ms"] == "50" and record["@logStream"] == "s1"
    # Statistics are of this scan: spec/logs-insights.md 1.
    statistics = answer["statistics"]
    assert statistics["recordsScanned"] <= 5 and statistics["recordsMatched"] <= 5


def test_a_malformed_query_says_where(insights):
    # spec/logs-insights.md 1 (offsets zero-based, end exclusive).
    with pytest.raises(ClientError) as caught:
        insights.start("fields svc | sorty ms")
    response = caught.value.response
    assert response["Error"]["Code"] == "MalformedQueryException"
    location = response["queryCompileError"]["location"]
    assert location["startCharOffset"] == 13
    assert location["endCharOffset"] > 13


def test_queries_can_be_listed_and_stopped(insights, account):
    query = insights.start("fields svc")
    until(lambda: insights.logs.get_query_results(queryId=query)["status"] in ENDED)
    listed = insights.logs.describe_queries(logGroupName="/app/w")["queries"]
    assert [q["queryId"] for q in listed] == [query]
    # spec/logs-insights.md 1 DescribeQueries [O].
    s = insights.start_secs
    assert listed[0]["queryString"] == f'SOURCE "/app/w" START={s}000 END={s + 3600}999 | fields svc'
    with pytest.raises(ClientError) as caught:
        insights.logs.stop_query(queryId=query)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterException"
    with pytest.raises(ClientError) as caught:
        insights.logs.get_query_results(queryId="00000000-0000-0000-0000-000000000000")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    with pytest.raises(ClientError) as caught:
        insights.start("fields svc", logGroupName="/none")
    error = caught.value.response["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"].startswith(f"Log group '/none' does not exist for account ID '{account}'")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields jsonParse(@message) as j | unnest j.tags into t | filter ms = 10 | display t", [{"t": "a"}, {"t": "b"}]),
        ("filter u in (SOURCE '/app/w' | filter st = 500 | fields u) | fields st", [{"st": "500"}]),
        ("stats values(u) as us by svc | sort svc", [{"svc": "api", "us": '["cid","bob","ann"]'}, {"svc": "web", "us": '["ann"]'}]),
        ("fields ms | sort ms | limit 2 | accum ms as run", [{"ms": "10", "run": "10"}, {"ms": "20", "run": "30"}]),
        ("countFrequent svc", [{"svc": "api", "_approxcount": "3"}, {"svc": "web", "_approxcount": "2"}]),
        ("pattern @message | stats sum(@sampleCount) as n", [{"n": "5"}]),
        (
            "join type=left left=l right=r where l.u=r.u (SOURCE '/app/p') | fields l.ms, r.plan | sort l.ms | limit 3",
            [{"l.ms": "10", "r.plan": "pro"}, {"l.ms": "20", "r.plan": "pro"}, {"l.ms": "30"}],
        ),
    ],
)
def test_commands_beyond_the_basic_ones(insights, text, expected):
    insights.logs.create_log_group(logGroupName="/app/p")
    insights.logs.create_log_stream(logGroupName="/app/p", logStreamName="s")
    event = {"timestamp": insights.start_secs * 1000, "message": '{"u":"ann","plan":"pro"}'}
    insights.logs.put_log_events(logGroupName="/app/p", logStreamName="s", logEvents=[event])
    assert insights.rows(text) == expected


def test_ppl(insights):
    answer = insights.results("where ms > 20 | stats count() as c by svc | sort svc", queryLanguage="PPL")
    rows = [{cell["field"]: cell["value"] for cell in row} for row in answer["results"]]
    assert rows == [{"c": "2", "svc": "api"}, {"c": "1", "svc": "web"}]
    assert answer["queryLanguage"] == "PPL"
