"""Metric math, searches, Metrics Insights, statistics, anomaly bands and saved queries through boto3."""

import datetime as dt
import time

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def minute():
    """A whole minute, ten minutes ago."""
    return dt.datetime.fromtimestamp((int(time.time()) // 60 - 10) * 60, dt.timezone.utc)


@pytest.fixture
def series(cloudwatch, minute):
    """Puts values a minute apart; `None` is a gap."""

    def put(name, values, namespace="App", **dimensions):
        data = [
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": minute + dt.timedelta(minutes=i),
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
            }
            for i, value in enumerate(values)
            if value is not None
        ]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    return put


def metric(id, stat="Sum", name=None, returned=False, namespace="App", **dimensions):
    return {
        "Id": id,
        "ReturnData": returned,
        "MetricStat": {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name or id,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
            },
            "Period": 60,
            "Stat": stat,
        },
    }


def results(cloudwatch, minute, *queries, minutes=4, **options):
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=minute,
        EndTime=minute + dt.timedelta(minutes=minutes),
        ScanBy="TimestampAscending",
        **options,
    )
    return answer["MetricDataResults"]


def values(cloudwatch, minute, *queries, minutes=4):
    """Labels with values by minute, `None` where there is none."""
    found = {}
    for result in results(cloudwatch, minute, *queries, minutes=minutes):
        by_time = dict(zip(result["Timestamps"], result["Values"]))
        found[result["Label"]] = [by_time.get(minute + dt.timedelta(minutes=i)) for i in range(minutes)]
    return found


def expression(text, id="e1", **more):
    return {"Id": id, "Expression": text, "Period": 60, **more}


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


M1, M2 = [1, None, 3, 4], [10, 20, None, 0]


@pytest.mark.parametrize(
    "text,expected",
    [
        # Vectors of spec/metrics.md 16.2.
        ("m1 + m2", [11, 20, 3, 4]),  # M1
        ("m1 / m2", [0.1, 0, None, None]),  # M4
        ("SUM(100/[m1, m2])", [110, 5, pytest.approx(33.3333333333), 25]),  # M11
        ("m1 - MIN(m1)", [0, None, 2, 3]),  # M25
        ("FILL(m1, m2)", [1, 20, 3, 4]),  # M37
        ("IF(m1 > 2, 1, 0)", [0, None, 1, 1]),  # M43
        ("RATE(m1) * PERIOD(m1)", [None, None, 1, 1]),  # M34, M46
        ("FIRST(SORT(METRICS(), AVG, DESC))", [10, 20, None, 0]),  # M52
    ],
)
def test_metric_math(cloudwatch, minute, series, text, expected):
    series("m1", M1)
    series("m2", M2)
    assert values(cloudwatch, minute, metric("m1"), metric("m2"), expression(text)) == {"e1": expected}


def test_arrays_give_one_result_a_series(cloudwatch, minute, series):
    series("m1", M1)
    series("m2", M2)
    # The label of an element follows that of the expression: spec/metrics.md 5.
    found = values(cloudwatch, minute, metric("m1"), metric("m2"), expression("METRICS() * 10", Label="x"))
    assert found == {"x m1": [10, None, 30, 40], "x m2": [100, 200, None, 0]}


def test_expressions_that_cannot_be_computed(cloudwatch, minute, series):
    series("m1", M1)

    def error(*queries):
        return refused(
            cloudwatch.get_metric_data, MetricDataQueries=list(queries), StartTime=minute, EndTime=minute + dt.timedelta(hours=1)
        )

    # M77 of spec/metrics.md 16.2 (observed on AWS), M75, M73.
    code, message = error(metric("m1"), expression("ANOMALY_DETECTOR(m1)"))
    assert (code, message) == ("ValidationError", "Error in expression 'e1': Function 'ANOMALY_DETECTOR' not found")
    assert error(expression("m9 + 1"))[1] == "Error in expression 'e1': Undefined variable m9"
    assert error(metric("m1"), expression("AVG(m1)"))[0] == "ValidationError"
    assert error(expression("e2", id="e1"), expression("e1", id="e2"))[0] == "ValidationError"
    assert error(expression("(" * 1000))[0] == "ValidationError"


@pytest.mark.parametrize(
    "statistic,expected",
    [("tm90", 5), ("tc90", 9), ("ts90", 45), ("TM(20%:80%)", 5.5), ("IQM", 5.5), ("wm90", 5.4), ("PR(3:7)", 40), ("p90", 9)],
)
def test_extended_statistics(cloudwatch, minute, statistic, expected):
    # Set A: vectors S6 to S17 of spec/metrics.md 16.1.
    data = [{"MetricName": "a", "Values": list(range(1, 11)), "Timestamp": minute}]
    cloudwatch.put_metric_data(Namespace="App", MetricData=data)
    [result] = results(cloudwatch, minute, metric("a", statistic, returned=True))
    assert result["Values"] == [pytest.approx(expected)]
    answer = cloudwatch.get_metric_statistics(
        Namespace="App", MetricName="a", StartTime=minute, EndTime=minute + dt.timedelta(minutes=1), Period=60, ExtendedStatistics=[statistic]
    )
    assert answer["Datapoints"][0]["ExtendedStatistics"] == {statistic: pytest.approx(expected)}


def test_searches(cloudwatch, minute, series):
    for host, value in [("web-1", 1), ("web-2", 2), ("db-1", 4)]:
        series("CPUUtilization", [value], Host=host)
    series("CPUUtilization", [8])
    series("Network-Errors-2", [16], Host="web-1")

    def search(text):
        return values(cloudwatch, minute, expression(f"SEARCH('{text}', 'Sum', 60)", Label=""), minutes=1)

    # spec/metrics.md 9 and vectors of 16.4.
    assert search("{App,Host} MetricName=\"CPUUtilization\" web") == {"CPUUtilization web-1": [1], "CPUUtilization web-2": [2]}
    assert search("{App,Host} CPU NOT Host=web") == {"CPUUtilization": [4]}
    assert search("network/errors") == {"Network-Errors-2": [16]}
    assert values(cloudwatch, minute, expression("SUM(SEARCH('{App,Host} CPU', 'Sum'))"), minutes=1) == {"e1": [7]}


def test_metrics_insights(cloudwatch, minute, series):
    # The data and vectors of spec/metrics.md 16.5.
    series("Hits", [1], Svc="a", Az="x")
    series("Hits", [3], Svc="a", Az="x")
    series("Hits", [5], Svc="a", Az="y")
    series("Hits", [10], Svc="b")

    def insights(text):
        return {label: found[0] for label, found in values(cloudwatch, minute, expression(text, id="q1"), minutes=1).items()}

    assert insights("SELECT AVG(Hits) FROM App") == {"q1": 4.75}
    assert insights("SELECT COUNT(Hits) FROM SCHEMA(App, Svc, Az)") == {"q1": 3}
    assert insights("SELECT SUM(Hits) FROM App GROUP BY Az") == {"Other": 10, "x": 4, "y": 5}
    assert insights("SELECT SUM(Hits) FROM App GROUP BY Svc ORDER BY SUM() DESC LIMIT 1") == {"b": 10}
    code, _ = refused(
        cloudwatch.get_metric_data,
        MetricDataQueries=[expression("SELECT SUM(Hits) FROM AWS/EC2", id="q1")],
        StartTime=minute,
        EndTime=minute + dt.timedelta(minutes=1),
    )
    assert code == "ValidationError"


def test_an_anomaly_band_is_learnt_from_history(cloudwatch):
    now = int(time.time()) // 300 * 300
    data = [
        {"MetricName": "m", "Value": 50 + i * 7919 % 11, "Timestamp": dt.datetime.fromtimestamp(now - i * 300, dt.timezone.utc)}
        for i in range(1, 289)
    ]
    cloudwatch.put_metric_data(Namespace="Band", MetricData=data)
    query = metric("m1", "Average", name="m", namespace="Band")
    query["MetricStat"]["Period"] = 300
    end = dt.datetime.fromtimestamp(now, dt.timezone.utc)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query, {"Id": "b", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"}],
        StartTime=end - dt.timedelta(hours=2),
        EndTime=end,
    )
    high, low = answer["MetricDataResults"]
    assert [high["Label"], low["Label"]] == ["b m (high)", "b m (low)"]
    assert len(high["Values"]) == len(low["Values"]) == 24
    assert all(40 < v < 60 for v in low["Values"]) and all(55 < v < 75 for v in high["Values"])


def test_anomaly_detectors(cloudwatch):
    single = {"Namespace": "App", "MetricName": "m", "Stat": "Average", "Dimensions": [{"Name": "a", "Value": "b"}]}
    cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=single)
    cloudwatch.put_anomaly_detector(**single, Configuration={"MetricTimezone": "Europe/Vienna"})
    [detector] = cloudwatch.describe_anomaly_detectors(Namespace="App")["AnomalyDetectors"]
    # Both forms are shown, and a new detector is not trained: observed, spec/metrics.md 11.
    assert detector["MetricName"] == detector["SingleMetricAnomalyDetector"]["MetricName"] == "m"
    assert detector["Configuration"] == {"ExcludedTimeRanges": [], "MetricTimezone": "Europe/Vienna"}
    assert detector["StateValue"] == "PENDING_TRAINING"
    cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=single)
    code, _ = refused(cloudwatch.delete_anomaly_detector, SingleMetricAnomalyDetector=single)
    assert code == "ResourceNotFoundException"


def test_dynamic_labels_and_pages(cloudwatch, minute, series):
    for name in ("a", "b", "c"):
        series(name, [1, 2, 3])
    label = {**metric("a", returned=True), "Label": "${LABEL} ${MAX} ${PROP('Stat')}"}
    [result] = results(cloudwatch, minute, label)
    assert result["Label"] == "a 3 Sum"
    # Vector G17 of spec/metrics.md 16.3 in small.
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[metric(name, returned=True) for name in ("a", "b", "c")],
        StartTime=minute,
        EndTime=minute + dt.timedelta(minutes=4),
        MaxDatapoints=4,
    )
    sizes = [[len(result["Values"]) for result in page["MetricDataResults"]] for page in pages]
    assert sizes == [[3, 1, 0], [0, 2, 2], [0, 0, 1]]
