//! DeleteTopic: the topic and its subscriptions. Unknown topics are fine.

use catalog::CommitError;
use shapes::sns::DeleteTopicInput;
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::subscription::subscriptions_of;

pub(crate) async fn delete_topic(cx: Cx<Sns>, input: DeleteTopicInput) -> Result<(), SnsError> {
    for _ in 0..20 {
        let found = match topic(&cx, &input.topic_arn, "DeleteTopic") {
            Err(SnsError::TopicMissing) => return Ok(()),
            found => found?,
        };
        let _alone = cx.service.locks.lock(&found.arn).await;
        // What waits in the outbox finds its subscription gone and is dropped there.
        let deleted = cx
            .service
            .catalog
            .transaction()
            .delete(&cx.service.topics, found.key(), found.record.version)
            .delete_all(&cx.service.subscriptions, subscriptions_of(&found.arn))
            .commit()
            .await;
        match deleted {
            Ok(_) => return Ok(()),
            Err(CommitError::Missing { .. } | CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(SnsError::Conflict)
}
