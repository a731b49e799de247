//! Topics, attributes, policies, tags, listings.

use super::*;
use crate::operations::{permissions, subscriptions, tags, topics};

async fn attributes(f: &Fixture, arn: &str) -> BTreeMap<String, String> {
    let input = GetTopicAttributesInput { topic_arn: arn.to_owned() };
    f.call(topics::get_topic_attributes, input).await.unwrap().attributes.unwrap()
}

async fn set(f: &Fixture, arn: &str, name: &str, value: &str) -> Result<(), (String, String)> {
    let input = SetTopicAttributesInput {
        topic_arn: arn.to_owned(),
        attribute_name: name.to_owned(),
        attribute_value: Some(value.to_owned()),
    };
    f.call(topics::set_topic_attributes, input).await
}

async fn create(
    f: &Fixture,
    name: &str,
    given: &[(&str, &str)],
    given_tags: &[(&str, &str)],
) -> Result<String, String> {
    let tag = |(key, value): &(&str, &str)| Tag { key: (*key).to_owned(), value: (*value).to_owned() };
    let input = CreateTopicInput {
        name: name.to_owned(),
        attributes: (!given.is_empty()).then(|| map(given)),
        tags: (!given_tags.is_empty()).then(|| given_tags.iter().map(tag).collect()),
        ..CreateTopicInput::default()
    };
    f.call(topics::create_topic, input).await.map(|c| c.topic_arn.unwrap()).map_err(|(_, message)| message)
}

#[tokio::test]
async fn creating_a_topic_again_is_fine_when_it_is_the_same() {
    let f = Fixture::new().await;
    let arn = create(&f, "t", &[("DisplayName", "T")], &[("a", "1")]).await.unwrap();
    assert_eq!(arn, "arn:aws:sns:us-east-1:123456789012:t");
    assert_eq!(create(&f, "t", &[], &[]).await.unwrap(), arn);
    assert_eq!(create(&f, "t", &[("DisplayName", "T")], &[("a", "1")]).await.unwrap(), arn);
    for (given, given_tags, message) in [
        (
            &[("DisplayName", "U")][..],
            &[][..],
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
        ),
        (&[], &[("a", "2")], "Invalid parameter: Tags Reason: Topic already exists with different tags"),
        (&[], &[("a", "1"), ("a", "1")], "Invalid parameter: Duplicated keys are not allowed."),
    ] {
        assert_eq!(create(&f, "t", given, given_tags).await.unwrap_err(), message);
    }
    for name in ["", "a b", "t.fifo"] {
        assert_eq!(create(&f, name, &[], &[]).await.unwrap_err(), "Invalid parameter: Topic Name", "{name}");
    }
    assert!(create(&f, "t.fifo", &[("FifoTopic", "true")], &[]).await.is_ok());
    assert!(create(&f, "u", &[("FifoTopic", "true")], &[]).await.is_err());
}

#[tokio::test]
async fn attributes_are_shown_with_their_defaults() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let shown = attributes(&f, &arn).await;
    let names: Vec<&str> = shown.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "DisplayName",
            "EffectiveDeliveryPolicy",
            "Owner",
            "Policy",
            "SubscriptionsConfirmed",
            "SubscriptionsDeleted",
            "SubscriptionsPending",
            "TopicArn"
        ]
    );
    let policy: Value = serde_json::from_str(&shown["Policy"]).unwrap();
    assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceOwner"], ACCOUNT);
    assert_eq!(policy["Statement"][0]["Action"].as_array().unwrap().len(), 8);
    set(&f, &arn, "SignatureVersion", "2").await.unwrap();
    set(&f, &arn, "DisplayName", "Alarms").await.unwrap();
    let shown = attributes(&f, &arn).await;
    assert_eq!((shown["SignatureVersion"].as_str(), shown["DisplayName"].as_str()), ("2", "Alarms"));
    for (name, value) in [
        ("Colour", "red"),
        ("SignatureVersion", "3"),
        ("MaximumMessageSize", "10"),
        ("Policy", "{}"),
        ("DisplayName", &"x".repeat(101)),
        ("DeliveryPolicy", "{"),
        ("HTTPSuccessFeedbackSampleRate", "101"),
    ] {
        let (exception, message) = set(&f, &arn, name, value).await.unwrap_err();
        assert_eq!(exception, "InvalidParameterException", "{name}: {message}");
    }
    assert_eq!(attributes(&f, &arn).await, shown, "a refused change changes nothing");
    let missing = set(&f, "arn:aws:sns:us-east-1:123456789012:none", "DisplayName", "x").await;
    assert_eq!(missing.unwrap_err(), ("NotFoundException".to_owned(), "Topic does not exist".to_owned()));
}

#[tokio::test]
async fn other_accounts_act_when_the_policy_says_so() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let get = || GetTopicAttributesInput { topic_arn: arn.clone() };
    let other = caller("999999999999", true);
    let refused = f.call_as(other.clone(), topics::get_topic_attributes, get()).await.unwrap_err();
    assert_eq!(refused.0, "AuthorizationErrorException");
    let input = AddPermissionInput {
        topic_arn: arn.clone(),
        label: "share".to_owned(),
        aws_account_id: vec!["999999999999".to_owned()],
        action_name: vec!["GetTopicAttributes".to_owned()],
    };
    f.call(permissions::add_permission, input.clone()).await.unwrap();
    let again = f.call(permissions::add_permission, input).await.unwrap_err();
    assert_eq!(again.1, "Invalid parameter: Statement already exists");
    f.call_as(other.clone(), topics::get_topic_attributes, get()).await.unwrap();
    let input = RemovePermissionInput { topic_arn: arn.clone(), label: "share".to_owned() };
    f.call(permissions::remove_permission, input).await.unwrap();
    assert!(f.call_as(other, topics::get_topic_attributes, get()).await.is_err());
}

#[tokio::test]
async fn listings_have_pages() {
    let f = Fixture::new().await;
    for n in 0..101 {
        f.create_topic(&format!("t{n:03}"), &[]).await;
    }
    let first = f.call(topics::list_topics, ListTopicsInput { next_token: None }).await.unwrap();
    assert_eq!(first.topics.unwrap().len(), 100);
    assert!(first.next_token.is_some());
    let rest = f.call(topics::list_topics, ListTopicsInput { next_token: first.next_token }).await.unwrap();
    assert_eq!(rest.topics.unwrap()[0].topic_arn.as_deref(), Some("arn:aws:sns:us-east-1:123456789012:t100"));
    assert_eq!(rest.next_token, None);
    let bad = ListTopicsInput { next_token: Some("nonsense".to_owned()) };
    assert_eq!(f.call(topics::list_topics, bad).await.unwrap_err().0, "InvalidParameterException");
}

#[tokio::test]
async fn deleting_takes_the_subscriptions_along_and_may_be_repeated() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let subscription =
        f.subscribe(&arn, "lambda", "arn:aws:lambda:us-east-1:123456789012:function:f", &[]).await;
    f.publish(&arn, "never delivered").await;
    for _ in 0..2 {
        let input = DeleteTopicInput { topic_arn: arn.clone() };
        f.call(topics::delete_topic, input).await.unwrap();
    }
    assert_eq!(f.subscription_attributes(&subscription).await.unwrap_err().1, "Subscription does not exist");
    f.deliver().await;
    assert_eq!(f.world.calls.lock().len(), 0);
    assert_eq!(f.sns.backlog(), (0, 0));
    // A topic of the same name begins anew.
    f.create_topic("t", &[]).await;
    let input = ListSubscriptionsInput { next_token: None };
    let listed = f.call(subscriptions::list_subscriptions, input).await.unwrap();
    assert_eq!(listed.subscriptions.unwrap(), []);
}

#[tokio::test]
async fn tags() {
    let f = Fixture::new().await;
    let arn = f.create_topic("t", &[]).await;
    let tag = |key: &str| Tag { key: key.to_owned(), value: "v".to_owned() };
    let add = |list: Vec<Tag>| TagResourceRequest { resource_arn: arn.clone(), tags: list };
    f.call(tags::tag_resource, add(vec![tag("a"), tag("b")])).await.unwrap();
    let input = UntagResourceRequest { resource_arn: arn.clone(), tag_keys: vec!["a".to_owned()] };
    f.call(tags::untag_resource, input).await.unwrap();
    let list = || ListTagsForResourceRequest { resource_arn: arn.clone() };
    assert_eq!(f.call(tags::list_tags_for_resource, list()).await.unwrap().tags, Some(vec![tag("b")]));
    let many = (0..51).map(|n| tag(&n.to_string())).collect();
    assert_eq!(f.call(tags::tag_resource, add(many)).await.unwrap_err().0, "TagLimitExceededException");
    let none = ListTagsForResourceRequest { resource_arn: arn.replace(":t", ":none") };
    let (exception, message) = f.call(tags::list_tags_for_resource, none).await.unwrap_err();
    assert_eq!(
        (exception.as_str(), message.as_str()),
        ("ResourceNotFoundException", "Resource does not exist")
    );
}
