"""CloudTrail: every management call of the account can be looked up."""

import datetime as dt
import json

import pytest
from botocore.exceptions import ClientError

from conftest import until


@pytest.fixture
def trail(client):
    return client("cloudtrail")


def lookup(trail, key=None, value=None, **options):
    if key:
        options["LookupAttributes"] = [{"AttributeKey": key, "AttributeValue": value}]
    pages = trail.get_paginator("lookup_events").paginate(**options)
    return [event for page in pages for event in page["Events"]]


def test_a_call_is_recorded_with_who_what_when_and_where(client, trail, account):
    made = client("logs").create_log_group(logGroupName="audited", tags={"a": "b"})
    [event] = until(lambda: lookup(trail, "EventName", "CreateLogGroup"))
    record = json.loads(event["CloudTrailEvent"])
    # Record contents: spec/cloudtrail.md 6; the item around it: section 10.
    assert event["EventSource"] == record["eventSource"] == "logs.amazonaws.com"
    assert event["ReadOnly"] == "false" and record["readOnly"] is False
    assert event["AccessKeyId"] == account and event["Username"] == "root"
    assert event["EventId"] == record["eventID"]
    assert record["requestID"] == made["ResponseMetadata"]["RequestId"]
    assert record["eventVersion"] == "1.11" and record["eventType"] == "AwsApiCall"
    assert record["managementEvent"] is True and record["eventCategory"] == "Management"
    assert record["awsRegion"] == "us-east-1" and record["recipientAccountId"] == account
    assert record["sourceIPAddress"] == "127.0.0.1" and "Boto3" in record["userAgent"]
    assert record["userIdentity"]["arn"] == f"arn:aws:iam::{account}:root"
    assert record["userIdentity"]["accountId"] == account and record["userIdentity"]["type"] == "Root"
    assert record["requestParameters"] == {"logGroupName": "audited", "tags": {"a": "b"}}
    assert record["responseElements"] is None
    age = dt.datetime.now(dt.timezone.utc) - event["EventTime"]
    assert abs(age.total_seconds()) < 60


def test_failures_are_recorded_with_their_error(client, trail):
    with pytest.raises(ClientError):
        client("logs").delete_log_group(logGroupName="nothing")
    [event] = until(lambda: lookup(trail, "EventName", "DeleteLogGroup"))
    record = json.loads(event["CloudTrailEvent"])
    assert record["errorCode"] == "ResourceNotFoundException"
    assert record["errorMessage"] == "The specified log group does not exist."
    assert record["requestParameters"] == {"logGroupName": "nothing"}


def test_every_lookup_attribute_finds_its_events(client, trail, account):
    logs = client("logs")
    logs.create_log_group(logGroupName="one")
    logs.describe_log_groups()
    client("sts").get_caller_identity()
    until(lambda: lookup(trail, "EventName", "GetCallerIdentity"))
    names = lambda key, value: sorted({e["EventName"] for e in lookup(trail, key, value)} - {"LookupEvents"})
    # spec/cloudtrail.md 10.
    assert names("EventSource", "sts.amazonaws.com") == ["GetCallerIdentity"]
    assert names("ReadOnly", "false") == ["CreateLogGroup"]
    assert names("ReadOnly", "true") == ["DescribeLogGroups", "GetCallerIdentity"]
    assert names("Username", "root") == ["CreateLogGroup", "DescribeLogGroups", "GetCallerIdentity"]
    assert names("AccessKeyId", account) == ["CreateLogGroup", "DescribeLogGroups", "GetCallerIdentity"]
    assert names("ResourceName", "one") == ["CreateLogGroup"]
    [event] = lookup(trail, "EventName", "CreateLogGroup")
    assert [e["EventName"] for e in lookup(trail, "EventId", event["EventId"])] == ["CreateLogGroup"]
    kinds = {resource["ResourceType"] for resource in event["Resources"]}
    assert kinds and all(names("ResourceType", kind) == ["CreateLogGroup"] for kind in kinds)
    assert names("EventName", "createloggroup") == [], "matching is case-sensitive"


def test_data_calls_are_not_management_events(client, trail, now_ms):
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now_ms, "message": "m"}])
    client("cloudwatch").list_metrics()
    client("sts").get_caller_identity()
    until(lambda: lookup(trail, "EventName", "GetCallerIdentity"))
    # The data events of spec/cloudtrail.md 7 are never returned by LookupEvents (section 10).
    assert {e["EventName"] for e in lookup(trail)} - {"LookupEvents"} == {
        "CreateLogGroup", "CreateLogStream", "GetCallerIdentity",
    }


def test_pages_are_newest_first_and_stable(client, trail):
    logs = client("logs")
    for i in range(7):
        logs.create_log_group(logGroupName=f"g{i}")
    until(lambda: len(lookup(trail, "EventName", "CreateLogGroup")) == 7)
    attribute = [{"AttributeKey": "EventName", "AttributeValue": "CreateLogGroup"}]
    first = trail.lookup_events(LookupAttributes=attribute, MaxResults=3)
    assert len(first["Events"]) == 3
    logs.create_log_group(logGroupName="late")
    events, token = first["Events"], first["NextToken"]
    while token:
        page = trail.lookup_events(LookupAttributes=attribute, MaxResults=3, NextToken=token)
        events, token = events + page["Events"], page.get("NextToken")
    # A token pins an upper bound: spec/cloudtrail.md 10 [P].
    assert len({e["EventId"] for e in events}) == len(events) == 7
    times = [e["EventTime"] for e in events]
    assert times == sorted(times, reverse=True)


def test_bad_lookups_are_refused(client, trail):
    now = dt.datetime.now(dt.timezone.utc)

    def code(**arguments):
        with pytest.raises(ClientError) as caught:
            trail.lookup_events(**arguments)
        return caught.value.response["Error"]["Code"]

    two = [{"AttributeKey": "EventName", "AttributeValue": v} for v in ("A", "B")]
    assert code(LookupAttributes=two) == "InvalidLookupAttributesException"
    assert code(StartTime=now, EndTime=now - dt.timedelta(hours=1)) == "InvalidTimeRangeException"
    assert code(NextToken="nonsense") == "InvalidNextTokenException"


def test_times_bound_the_lookup(client, trail):
    client("sts").get_caller_identity()
    [event] = until(lambda: lookup(trail, "EventName", "GetCallerIdentity"))
    at = event["EventTime"]
    hour = dt.timedelta(hours=1)
    assert lookup(trail, "EventName", "GetCallerIdentity", StartTime=at - hour, EndTime=at) == [event], "inclusive"
    assert lookup(trail, "EventName", "GetCallerIdentity", StartTime=at - 2 * hour, EndTime=at - hour) == []
