//! SetSubscriptionAttributes: one attribute.

use catalog::UpdateError;
use shapes::sns::SetSubscriptionAttributesInput;
use smithy::Cx;

use crate::Sns;
use crate::arn::SubscriptionArn;
use crate::error::SnsError;
use crate::subscription::attributes::{Told, checked};
use crate::subscription::{Subscription, subscription_key};

pub(crate) async fn set_subscription_attributes(
    cx: Cx<Sns>,
    input: SetSubscriptionAttributesInput,
) -> Result<(), SnsError> {
    let arn = SubscriptionArn::parse(&input.subscription_arn, Some(&cx.scope().region))?;
    let sns = &cx.service;
    let current = sns.subscription(&arn)?;
    super::check_owner(&cx, &arn, &current, "SetSubscriptionAttributes")?;
    let (name, value) = (input.attribute_name, input.attribute_value.unwrap_or_default());
    if name == "FilterPolicy" && !value.is_empty() && current.attribute("FilterPolicy").is_none() {
        let topic = sns.topic(&arn.topic)?;
        super::subscribe::check_policy_quota(sns, &topic)?;
    }
    let change = |subscription: &mut Subscription| {
        if subscription.is_deleted() {
            return Err(SnsError::SubscriptionMissing);
        }
        let mut attributes = subscription.attributes.clone();
        attributes.insert(name.clone(), value.clone());
        subscription.attributes = checked(&attributes, subscription.protocol, Told::Setting)?;
        Ok(())
    };
    match sns.subscriptions.update(&subscription_key(&arn.topic, &arn.id), change).await {
        Ok(_) => Ok(()),
        Err(UpdateError::Missing) => Err(SnsError::SubscriptionMissing),
        Err(error) => Err(error.into()),
    }
}
