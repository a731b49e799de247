//! AddPermission and RemovePermission: statements of a topic's policy by their labels.

use shapes::sns::{AddPermissionInput, RemovePermissionInput};
use smithy::Cx;

use super::topic;
use crate::Sns;
use crate::error::SnsError;
use crate::topic::{FoundTopic, Topic, policy};

const LABEL_CHARACTERS_MAX: usize = 80;

pub(crate) async fn add_permission(cx: Cx<Sns>, input: AddPermissionInput) -> Result<(), SnsError> {
    let found = topic(&cx, &input.topic_arn, "AddPermission")?;
    let AddPermissionInput { label, aws_account_id, action_name, .. } = input;
    let is_label = (1..=LABEL_CHARACTERS_MAX).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_label {
        return Err(SnsError::invalid("Label"));
    }
    change(&cx, &found, |topic| policy::with_permission(topic, &label, &aws_account_id, &action_name)).await
}

pub(crate) async fn remove_permission(cx: Cx<Sns>, input: RemovePermissionInput) -> Result<(), SnsError> {
    let found = topic(&cx, &input.topic_arn, "RemovePermission")?;
    change(&cx, &found, |topic| Ok(policy::without_permission(topic, &input.label))).await
}

async fn change(
    cx: &Cx<Sns>,
    found: &FoundTopic,
    new_policy: impl Fn(&FoundTopic) -> Result<String, SnsError>,
) -> Result<(), SnsError> {
    let apply = |topic: &mut Topic| {
        let current = FoundTopic {
            arn: found.arn.clone(),
            record: catalog::Versioned { version: 0, record: topic.clone().into() },
        };
        topic.attributes.insert("Policy".to_owned(), new_policy(&current)?);
        Ok::<(), SnsError>(())
    };
    cx.service.topics.update(&found.key(), apply).await?;
    Ok(())
}
