"""CloudWatch metrics through boto3 over AWS JSON, AWS Query and RPC v2 CBOR alike."""

import datetime as dt
import time

import pytest
from botocore.exceptions import ClientError

from conftest import cloudwatch_client


@pytest.fixture
def minute():
    """A whole minute, ten minutes ago."""
    return dt.datetime.fromtimestamp((int(time.time()) // 60 - 10) * 60, dt.timezone.utc)


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def at(minute, secs):
    return minute + dt.timedelta(seconds=secs)


def put(cloudwatch, *data, namespace="App"):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "m", **datum} for datum in data])


def statistics(cloudwatch, minute, *, span=60, period=60, **options):
    answer = cloudwatch.get_metric_statistics(
        **{"Namespace": "App", "MetricName": "m", "StartTime": minute, "EndTime": at(minute, span), "Period": period, **options}
    )
    return sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])


def test_five_statistics_of_one_bucket(cloudwatch, minute):
    # Set B: vectors S22 to S25 of spec/metrics.md 16.1 (an example of the AWS documentation).
    put(cloudwatch, *[{"Value": v, "Timestamp": at(minute, i)} for i, v in enumerate([0, 2, 4, 3.5, 7, 100])])
    [point] = statistics(
        cloudwatch, minute, Statistics=["SampleCount", "Sum", "Average", "Minimum", "Maximum"]
    )
    assert point.pop("Timestamp") == minute
    assert point.pop("Average") == pytest.approx(19.4166666667)
    assert point == {"SampleCount": 6, "Sum": 116.5, "Minimum": 0, "Maximum": 100, "Unit": "None"}


def test_values_with_counts_and_percentiles(cloudwatch, minute):
    # Set C (Values [1,2,3], Counts [2,4,1]): vectors S27 to S31.
    put(cloudwatch, {"Values": [1, 2, 3], "Counts": [2, 4, 1], "Timestamp": minute})
    [point] = statistics(cloudwatch, minute, Statistics=["SampleCount", "Sum"])
    assert (point["SampleCount"], point["Sum"]) == (7, 13)
    [point] = statistics(cloudwatch, minute, ExtendedStatistics=["p50", "p90"])
    assert point["ExtendedStatistics"] == {"p50": 2, "p90": 3}


def test_statistic_sets_add_up_but_have_no_percentiles(cloudwatch, minute):
    # Vector S42: an opaque statistic set; spec/metrics.md 4: a datapoint with nothing left is dropped.
    opaque = {"SampleCount": 4, "Sum": 22, "Minimum": 5, "Maximum": 6}
    put(cloudwatch, {"StatisticValues": opaque, "Timestamp": minute}, {"Value": 10, "Timestamp": at(minute, 1)})
    [point] = statistics(cloudwatch, minute, Statistics=["SampleCount", "Sum", "Maximum"])
    assert (point["SampleCount"], point["Sum"], point["Maximum"]) == (5, 32, 10)
    assert statistics(cloudwatch, minute, ExtendedStatistics=["p90"]) == []


def test_buckets_start_at_the_start_time_and_end_is_exclusive(cloudwatch, minute):
    # spec/metrics.md 4: anchored at the rounded StartTime (observed); data at End is not read.
    put(cloudwatch, *[{"Value": 1, "Timestamp": at(minute, 60 * i)} for i in range(5)])
    points = statistics(cloudwatch, minute, span=240, period=120, Statistics=["Sum"])
    assert [(p["Timestamp"], p["Sum"]) for p in points] == [(minute, 2), (at(minute, 120), 2)]


def test_high_resolution_is_kept_apart_by_second(cloudwatch, minute):
    put(cloudwatch, *[{"Value": i, "Timestamp": at(minute, i), "StorageResolution": 1} for i in range(20)])
    points = statistics(cloudwatch, minute, span=20, period=10, Statistics=["Sum"])
    assert [p["Sum"] for p in points] == [45, 145]


def test_units_form_separate_datapoints(cloudwatch, minute):
    # spec/metrics.md 4 (observed): without Unit each unit is a datapoint of its own.
    put(cloudwatch, {"Value": 1, "Unit": "Seconds", "Timestamp": minute}, {"Value": 5, "Unit": "Count", "Timestamp": minute})
    points = statistics(cloudwatch, minute, Statistics=["Sum"])
    assert {p["Unit"]: p["Sum"] for p in points} == {"Seconds": 1, "Count": 5}
    [point] = statistics(cloudwatch, minute, Statistics=["Sum"], Unit="Count")
    assert point["Sum"] == 5


def test_metrics_are_listed_by_filter_and_page(cloudwatch):
    put(cloudwatch, {"Value": 1, "Dimensions": [{"Name": "b", "Value": "1"}, {"Name": "a", "Value": "2"}]})
    put(cloudwatch, {"Value": 1})
    put(cloudwatch, {"Value": 1}, namespace="Other")
    listed = lambda **options: cloudwatch.list_metrics(**options)["Metrics"]
    assert len(listed()) == 3
    assert [m["Namespace"] for m in listed(Namespace="Other")] == ["Other"]
    [metric] = listed(Dimensions=[{"Name": "a"}])
    # Dimensions sorted by name: spec/metrics.md 1 (decision).
    assert metric == {
        "Namespace": "App",
        "MetricName": "m",
        "Dimensions": [{"Name": "a", "Value": "2"}, {"Name": "b", "Value": "1"}],
    }
    assert listed(Dimensions=[{"Name": "a", "Value": "3"}]) == []
    # 500 per page: spec/metrics.md 3.
    cloudwatch.put_metric_data(Namespace="Many", MetricData=[{"MetricName": f"m{i:03}", "Value": 1} for i in range(501)])
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace="Many"))
    assert [len(page["Metrics"]) for page in pages] == [500, 1]


def stat(identifier, name, statistic, **options):
    metric = {"Namespace": "App", "MetricName": name}
    return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}, **options}


def test_metric_data_in_order_with_labels(cloudwatch, minute):
    for name, value in [("one", 1), ("two", 2)]:
        put(cloudwatch, *[{"MetricName": name, "Value": value + i, "Timestamp": at(minute, 60 * i)} for i in range(3)])
    queries = [stat("b", "two", "Sum"), stat("a", "one", "Maximum", Label="mine"), stat("c", "one", "Sum", ReturnData=False)]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=minute, EndTime=at(minute, 180))
    # Request order, ScanBy descending by default, Messages always present: spec/metrics.md 5.
    assert [(r["Id"], r["Label"], r["Values"], r["StatusCode"]) for r in answer["MetricDataResults"]] == [
        ("b", "two", [4, 3, 2], "Complete"),
        ("a", "mine", [3, 2, 1], "Complete"),
    ]
    assert answer["MetricDataResults"][0]["Timestamps"] == [at(minute, s) for s in (120, 60, 0)]
    assert answer["Messages"] == []
    ascending = cloudwatch.get_metric_data(
        MetricDataQueries=queries[:1], StartTime=minute, EndTime=at(minute, 180), ScanBy="TimestampAscending"
    )
    assert ascending["MetricDataResults"][0]["Values"] == [2, 3, 4]
    nothing = cloudwatch.get_metric_data(MetricDataQueries=[stat("n", "none", "Sum")], StartTime=minute, EndTime=at(minute, 60))
    [result] = nothing["MetricDataResults"]
    assert (result["Timestamps"], result["Values"], result["StatusCode"]) == ([], [], "Complete")


def test_metric_data_by_page(cloudwatch, minute):
    put(cloudwatch, *[{"Value": i, "Timestamp": at(minute, 60 * i)} for i in range(5)])
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[stat("a", "m", "Sum")], StartTime=minute, EndTime=at(minute, 300), MaxDatapoints=2,
        ScanBy="TimestampAscending",
    )
    # PartialData with a token until the last page: spec/metrics.md 5, "Paging".
    pages = [(r["Values"], r["StatusCode"]) for page in pages for r in page["MetricDataResults"]]
    assert pages == [([0, 1], "PartialData"), ([2, 3], "PartialData"), ([4], "Complete")]


def test_errors_have_the_same_code_in_every_protocol(cloudwatch, minute):
    # Texts observed on AWS: spec/metrics.md 2 and 4; codes: spec/protocols.md 8.1.
    assert error_of(cloudwatch.put_metric_data, Namespace="App", MetricData=[{"MetricName": "m", "Value": 1, "Values": [1]}]) == (
        "InvalidParameterCombination",
        "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.",
    )
    assert error_of(
        cloudwatch.put_metric_data, Namespace="App", MetricData=[{"MetricName": "m", "Values": [1, 2], "Counts": [1]}]
    ) == (
        "InvalidParameterValue",
        "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
    )
    assert error_of(cloudwatch.put_metric_data, Namespace="App", MetricData=[{"MetricName": "m", "Value": float("nan")}]) == (
        "InvalidParameterValue",
        "The value NaN for parameter MetricData.member.1.Value is invalid.",
    )
    window = dict(Namespace="App", MetricName="m", StartTime=minute, EndTime=minute, Period=60)
    assert error_of(cloudwatch.get_metric_statistics, **window, Statistics=["Sum"]) == (
        "InvalidParameterValue",
        "The parameter StartTime must be less than the parameter EndTime.",
    )
    window.update(StartTime=minute - dt.timedelta(days=1), EndTime=minute, Period=1)
    assert error_of(cloudwatch.get_metric_statistics, **window, Statistics=["Sum"]) == (
        "InvalidParameterCombination",
        "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
        "requested by increasing Period, or decreasing the time range.",
    )
    assert cloudwatch.list_metrics()["Metrics"] == [], "a refused call stores nothing"


def test_a_bad_enum_is_a_validation_error(cloudwatch):
    # Framework validation: spec/protocols.md 8.2.
    code, message = error_of(
        cloudwatch.put_metric_data, Namespace="App", MetricData=[{"MetricName": "m", "Value": 1, "Unit": "Parsecs"}]
    )
    assert code == "ValidationError"
    assert message.startswith(
        "1 validation error detected: Value 'Parsecs' at 'metricData.1.member.unit' failed to satisfy constraint: "
        "Member must satisfy enum value set: ["
    )


def test_protocols_write_the_same_metric(server, account, minute):
    for protocol in ["json", "query", "smithy-rpc-v2-cbor"]:
        put(cloudwatch_client(server, account, protocol), {"Value": 1, "Timestamp": minute})
    [point] = statistics(cloudwatch_client(server, account, "json"), minute, Statistics=["SampleCount"])
    assert point["SampleCount"] == 3


def test_large_bodies_arrive_compressed(server, account, minute):
    # botocore compresses PutMetricData bodies over 10,240 bytes (`requestcompression` in the model).
    cloudwatch = cloudwatch_client(server, account, "json", request_min_compression_size_bytes=1)
    put(cloudwatch, *[{"Value": 1, "Timestamp": minute} for _ in range(1000)])
    [point] = statistics(cloudwatch, minute, Statistics=["SampleCount"])
    assert point["SampleCount"] == 1000
