"""Dashboards and widget images, over every protocol of the model."""

import json
import struct
import time

import pytest
from botocore.exceptions import ClientError

WIDGET = {
    "type": "metric",
    "x": 0,
    "y": 0,
    "width": 6,
    "height": 6,
    "properties": {"region": "us-east-1", "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]]},
}


def body(*widgets):
    # Unusual blanks: the body is kept byte for byte (spec/dashboards.md 3.1, V13).
    return json.dumps({"widgets": list(widgets)}, indent=1) + "\n"


def test_a_dashboard_is_kept_as_it_was_put(cloudwatch):
    answer = cloudwatch.put_dashboard(DashboardName="main", DashboardBody=body(WIDGET))
    assert answer.get("DashboardValidationMessages", []) == []
    got = cloudwatch.get_dashboard(DashboardName="main")
    assert got["DashboardBody"] == body(WIDGET)
    assert got["DashboardArn"].startswith("arn:aws:cloudwatch::")
    assert got["DashboardArn"].endswith(":dashboard/main")
    (entry,) = cloudwatch.list_dashboards(DashboardNamePrefix="ma")["DashboardEntries"]
    assert entry["DashboardName"] == "main"
    assert entry["Size"] == len(body(WIDGET))
    assert abs(entry["LastModified"].timestamp() - time.time()) < 60
    assert cloudwatch.list_dashboards(DashboardNamePrefix="x").get("DashboardEntries", []) == []


def test_dashboards_are_of_the_account_and_not_of_a_region(client):
    client("cloudwatch", region="eu-west-1").put_dashboard(DashboardName="d", DashboardBody=body())
    assert client("cloudwatch", region="us-west-2").get_dashboard(DashboardName="d")["DashboardBody"] == body()


def test_what_is_wrong_with_a_body_is_said(cloudwatch):
    bad = body({**WIDGET, "width": 25}, {"type": "text", "properties": {}})
    with pytest.raises(ClientError) as refused:
        cloudwatch.put_dashboard(DashboardName="bad", DashboardBody=bad)
    error = refused.value.response["Error"]
    # The model names the exception; AWS Query shows its code (model).
    assert error["Code"] in ("InvalidParameterInput", "DashboardInvalidInputError")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    head, _, listed = error["Message"].partition("\n")
    assert head == "The dashboard body is invalid, there are 2 validation errors:"
    assert json.loads(listed) == [
        {"dataPath": "/widgets/0/width", "message": "Should be <= 24"},
        {"dataPath": "/widgets/1/properties", "message": "Should have required property 'markdown'"},
    ]
    assert cloudwatch.list_dashboards().get("DashboardEntries", []) == []


def test_warnings_are_returned_and_the_dashboard_kept(cloudwatch):
    odd = json.loads(json.dumps(WIDGET))
    odd["properties"]["colour"] = "red"
    answer = cloudwatch.put_dashboard(DashboardName="odd", DashboardBody=body(odd))
    (message,) = answer["DashboardValidationMessages"]
    assert message["DataPath"] == "/widgets/0/properties/colour"
    assert cloudwatch.get_dashboard(DashboardName="odd")["DashboardBody"] == body(odd)


def test_names_and_unknown_dashboards(cloudwatch):
    for call in (
        lambda: cloudwatch.put_dashboard(DashboardName="a b", DashboardBody=body()),
        lambda: cloudwatch.get_dashboard(DashboardName="a b"),
        lambda: cloudwatch.list_dashboards(DashboardNamePrefix="a b"),
        lambda: cloudwatch.delete_dashboards(DashboardNames=["a b"]),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        error = refused.value.response["Error"]
        assert error["Code"] in ("InvalidParameterValue", "InvalidParameterValueException")
        assert "alphanumerics, dash (-) and underscore (_)" in error["Message"]
    cloudwatch.put_dashboard(DashboardName="here", DashboardBody=body())
    with pytest.raises(ClientError) as refused:
        cloudwatch.delete_dashboards(DashboardNames=["here", "gone"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_dashboard(DashboardName="here")
    assert refused.value.response["Error"]["Code"] in ("ResourceNotFound", "DashboardNotFoundError")


def png_size(image):
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", image[16:24])


def test_a_widget_is_drawn(cloudwatch):
    now = time.time()
    cloudwatch.put_metric_data(
        Namespace="App",
        MetricData=[
            {"MetricName": "Load", "Timestamp": now - 60 * n, "Value": n % 7, "Unit": "Percent"} for n in range(60)
        ],
    )
    metrics = [
        ["App", "Load", {"id": "m1", "stat": "Maximum", "period": 60}],
        [{"expression": "m1 * 2", "label": "twice", "id": "e1"}],
    ]
    widget = {"metrics": metrics, "width": 500, "height": 300, "title": "Load", "timezone": "+0130"}
    image = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps(widget))["MetricWidgetImage"]
    assert png_size(image) == (500, 300)
    # Defaults (API reference, CloudWatch-Metric-Widget-Structure).
    image = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps({"metrics": metrics}))["MetricWidgetImage"]
    assert png_size(image) == (600, 400)
    for view in ("bar", "pie", "singleValue", "gauge"):
        options = {"view": view, "yAxis": {"left": {"min": 0, "max": 10}}}
        image = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps({**widget, **options}))
        assert png_size(image["MetricWidgetImage"]) == (500, 300), view


@pytest.mark.parametrize("widget", ["", "{}", '{"metrics": [["A"]]}', '{"metrics": [["A", "B"]], "width": 2001}'])
def test_a_widget_that_cannot_be_drawn(cloudwatch, widget):
    with pytest.raises(ClientError) as refused:
        cloudwatch.get_metric_widget_image(MetricWidget=widget)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "MetricWidget" in refused.value.response["Error"]["Message"]
