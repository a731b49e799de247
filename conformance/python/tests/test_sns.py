"""SNS with boto3: topics, a subscriber on this machine that confirms and checks signatures, filters, retries,
dead letters, mail over STARTTLS, and an alarm's way to a person."""

import base64
import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from conftest import make_client, until
from server import Server


class Receiver:
    """An HTTP endpoint that keeps what it is sent and answers with the statuses it is told to."""

    def __init__(self):
        received, statuses = [], []
        self.received, self.statuses = received, statuses

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                received.append((self.path, dict(self.headers), body))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def of_type(self, kind):
        # A list is extended by another thread; reading it is safe.
        return [json.loads(body) for _, _, body in list(self.received) if f'"{kind}"' in body]

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def sns(client):
    return client("sns")


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def confirmed(sns, topic, receiver, path="/hook", **attributes):
    """Subscribes the receiver and follows the link it is sent."""
    url = receiver.url + path
    arn = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=url, Attributes=attributes, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    asked = lambda: [json.loads(b) for p, _, b in list(receiver.received) if p == path and "SubscribeURL" in b]
    link = until(asked)[0]["SubscribeURL"]
    assert b"ConfirmSubscriptionResult" in fetch(link)
    return arn


def verify(message):
    """The algorithm of sns-verify-signature-of-message, as AWS's validators have it."""
    if message["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    certificate = x509.load_pem_x509_certificate(fetch(message["SigningCertURL"]))
    algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()
    signature = base64.b64decode(message["Signature"])
    certificate.public_key().verify(signature, text.encode(), padding.PKCS1v15(), algorithm)
    assert re.search(r"/SimpleNotificationService-[0-9a-f]{32}\.pem$", message["SigningCertURL"])


def test_subscribe_confirm_publish_verify(sns, receiver):
    topic = sns.create_topic(Name="t")["TopicArn"]
    pending = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url + "/hook")
    assert pending["SubscriptionArn"] == "pending confirmation"  # spec/notifications.md N1
    arn = confirmed(sns, topic, receiver)
    verify(receiver.of_type("SubscriptionConfirmation")[0])
    attribute = {"DataType": "String", "StringValue": "v"}
    published = sns.publish(
        TopicArn=topic, Message="grün\n", Subject="S", MessageAttributes={"k": attribute}
    )
    message = until(lambda: receiver.of_type("Notification"))[0]
    verify(message)
    assert message["MessageId"] == published["MessageId"]
    assert message["Message"] == "grün\n"
    assert message["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}
    headers = {k.lower(): v for k, v in receiver.received[-1][1].items()}
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    sns.publish(TopicArn=topic, Message="two")
    second = until(lambda: receiver.of_type("Notification")[1:])[0]
    assert second["SignatureVersion"] == "2"
    verify(second)
    # The unsubscribe link works unsigned, and offers to come back.
    fetch(second["UnsubscribeURL"])
    back = until(lambda: receiver.of_type("UnsubscribeConfirmation"))[0]
    verify(back)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_subscription_attributes(SubscriptionArn=arn)


def test_filter_policies(sns, receiver):
    topic = sns.create_topic(Name="t")["TopicArn"]
    confirmed(sns, topic, receiver, "/alarms", FilterPolicy='{"state":["ALARM"]}')
    confirmed(sns, topic, receiver, "/body", FilterPolicy='{"a":{"b":[{"numeric":[">",1]}]}}', FilterPolicyScope="MessageBody")
    for state, body in [("OK", "no"), ("ALARM", "yes"), ("OK", '{"a":{"b":2}}')]:
        attributes = {"state": {"DataType": "String", "StringValue": state}}
        sns.publish(TopicArn=topic, Message=body, MessageAttributes=attributes)
    got = lambda path: [json.loads(b)["Message"] for p, _, b in list(receiver.received) if p == path and '"Notification"' in b]
    until(lambda: got("/alarms") and got("/body"))
    time.sleep(0.5)
    assert got("/alarms") == ["yes"]
    assert got("/body") == ['{"a":{"b":2}}']
    with pytest.raises(ClientError) as refused:
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes={"FilterPolicy": '{"a":1}'})
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"
    assert refused.value.response["Error"]["Message"].startswith(
        'Invalid parameter: Attributes Reason: FilterPolicy: "a" must be an object or an array\n at '
    )


def test_retries_follow_the_delivery_policy(sns, receiver):
    topic = sns.create_topic(Name="t")["TopicArn"]
    policy = {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 1, "numRetries": 3, "numNoDelayRetries": 1}}
    confirmed(sns, topic, receiver, DeliveryPolicy=json.dumps(policy))
    receiver.statuses.extend([500, 503])
    sns.publish(TopicArn=topic, Message="m")
    until(lambda: len(receiver.of_type("Notification")) == 3)
    assert len({m["MessageId"] for m in receiver.of_type("Notification")}) == 1


def test_errors_are_those_of_aws(sns):
    topic = sns.create_topic(Name="t")["TopicArn"]

    def told(call, **parameters):
        with pytest.raises(ClientError) as error:
            call(**parameters)
        answer = error.value.response
        return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]

    assert told(sns.publish, TopicArn=topic, Message="") == ("InvalidParameter", "Invalid parameter: Empty message", 400)
    assert told(sns.publish, TopicArn=topic + "x", Message="m") == ("NotFound", "Topic does not exist", 404)
    assert told(sns.publish, TopicArn="t", Message="m")[1] == (
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"
    )
    assert told(sns.create_topic, Name="a b") == ("InvalidParameter", "Invalid parameter: Topic Name", 400)
    code, message, _ = told(sns.subscribe, TopicArn=topic, Protocol="sms", Endpoint="+491234567")
    assert code == "InvalidParameter" and "cannot deliver by sms" in message
    code, message, _ = told(sns.subscribe, TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:1/_nephoscope/clock")
    assert code == "InvalidParameter" and "administration" in message
    assert told(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=[])[0] == "EmptyBatchRequest"


def test_batches_tags_permissions_listings(sns):
    topic = sns.create_topic(Name="t", Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    entries = [{"Id": "one", "Message": "m"}, {"Id": "two", "Message": "m", "Subject": "a\nb"}]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [e["Id"] for e in answer["Successful"]] == ["one"]
    assert answer["Failed"][0]["Id"] == "two" and answer["Failed"][0]["SenderFault"] is True
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "b", "Value": "2"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "2"}]
    sns.add_permission(TopicArn=topic, Label="l", AWSAccountId=["999999999999"], ActionName=["Publish"])
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [s["Sid"] for s in policy["Statement"]] == ["__default_statement_ID", "l"]
    for n in range(101):
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{topic.split(':')[4]}:q{n}")
    pages = list(sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic))
    assert [len(page["Subscriptions"]) for page in pages] == [100, 1]
    assert sns.list_topics()["Topics"] == [{"TopicArn": topic}]


def test_what_was_accepted_survives_kill(tmp_path, receiver, account):
    """An acknowledged message is delivered after kill -9 (at least once)."""
    server = Server(tmp_path / "data")
    sns = make_client(server, account, "sns")
    topic = sns.create_topic(Name="t")["TopicArn"]
    confirmed(sns, topic, receiver, DeliveryPolicy=json.dumps(
        {"healthyRetryPolicy": {"minDelayTarget": 2, "maxDelayTarget": 2, "numRetries": 10}}
    ))
    receiver.statuses.extend([503] * 5)
    sent = {sns.publish(TopicArn=topic, Message=str(n))["MessageId"] for n in range(5)}
    until(lambda: len(receiver.of_type("Notification")) >= 5)
    server.kill()
    server = Server(tmp_path / "data")
    until(lambda: len(receiver.of_type("Notification")) >= 10)
    assert {m["MessageId"] for m in receiver.of_type("Notification")[5:]} == sent
    server.stop()


@pytest.fixture
def mail_server(tmp_path):
    """A real SMTP server that insists on STARTTLS and a password."""
    smtp = pytest.importorskip("aiosmtpd.smtp")
    controller = pytest.importorskip("aiosmtpd.controller")
    import datetime
    import ipaddress

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).add_extension(names, False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "cert.pem").write_bytes(pem)
    (tmp_path / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    mails = []

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            mails.append((envelope.rcpt_tos, envelope.content.decode()))
            return "250 taken"

    def authenticate(server, session, envelope, mechanism, data):
        return smtp.AuthResult(success=(data.login, data.password) == (b"user", b"secret"))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = controller.Controller(
        Handler(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
        auth_required=True, authenticator=authenticate,
    )
    running.start()
    running.mails, running.certificate = mails, tmp_path / "cert.pem"
    running.bound = port
    yield running
    running.stop()


def body_of(raw):
    import email
    import email.policy

    return email.message_from_string(raw, policy=email.policy.default)


def test_mail_by_starttls(tmp_path, mail_server, account):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[smtp]\nhost = "localhost"\nport = {mail_server.bound}\ntls = "starttls"\n'
        f'ca-file = "{mail_server.certificate}"\nuser = "user"\npassword = "secret"\nfrom = "alarms@example.org"\n'
    )
    server = Server(tmp_path / "data", "--config", str(config))
    try:
        sns = make_client(server, account, "sns")
        topic = sns.create_topic(Name="ops", Attributes={"DisplayName": "Ops"})["TopicArn"]
        answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="someone@example.com")
        assert answer["SubscriptionArn"] == "pending confirmation"
        receivers, raw = until(lambda: mail_server.mails)[0]
        assert receivers == ["someone@example.com"]
        asked = body_of(raw)
        assert asked["Subject"] == "AWS Notification - Subscription Confirmation"
        link = re.search(r"http://\S+/confirmation\.html\S+", asked.get_content()).group()
        assert b"Subscription confirmed" in fetch(link)
        sns.publish(TopicArn=topic, Subject="Disk", Message="Die Platte ist voll: äöü")
        told = body_of(until(lambda: mail_server.mails[1:])[0][1])
        assert (told["Subject"], told["From"]) == ("Disk", "Ops <alarms@example.org>")
        assert told.get_content().startswith("Die Platte ist voll: äöü\r\n")
        page = fetch(re.search(r"http://\S+/unsubscribe\.html\S+", told.get_content()).group()).decode()
        arn = re.search(r'name="SubscriptionArn" value="([^"]+)"', page).group(1)
        fetch(f"{server.url}/?" + urllib.parse.urlencode({"Action": "Unsubscribe", "SubscriptionArn": arn}))
        assert sns.list_subscriptions()["Subscriptions"] == []
    finally:
        server.stop()


def test_targets_and_dead_letters(tmp_path, receiver, account):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[targets]\n"arn:aws:lambda:*" = "{receiver.url}"\n"arn:aws:sqs:*" = "{receiver.url}"\n'
        f'[targets."arn:aws:firehose:*"]\nurl = "{receiver.url}"\naccess-key-id = "AK"\nsecret-access-key = "s"\n'
    )
    server = Server(tmp_path / "data", "--config", str(config))
    try:
        sns = make_client(server, account, "sns")
        topic = sns.create_topic(Name="t")["TopicArn"]
        queue = f"arn:aws:sqs:us-east-1:{account}:dead"
        function = f"arn:aws:lambda:us-east-1:{account}:function:f"
        redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": queue})}
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function, Attributes=redrive)
        receiver.statuses.append(404)
        sns.publish(TopicArn=topic, Message="m")
        calls = until(lambda: len(receiver.received) == 2 and receiver.received)
        assert calls[0][0] == "/2015-03-31/functions/f/invocations"
        assert json.loads(calls[0][2])["Records"][0]["Sns"]["Message"] == "m"
        letter = json.loads(calls[1][2])
        assert letter["QueueUrl"].endswith(f"/{account}/dead")
        assert json.loads(letter["MessageBody"])["Message"] == "m"
        assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "ClientException"
        stream = f"arn:aws:firehose:us-east-1:{account}:deliverystream/d"
        sns.subscribe(TopicArn=topic, Protocol="firehose", Endpoint=stream, Attributes={"SubscriptionRoleArn": "arn:aws:iam::1:role/r"})
        sns.publish(TopicArn=topic, Message="n")
        put = until(lambda: [c for c in receiver.received if "PutRecordBatch" in c[1].get("x-amz-target", "")])[0]
        assert "/us-east-1/firehose/aws4_request" in put[1]["authorization"]
        data = json.loads(put[2])["Records"][0]["Data"]
        assert json.loads(base64.b64decode(data))["Message"] == "n"
    finally:
        server.stop()


def test_delivery_status_is_visible(sns, client, receiver):
    """Figures in AWS/SNS, and the log events a topic's feedback attributes ask for (sns-topic-attributes)."""
    role = "arn:aws:iam::123456789012:role/feedback"
    feedback = {"HTTPSuccessFeedbackRoleArn": role, "HTTPFailureFeedbackRoleArn": role}
    topic = sns.create_topic(Name="seen", Attributes=feedback)["TopicArn"]
    confirmed(sns, topic, receiver)
    sns.publish(TopicArn=topic, Message="fine")
    until(lambda: receiver.of_type("Notification"))
    receiver.statuses.append(403)
    sns.publish(TopicArn=topic, Message="refused")
    account = topic.split(":")[4]
    group = f"sns/us-east-1/{account}/seen"
    logs, cloudwatch = client("logs"), client("cloudwatch")

    def events(name):
        try:
            return [json.loads(e["message"]) for e in logs.filter_log_events(logGroupName=name)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    failed = until(lambda: events(group + "/Failure"), within_secs=40)[0]
    assert failed["status"] == "FAILURE" and "403" in failed["delivery"]["providerResponse"]
    succeeded = until(lambda: events(group))[0]
    assert (succeeded["status"], succeeded["delivery"]["statusCode"]) == ("SUCCESS", 200)

    def total(name):
        now = time.time()
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SNS", MetricName=name, Dimensions=[{"Name": "TopicName", "Value": "seen"}],
            StartTime=now - 600, EndTime=now + 60, Period=60, Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    names = ["NumberOfMessagesPublished", "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed"]
    assert [total(name) for name in names] == [2, 1, 1]


def test_an_alarm_reaches_its_topic(sns, client, receiver):
    """PutMetricAlarm, SetAlarmState, and the message at a subscriber (spec/alarms.md 7.1)."""
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    confirmed(sns, topic, receiver)
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="disk", Namespace="App", MetricName="DiskUsed", Statistic="Average", Period=60,
        EvaluationPeriods=1, Threshold=90, ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic],
    )
    cloudwatch.set_alarm_state(AlarmName="disk", StateValue="ALARM", StateReason="testing")
    message = until(lambda: receiver.of_type("Notification"))[0]
    verify(message)
    assert message["Subject"] == 'ALARM: "disk" in US East (N. Virginia)'
    body = json.loads(message["Message"])
    assert (body["AlarmName"], body["NewStateValue"]) == ("disk", "ALARM")
