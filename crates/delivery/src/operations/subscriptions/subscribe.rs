//! Subscribe: an endpoint asks for a topic's messages. Endpoints outside AWS's forms confirm first.

use std::collections::BTreeMap;

use catalog::Entry;
use shapes::sns::{SubscribeInput, SubscribeResponse};
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::outbox::ParcelKind;
use crate::subscription::attributes::{Told, checked};
use crate::subscription::{
    Protocol, SUBSCRIPTIONS_MAX, State, Subscription, TOKEN_LIFE, check_endpoint, place_of, subscription_arn,
    subscription_key, subscriptions_of, token,
};
use crate::topic::FoundTopic;

/// AWS: filter policies of a topic and of an account (subscription-filter-policy-constraints).
const TOPIC_POLICIES_MAX: usize = 200;
const ACCOUNT_POLICIES_MAX: usize = 10_000;

pub(crate) async fn subscribe(cx: Cx<Sns>, input: SubscribeInput) -> Result<SubscribeResponse, SnsError> {
    let found = topic(&cx, &input.topic_arn, "Subscribe")?;
    let protocol = Protocol::parse(&input.protocol)?;
    let endpoint = input.endpoint.unwrap_or_default();
    let sns = &cx.service;
    check_endpoint(protocol, &endpoint, sns.endpoint_rules, sns.mail.is_some())?;
    check_topic_takes(&found, protocol, &endpoint)?;
    let given = input.attributes.unwrap_or_default();
    let attributes = checked(&given, protocol, Told::Subscribing)?;
    let _alone = sns.locks.lock(&found.arn).await;
    let (id, is_pending) = match sns.subscription_to(&found.arn, protocol, &endpoint) {
        Some(existing) => again(&cx, &found, existing, &given, &attributes).await?,
        None => anew(&cx, &found, protocol, endpoint, attributes).await?,
    };
    let arn = if is_pending && input.return_subscription_arn != Some(true) {
        // AWS: the text stands where the ARN would (N1).
        "pending confirmation".to_owned()
    } else {
        subscription_arn(&found.arn, &id)
    };
    Ok(SubscribeResponse { subscription_arn: Some(arn) })
}

/// FIFO topics deliver to queues only, and standard topics not to FIFO queues
/// (sns-fifo-topics, API_Subscribe.html).
fn check_topic_takes(topic: &FoundTopic, protocol: Protocol, endpoint: &str) -> Result<(), SnsError> {
    if topic.record.is_fifo() && protocol != Protocol::Sqs {
        return Err(SnsError::invalid(format!(
            "Protocol Reason: FIFO topics deliver to Amazon SQS queues only, not by {}",
            protocol.name()
        )));
    }
    if !topic.record.is_fifo() && protocol == Protocol::Sqs && endpoint.ends_with(".fifo") {
        return Err(SnsError::invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ));
    }
    Ok(())
}

/// The endpoint has a subscription: the same one, whose confirmation is sent again if it is still pending.
async fn again(
    cx: &Cx<Sns>,
    topic: &FoundTopic,
    existing: Entry<Subscription>,
    given: &BTreeMap<String, String>,
    attributes: &BTreeMap<String, String>,
) -> Result<(String, bool), SnsError> {
    let is_same = |name: &String| match (existing.attributes.get(name), attributes.get(name)) {
        (None, Some(value)) if name == "RawMessageDelivery" => value == "false",
        (Some(value), None) if name == "RawMessageDelivery" => value == "false",
        (kept, new) => kept == new,
    };
    if !given.keys().all(is_same) {
        return Err(SnsError::invalid(
            "Attributes Reason: Subscription already exists with different attributes",
        ));
    }
    let (_, id) = place_of(&existing.key).ok_or(SnsError::SubscriptionMissing)?;
    let State::Pending { token, .. } = &existing.state else { return Ok((id, false)) };
    let expires = cx.now + TOKEN_LIFE;
    let record = Subscription {
        state: State::Pending { token: token.clone(), expires },
        ..Subscription::clone(&existing.value.record)
    };
    let sns = &cx.service;
    let (key, parcel) = sns.confirmation_parcel(topic, &id, ParcelKind::SubscriptionConfirmation, cx.now);
    sns.catalog
        .transaction()
        .update(&sns.subscriptions, existing.key.clone(), existing.value.version, record)
        .insert(&sns.outbox.parcels, key.clone(), parcel.clone())
        .commit()
        .await?;
    sns.post(key, &parcel);
    Ok((id, true))
}

async fn anew(
    cx: &Cx<Sns>,
    topic: &FoundTopic,
    protocol: Protocol,
    endpoint: String,
    attributes: BTreeMap<String, String>,
) -> Result<(String, bool), SnsError> {
    let sns = &cx.service;
    if sns.subscriptions.count(&subscriptions_of(&topic.arn)) >= SUBSCRIPTIONS_MAX {
        return Err(SnsError::TooManySubscriptions(SUBSCRIPTIONS_MAX));
    }
    if attributes.contains_key("FilterPolicy") {
        check_policy_quota(sns, topic)?;
    }
    let id = sns.entropy.uuid().to_string();
    let must_confirm = must_confirm(cx, protocol, &endpoint);
    let state = if must_confirm {
        let token = token::new(&id, sns.entropy.as_ref());
        State::Pending { token, expires: cx.now + TOKEN_LIFE }
    } else {
        State::Confirmed { token: None }
    };
    let record = Subscription {
        protocol,
        endpoint,
        owner: cx.scope().account.clone(),
        principal: cx.caller.principal.arn.clone(),
        created: cx.now,
        state,
        attributes,
        confirmation_was_authenticated: !must_confirm,
        authenticate_on_unsubscribe: false,
    };
    let key = subscription_key(&topic.arn, &id);
    let transaction = sns
        .catalog
        .transaction()
        .require(&sns.topics, topic.key(), topic.record.version)
        .insert(&sns.subscriptions, key, record);
    if must_confirm {
        let (key, parcel) = sns.confirmation_parcel(topic, &id, ParcelKind::SubscriptionConfirmation, cx.now);
        transaction.insert(&sns.outbox.parcels, key.clone(), parcel.clone()).commit().await?;
        sns.post(key, &parcel);
    } else {
        transaction.commit().await?;
    }
    Ok((id, must_confirm))
}

/// Endpoints of the same account within AWS are confirmed at once; so are those the configuration speaks for.
fn must_confirm(cx: &Cx<Sns>, protocol: Protocol, endpoint: &str) -> bool {
    match protocol {
        Protocol::Http | Protocol::Https => cx.service.targets.find(endpoint).is_none(),
        Protocol::Email | Protocol::EmailJson => true,
        Protocol::Sqs => {
            base::Arn::parse(endpoint).map_or(true, |arn| arn.account != cx.scope().account.as_str())
        }
        Protocol::Lambda | Protocol::Firehose => false,
    }
}

pub(super) fn check_policy_quota(sns: &Sns, topic: &FoundTopic) -> Result<(), SnsError> {
    let policies = |prefix: &catalog::Prefix| {
        let mut count = 0;
        sns.subscriptions.scan(prefix, None, |_, subscription| {
            count += usize::from(subscription.attribute("FilterPolicy").is_some());
            std::ops::ControlFlow::Continue(())
        });
        count
    };
    if policies(&subscriptions_of(&topic.arn)) >= TOPIC_POLICIES_MAX {
        return Err(SnsError::TooManyFilterPolicies("Limit of 200 filter policies per topic exceeded"));
    }
    if policies(&crate::subscription::all_subscriptions_of(&topic.arn.scope)) >= ACCOUNT_POLICIES_MAX {
        return Err(SnsError::TooManyFilterPolicies("Limit of 10000 filter policies per account exceeded"));
    }
    Ok(())
}
