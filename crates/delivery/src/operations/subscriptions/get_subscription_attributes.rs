//! GetSubscriptionAttributes.

use shapes::sns::{GetSubscriptionAttributesInput, GetSubscriptionAttributesResponse};
use smithy::Cx;

use crate::Sns;
use crate::arn::SubscriptionArn;
use crate::error::SnsError;
use crate::subscription::attributes;

pub(crate) async fn get_subscription_attributes(
    cx: Cx<Sns>,
    input: GetSubscriptionAttributesInput,
) -> Result<GetSubscriptionAttributesResponse, SnsError> {
    let arn = SubscriptionArn::parse(&input.subscription_arn, Some(&cx.scope().region))?;
    let subscription = cx.service.subscription(&arn)?;
    super::check_owner(&cx, &arn, &subscription, "GetSubscriptionAttributes")?;
    let topic = cx.service.topic(&arn.topic).map_err(|_| SnsError::SubscriptionMissing)?;
    let shown = attributes::shown(&topic, &arn.id, &subscription);
    Ok(GetSubscriptionAttributesResponse { attributes: Some(shown) })
}
