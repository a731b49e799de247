//! ConfirmSubscription: an endpoint shows the token it was sent. Also by the link of the message, unsigned.

use std::ops::ControlFlow;

use base::{AccountId, Timestamp};
use shapes::sns::{ConfirmSubscriptionInput, ConfirmSubscriptionResponse};
use smithy::Cx;

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::subscription::{
    State, Subscription, all_subscriptions_of, place_of, subscription_arn, subscription_key, token,
};

pub(crate) async fn confirm_subscription(
    cx: Cx<Sns>,
    input: ConfirmSubscriptionInput,
) -> Result<ConfirmSubscriptionResponse, SnsError> {
    let is_signed = cx.caller.principal.access_key_id.is_some();
    let signer = is_signed.then(|| cx.scope().account.clone());
    let arn = cx.service.confirm(input, signer.as_ref(), cx.now).await?;
    Ok(ConfirmSubscriptionResponse { subscription_arn: Some(arn) })
}

impl Sns {
    /// The ARN of the confirmed subscription. `signer` is there if the confirmation is signed.
    pub(crate) async fn confirm(
        &self,
        input: ConfirmSubscriptionInput,
        signer: Option<&AccountId>,
        now: Timestamp,
    ) -> Result<String, SnsError> {
        let flag = input.authenticate_on_unsubscribe.as_deref().unwrap_or("false");
        let authenticate = match flag {
            "true" => true,
            "false" | "" => false,
            _ => return Err(SnsError::invalid("AuthenticateOnUnsubscribe")),
        };
        let topic = TopicArn::parse(&input.topic_arn, None)?;
        let id = token::id_of(&input.token).ok_or_else(|| SnsError::invalid("Token"))?;
        self.topic(&topic)?;
        let key = subscription_key(&topic, &id);
        let _alone = self.locks.lock(&topic).await;
        let Some(current) = self.subscriptions.get(&key) else {
            return Err(self.other_topic(&topic, &id, &input.token));
        };
        let arn = subscription_arn(&topic, &id);
        match &current.state {
            State::Confirmed { token: Some(used) } if token::same(used, &input.token) => return Ok(arn),
            State::Pending { token, expires } | State::Deleted { token, expires }
                if token::same(token, &input.token) && now < *expires => {}
            _ => return Err(SnsError::Invalid("Invalid token".into())),
        }
        // Somebody may have subscribed the endpoint anew since it left.
        let twin = self.subscription_to(&topic, current.protocol, &current.endpoint);
        if current.is_deleted()
            && let Some((topic, id)) = twin.and_then(|twin| place_of(&twin.key))
        {
            return Ok(subscription_arn(&topic, &id));
        }
        let record = Subscription {
            state: State::Confirmed { token: Some(input.token) },
            confirmation_was_authenticated: signer.is_some(),
            authenticate_on_unsubscribe: authenticate && signer.is_some(),
            ..Subscription::clone(&current)
        };
        self.catalog.transaction().update(&self.subscriptions, key, current.version, record).commit().await?;
        Ok(arn)
    }

    /// A token of another topic is told from one that never was.
    fn other_topic(&self, topic: &TopicArn, id: &str, token: &str) -> SnsError {
        let mut is_other = false;
        self.subscriptions.scan(&all_subscriptions_of(&topic.scope), None, |key, subscription| {
            let known = match &subscription.state {
                State::Pending { token, .. } | State::Deleted { token, .. } => Some(token),
                State::Confirmed { token } => token.as_ref(),
            };
            is_other = place_of(key).is_some_and(|(_, other)| other == id)
                && known.is_some_and(|known| token::same(known, token));
            if is_other { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if is_other { SnsError::invalid("Topic") } else { SnsError::Invalid("Invalid token".into()) }
    }
}
