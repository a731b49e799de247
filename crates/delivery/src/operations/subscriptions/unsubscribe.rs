//! Unsubscribe: also by the link of the message, unsigned, unless the subscription forbids it.

use catalog::CommitError;
use shapes::sns::UnsubscribeInput;
use smithy::Cx;

use crate::Sns;
use crate::arn::SubscriptionArn;
use crate::error::SnsError;
use crate::outbox::ParcelKind;
use crate::subscription::{State, Subscription, TOKEN_LIFE, subscription_key, token};

pub(crate) async fn unsubscribe(cx: Cx<Sns>, input: UnsubscribeInput) -> Result<(), SnsError> {
    let is_signed = cx.caller.principal.access_key_id.is_some();
    let region = is_signed.then(|| &cx.scope().region);
    let arn = SubscriptionArn::parse(&input.subscription_arn, region)?;
    let sns = &cx.service;
    let _alone = sns.locks.lock(&arn.topic).await;
    let current = match sns.subscription(&arn) {
        // N16.
        Err(SnsError::SubscriptionMissing) => return Ok(()),
        current => current?,
    };
    let account = &cx.scope().account;
    let is_owner = is_signed && (*account == current.owner || *account == arn.topic.scope.account);
    let may = if is_signed { is_owner } else { !current.authenticate_on_unsubscribe };
    if !may {
        // AWS: only the owners of topic and subscription, if the subscription was confirmed so.
        return Err(SnsError::NotAuthorized(format!(
            "User: {} is not authorized to perform: SNS:Unsubscribe on resource: {}",
            if is_signed { cx.caller.principal.arn.as_str() } else { "anonymous" },
            input.subscription_arn
        )));
    }
    let key = subscription_key(&arn.topic, &arn.id);
    let topic = sns.topic(&arn.topic)?;
    let transaction = sns.catalog.transaction();
    let is_told =
        current.protocol.is_http() && current.is_confirmed() && sns.targets.find(&current.endpoint).is_none();
    let token = token::new(&arn.id, sns.entropy.as_ref());
    let record = Subscription {
        state: State::Deleted { token, expires: cx.now + TOKEN_LIFE },
        ..Subscription::clone(&current)
    };
    let transaction = transaction.update(&sns.subscriptions, key, current.version, record);
    let committed = if is_told {
        let (key, parcel) =
            sns.confirmation_parcel(&topic, &arn.id, ParcelKind::UnsubscribeConfirmation, cx.now);
        let committed = transaction.insert(&sns.outbox.parcels, key.clone(), parcel.clone()).commit().await;
        if committed.is_ok() {
            sns.post(key, &parcel);
        }
        committed
    } else {
        transaction.commit().await
    };
    match committed {
        Ok(_) | Err(CommitError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
