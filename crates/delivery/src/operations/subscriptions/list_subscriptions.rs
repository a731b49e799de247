//! ListSubscriptions and ListSubscriptionsByTopic: by topic and id, without those unsubscribed.

use std::ops::ControlFlow;

use catalog::{Prefix, RecordKey};
use shapes::sns::{
    ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse, ListSubscriptionsInput,
    ListSubscriptionsResponse, Subscription as Shown,
};
use smithy::Cx;

use super::super::{PAGE_SIZE, page_start, topic};
use crate::Sns;
use crate::error::SnsError;
use crate::subscription::{Subscription, all_subscriptions_of, place_of, subscription_arn, subscriptions_of};

pub(crate) async fn list_subscriptions(
    cx: Cx<Sns>,
    input: ListSubscriptionsInput,
) -> Result<ListSubscriptionsResponse, SnsError> {
    let prefix = all_subscriptions_of(cx.scope());
    let (subscriptions, next_token) = page(&cx, &prefix, "ListSubscriptions", input.next_token.as_deref())?;
    Ok(ListSubscriptionsResponse { subscriptions: Some(subscriptions), next_token })
}

pub(crate) async fn list_subscriptions_by_topic(
    cx: Cx<Sns>,
    input: ListSubscriptionsByTopicInput,
) -> Result<ListSubscriptionsByTopicResponse, SnsError> {
    let found = topic(&cx, &input.topic_arn, "ListSubscriptionsByTopic")?;
    let purpose = format!("ListSubscriptionsByTopic|{}", found.arn.text());
    let (subscriptions, next_token) =
        page(&cx, &subscriptions_of(&found.arn), &purpose, input.next_token.as_deref())?;
    Ok(ListSubscriptionsByTopicResponse { subscriptions: Some(subscriptions), next_token })
}

fn page(
    cx: &Cx<Sns>,
    prefix: &Prefix,
    purpose: &str,
    token: Option<&str>,
) -> Result<(Vec<Shown>, Option<String>), SnsError> {
    let start = page_start(purpose, token)?;
    let after = start.as_deref().and_then(|parts| match parts {
        [topic, id] => Some(RecordKey::new(cx.scope(), &[topic, id])),
        _ => None,
    });
    let mut shown = Vec::new();
    let mut last = None;
    let mut more = false;
    cx.service.subscriptions.scan(prefix, after.as_ref(), |key, subscription| {
        if subscription.is_deleted() {
            return ControlFlow::Continue(());
        }
        if shown.len() == PAGE_SIZE {
            more = true;
            return ControlFlow::Break(());
        }
        if let Some((topic, id)) = place_of(key) {
            shown.push(shape(&topic, &id, subscription));
            last = Some((topic.name, id));
        }
        ControlFlow::Continue(())
    });
    let next = last.filter(|_| more).map(|(topic, id)| base::page_token::encode(purpose, &[&topic, &id]));
    Ok((shown, next))
}

fn shape(topic: &crate::arn::TopicArn, id: &str, subscription: &Subscription) -> Shown {
    // AWS: the text stands where a pending subscription's ARN would.
    let arn = if subscription.is_pending() {
        "PendingConfirmation".to_owned()
    } else {
        subscription_arn(topic, id)
    };
    Shown {
        subscription_arn: Some(arn),
        owner: Some(subscription.owner.to_string()),
        protocol: Some(subscription.protocol.name().to_owned()),
        endpoint: Some(subscription.shown_endpoint()),
        topic_arn: Some(topic.text()),
    }
}
