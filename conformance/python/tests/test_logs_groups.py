"""Log groups, streams, retention and tags through boto3."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(client):
    return client("logs")


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_group_lives_from_create_to_delete(logs, account):
    logs.create_log_group(logGroupName="/app/one", tags={"team": "a"})
    [group] = logs.describe_log_groups()["logGroups"]
    # Members always returned: spec/logs-api.md 3 DescribeLogGroups [O]; ARN forms: section 2.
    assert group["logGroupName"] == "/app/one"
    assert group["arn"] == f"arn:aws:logs:us-east-1:{account}:log-group:/app/one:*"
    assert group["logGroupArn"] == f"arn:aws:logs:us-east-1:{account}:log-group:/app/one"
    assert group["logGroupClass"] == "STANDARD"
    assert group["metricFilterCount"] == 0
    assert group["storedBytes"] == 0
    assert "retentionInDays" not in group
    # Texts: spec/logs-api.md 1, "Special texts" [O].
    assert error_of(logs.create_log_group, logGroupName="/app/one") == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    logs.delete_log_group(logGroupName="/app/one")
    assert logs.describe_log_groups()["logGroups"] == []
    assert error_of(logs.delete_log_group, logGroupName="/app/one") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )


def test_groups_are_listed_in_order_and_by_page(logs):
    for name in ["b", "a/2", "a/1", "c"]:
        logs.create_log_group(logGroupName=name)
    # ASCII order, ascending; prefix or substring: spec/logs-api.md 3 DescribeLogGroups.
    pages = list(logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 3}))
    assert [[g["logGroupName"] for g in page["logGroups"]] for page in pages] == [["a/1", "a/2", "b"], ["c"]]
    by_prefix = logs.describe_log_groups(logGroupNamePrefix="a/")["logGroups"]
    assert [g["logGroupName"] for g in by_prefix] == ["a/1", "a/2"]
    by_pattern = logs.describe_log_groups(logGroupNamePattern="/2")["logGroups"]
    assert [g["logGroupName"] for g in by_pattern] == ["a/2"]
    assert error_of(logs.describe_log_groups, logGroupNamePrefix="a", logGroupNamePattern="a") == (
        "InvalidParameterException",
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
    )
    assert error_of(logs.describe_log_groups, nextToken="nonsense") == (
        "InvalidParameterException",
        "The specified nextToken is invalid.",
    )


def test_constraints_of_the_model_are_checked(logs):
    # Wording: spec/logs-api.md 1, "Validation errors"; pattern: the API model.
    assert error_of(logs.create_log_group, logGroupName="bad name") == (
        "InvalidParameterException",
        "1 validation error detected: Value 'bad name' at 'logGroupName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
    )
    assert logs.describe_log_groups()["logGroups"] == []


def test_a_stream_lives_from_create_to_delete(logs, account):
    logs.create_log_group(logGroupName="g")
    assert error_of(logs.create_log_stream, logGroupName="none", logStreamName="s") == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert error_of(logs.create_log_stream, logGroupName="g", logStreamName="s") == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    # A fresh stream has these members and no others: spec/logs-api.md 4 [O].
    [stream] = logs.describe_log_streams(logGroupName="g")["logStreams"]
    assert stream.pop("creationTime") > 1_700_000_000_000
    assert stream == {
        "arn": f"arn:aws:logs:us-east-1:{account}:log-group:g:log-stream:s",
        "logStreamName": "s",
        "storedBytes": 0,
    }
    logs.delete_log_stream(logGroupName="g", logStreamName="s")
    assert logs.describe_log_streams(logGroupName="g")["logStreams"] == []


def test_streams_by_name_and_by_last_event(logs, now_ms):
    logs.create_log_group(logGroupName="g")
    for name, at in [("old", now_ms - 5000), ("new", now_ms), ("empty", None)]:
        logs.create_log_stream(logGroupName="g", logStreamName=name)
        if at:
            logs.put_log_events(logGroupName="g", logStreamName=name, logEvents=[{"timestamp": at, "message": "m"}])
    names = lambda **options: [s["logStreamName"] for s in logs.describe_log_streams(logGroupName="g", **options)["logStreams"]]
    assert names() == ["empty", "new", "old"]
    assert names(descending=True) == ["old", "new", "empty"]
    assert names(logStreamNamePrefix="n") == ["new"]
    # Streams without events sort as time 0: spec/logs-api.md 4.
    assert names(orderBy="LastEventTime", descending=True) == ["new", "old", "empty"]
    [stream] = logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="new")["logStreams"]
    assert stream["firstEventTimestamp"] == stream["lastEventTimestamp"] == now_ms
    assert stream["lastIngestionTime"] >= now_ms - 60_000
    assert stream["uploadSequenceToken"]


def test_retention_is_one_of_the_documented_values(logs):
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    # The set of values: spec/logs-api.md 9.
    assert error_of(logs.put_retention_policy, logGroupName="g", retentionInDays=2)[0] == "InvalidParameterException"
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    assert error_of(logs.put_retention_policy, logGroupName="none", retentionInDays=7)[0] == "ResourceNotFoundException"


def test_tags_by_name_and_by_arn_are_one_set(logs, account):
    logs.create_log_group(logGroupName="g", tags={"a": "1"})
    arn = f"arn:aws:logs:us-east-1:{account}:log-group:g"
    # spec/logs-api.md 10: the deprecated calls act on the same set [O].
    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.tag_log_group(logGroupName="g", tags={"c": "3", "a": "9"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "9", "b": "2", "c": "3"}
    logs.untag_resource(resourceArn=arn, tagKeys=["a", "absent"])
    logs.untag_log_group(logGroupName="g", tags=["b"])
    assert logs.list_tags_log_group(logGroupName="g")["tags"] == {"c": "3"}
    many = {f"k{i}": "v" for i in range(50)}
    assert error_of(logs.tag_resource, resourceArn=arn, tags=many)[0] == "TooManyTagsException"
    assert error_of(logs.list_tags_for_resource, resourceArn=arn + "x")[0] == "ResourceNotFoundException"


def test_accounts_and_regions_are_apart(client, logs):
    logs.create_log_group(logGroupName="mine")
    # spec/protocols.md 9.3: account from the access key, Region from the credential scope.
    assert client("logs", region="eu-west-1").describe_log_groups()["logGroups"] == []
    assert client("logs", account="999999999999").describe_log_groups()["logGroups"] == []
    assert len(logs.describe_log_groups()["logGroups"]) == 1


def test_an_unknown_operation_is_refused_as_such(server, account):
    # spec/protocols.md 8.4.
    status, headers, body = server.call(
        "/", b"{}", account=account,
        headers={"X-Amz-Target": "Logs_20140328.NoSuchThing", "Content-Type": "application/x-amz-json-1.1"},
    )
    assert status == 400 and b"UnknownOperationException" in body
    assert headers["x-amzn-RequestId"]
