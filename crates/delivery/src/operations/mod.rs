//! The operations of the service, one file each under AWS's noun.

pub(crate) mod messages;
pub(crate) mod permissions;
pub(crate) mod subscriptions;
pub(crate) mod tags;
pub(crate) mod topics;

use std::sync::Arc;

use shapes::sns::SERVICE;
use shapes::sns::operations::*;
use smithy::{Cx, ServiceTable};

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::topic::FoundTopic;

/// AWS: listings have 100 entries a page.
const PAGE_SIZE: usize = 100;

/// Every operation that is served.
pub fn table(sns: Arc<Sns>) -> ServiceTable {
    ServiceTable::builder(&SERVICE, sns)
        .on(CreateTopic, topics::create_topic)
        .on(DeleteTopic, topics::delete_topic)
        .on(ListTopics, topics::list_topics)
        .on(GetTopicAttributes, topics::get_topic_attributes)
        .on(SetTopicAttributes, topics::set_topic_attributes)
        .on(Subscribe, subscriptions::subscribe)
        .on(ConfirmSubscription, subscriptions::confirm_subscription)
        .on(Unsubscribe, subscriptions::unsubscribe)
        .on(ListSubscriptions, subscriptions::list_subscriptions)
        .on(ListSubscriptionsByTopic, subscriptions::list_subscriptions_by_topic)
        .on(GetSubscriptionAttributes, subscriptions::get_subscription_attributes)
        .on(SetSubscriptionAttributes, subscriptions::set_subscription_attributes)
        .on(Publish, messages::publish)
        .on(PublishBatch, messages::publish_batch)
        .on(AddPermission, permissions::add_permission)
        .on(RemovePermission, permissions::remove_permission)
        .on(TagResource, tags::tag_resource)
        .on(UntagResource, tags::untag_resource)
        .on(ListTagsForResource, tags::list_tags_for_resource)
        .build()
}

/// The topic of a request, if the caller may do `action`.
fn topic(cx: &Cx<Sns>, arn: &str, action: &str) -> Result<FoundTopic, SnsError> {
    let arn = TopicArn::parse(arn, Some(&cx.scope().region))?;
    cx.service.topic_for(&arn, &cx.scope().account, &cx.caller.principal.arn, action)
}

/// The last key of the page before, from a token bound to `purpose`.
fn page_start(purpose: &str, token: Option<&str>) -> Result<Option<Vec<String>>, SnsError> {
    token
        .filter(|token| !token.is_empty())
        .map(|token| {
            base::page_token::decode(purpose, token)
                .map_err(|_| SnsError::invalid("NextToken Reason: Invalid or expired token"))
        })
        .transpose()
}
