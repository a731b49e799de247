"""Starts the real binary once and gives every test a fresh account on it.

NEPHOSCOPE names the binary; `cargo xtask test python` builds it and sets the variable. Every expectation in
these tests names its source: the API model, an AWS documentation page, or a section of the specification
(spec/...), which marks what is documented, observed or decided.
"""

import itertools
import json
import os
import time

import boto3
import botocore.loaders
import botocore.session
import pytest
from botocore.config import Config

from server import Server

REGION = "us-east-1"

_accounts = itertools.count(100_000_000_001)


@pytest.fixture(scope="session", autouse=True)
def no_ambient_credentials(tmp_path_factory):
    """Whatever AWS settings the machine has, the tests do not see them."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    empty = tmp_path_factory.mktemp("aws") / "config"
    empty.write_text("")
    os.environ.update(
        AWS_CONFIG_FILE=str(empty),
        AWS_SHARED_CREDENTIALS_FILE=str(empty),
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
    )


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("data"))
    yield server
    assert server.stop() == 0, "the server did not shut down cleanly"


@pytest.fixture
def account():
    """A 12-digit access key nobody used before: a fresh, empty account (spec/protocols.md 9.3)."""
    return str(next(_accounts))


def make_client(server, account, service, region=REGION, session=None, **config):
    session = session or boto3.session.Session()
    return session.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="any",
        config=Config(inject_host_prefix=False, retries={"max_attempts": 10, "mode": "standard"}, **config),
    )


@pytest.fixture
def client(server, account):
    """`client("logs")`, `client("logs", region="eu-west-1")`, `client("logs", account=other)`."""

    def make(service, account=account, **options):
        return make_client(server, account, service, **options)

    return make


class OneProtocolLoader(botocore.loaders.Loader):
    """Loads the CloudWatch model as if it listed a single protocol."""

    protocol = "json"

    def load_service_model(self, service_name, type_name, api_version=None):
        model = super().load_service_model(service_name, type_name, api_version)
        if service_name == "cloudwatch" and type_name == "service-2":
            model = json.loads(json.dumps(model))
            model["metadata"].update(protocol=self.protocol, protocols=[self.protocol])
            for name, operation in model["operations"].items():
                if self.protocol == "query" and "output" in operation:
                    operation["output"]["resultWrapper"] = f"{name}Result"
        return model


def cloudwatch_client(server, account, protocol, **options):
    core = botocore.session.get_session()
    loader = OneProtocolLoader()
    loader.protocol = protocol
    loader.search_paths.extend(botocore.session.get_session().get_component("data_loader").search_paths)
    core.register_component("data_loader", loader)
    return make_client(server, account, "cloudwatch", session=boto3.session.Session(botocore_session=core), **options)


@pytest.fixture(params=["json", "query", "smithy-rpc-v2-cbor"])
def cloudwatch(request, server, account):
    """CloudWatch over each protocol of its model: all must behave identically (spec/protocols.md 1)."""
    return cloudwatch_client(server, account, request.param)


def until(condition, within_secs=20):
    """The first truthy value of `condition()`. For what the server does after it has answered."""
    deadline = time.monotonic() + within_secs
    while True:
        value = condition()
        if value or time.monotonic() > deadline:
            assert value, f"not within {within_secs} s"
            return value
        time.sleep(0.02)


@pytest.fixture
def now_ms():
    return int(time.time() * 1000)
