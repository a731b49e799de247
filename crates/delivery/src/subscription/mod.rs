//! Subscriptions: their records, states, attributes and tokens.

pub(crate) mod attributes;
mod filters;
mod protocol;
pub(crate) mod token;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use base::{AccountId, Scope, Timestamp};
use catalog::{Entry, Prefix, Record, RecordKey, Versioned};
use serde::{Deserialize, Serialize};

use crate::Sns;
use crate::arn::{SubscriptionArn, TopicArn};
use crate::error::SnsError;
use crate::topic::attributes::Counts;

pub(crate) use filters::Filters;
pub(crate) use protocol::{Protocol, check_endpoint};

/// Subscriptions of a topic. AWS allows more; here each is in memory and gets a record of every message.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 10_000;
/// AWS: tokens are valid for two days.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(2 * 86_400);

/// What is kept of a subscription; topic and id are in the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) protocol: Protocol,
    pub(crate) endpoint: String,
    pub(crate) owner: AccountId,
    /// Who subscribed.
    pub(crate) principal: String,
    pub(crate) created: Timestamp,
    pub(crate) state: State,
    pub(crate) attributes: BTreeMap<String, String>,
    /// Whether the confirmation was signed.
    pub(crate) confirmation_was_authenticated: bool,
    /// Whether only its owners may unsubscribe it.
    pub(crate) authenticate_on_unsubscribe: bool,
}

impl Record for Subscription {
    const COLLECTION: &'static str = "sns_subscription";
    const VERSION: u32 = 1;
}

/// Where a subscription is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Waits for its token to come back.
    Pending { token: String, expires: Timestamp },
    /// `token` is the one it was confirmed with, if there was one.
    Confirmed { token: Option<String> },
    /// Unsubscribed; the token, sent to the endpoint, brings it back.
    Deleted { token: String, expires: Timestamp },
}

impl Subscription {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The endpoint as it is shown.
    pub(crate) fn shown_endpoint(&self) -> String {
        // AWS: a password in the URL is sent to the endpoint and shown as asterisks
        // (sns-http-https-endpoint-as-subscriber, "authentication").
        match url::Url::parse(&self.endpoint) {
            Ok(mut url) if self.protocol.is_http() && url.password().is_some() => {
                let _ = url.set_password(Some("****"));
                url.to_string()
            }
            _ => self.endpoint.clone(),
        }
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.attribute("RawMessageDelivery") == Some("true")
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        matches!(self.state, State::Confirmed { .. })
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending { .. })
    }

    pub(crate) fn is_deleted(&self) -> bool {
        matches!(self.state, State::Deleted { .. })
    }

    /// The queue that gets what can't be delivered.
    pub(crate) fn dead_letter_queue(&self) -> Option<String> {
        let policy: serde_json::Value = serde_json::from_str(self.attribute("RedrivePolicy")?).ok()?;
        policy["deadLetterTargetArn"].as_str().map(str::to_owned)
    }
}

pub(crate) fn subscription_key(topic: &TopicArn, id: &str) -> RecordKey {
    RecordKey::new(&topic.scope, &[&topic.name, id])
}

pub(crate) fn subscriptions_of(topic: &TopicArn) -> Prefix {
    Prefix::new(&topic.scope, &[&topic.name])
}

pub(crate) fn all_subscriptions_of(scope: &Scope) -> Prefix {
    Prefix::new(scope, &[])
}

pub(crate) fn subscription_arn(topic: &TopicArn, id: &str) -> String {
    format!("{}:{id}", topic.text())
}

/// Topic and id in a subscription's key.
pub(crate) fn place_of(key: &RecordKey) -> Option<(TopicArn, String)> {
    let scope = key.scope()?;
    let mut parts = key.parts();
    let id = parts.pop()?;
    let name = parts.pop()?;
    Some((TopicArn { scope, name }, id))
}

impl Sns {
    /// A subscription that isn't deleted.
    pub(crate) fn subscription(&self, arn: &SubscriptionArn) -> Result<Versioned<Subscription>, SnsError> {
        self.subscriptions
            .get(&subscription_key(&arn.topic, &arn.id))
            .filter(|subscription| !subscription.is_deleted())
            .ok_or(SnsError::SubscriptionMissing)
    }

    /// The subscription of this protocol and endpoint that isn't deleted.
    pub(crate) fn subscription_to(
        &self,
        topic: &TopicArn,
        protocol: Protocol,
        endpoint: &str,
    ) -> Option<Entry<Subscription>> {
        let mut found = None;
        self.subscriptions.scan(&subscriptions_of(topic), None, |key, value| {
            if value.protocol == protocol && value.endpoint == endpoint && !value.is_deleted() {
                found = Some(Entry { key: key.clone(), value: value.clone() });
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }

    pub(crate) fn counts(&self, topic: &TopicArn) -> Counts {
        let mut counts = Counts::default();
        self.subscriptions.scan(&subscriptions_of(topic), None, |_, value| {
            match value.state {
                State::Pending { .. } => counts.pending += 1,
                State::Confirmed { .. } => counts.confirmed += 1,
                State::Deleted { .. } => counts.deleted += 1,
            }
            ControlFlow::Continue(())
        });
        counts
    }
}
