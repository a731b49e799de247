//! Publish: a message for everybody who subscribed.

use shapes::sns::{PublishInput, PublishResponse};
use smithy::Cx;

use super::super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::message::{NewMessage, PublishParts, sequence_text};

pub(crate) async fn publish(cx: Cx<Sns>, input: PublishInput) -> Result<PublishResponse, SnsError> {
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let receivers = [&input.topic_arn, &input.target_arn, &input.phone_number];
    let arn = match receivers.map(given) {
        [true, false, false] => input.topic_arn.clone().unwrap_or_default(),
        [false, true, false] => {
            let arn = input.target_arn.clone().unwrap_or_default();
            if arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("endpoint/")) {
                return Err(SnsError::invalid(
                    "TargetArn Reason: this server cannot deliver to mobile applications",
                ));
            }
            arn
        }
        [false, false, true] => {
            return Err(SnsError::invalid("PhoneNumber Reason: this server cannot deliver by sms"));
        }
        [false, false, false] => {
            return Err(SnsError::invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
        _ => {
            return Err(SnsError::invalid(
                "TopicArn Reason: exactly one of TopicArn, TargetArn and PhoneNumber must be given",
            ));
        }
    };
    let found = topic(&cx, &arn, "Publish")?;
    let parts = PublishParts {
        message: input.message,
        subject: input.subject,
        structure: input.message_structure,
        attributes: input.message_attributes,
        group_id: input.message_group_id,
        deduplication_id: input.message_deduplication_id,
    };
    let message = NewMessage::checked(parts, &found.record)?;
    let published = cx.service.publish(&found, message, cx.now, None).await?;
    Ok(PublishResponse {
        message_id: Some(published.message_id),
        sequence_number: published.sequence.map(sequence_text),
    })
}
