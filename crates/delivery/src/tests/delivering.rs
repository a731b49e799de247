//! Publishing and what reaches whom, when.

use base64::Engine as _;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::signature::Verifier as _;
use signals::{AlarmAction, AlarmActionSink as _, TargetError};

use super::*;
use crate::AlarmActions;

const HOOK: &str = "https://hook.test/sns";
const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn text_attribute(text: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some(text.to_owned()),
        binary_value: None,
    }
}

/// What the published validators do: the canonical text of the members, checked with the key of the certificate.
async fn verify(f: &Fixture, envelope: &Value) {
    let names: &[&str] = match envelope["Type"].as_str().unwrap() {
        "Notification" => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        _ => &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    };
    let text: String = names
        .iter()
        .filter_map(|name| Some(format!("{name}\n{}\n", envelope.get(*name)?.as_str()?)))
        .collect();
    let url = envelope["SigningCertURL"].as_str().unwrap();
    let path = url.strip_prefix("http://nephoscope.test").unwrap();
    let page = f.sns.page(path, None).await.unwrap();
    assert_eq!(page.content_type, "application/x-pem-file");
    let key = f.sns.signer.public_key().await.unwrap();
    let bytes =
        base64::engine::general_purpose::STANDARD.decode(envelope["Signature"].as_str().unwrap()).unwrap();
    let signature = Signature::try_from(bytes.as_slice()).unwrap();
    match envelope["SignatureVersion"].as_str().unwrap() {
        "1" => VerifyingKey::<sha1::Sha1>::new(key).verify(text.as_bytes(), &signature).unwrap(),
        "2" => VerifyingKey::<sha2::Sha256>::new(key).verify(text.as_bytes(), &signature).unwrap(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_endpoint_gets_a_signed_envelope() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let subscription = f.subscribe(&arn, "https", HOOK, &[]).await;
    verify(&f, &f.world.envelopes("hook.test")[0]).await;
    let attributes = BTreeMap::from([("k".to_owned(), text_attribute("v"))]);
    let published = f
        .try_publish(&arn, "hi", |input| {
            input.subject = Some("S".to_owned());
            input.message_attributes = Some(attributes);
        })
        .await
        .unwrap();
    f.deliver().await;
    let envelope = f.world.envelopes("hook.test").pop().unwrap();
    verify(&f, &envelope).await;
    assert_eq!(envelope["MessageId"].as_str(), published.message_id.as_deref());
    assert_eq!(envelope["MessageAttributes"]["k"]["Value"], "v");
    let call = f.world.calls.lock().last().unwrap().clone();
    assert_eq!(call.headers["x-amz-sns-subscription-arn"], subscription.as_str());
    assert_eq!(call.headers["content-type"], "text/plain; charset=UTF-8");
    assert_eq!(call.headers["user-agent"], "Amazon Simple Notification Service Agent");
    assert_eq!(f.sns.backlog(), (0, 0), "what was delivered is gone");
    // N17.
    let two = f.create_topic("two", &[("SignatureVersion", "2")]).await;
    f.subscribe(&two, "https", "https://two.test/", &[]).await;
    f.publish(&two, "hi").await;
    f.deliver().await;
    let envelope = f.world.envelopes("two.test").pop().unwrap();
    assert_eq!(envelope["SignatureVersion"], "2");
    verify(&f, &envelope).await;
}

#[tokio::test]
async fn n14_two_retries_twenty_seconds_apart() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "https", HOOK, &[]).await;
    f.world.statuses.lock().insert("hook.test".to_owned(), vec![500, 500, 200]);
    f.publish(&arn, "hi").await;
    f.deliver().await;
    f.pass(19).await;
    assert_eq!(f.world.bodies("hook.test").len(), 2, "confirmation and the first attempt");
    f.pass(1).await;
    assert_eq!(f.world.bodies("hook.test").len(), 3);
    f.pass(20).await;
    assert_eq!(f.world.bodies("hook.test").len(), 4);
    f.pass(3600).await;
    assert_eq!(f.world.bodies("hook.test").len(), 4);
    assert_eq!(f.sns.backlog(), (0, 0));
}

#[tokio::test]
async fn n15_a_refusal_is_not_tried_again_and_goes_to_the_dead_letter_queue() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{QUEUE}"}}"#);
    f.subscribe(&arn, "https", HOOK, &[("RedrivePolicy", &redrive)]).await;
    f.world.statuses.lock().insert("hook.test".to_owned(), vec![404]);
    let id = f.publish(&arn, "hi").await;
    f.pass(60).await;
    assert_eq!(f.world.bodies("hook.test").len(), 2);
    let letter: Value = serde_json::from_str(&f.world.bodies("queue.test")[0]).unwrap();
    let envelope: Value = serde_json::from_str(letter["MessageBody"].as_str().unwrap()).unwrap();
    assert_eq!((&envelope["Message"], &envelope["MessageId"]), (&Value::from("hi"), &Value::from(id)));
    assert_eq!(letter["MessageAttributes"]["ErrorCode"]["StringValue"], "ClientException");
    assert!(letter["MessageAttributes"]["ErrorMessage"]["StringValue"].as_str().unwrap().contains("404"));
    assert_eq!(f.sns.backlog(), (0, 0));
}

#[tokio::test]
async fn what_was_accepted_survives_a_crash() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "https", HOOK, &[]).await;
    f.world.statuses.lock().insert("hook.test".to_owned(), vec![503]);
    f.publish(&arn, "one").await;
    f.deliver().await;
    f.publish(&arn, "two").await;
    let f = f.restart().await;
    assert_eq!(f.sns.backlog().0, 2);
    f.pass(30).await;
    let messages: Vec<Value> = f.world.envelopes("hook.test").iter().map(|e| e["Message"].clone()).collect();
    assert_eq!(messages[1..], ["one", "two", "one"]);
    let f = f.restart().await;
    assert_eq!(f.sns.backlog(), (0, 0), "nothing is repeated once it was noted");
}

#[tokio::test]
async fn an_endpoint_that_hangs_holds_up_nobody_else() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "https", "https://hangs.test/", &[]).await;
    f.subscribe(&arn, "https", HOOK, &[]).await;
    f.world.hanging.lock().push("hangs.test".to_owned());
    for n in 0..50 {
        f.publish(&arn, &n.to_string()).await;
    }
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tasks::SnsOutbox { sns: f.sns.clone() };
    let running = task.activate(&stop);
    tokio::pin!(running);
    while f.world.bodies("hook.test").len() < 51 {
        tokio::select! {
            _ = &mut running => panic!("the hanging deliveries are still under way"),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(f.world.bodies("hangs.test").len() < 12, "only its share of the deliveries");
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn every_protocol_has_its_form() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "lambda", FUNCTION, &[]).await;
    f.subscribe(&arn, "sqs", QUEUE, &[("RawMessageDelivery", "true")]).await;
    f.subscribe(&arn, "firehose", "arn:aws:firehose:us-east-1:123456789012:deliverystream/d", &[]).await;
    f.subscribe(&arn, "https", "https://raw.test/", &[("RawMessageDelivery", "true")]).await;
    f.subscribe(&arn, "https", "https://hooks.slack.com/services/T/B/x", &[]).await;
    let attributes = BTreeMap::from([("k".to_owned(), text_attribute("v"))]);
    let structured = r#"{"default":"plain","https":"for the web"}"#;
    f.try_publish(&arn, structured, |input| {
        input.message_structure = Some("json".to_owned());
        input.message_attributes = Some(attributes);
    })
    .await
    .unwrap();
    f.deliver().await;
    let event = &f.world.envelopes("lambda.test")[0];
    assert_eq!(event["Records"][0]["Sns"]["Message"], "plain");
    assert_eq!(event["Records"][0]["EventSource"], "aws:sns");
    let queued = &f.world.envelopes("queue.test")[0];
    assert_eq!(queued["MessageBody"], "plain");
    assert_eq!(queued["MessageAttributes"]["k"]["StringValue"], "v");
    let record = f.world.envelopes("firehose.test")[0]["Records"][0]["Data"].as_str().unwrap().to_owned();
    let record = base64::engine::general_purpose::STANDARD.decode(record).unwrap();
    let line = String::from_utf8(record).unwrap();
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    assert!(!line.contains("Signature"), "{line}");
    assert_eq!(f.world.bodies("raw.test").last().unwrap(), "for the web");
    let raw = f.world.calls.lock().iter().rfind(|c| c.url.host_str() == Some("raw.test")).unwrap().clone();
    assert_eq!(raw.headers["x-amz-sns-rawdelivery"], "true");
    // A configured chat is not asked to confirm.
    let slack = &f.world.envelopes("hooks.slack.com");
    assert_eq!(slack.len(), 1);
    assert_eq!(slack[0]["attachments"][0]["text"], "for the web");
}

#[tokio::test]
async fn filters_choose_receivers() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let by_attribute = [("FilterPolicy", r#"{"state":["ALARM"]}"#)];
    let by_body = [("FilterPolicy", r#"{"a":{"b":[1]}}"#), ("FilterPolicyScope", "MessageBody")];
    f.subscribe(&arn, "https", "https://attribute.test/", &by_attribute).await;
    f.subscribe(&arn, "https", "https://body.test/", &by_body).await;
    for (body, state) in [(r#"{"a":{"b":1}}"#, "OK"), ("x", "ALARM"), ("y", "OK")] {
        let attributes = BTreeMap::from([("state".to_owned(), text_attribute(state))]);
        f.try_publish(&arn, body, |input| input.message_attributes = Some(attributes)).await.unwrap();
    }
    f.deliver().await;
    let got = |host: &str| -> Vec<Value> {
        f.world.envelopes(host)[1..].iter().map(|e| e["Message"].clone()).collect()
    };
    assert_eq!(got("attribute.test"), ["x"]);
    assert_eq!(got("body.test"), [r#"{"a":{"b":1}}"#]);
}

#[tokio::test]
async fn fifo_topics_keep_order_and_accept_once() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t.fifo", &[("FifoTopic", "true")]).await;
    let queue = "arn:aws:sqs:us-east-1:123456789012:q.fifo";
    f.subscribe(&arn, "sqs", queue, &[("RawMessageDelivery", "true")]).await;
    let publish = async |text: &str, group: &str, id: &str| {
        f.try_publish(&arn, text, |input| {
            input.message_group_id = Some(group.to_owned());
            input.message_deduplication_id = Some(id.to_owned());
        })
        .await
        .unwrap()
    };
    f.world.statuses.lock().insert("queue.test".to_owned(), vec![500, 500, 500, 500]);
    let first = publish("1", "g", "a").await;
    let second = publish("2", "g", "b").await;
    assert!(first.sequence_number < second.sequence_number);
    assert_eq!(first.sequence_number.as_ref().unwrap().len(), 20);
    assert_eq!(publish("again", "g", "a").await, first);
    f.pass(600).await;
    let bodies: Vec<Value> =
        f.world.envelopes("queue.test").iter().map(|e| e["MessageBody"].clone()).collect();
    assert_eq!(bodies, ["1", "1", "1", "1", "1", "2"]);
    let call = &f.world.envelopes("queue.test")[5];
    assert_eq!(
        (call["MessageGroupId"].as_str(), call["MessageDeduplicationId"].as_str()),
        (Some("g"), Some("b"))
    );
    // The window is five minutes.
    assert_ne!(publish("later", "g", "a").await, first);
    for change in [
        (None, Some("d"), "The MessageGroupId parameter is required for FIFO topics"),
        (
            Some("g"),
            None,
            "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
    ] {
        let refused = f
            .try_publish(&arn, "x", |input| {
                input.message_group_id = change.0.map(str::to_owned);
                input.message_deduplication_id = change.1.map(str::to_owned);
            })
            .await;
        assert_eq!(refused.unwrap_err().1, format!("Invalid parameter: {}", change.2));
    }
}

#[tokio::test]
async fn a_full_outbox_refuses_and_a_full_subscription_stops_nobody() {
    let limits = OutboxLimits { parcels_max: 6, parcels_per_subscription_max: 2, ..OutboxLimits::default() };
    let f = Fixture::with(limits).await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "lambda", FUNCTION, &[]).await;
    for _ in 0..5 {
        f.publish(&arn, "x").await;
    }
    assert_eq!(f.sns.backlog().0, 2, "the subscription's share");
    let others = f.create_topic("others", &[]).await;
    for name in ["a", "b", "c", "d"] {
        f.subscribe(&others, "lambda", &format!("{FUNCTION}{name}"), &[]).await;
    }
    f.publish(&arn, "x").await;
    f.publish(&others, "x").await;
    assert_eq!(f.try_publish(&others, "x", |_| {}).await.unwrap_err().0, "Throttled");
    f.deliver().await;
    f.publish(&others, "x").await;
}

#[tokio::test]
async fn throttled_subscriptions_are_sent_one_at_a_time() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(
        &arn,
        "https",
        HOOK,
        &[("DeliveryPolicy", r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#)],
    )
    .await;
    f.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        f.publish(&arn, "x").await;
    }
    f.deliver().await;
    assert_eq!(f.world.bodies("hook.test").len(), 2);
    f.pass(2).await;
    assert_eq!(f.world.bodies("hook.test").len(), 4);
}

#[tokio::test]
async fn batches_are_accepted_entry_by_entry() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let entry = |id: &str, message: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: message.to_owned(),
        ..PublishBatchRequestEntry::default()
    };
    let publish = async |entries: Vec<PublishBatchRequestEntry>| {
        let input = PublishBatchInput { topic_arn: arn.clone(), publish_batch_request_entries: entries };
        f.call(crate::operations::messages::publish_batch, input).await
    };
    let answer = publish(vec![entry("a", "x"), entry("b", "")]).await.unwrap();
    assert_eq!(answer.successful.unwrap()[0].id.as_deref(), Some("a"));
    let failed = answer.failed.unwrap();
    assert_eq!(
        (failed[0].id.as_str(), failed[0].code.as_str(), failed[0].sender_fault),
        ("b", "InvalidParameter", true)
    );
    let long = "x".repeat(200_000);
    for (entries, exception) in [
        (vec![], "EmptyBatchRequestException"),
        ((0..11).map(|n| entry(&n.to_string(), "x")).collect(), "TooManyEntriesInBatchRequestException"),
        (vec![entry("a", "x"), entry("a", "y")], "BatchEntryIdsNotDistinctException"),
        (vec![entry("a b", "x")], "InvalidBatchEntryIdException"),
        (vec![entry("a", &long), entry("b", &long)], "BatchRequestTooLongException"),
    ] {
        assert_eq!(publish(entries).await.unwrap_err().0, exception);
    }
}

fn action(action_arn: &str, id: &str) -> AlarmAction {
    let message = r#"{"AlarmName":"a","NewStateValue":"ALARM","AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"}"#;
    AlarmAction {
        scope: scope(ACCOUNT),
        id: id.to_owned(),
        action_arn: action_arn.to_owned(),
        alarm_name: "a".to_owned(),
        subject: "ALARM: \"a\" in US East (N. Virginia)".to_owned(),
        message: message.to_owned(),
        event: r#"{"source":"aws.cloudwatch"}"#.to_owned(),
    }
}

#[tokio::test]
async fn alarms_publish_once_and_call_mapped_endpoints() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    f.subscribe(&arn, "https", HOOK, &[]).await;
    let fifo = f.create_topic("t.fifo", &[("FifoTopic", "true")]).await;
    f.subscribe(&fifo, "sqs", "arn:aws:sqs:us-east-1:123456789012:q.fifo", &[]).await;
    let actions = AlarmActions::new(f.sns.clone());
    for id in ["1", "1", "2"] {
        actions.act(action(&arn, id)).await.unwrap();
    }
    actions.act(action(&fifo, "1")).await.unwrap();
    actions.act(action(FUNCTION, "1")).await.unwrap();
    actions.act(action("arn:aws:ssm:us-east-1:123456789012:opsitem:1", "1")).await.unwrap();
    f.deliver().await;
    let sent = f.world.envelopes("hook.test");
    assert_eq!(sent.len(), 3, "confirmation and two distinct actions");
    assert_eq!(sent[1]["Subject"], "ALARM: \"a\" in US East (N. Virginia)");
    assert_eq!(f.world.envelopes("queue.test")[0]["MessageGroupId"].as_str().unwrap().len(), 64);
    assert_eq!(f.world.envelopes("lambda.test")[0]["source"], "aws.cloudwatch");
    assert_eq!(f.world.envelopes("events.pagerduty.com")[0]["event_action"], "trigger");
    // N18, and an ARN nobody mapped.
    let gone = actions.act(action(&arn.replace(":t", ":gone"), "3")).await.unwrap_err();
    assert_eq!(gone, TargetError::Refused("Topic does not exist".to_owned()));
    let ec2 = "arn:aws:automate:us-east-1:ec2:stop";
    assert_eq!(actions.act(action(ec2, "3")).await.unwrap_err(), TargetError::Unmapped(ec2.to_owned()));
}
