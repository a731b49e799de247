//! Subscribing, confirming, unsubscribing.

use super::*;
use crate::operations::subscriptions;
use crate::pages::Page;

const HOOK: &str = "https://hook.test/sns";

async fn topic(f: &Fixture) -> String {
    f.create_topic("t", &[]).await
}

async fn list(f: &Fixture, topic: &str) -> Vec<String> {
    let input = ListSubscriptionsByTopicInput { topic_arn: topic.to_owned(), next_token: None };
    let listed = f.call(subscriptions::list_subscriptions_by_topic, input).await.unwrap();
    listed.subscriptions.unwrap().into_iter().map(|s| s.subscription_arn.unwrap()).collect()
}

#[tokio::test]
async fn an_endpoint_confirms_with_the_token_it_was_sent() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let input = SubscribeInput {
        topic_arn: arn.clone(),
        protocol: "https".to_owned(),
        endpoint: Some(HOOK.to_owned()),
        ..SubscribeInput::default()
    };
    let subscribed = f.call(subscriptions::subscribe, input).await.unwrap();
    // N1.
    assert_eq!(subscribed.subscription_arn.as_deref(), Some("pending confirmation"));
    assert_eq!(list(&f, &arn).await, ["PendingConfirmation"]);
    f.publish(&arn, "too early").await;
    f.deliver().await;
    let sent = f.world.envelopes("hook.test");
    assert_eq!(sent.len(), 1);
    let call = f.world.calls.lock()[0].clone();
    assert_eq!(call.headers["x-amz-sns-message-type"], "SubscriptionConfirmation");
    assert!(call.headers.get("x-amz-sns-subscription-arn").is_none());
    let token = sent[0]["Token"].as_str().unwrap().to_owned();
    let link = sent[0]["SubscribeURL"].as_str().unwrap();
    assert_eq!(
        link,
        format!("http://nephoscope.test/?Action=ConfirmSubscription&TopicArn={arn}&Token={token}")
    );
    for (topic, given, message) in [
        (arn.clone(), "abc".to_owned(), "Invalid parameter: Token"),
        (arn.clone(), token.replace(&token[40..44], "0000"), "Invalid token"),
        (f.create_topic("other", &[]).await, token.clone(), "Invalid parameter: Topic"),
    ] {
        assert_eq!(f.confirm(&topic, &given).await.unwrap_err().1, message);
    }
    let confirmed = f.confirm(&arn, &token).await.unwrap();
    assert_eq!(f.confirm(&arn, &token).await.unwrap(), confirmed, "again with the used token");
    assert_eq!(list(&f, &arn).await, vec![confirmed.clone()]);
    let shown = f.subscription_attributes(&confirmed).await.unwrap();
    assert_eq!(shown["PendingConfirmation"], "false");
    assert_eq!(shown["ConfirmationWasAuthenticated"], "false");
    assert!(shown["EffectiveDeliveryPolicy"].contains("\"numRetries\":3"));
}

#[tokio::test]
async fn subscribing_again_is_the_same_subscription() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let queue = "arn:aws:sqs:us-east-1:123456789012:q";
    let raw = [("RawMessageDelivery", "true")];
    let first = f.try_subscribe(&arn, "sqs", queue, &raw).await.unwrap();
    // N2.
    assert_eq!(f.try_subscribe(&arn, "sqs", queue, &raw).await.unwrap(), first);
    assert_eq!(f.try_subscribe(&arn, "sqs", queue, &[]).await.unwrap(), first);
    let other = f.try_subscribe(&arn, "sqs", queue, &[("RawMessageDelivery", "false")]).await;
    assert_eq!(
        other.unwrap_err().1,
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    );
    // A pending one is asked again, with the same token.
    f.try_subscribe(&arn, "https", HOOK, &[]).await.unwrap();
    f.try_subscribe(&arn, "https", HOOK, &[]).await.unwrap();
    f.deliver().await;
    let sent = f.world.envelopes("hook.test");
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["Token"], sent[1]["Token"]);
}

#[tokio::test]
async fn unconfirmed_subscriptions_end_after_two_days() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    f.try_subscribe(&arn, "https", HOOK, &[]).await.unwrap();
    f.deliver().await;
    let token = f.world.envelopes("hook.test")[0]["Token"].as_str().unwrap().to_owned();
    f.clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(f.confirm(&arn, &token).await.unwrap_err().1, "Invalid token");
    assert_eq!(f.upkeep().await, 1);
    assert_eq!(list(&f, &arn).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_unsubscribes_may_come_back() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let subscription = f.subscribe(&arn, "https", HOOK, &[]).await;
    // N16, by the link.
    for _ in 0..2 {
        let input = UnsubscribeInput { subscription_arn: subscription.clone() };
        f.call_as(caller("000000000000", false), subscriptions::unsubscribe, input).await.unwrap();
    }
    assert_eq!(f.subscription_attributes(&subscription).await.unwrap_err().1, "Subscription does not exist");
    f.publish(&arn, "gone").await;
    f.deliver().await;
    let sent = f.world.envelopes("hook.test");
    let last = sent.last().unwrap();
    assert_eq!(last["Type"], "UnsubscribeConfirmation");
    assert!(last["Message"].as_str().unwrap().contains(&subscription));
    let restored = f.confirm(&arn, last["Token"].as_str().unwrap()).await.unwrap();
    assert_eq!(restored, subscription);
    f.publish(&arn, "back").await;
    f.deliver().await;
    assert_eq!(f.world.envelopes("hook.test").last().unwrap()["Message"], "back");
}

#[tokio::test]
async fn a_subscription_confirmed_so_is_unsubscribed_by_its_owners_only() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let subscription = f.try_subscribe(&arn, "https", HOOK, &[]).await.unwrap();
    f.deliver().await;
    let token = f.world.envelopes("hook.test")[0]["Token"].as_str().unwrap().to_owned();
    let input = ConfirmSubscriptionInput {
        topic_arn: arn.clone(),
        token,
        authenticate_on_unsubscribe: Some("true".to_owned()),
    };
    f.call(subscriptions::confirm_subscription, input).await.unwrap();
    let input = || UnsubscribeInput { subscription_arn: subscription.clone() };
    for stranger in [caller("000000000000", false), caller("999999999999", true)] {
        let refused = f.call_as(stranger, subscriptions::unsubscribe, input()).await.unwrap_err();
        assert_eq!(refused.0, "AuthorizationErrorException");
    }
    f.call(subscriptions::unsubscribe, input()).await.unwrap();
}

#[tokio::test]
async fn endpoints_that_cannot_be_are_refused() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let fifo = f.create_topic("o.fifo", &[("FifoTopic", "true")]).await;
    for (topic, protocol, endpoint, words) in [
        (&arn, "https", "http://hook.test", "Endpoint must match the specified protocol"),
        (&arn, "http", "http://127.0.0.1:4580/_nephoscope/clock", "administration"),
        (&arn, "http", "http://127.0.0.1/", "loopback"),
        (&arn, "sms", "+491", "cannot deliver by sms"),
        (&arn, "application", "arn", "cannot deliver by application"),
        (&arn, "pigeon", "x", "does not support this protocol string: pigeon"),
        (&arn, "sqs", "arn:aws:sqs:us-east-1:123456789012:q.fifo", "FIFO SQS Queues can not be subscribed"),
        (&fifo, "https", HOOK, "FIFO topics deliver to Amazon SQS queues only"),
    ] {
        let (exception, message) = f.try_subscribe(topic, protocol, endpoint, &[]).await.unwrap_err();
        assert_eq!(exception, "InvalidParameterException");
        assert!(message.contains(words), "{endpoint}: {message}");
    }
    assert_eq!(list(&f, &arn).await, Vec::<String>::new());
}

#[tokio::test]
async fn passwords_of_endpoints_are_not_shown() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let subscription = f.try_subscribe(&arn, "https", "https://me:secret@hook.test/sns", &[]).await.unwrap();
    let shown = f.subscription_attributes(&subscription).await.unwrap();
    assert_eq!(shown["Endpoint"], "https://me:****@hook.test/sns");
}

#[tokio::test]
async fn filter_policies_are_checked_with_their_scope() {
    let f = Fixture::new().await;
    let arn = topic(&f).await;
    let subscription =
        f.subscribe(&arn, "lambda", "arn:aws:lambda:us-east-1:123456789012:function:f", &[]).await;
    let set = async |name: &str, value: &str| {
        let input = SetSubscriptionAttributesInput {
            subscription_arn: subscription.clone(),
            attribute_name: name.to_owned(),
            attribute_value: Some(value.to_owned()),
        };
        f.call(subscriptions::set_subscription_attributes, input).await.map_err(|(_, message)| message)
    };
    let nested = r#"{"a":{"b":["c"]}}"#;
    assert!(set("FilterPolicy", nested).await.unwrap_err().contains("does not support nested"));
    set("FilterPolicyScope", "MessageBody").await.unwrap();
    set("FilterPolicy", nested).await.unwrap();
    assert_eq!(
        set("FilterPolicyScope", "Everything").await.unwrap_err(),
        "Invalid parameter: FilterPolicyScope: Invalid value [Everything]. Please use either MessageBody or MessageAttributes"
    );
    assert_eq!(
        set("FilterPolicy", r#"{"a":[]}"#).await.unwrap_err().lines().next(),
        Some("Invalid parameter: FilterPolicy: Empty arrays are not allowed")
    );
    assert_eq!(f.subscription_attributes(&subscription).await.unwrap()["FilterPolicy"], nested);
}

#[tokio::test]
async fn mails_link_to_pages() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[("DisplayName", "Ops <alarms>")]).await;
    f.try_subscribe(&arn, "email", "ops@example.com", &[]).await.unwrap();
    f.deliver().await;
    let mail = f.world.mails.lock()[0].clone();
    assert_eq!(mail.to, "ops@example.com");
    assert_eq!(mail.subject, "AWS Notification - Subscription Confirmation");
    let link =
        mail.body.lines().find(|line| line.starts_with("http://nephoscope.test/confirmation.html?")).unwrap();
    let query = link.split('?').nth(1);
    let page: Page = f.sns.page("/confirmation.html", query).await.unwrap();
    assert_eq!(page.status, 200);
    f.try_publish(&arn, "disk is full", |input| input.subject = Some("Disk".to_owned())).await.unwrap();
    f.deliver().await;
    let mail = f.world.mails.lock()[1].clone();
    assert_eq!((mail.subject.as_str(), mail.from_name.as_deref()), ("Disk", Some("Ops <alarms>")));
    assert!(mail.body.starts_with("disk is full\n"), "{}", mail.body);
    let out = mail.body.lines().find(|line| line.contains("/unsubscribe.html?")).unwrap();
    let page = f.sns.page("/unsubscribe.html", out.split('?').nth(1)).await.unwrap();
    assert!(page.body.contains("name=\"Action\" value=\"Unsubscribe\""));
    let bad = f.sns.page("/unsubscribe.html", Some("SubscriptionArn=<script>")).await.unwrap();
    assert!(bad.status == 400 && !bad.body.contains("<script>"));
    let bad = f.sns.page("/confirmation.html", Some("Token=1")).await.unwrap();
    assert_eq!(bad.status, 400);
}
