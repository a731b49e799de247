"""Lookup tables, scheduled queries, anomaly detectors and vended deliveries (spec/logs-more.md 6, 8, 9)."""

import time

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::111122223333:role/r"


def message(refused):
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def logs(client):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return logs


def test_lookup_tables(logs, account):
    made = logs.create_lookup_table(
        lookupTableName="users", description="who", tableBody="id,name\n1,ann\n2,bob\n", tags={"a": "b"}
    )
    arn = made["lookupTableArn"]
    assert arn == f"arn:aws:logs:us-east-1:{account}:lookup-table:users"
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_lookup_table(lookupTableName="users", tableBody="id\n")
    (found,) = logs.describe_lookup_tables()["lookupTables"]
    assert (found["tableFields"], found["recordsCount"]) == (["id", "name"], 2)
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "b"}
    logs.update_lookup_table(lookupTableArn=arn, tableBody="id,name\n3,eve\n")
    got = logs.get_lookup_table(lookupTableArn=arn)
    assert got["tableBody"] == "id,name\n3,eve\n"
    assert "description" not in got, "an update replaces everything"
    logs.delete_lookup_table(lookupTableArn=arn)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_lookup_table(lookupTableArn=arn)


def test_scheduled_queries(logs):
    query = dict(
        queryLanguage="CWLI",
        queryString="stats count(*)",
        logGroupIdentifiers=["g"],
        executionRoleArn=ROLE,
        startTimeOffset=3600,
        destinationConfiguration={"s3Configuration": {"destinationIdentifier": "s3://bucket/x", "roleArn": ROLE}},
    )
    made = logs.create_scheduled_query(name="hourly", scheduleExpression="cron(0 * * * ? *)", **query)
    assert made["state"] == "ENABLED"
    with pytest.raises(logs.exceptions.ConflictException):
        logs.create_scheduled_query(name="hourly", scheduleExpression="cron(0 * * * ? *)", **query)
    with pytest.raises(ClientError) as refused:
        logs.create_scheduled_query(name="never", scheduleExpression="every hour", **query)
    assert message(refused)[0] == "ValidationException"
    got = logs.get_scheduled_query(identifier="hourly")
    assert (got["scheduleType"], got["timezone"]) == ("CUSTOMER_MANAGED", "UTC")
    updated = logs.update_scheduled_query(
        identifier=made["scheduledQueryArn"], scheduleExpression="cron(0 0 * * ? *)", state="DISABLED", **query
    )
    assert (updated["name"], updated["state"]) == ("hourly", "DISABLED")
    (listed,) = logs.list_scheduled_queries(state="DISABLED")["scheduledQueries"]
    assert listed["name"] == "hourly"
    now = int(time.time() * 1000)
    history = logs.get_scheduled_query_history(identifier="hourly", startTime=0, endTime=now)
    assert history["triggerHistory"] == []
    logs.delete_scheduled_query(identifier="hourly")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_scheduled_query(identifier="hourly")


def test_anomaly_detectors(logs, account):
    group = f"arn:aws:logs:us-east-1:{account}:log-group:g"
    arn = logs.create_log_anomaly_detector(logGroupArnList=[group], detectorName="d")["anomalyDetectorArn"]
    got = logs.get_log_anomaly_detector(anomalyDetectorArn=arn)
    assert (got["evaluationFrequency"], got["anomalyVisibilityTime"]) == ("FIVE_MIN", 21)
    logs.update_log_anomaly_detector(anomalyDetectorArn=arn, enabled=False)
    assert logs.get_log_anomaly_detector(anomalyDetectorArn=arn)["anomalyDetectorStatus"] == "PAUSED"
    (listed,) = logs.list_log_anomaly_detectors(filterLogGroupArn=group)["anomalyDetectors"]
    assert listed["anomalyDetectorArn"] == arn
    assert logs.list_anomalies(anomalyDetectorArn=arn)["anomalies"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.update_anomaly(anomalyDetectorArn=arn, anomalyId="00000000-0000-0000-0000-000000000000", baseline=True)
    logs.delete_log_anomaly_detector(anomalyDetectorArn=arn)
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_anomaly_detector(anomalyDetectorArn=arn)


def test_vended_deliveries(logs, account):
    logs.put_delivery_source(
        name="source", resourceArn=f"arn:aws:cloudfront::{account}:distribution/E1", logType="ACCESS_LOGS"
    )
    destination = logs.put_delivery_destination(
        name="destination", deliveryDestinationConfiguration={"destinationResourceArn": "arn:aws:s3:::bucket"}
    )["deliveryDestination"]
    assert destination["deliveryDestinationType"] == "S3"
    assert "outputFormat" not in destination
    delivery = logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=destination["arn"])
    delivery = delivery["delivery"]
    assert delivery["s3DeliveryConfiguration"] == {
        "suffixPath": "AWSLogs/{account-id}/CloudFront/",
        "enableHiveCompatiblePath": False,
    }
    with pytest.raises(logs.exceptions.ConflictException):
        logs.create_delivery(deliverySourceName="source", deliveryDestinationArn=destination["arn"])
    with pytest.raises(logs.exceptions.ConflictException):
        logs.delete_delivery_source(name="source")
    assert [d["id"] for d in logs.describe_deliveries()["deliveries"]] == [delivery["id"]]
    logs.delete_delivery(id=delivery["id"])
    logs.delete_delivery_source(name="source")
    logs.delete_delivery_destination(name="destination")
    with pytest.raises(ClientError) as gone:
        logs.get_delivery_source(name="source")
    assert message(gone) == (
        "ResourceNotFoundException",
        "Requested Delivery Source does not exist in this account.",
    )
    with pytest.raises(ClientError) as refused:
        logs.put_delivery_destination(
            name="x",
            outputFormat="foobar",
            deliveryDestinationConfiguration={"destinationResourceArn": "arn:aws:s3:::bucket"},
        )
    code, text = message(refused)
    assert code == "ValidationException"
    # The order of the values was observed to be another one than the model's.
    assert text.startswith("1 validation error detected: Value 'foobar' at 'outputFormat' failed to satisfy")
