//! Subscriptions.

mod confirm_subscription;
mod get_subscription_attributes;
mod list_subscriptions;
mod set_subscription_attributes;
mod subscribe;
mod unsubscribe;

pub(crate) use confirm_subscription::confirm_subscription;
pub(crate) use get_subscription_attributes::get_subscription_attributes;
pub(crate) use list_subscriptions::{list_subscriptions, list_subscriptions_by_topic};
pub(crate) use set_subscription_attributes::set_subscription_attributes;
pub(crate) use subscribe::subscribe;
pub(crate) use unsubscribe::unsubscribe;

use smithy::Cx;

use crate::Sns;
use crate::arn::SubscriptionArn;
use crate::error::SnsError;
use crate::subscription::Subscription;

/// A subscription's attributes are for its owner and the topic's.
fn check_owner(
    cx: &Cx<Sns>,
    arn: &SubscriptionArn,
    subscription: &Subscription,
    action: &str,
) -> Result<(), SnsError> {
    let account = &cx.scope().account;
    if *account == subscription.owner || *account == arn.topic.scope.account {
        return Ok(());
    }
    Err(SnsError::NotAuthorized(format!(
        "User: {} is not authorized to perform: SNS:{action} on resource: {}",
        cx.caller.principal.arn,
        arn.topic.text()
    )))
}
