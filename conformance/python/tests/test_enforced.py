"""Enforced mode: signatures are verified, as AWS reports their faults; and TLS."""

import urllib.error
import urllib.request

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from server import Server

KEY, SECRET, ACCOUNT = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "123456789012"

@pytest.fixture(scope="module")
def enforced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enforced")
    credentials = folder / "keys.toml"
    credentials.write_text(
        f'[[key]]\naccess_key_id = "{KEY}"\nsecret_access_key = "{SECRET}"\naccount = "{ACCOUNT}"\n'
        f'arn = "arn:aws:iam::{ACCOUNT}:user/alice"\n'
    )
    server = Server(folder / "data", "--auth", "enforced", "--credentials", str(credentials))
    yield server
    assert server.stop() == 0

def connect(server, service, key=KEY, secret=SECRET, **config):
    return boto3.client(
        service, endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 1}, **config),
    )

def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

def test_a_good_signature_is_its_owner(enforced):
    identity = connect(enforced, "sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice")
    connect(enforced, "logs").describe_log_groups()
    connect(enforced, "xray").get_sampling_rules()
    # The signature covers the compressed bytes: vector P9 of spec/protocols.md.
    connect(enforced, "cloudwatch", request_min_compression_size_bytes=1).put_metric_data(
        Namespace="A B/x+y", MetricData=[{"MetricName": "m", "Value": 1}]
    )

# Codes and statuses: spec/protocols.md 8.5.
@pytest.mark.parametrize(
    "service, call, wrong_secret, unknown_key",
    [
        ("sts", "get_caller_identity", ("SignatureDoesNotMatch", 403), ("InvalidClientTokenId", 403)),
        ("logs", "describe_log_groups", ("InvalidSignatureException", 400), ("UnrecognizedClientException", 400)),
        ("xray", "get_sampling_rules", ("InvalidSignatureException", 403), ("UnrecognizedClientException", 403)),
    ],
)
def test_bad_signatures_are_refused(enforced, service, call, wrong_secret, unknown_key):
    assert error_of(getattr(connect(enforced, service, secret="wrong"), call)) == wrong_secret
    assert error_of(getattr(connect(enforced, service, key="AKIDOTHER"), call)) == unknown_key
    assert error_of(getattr(connect(enforced, service, key="123456789012"), call)) == unknown_key, "no key of open mode"

def test_unsigned_calls_are_refused(enforced):
    assert error_of(connect(enforced, "sts", signature_version=UNSIGNED).get_caller_identity) == ("MissingAuthenticationToken", 403)
    assert error_of(connect(enforced, "logs", signature_version=UNSIGNED).describe_log_groups) == (
        "MissingAuthenticationTokenException", 400,
    )

def presigned(server, expires, secret=SECRET):
    request = AWSRequest("GET", f"{server.url}/?Action=GetCallerIdentity&Version=2011-06-15")
    SigV4QueryAuth(Credentials(KEY, secret), "sts", "us-east-1", expires=expires).add_auth(request)
    try:
        with urllib.request.urlopen(request.url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

def test_presigned_addresses_work(enforced):
    status, body = presigned(enforced, 300)
    assert status == 200 and "user/alice" in body
    status, body = presigned(enforced, 300, secret="wrong")
    assert status == 403 and "SignatureDoesNotMatch" in body

def test_open_mode_is_for_this_machine_alone(tmp_path):
    # Listening for other machines without credentials must be an explicit choice (issue 2, `server`).
    with pytest.raises(AssertionError, match="before it listened"):
        Server(tmp_path, "--listen", "0.0.0.0:0")

def test_tls_with_a_certificate_of_its_own(tmp_path, account):
    server = Server(tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-self-signed")
    try:
        [url] = [url for url in server.health()["listeners"] if url.startswith("https://")]
        sts = boto3.client(
            "sts", endpoint_url=url, region_name="us-east-1", aws_access_key_id=account, aws_secret_access_key="any", verify=False
        )
        assert sts.get_caller_identity()["Account"] == account
    finally:
        assert server.stop() == 0
