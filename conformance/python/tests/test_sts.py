"""STS through boto3."""

import pytest


def test_the_access_key_is_the_account(client, account):
    identity = client("sts").get_caller_identity()
    # Vector P11 of spec/protocols.md 13.
    assert identity["Account"] == account
    assert identity["Arn"] == f"arn:aws:iam::{account}:root"
    assert identity["UserId"] == account


@pytest.mark.parametrize("key", ["AKIAEXAMPLE", "12345", "any"])
def test_other_keys_are_of_the_default_account(client, key):
    # Vector P12.
    assert client("sts", account=key).get_caller_identity()["Account"] == "000000000000"


def test_the_partition_follows_the_region(client, account):
    # spec/protocols.md 9.3.
    arn = client("sts", region="cn-north-1").get_caller_identity()["Arn"]
    assert arn == f"arn:aws-cn:iam::{account}:root"
