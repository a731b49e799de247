//! Actions of alarms: a topic's message goes into the outbox, everything else to the endpoint configured for its
//! ARN. An action without one is an error the alarm's history shows.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use signals::{AlarmAction, AlarmActionSink, TargetError};

use crate::Sns;
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::message::{NewMessage, PublishParts};
use crate::target::Note;

/// Takes actions of alarms.
pub struct AlarmActions {
    sns: Arc<Sns>,
}

impl AlarmActions {
    pub fn new(sns: Arc<Sns>) -> Arc<Self> {
        Arc::new(Self { sns })
    }

    async fn publish(&self, action: AlarmAction) -> Result<(), TargetError> {
        let refused = |error: SnsError| TargetError::Refused(error.to_string());
        let arn = TopicArn::parse(&action.action_arn, None).map_err(refused)?;
        let alarm_arn = action.scope.arn("cloudwatch", &format!("alarm:{}", action.alarm_name));
        let topic =
            self.sns.topic_for(&arn, &action.scope.account, &alarm_arn, "Publish").map_err(refused)?;
        // AWS: alarms of one name keep their order on FIFO topics; the group is a hash of the alarm's ARN.
        let is_fifo = topic.record.is_fifo();
        let parts = PublishParts {
            message: action.message,
            subject: Some(action.subject).filter(|subject| !subject.is_empty()),
            group_id: is_fifo.then(|| hex_hash(&alarm_arn)),
            deduplication_id: is_fifo.then(|| hex_hash(&action.id)),
            ..PublishParts::default()
        };
        let message = NewMessage::checked(parts, &topic.record).map_err(refused)?;
        let now = self.sns.clock.now();
        match self.sns.publish(&topic, message, now, Some(&hex_hash(&action.id))).await {
            Ok(_) => Ok(()),
            Err(error @ (SnsError::OutboxFull | SnsError::Conflict | SnsError::Catalog(_))) => {
                Err(TargetError::Unavailable(error.to_string()))
            }
            Err(error) => Err(refused(error)),
        }
    }
}

#[async_trait]
impl AlarmActionSink for AlarmActions {
    async fn act(&self, action: AlarmAction) -> Result<(), TargetError> {
        if action.action_arn.split(':').nth(2) == Some("sns") {
            return self.publish(action).await;
        }
        let note = Note {
            subject: Some(action.subject),
            message: action.message,
            source: action.action_arn.clone(),
            id: action.id,
        };
        self.sns.targets.invoke(&action.action_arn, Bytes::from(action.event), note).await.map(drop)
    }
}

fn hex_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
